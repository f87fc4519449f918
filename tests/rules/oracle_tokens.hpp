#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pgswitch::rules {

/// Begin and end of tokens in a text, comments included.
using Places = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

/// The tokens that PostgreSQL's own lexer finds, as libpg_query exports it; nothing when it refuses the text. Where it is wrong: U&'' and
/// U&"" end too early (is_unicode_token), and a string does not go on behind a line comment.
std::optional<Places> oracle_tokens(const std::string& sql);

bool is_unicode_token(const std::string& sql, std::uint64_t begin);

}  // namespace pgswitch::rules
