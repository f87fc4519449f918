// A file of SQL statements, as psql -f takes it.
#include <algorithm>

#include "proxy/replay/readers.hpp"
#include "rules/tokens.hpp"

namespace pgswitch::replay {
namespace {

using rules::Token;
using rules::TokenReader;
using rules::TokenType;

constexpr std::size_t npos = std::string_view::npos;
constexpr std::string_view blanks = " \t\r\n\f";  // of the lexer

bool is_word(std::string_view text, std::string_view word) {
  return std::equal(text.begin(), text.end(), word.begin(), word.end(), [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b; });
}

/// Do lines of data stand behind it?
bool is_copy_from_stdin(std::string_view statement) {
  TokenReader reader(statement);
  bool copy = false, from = false;
  for (Token token = reader.next(); token.type != TokenType::end; token = reader.next()) {
    if (token.type == TokenType::comment) continue;
    const std::string_view text = reader.text(token);
    if (!copy && !is_word(text, "copy")) return false;
    copy = true;
    if (from && is_word(text, "stdin")) return true;
    from = is_word(text, "from");
  }
  return false;
}

class Statements final : public LogReader {
 public:
  std::size_t read(std::string_view bytes, bool last, const Sink& sink) override {
    std::size_t at = 0;
    while (at < bytes.size()) {
      const std::size_t size = in_data_ ? skip_data(bytes.substr(at)) : take(bytes.substr(at), last, sink);
      if (size == 0) break;
      at += size;
    }
    return last ? bytes.size() : at;
  }

 private:
  /// Bytes of the lines of a COPY, with its end "\." when that is there.
  std::size_t skip_data(std::string_view bytes) {
    const std::size_t end = bytes.find('\n');
    if (end == npos) return 0;
    const std::string_view line = bytes.substr(0, end);
    if (line == "\\." || line == "\\.\r") in_data_ = false;
    return end + 1;
  }

  /// Bytes of the blanks, of the command of psql or of the statement at the start; 0: its end is not there yet.
  std::size_t take(std::string_view bytes, bool last, const Sink& sink) {
    const std::size_t begin = bytes.find_first_not_of(blanks);
    if (begin == npos) return bytes.size();
    if (bytes[begin] == '\\') {
      const std::size_t end = bytes.find('\n', begin);
      return end == npos ? (last ? bytes.size() : 0) : end + 1;
    }
    TokenReader reader(bytes);
    rules::StatementSplitter splitter;
    bool empty = true;
    for (Token token = reader.next(); token.type != TokenType::end; token = reader.next()) {
      if (token.type == TokenType::comment) continue;
      if (splitter.ends_statement(token, reader.text(token))) {
        const std::string_view text = bytes.substr(begin, token.begin - begin);
        const std::size_t end = token.begin + std::size_t{token.size};
        const bool data = !empty && is_copy_from_stdin(text);
        const std::size_t line = data ? bytes.find('\n', end) : end - 1;  // data begin with the next one
        if (line == npos && !last) return 0;
        if (!empty) give(text, sink);
        in_data_ = data;
        return line == npos ? bytes.size() : line + 1;
      }
      empty = false;
    }
    if (!last) return 0;
    if (!empty) give(bytes.substr(begin), sink);
    return bytes.size();
  }

  void give(std::string_view text, const Sink& sink) {
    LoggedStatement statement;
    statement.text = text.substr(0, text.find_last_not_of(blanks) + 1);
    statement.session = session_of("file");
    sink(statement);
  }

  bool in_data_ = false;
};

}  // namespace

std::unique_ptr<LogReader> make_statements_reader() { return std::make_unique<Statements>(); }

}  // namespace pgswitch::replay
