#include "rules/text_literals.hpp"

#include <algorithm>
#include <unordered_map>

#include "rules/pg_parse.hpp"
#include "rules/query_map.hpp"
#include "rules/tokens.hpp"

namespace pgswitch::rules {
namespace {

using Type = TextLiteral::Type;

constexpr std::size_t most_literals = 10'000;

std::string undoubled(std::string_view quoted) {
  std::string text;
  for (std::size_t i = 1; i + 1 < quoted.size(); ++i) {
    text += quoted[i];
    if (quoted[i] == '\'' && quoted[i + 1] == '\'') ++i;
  }
  return text;
}

/// What is known of a literal by its token alone: escapes of E'text' and U&'text' are left as they are.
std::string value_of(const Token& token, std::string_view text) {
  switch (token.type) {
    case TokenType::integer:
    case TokenType::decimal: return std::string(text);
    case TokenType::dollar_string: {
      const std::size_t tag = text.find('$', 1) + 1;
      return std::string(text.substr(tag, text.size() - 2 * tag));
    }
    case TokenType::bit_string:
    case TokenType::hex_string: {
      std::string digits = undoubled(text.substr(1));
      return digits.insert(0, 1, text[0] == 'X' || text[0] == 'x' ? 'x' : 'b');
    }
    default: return undoubled(text.substr(text.find('\'')));
  }
}

Type type_of(TokenType type) {
  if (type == TokenType::integer || type == TokenType::decimal) return Type::number;
  return type == TokenType::bit_string || type == TokenType::hex_string ? Type::bit : Type::string;
}

/// Reads the literals of one text.
class LiteralReader {
 public:
  LiteralReader(std::string_view sql, bool conforming) : sql_(sql), conforming_(conforming) {}

  std::vector<TextLiteral> read(bool parse) {
    if (parse) add_constants();
    TokenReader reader(sql_, {conforming_});
    for (Token token = reader.next(); token.type != TokenType::end && literals_.size() < most_literals; token = reader.next()) {
      if (!is_literal(token.type) || token.unterminated) continue;
      const auto known = strings_.find(token.begin);
      std::string value = known != strings_.end() ? std::move(known->second) : value_of(token, reader.text(token));
      literals_.push_back({type_of(token.type), std::move(value), token.begin + 1});
    }
    std::sort(literals_.begin(), literals_.end(), [](const auto& one, const auto& other) { return one.position < other.position; });
    return std::move(literals_);
  }

 private:
  void add_constants() {
    const ParsedText parsed(sql_, conforming_);
    if (!parsed.ok() || length(parsed.statements()) != 1) return;
    const QueryMap map(as<RawStmt>(first(parsed.statements()))->stmt);
    for (const A_Const* constant : map.constants())
      if (constant->location >= 0 && literals_.size() < most_literals) add(constant, static_cast<std::uint32_t>(constant->location));
  }

  /// TRUE, FALSE and NULL are words to the tokens, which do not know the escapes of strings either.
  void add(const A_Const* constant, std::uint32_t begin) {
    if (constant->isnull) return literals_.push_back({Type::null, {}, begin + 1});
    const NodeTag tag = nodeTag(&constant->val.node);
    if (tag == T_Boolean) literals_.push_back({Type::boolean, constant->val.boolval.boolval ? "true" : "false", begin + 1});
    if (tag == T_String) strings_.emplace(begin, constant->val.sval.sval);
  }

  std::string_view sql_;
  bool conforming_;
  std::unordered_map<std::uint32_t, std::string> strings_;  ///< what the parser has read at a byte
  std::vector<TextLiteral> literals_;
};

}  // namespace

std::vector<TextLiteral> text_literals(std::string_view sql, bool standard_conforming_strings, bool parse) {
  return LiteralReader(sql, standard_conforming_strings).read(parse);
}

const char* to_string(TextLiteral::Type type) {
  switch (type) {
    case Type::number: return "number";
    case Type::string: return "string";
    case Type::bit: return "bit";
    case Type::boolean: return "boolean";
    case Type::null: return "null";
  }
  return "";
}

}  // namespace pgswitch::rules
