#include "proxy/auth/hba_line.hpp"

#include <algorithm>

namespace pgswitch {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v'; }

bool separates(char c) { return is_space(c) || c == ','; }

/// Takes the inside of "..." off the front of `text`, which begins with the quote. False: it is not closed.
bool take_quoted(std::string_view& text, std::string& into) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] != '"') {
      into += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == '"') {
      into += '"';
      ++i;
    } else {
      text.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

}  // namespace

void HbaLine::skip_space() {
  while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
  if (!rest_.empty() && rest_.front() == '#') rest_ = {};
}

bool HbaLine::at_end() {
  skip_space();
  return rest_.empty();
}

std::optional<HbaToken> HbaLine::token() {
  HbaToken token;
  bool any = false;
  while (!rest_.empty() && !is_space(rest_.front()) && rest_.front() != ',' && rest_.front() != '#') {
    if (rest_.front() == '"') {
      token.quoted = true;
      if (!take_quoted(rest_, token.text)) break;
    } else {
      token.text += rest_.front();
      rest_.remove_prefix(1);
    }
    any = true;
  }
  const bool open = !rest_.empty() && rest_.front() == '"';
  if (any && !open) return token;
  malformed_ = true;
  return std::nullopt;
}

std::optional<HbaField> HbaLine::field() {
  if (malformed_ || at_end()) return std::nullopt;
  HbaField field;
  for (;;) {
    std::optional<HbaToken> next = token();
    if (!next) return std::nullopt;
    field.push_back(std::move(*next));
    if (at_end() || rest_.front() != ',') return field;
    rest_.remove_prefix(1);
    skip_space();
  }
}

std::optional<HbaToken> HbaLine::word() {
  std::optional<HbaField> found = field();
  if (!found) return std::nullopt;
  if (found->size() == 1) return std::move(found->front());
  malformed_ = true;
  return std::nullopt;
}

std::optional<std::vector<std::string>> split_options(std::string_view text, bool comments) {
  std::vector<std::string> options;
  for (;;) {
    while (!text.empty() && separates(text.front())) text.remove_prefix(1);
    if (text.empty() || (comments && text.front() == '#')) return options;
    std::string option;
    while (!text.empty() && !separates(text.front())) {
      if (text.front() == '"') {
        if (!take_quoted(text, option)) return std::nullopt;
      } else {
        option += text.front();
        text.remove_prefix(1);
      }
    }
    options.push_back(std::move(option));
  }
}

}  // namespace pgswitch
