#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "rules/decision.hpp"
#include "rules/tokens.hpp"

namespace pgswitch::rules::redshift {

/// Why a literal has no value, or none that Redshift can be told.
struct LiteralFault {
  Refusal refusal;
  std::uint32_t at = 0;  ///< byte of the token
};

/// Well-formed UTF-8 (RFC 3629) without NUL.
bool is_utf8(std::string_view text);

/// Appends what PostgreSQL 15 (src/backend/parser/scan.l, parser.c) makes of a token: a string of any kind with its continuations, or an
/// identifier in quotes. `escape`: the character of UESCAPE. The token must be one that TokenReader found, with an end, in UTF-8.
std::optional<LiteralFault> literal_value(TokenType type, std::string_view token, bool standard_conforming_strings, char escape, std::string& value);

}  // namespace pgswitch::rules::redshift
