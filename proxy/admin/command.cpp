#include "proxy/admin/command.hpp"

#include <algorithm>

namespace pgswitch::admin {
namespace {

constexpr std::string_view blanks = " \t\r\n\f\v";

bool is_word_character(char c) {
  const auto octet = static_cast<unsigned char>(c);
  return octet >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-' || c == '$' || c == '*';
}

char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Bytes of the comment at the start of `text`, 0 when there is none. An open one ends with the text.
std::size_t comment_size(std::string_view text) {
  if (text.starts_with("--")) return std::min(text.find('\n'), text.size());
  if (!text.starts_with("/*")) return 0;
  const std::size_t end = text.find("*/", 2);
  return end == std::string_view::npos ? text.size() : end + 2;
}

/// Bytes of the '...' or "..." at the start of `text`, a doubled quote inside stands for one. An open one ends with the text.
std::size_t quoted_size(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] != text[0]) continue;
    if (i + 1 == text.size() || text[i + 1] != text[0]) return i + 1;
    ++i;
  }
  return text.size();
}

std::string unquote(std::string_view quoted) {
  const char quote = quoted[0];
  const bool closed = quoted.size() > 1 && quoted.back() == quote;
  quoted = quoted.substr(1, quoted.size() - (closed ? 2 : 1));
  std::string text;
  for (std::size_t i = 0; i < quoted.size(); ++i) {
    text += quoted[i];
    if (quoted[i] == quote) ++i;
  }
  return text;
}

std::string_view trim(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(blanks), text.size());
  const std::size_t end = text.find_last_not_of(blanks);
  return end == std::string_view::npos ? std::string_view() : text.substr(begin, end - begin + 1);
}

/// Bytes of the token at the start of `text`, at least one.
std::size_t token_size(std::string_view text) {
  if (const std::size_t comment = comment_size(text)) return comment;
  if (text[0] == '\'' || text[0] == '"') return quoted_size(text);
  if (!is_word_character(text[0])) return 1;
  std::size_t size = 0;
  while (size < text.size() && is_word_character(text[size])) ++size;
  return size;
}

bool is_blank(std::string_view statement) {
  while (!(statement = trim(statement)).empty()) {
    const std::size_t comment = comment_size(statement);
    if (comment == 0) return false;
    statement.remove_prefix(comment);
  }
  return true;
}

}  // namespace

std::string lower(std::string_view word) {
  std::string text(word);
  std::transform(text.begin(), text.end(), text.begin(), to_lower);
  return text;
}

std::vector<std::string_view> split_statements(std::string_view text) {
  std::vector<std::string_view> statements;
  std::size_t begin = 0;
  const auto add = [&](std::size_t end) {
    if (const std::string_view statement = text.substr(begin, end - begin); !is_blank(statement)) statements.push_back(statement);
    begin = end + 1;
  };
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = token_size(text.substr(at));
    if (text[at] == ';') add(at);
    at += size;
  }
  if (begin < text.size()) add(text.size());
  return statements;
}

Command parse_command(std::string_view statement) {
  Command command;
  command.text = trim(statement);
  for (std::size_t at = 0; at < statement.size();) {
    const std::string_view rest = statement.substr(at);
    const std::size_t size = token_size(rest);
    const std::string_view token = rest.substr(0, size);
    at += size;
    if (comment_size(rest) != 0 || blanks.find(token[0]) != std::string_view::npos) continue;
    if (token[0] == '\'' || token[0] == '"') {
      command.words.push_back(unquote(token));
    } else if (is_word_character(token[0])) {
      command.words.emplace_back(token);
    } else if (token[0] == '=' && command.equals == 0 && !command.words.empty()) {
      command.equals = command.words.size();
      continue;
    } else {
      command.foreign = true;
      continue;
    }
    if (command.verb.empty() && command.words.size() == 1 && !command.foreign) {
      command.verb = lower(command.words.front());
      command.words.clear();
      if (command.verb.empty()) command.foreign = true;
    }
  }
  return command;
}

}  // namespace pgswitch::admin
