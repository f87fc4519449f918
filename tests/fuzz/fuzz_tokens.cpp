#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rules/tokens.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace pgswitch::rules;
using pgswitch::fuzz::require;

namespace {

/// The shape, put together token by token.
std::string slow_shape(std::string_view sql, TokenOptions options) {
  std::string shape;
  TokenReader reader(sql, options);
  for (Token t = reader.next(); t.type != TokenType::end; t = reader.next()) {
    if (reader.blank_before() && !shape.empty() && shape.back() != '\n') shape += ' ';
    if (is_literal(t.type)) {
      shape += shape_placeholder(t.type);
    } else if (t.type == TokenType::word) {
      for (char c : reader.text(t)) shape += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    } else {
      shape += reader.text(t);
      if (t.type == TokenType::comment && reader.text(t).starts_with("--")) shape += '\n';
    }
  }
  return shape;
}

}  // namespace

/// The short ways of scan() find what the reader of tokens finds: shape, literals, statements and dangers.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pgswitch::fuzz::Input input(data, size);
  const TokenOptions options{.standard_conforming_strings = (input.byte() & 1) == 0};
  const std::string sql(input.rest());
  std::vector<char> scratch(shape_capacity(sql.size()));
  std::vector<Literal> literals(sql.size() + 1);
  const Scan fast = scan(sql, scratch, literals, options);
  if (fast.has_shape) require(fast.shape == slow_shape(sql, options));

  TokenReader reader(sql, options);
  StatementSplitter splitter;
  std::uint32_t count = 0, statements = 0, end = 0;
  bool in_statement = false;
  for (Token t = reader.next(); t.type != TokenType::end; t = reader.next()) {
    require(t.begin >= end && t.size > 0 && t.begin + t.size <= sql.size());
    end = t.begin + t.size;
    if (is_literal(t.type)) {
      require(literals[count].begin == t.begin && literals[count].size == t.size && literals[count].type == t.type);
      ++count;
    }
    if (t.type == TokenType::comment) continue;
    const bool ends = splitter.ends_statement(t, reader.text(t));
    statements += ends && in_statement;
    in_statement = !ends;
  }
  statements += in_statement;
  require(count == fast.literals && statements == fast.statements && splitter.trusted() == fast.split_trusted);
  const TokenDanger& slow = reader.danger();
  require(slow.comment_depth == fast.danger.comment_depth && slow.paren_depth == fast.danger.paren_depth);
  require(slow.operators == fast.danger.operators && slow.operator_run == fast.danger.operator_run);
  require(slow.unterminated == fast.danger.unterminated && slow.invalid == fast.danger.invalid);

  const Scan without_shape = scan(sql, {}, {}, options);
  require(without_shape.literals == fast.literals);
  require(without_shape.statements == fast.statements && without_shape.danger.operators == fast.danger.operators);
  return 0;
}
