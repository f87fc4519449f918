#include "rules/lua_lines.hpp"

#include <algorithm>
#include <cctype>
#include <string>

namespace pgswitch::rules {

namespace {

/// The tokens of Lua as far as brackets, commas and words go. Strings are one token, comments none.
class LuaReader {
 public:
  LuaReader(std::string_view text, int line) : text_(text) {
    for (; line_ < line && at_ < text_.size(); ++at_) line_ += text_[at_] == '\n' ? 1 : 0;
  }

  /// Empty at the end.
  std::string_view next() {
    skip_blanks();
    const std::size_t begin = at_;
    token_line_ = line_;
    if (at_ >= text_.size()) return {};
    const char c = text_[at_];
    if (c == '"' || c == '\'') skip_string(c);
    else if (long_bracket() != none) skip_long(long_bracket());
    else if (is_word(c)) while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    else ++at_;
    return text_.substr(begin, at_ - begin);
  }
  int line() const { return token_line_; }

 private:
  static constexpr std::size_t none = std::string_view::npos;
  static bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

  void step() {
    if (text_[at_] == '\n') ++line_;
    ++at_;
  }

  void skip_blanks() {
    while (at_ < text_.size()) {
      if (std::isspace(static_cast<unsigned char>(text_[at_])) != 0) {
        step();
      } else if (text_.substr(at_, 2) == "--") {
        at_ += 2;
        if (long_bracket() != none) skip_long(long_bracket());
        else while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else {
        return;
      }
    }
  }

  void skip_string(char quote) {
    for (++at_; at_ < text_.size() && text_[at_] != quote; step()) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) step();
    }
    at_ = std::min(at_ + 1, text_.size());
  }

  /// The number of '=' in the "[==[" that begins here, or none.
  std::size_t long_bracket() const {
    if (at_ >= text_.size() || text_[at_] != '[') return none;
    const std::size_t end = text_.find_first_not_of('=', at_ + 1);
    return end != none && text_[end] == '[' ? end - at_ - 1 : none;
  }

  void skip_long(std::size_t level) {
    const std::string close = "]" + std::string(level, '=') + "]";
    const std::size_t end = std::min(text_.find(close, at_), text_.size() - std::min(text_.size(), close.size()));
    while (at_ < end + close.size() && at_ < text_.size()) step();
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
  int token_line_ = 1;
};

bool opens(std::string_view token) { return token == "{" || token == "(" || token == "["; }
bool closes(std::string_view token) { return token == "}" || token == ")" || token == "]"; }

/// Reads on to the brace that opens the table.
bool find_table(LuaReader& reader, int line, std::string_view function) {
  for (std::string_view token = reader.next(); !token.empty() && reader.line() == line; token = reader.next()) {
    if (token != function) continue;
    do token = reader.next();
    while (token == "(" || token == function);
    if (token == "{") return true;
  }
  return false;
}

}  // namespace

std::vector<int> element_lines(std::string_view text, int line, std::string_view function) {
  std::vector<int> lines;
  LuaReader reader(text, line);
  if (!find_table(reader, line, function)) return lines;
  bool between = true;
  int depth = 1;
  for (std::string_view token = reader.next(); !token.empty(); token = reader.next()) {
    if (depth == 1 && token == "}") return lines;
    if (depth == 1 && (token == "," || token == ";")) {
      between = true;
      continue;
    }
    if (between) lines.push_back(reader.line());
    between = false;
    if (opens(token)) ++depth;
    if (closes(token)) --depth;
  }
  return {};
}

}  // namespace pgswitch::rules
