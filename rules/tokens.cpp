#include "rules/tokens.hpp"

#include <algorithm>
#include <cstring>

#include "rules/tokens_lexer.hpp"

namespace pgswitch::rules {

Token TokenReader::next() { return Lexer(*this).skip_blanks_and_read(); }

bool StatementSplitter::ends_statement(const Token& token, std::string_view text) {
  switch (token.type) {
    case TokenType::left_paren: open(); return false;
    case TokenType::right_paren: close(); return false;
    case TokenType::word: on_word(text); return false;
    case TokenType::semicolon:
      if (depth_ > 0 || body_depth_ > 0) return false;
      words_ = 0;
      return true;
    default: return false;
  }
}

namespace {

bool same_word(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() &&
         std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

/// First letter of the words a function definition begins with; 0 for any other.
char head_of(std::string_view text) {
  if (text.size() < 2 || text.size() > 9) return 0;
  if (!std::strchr("CORFPcorfp", text[0])) return 0;  // most statements begin otherwise
  for (std::string_view head : {"create", "or", "replace", "function", "procedure"}) {
    if (same_word(text, head)) return head[0];
  }
  return 0;
}

}  // namespace

void StatementSplitter::on_word(std::string_view text) {
  if (words_ < 4) {
    if (words_ == 0 || heads_[0] == 'c') heads_[words_] = head_of(text);
    ++words_;
  }
  if (heads_[0] != 'c' || depth_ > 0) return;
  const char object = heads_[1] == 'o' && heads_[2] == 'r' ? heads_[3] : heads_[1];
  if (object != 'f' && object != 'p') return;
  if (same_word(text, "begin")) {
    ++body_depth_;
  } else if (body_depth_ > 0 && same_word(text, "case")) {
    ++body_depth_;
  } else if (body_depth_ > 0 && same_word(text, "end")) {
    --body_depth_;
  }
}

std::string_view comment_text(std::string_view comment) {
  const bool block = comment.starts_with("/*") && comment.ends_with("*/");
  comment.remove_prefix(std::min<std::size_t>(2, comment.size()));
  if (block) comment.remove_suffix(std::min<std::size_t>(2, comment.size()));
  constexpr std::string_view blanks = " \t\n\r\f";
  comment.remove_prefix(std::min(comment.size(), comment.find_first_not_of(blanks)));
  return comment.substr(0, comment.find_last_not_of(blanks) + 1);
}

}  // namespace pgswitch::rules
