#pragma once
#include <optional>
#include <string_view>

#include "rules/tokens.hpp"

namespace pgswitch::rules {

/// The token of `text` that names the prepared statement `name` behind EXECUTE or DEALLOCATE [PREPARE]; `name` is as the
/// parser has it (Statement::prepared): in lower case or unquoted, cut to 63 bytes.
std::optional<Token> find_prepared_name(std::string_view text, std::string_view name, TokenOptions options = {});

}  // namespace pgswitch::rules
