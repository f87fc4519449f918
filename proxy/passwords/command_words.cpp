#include "proxy/passwords/command_words.hpp"

namespace pgswitch {
namespace {

constexpr std::string_view placeholders = "uhpd%";

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// Takes one word off `text`, which does not begin with a blank.
std::optional<std::string> take_word(std::string_view& text) {
  std::string word;
  char quote = 0;
  while (!text.empty()) {
    const char c = text.front();
    if (quote == 0 && is_blank(c)) break;
    text.remove_prefix(1);
    if (quote != 0 && c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == '\\' && quote != '\'' && !text.empty()) {
      word += text.front();
      text.remove_prefix(1);
    } else {
      word += c;
    }
  }
  return quote == 0 ? std::optional(std::move(word)) : std::nullopt;
}

bool has_unknown_placeholder(std::string_view word) {
  for (std::size_t i = word.find('%'); i != word.npos; i = word.find('%', i + 2))
    if (i + 1 == word.size() || placeholders.find(word[i + 1]) == placeholders.npos) return true;
  return false;
}

std::string text_of(char placeholder, const CommandSubject& subject) {
  switch (placeholder) {
    case 'u': return subject.user;
    case 'h': return subject.host;
    case 'p': return std::to_string(subject.port);
    case 'd': return subject.database;
    default: return "%";
  }
}

}  // namespace

std::optional<CommandWords> split_command(std::string_view text, std::string& error) {
  CommandWords words;
  for (;;) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    if (text.empty()) break;
    std::optional<std::string> word = take_word(text);
    if (!word) return error = "a quote is not closed", std::nullopt;
    if (has_unknown_placeholder(*word)) return error = "of placeholders there are %u, %h, %p, %d, and %% for a percent sign", std::nullopt;
    words.push_back(std::move(*word));
  }
  if (words.empty() || words.front().empty()) return error = "it names no program", std::nullopt;
  return words;
}

std::optional<CommandWords> fill_in(const CommandWords& words, const CommandSubject& subject, std::string& error) {
  CommandWords filled;
  for (const std::string& word : words) {
    std::string& text = filled.emplace_back();
    for (std::size_t i = 0; i < word.size(); ++i) {
      if (word[i] != '%' || i + 1 == word.size()) text += word[i];
      else text += text_of(word[++i], subject);
    }
    if (text.starts_with('-') && !word.starts_with('-')) return error = "a name that begins with \"-\" would be taken for an option", std::nullopt;
    if (text.find('\0') != text.npos) return error = "a name has a zero byte in it", std::nullopt;
  }
  return filled;
}

}  // namespace pgswitch
