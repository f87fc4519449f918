#include "rules/tree_tokens.hpp"

#include <algorithm>

#include "rules/analyze_variables.hpp"

namespace pgswitch::rules {
namespace {

constexpr std::size_t longest_name = 63;  // NAMEDATALEN

std::string undoubled(std::string_view quoted) {
  std::string name;
  for (std::size_t i = 1; i + 1 < quoted.size(); ++i) {
    name += quoted[i];
    if (quoted[i] == '"') ++i;
  }
  return name;
}

/// The parser cuts names.
bool is_same_name(std::string_view written, std::string_view parsed) {
  return written == parsed || (written.size() > longest_name && parsed.size() > longest_name - 4 && written.starts_with(parsed));
}

}  // namespace

TreeTokens::TreeTokens(std::string_view text, TokenOptions options) : text_(text) {
  TokenReader reader(text, options);
  for (Token token = reader.next(); token.type != TokenType::end; token = reader.next()) tokens_.push_back(token);
}

std::uint32_t TreeTokens::at(int byte) const {
  const auto found = std::lower_bound(tokens_.begin(), tokens_.end(), byte,
                                      [](const Token& token, int place) { return static_cast<std::int64_t>(token.begin) < place; });
  if (byte < 0 || found == tokens_.end() || found->begin != static_cast<std::uint32_t>(byte)) return none;
  return static_cast<std::uint32_t>(found - tokens_.begin());
}

std::uint32_t TreeTokens::next(std::uint32_t place) const {
  if (place == none) return none;
  for (++place; place < size(); ++place)
    if (tokens_[place].type != TokenType::comment) return place;
  return none;
}

std::uint32_t TreeTokens::previous(std::uint32_t place) const {
  if (place == none) return none;
  while (place-- > 0)
    if (tokens_[place].type != TokenType::comment) return place;
  return none;
}

bool TreeTokens::is_word(std::uint32_t place, std::string_view word) const {
  return is(place, TokenType::word) && tokens_[place].size == word.size() && lower_name(text(place)) == word;
}

bool TreeTokens::means(std::uint32_t place, std::string_view name) const {
  if (place >= size()) return false;
  switch (tokens_[place].type) {
    case TokenType::word: return is_same_name(lower_name(text(place)), name);
    case TokenType::quoted_word: return is_same_name(undoubled(text(place)), name);
    case TokenType::unicode_word: return true;  // with escapes that the parser has read
    case TokenType::op: return name.empty() && text(place) == "*";
    default: return false;
  }
}

/// U&"..." may have UESCAPE '!' behind it.
std::uint32_t TreeTokens::end_of_name(std::uint32_t place) const {
  const std::uint32_t word = next(place);
  return is(place, TokenType::unicode_word) && is_word(word, "uescape") ? next(word) : place;
}

std::vector<TokenRun> TreeTokens::name_at(int byte, std::span<const std::string_view> parts) const {
  std::vector<TokenRun> runs;
  std::uint32_t place = at(byte);
  for (const std::string_view part : parts) {
    if (!runs.empty()) {
      if (!is(place, TokenType::dot)) return {};
      place = next(place);
    }
    if (!means(place, part)) return {};
    runs.push_back({place, end_of_name(place)});
    if (runs.back().last == none) return {};
    place = next(runs.back().last);
  }
  return runs;
}

}  // namespace pgswitch::rules
