#include "rules/lua_pattern.hpp"

#include <cctype>

namespace pgswitch::rules {

namespace {

bool in_class(unsigned char c, char name) {
  bool in = false;
  switch (std::tolower(static_cast<unsigned char>(name))) {
    case 'a': in = std::isalpha(c) != 0; break;
    case 'c': in = std::iscntrl(c) != 0; break;
    case 'd': in = std::isdigit(c) != 0; break;
    case 'g': in = std::isgraph(c) != 0; break;
    case 'l': in = std::islower(c) != 0; break;
    case 'p': in = std::ispunct(c) != 0; break;
    case 's': in = std::isspace(c) != 0; break;
    case 'u': in = std::isupper(c) != 0; break;
    case 'w': in = std::isalnum(c) != 0; break;
    case 'x': in = std::isxdigit(c) != 0; break;
    default: return static_cast<unsigned char>(name) == c;
  }
  return std::isupper(static_cast<unsigned char>(name)) != 0 ? !in : in;
}

}  // namespace

bool LuaPattern::is_plain(std::string_view pattern) {
  return pattern.find_first_of("^$*+?.([%-") == std::string_view::npos;
}

std::size_t LuaPattern::match_at(std::size_t begin) {
  level_ = 0;
  depth_ = 0;
  const std::size_t end = match(begin, 0);
  if (end == npos || stopped()) return npos;
  for (int i = 0; i < level_; ++i) {
    if (captures_[static_cast<std::size_t>(i)].size == open_capture) return fail("unfinished capture");
  }
  return end;
}

std::size_t LuaPattern::candidate(std::size_t begin) {
  constexpr std::string_view magic = "^$*+?.([%-)]";
  if (pattern_.empty() || magic.find(pattern_[0]) != std::string_view::npos) return begin;
  const char next = pattern_at(1);
  if (next == '*' || next == '?' || next == '-') return begin;
  const std::size_t found = subject_.find(pattern_[0], begin);
  const std::uint64_t cost = (found == npos ? subject_.size() - begin : found - begin) / 32;
  steps_ -= cost < steps_ ? cost : steps_;
  return found;
}

bool LuaPattern::step() {
  if (stopped()) return false;
  if (steps_ == 0) {
    exhausted_ = true;
    return false;
  }
  --steps_;
  return true;
}

std::size_t LuaPattern::fail(const char* what) {
  if (failure_ == nullptr) failure_ = what;
  return npos;
}

// Matches the pattern from `item` on. Items that need no choice are walked in the loop; only choices recurse.
std::size_t LuaPattern::match(std::size_t at, std::size_t item) {
  if (++depth_ > max_depth) {
    --depth_;
    return fail("pattern too complex");
  }
  std::size_t result = npos;
  bool done = false;
  while (!done) {
    if (!step()) break;
    if (item >= pattern_.size()) {
      result = at;
      break;
    }
    std::size_t next_at = at;
    std::size_t next_item = item;
    result = match_item(at, item, done, next_at, next_item);
    at = next_at;
    item = next_item;
  }
  --depth_;
  return stopped() ? npos : result;
}

// One step of match(): either `done` with the result, or the place to go on at.
std::size_t LuaPattern::match_item(std::size_t at, std::size_t item, bool& done, std::size_t& next_at,
                                   std::size_t& next_item) {
  const char c = pattern_[item];
  if (c == '(') {
    done = true;
    const bool position = pattern_at(item + 1) == ')' && item + 1 < pattern_.size();
    return start_capture(at, item + (position ? 2 : 1), position);
  }
  if (c == ')') {
    done = true;
    return end_capture(at, item + 1);
  }
  if (c == '$' && item + 1 == pattern_.size()) {
    done = true;
    return at == subject_.size() ? at : npos;
  }
  if (c == '%' && item + 1 < pattern_.size()) return match_escape(at, item, done, next_at, next_item);
  return match_single(at, item, done, next_at, next_item);
}

std::size_t LuaPattern::match_escape(std::size_t at, std::size_t item, bool& done, std::size_t& next_at,
                                     std::size_t& next_item) {
  const char c = pattern_[item + 1];
  if (c == 'b') {
    next_at = balanced(at, item + 2);
    next_item = item + 4;
    done = next_at == npos;
    return npos;
  }
  if (c == 'f') {
    const std::size_t set = item + 2;
    done = true;
    if (pattern_at(set) != '[') return fail("missing '[' after '%f' in pattern");
    const std::size_t end = set_end(set);
    if (end == npos || !frontier(at, set, end)) return npos;
    done = false;
    next_item = end;
    return npos;
  }
  if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
    next_at = back_reference(at, c);
    next_item = item + 2;
    done = next_at == npos;
    return npos;
  }
  return match_single(at, item, done, next_at, next_item);
}

std::size_t LuaPattern::match_single(std::size_t at, std::size_t item, bool& done, std::size_t& next_at,
                                     std::size_t& next_item) {
  const std::size_t end = item_end(item);
  done = true;
  if (end == npos) return npos;
  switch (end < pattern_.size() ? pattern_[end] : '\0') {
    case '?': {
      if (matches_one(at, item, end)) {
        const std::size_t with = match(at + 1, end + 1);
        if (with != npos || stopped()) return with;
      }
      break;
    }
    case '*': return greedy(at, item, end, 0);
    case '+': return greedy(at, item, end, 1);
    case '-': return lazy(at, item, end);
    default:
      if (!matches_one(at, item, end)) return npos;
      done = false;
      next_at = at + 1;
      next_item = end;
      return npos;
  }
  done = false;
  next_item = end + 1;
  return npos;
}

std::size_t LuaPattern::greedy(std::size_t at, std::size_t item, std::size_t end, std::size_t at_least) {
  std::size_t count = 0;
  while (step() && matches_one(at + count, item, end)) ++count;
  if (stopped()) return npos;
  for (;; --count) {
    if (count < at_least) return npos;
    const std::size_t result = match(at + count, end + 1);
    if (result != npos || stopped() || count == 0) return result;
  }
}

std::size_t LuaPattern::lazy(std::size_t at, std::size_t item, std::size_t end) {
  for (;; ++at) {
    const std::size_t result = match(at, end + 1);
    if (result != npos || stopped()) return result;
    if (!matches_one(at, item, end)) return npos;
  }
}

std::size_t LuaPattern::start_capture(std::size_t at, std::size_t item, bool position) {
  if (level_ >= max_captures) return fail("too many captures");
  captures_[static_cast<std::size_t>(level_)] = Capture{at, position ? 0 : open_capture, position};
  ++level_;
  const std::size_t result = match(at, item);
  if (result == npos) --level_;
  return result;
}

std::size_t LuaPattern::end_capture(std::size_t at, std::size_t item) {
  int index = level_ - 1;
  while (index >= 0 && captures_[static_cast<std::size_t>(index)].size != open_capture) --index;
  if (index < 0) return fail("invalid pattern capture");
  Capture& capture = captures_[static_cast<std::size_t>(index)];
  capture.size = at - capture.begin;
  const std::size_t result = match(at, item);
  if (result == npos) capture.size = open_capture;
  return result;
}

std::size_t LuaPattern::balanced(std::size_t at, std::size_t item) {
  if (item + 1 >= pattern_.size()) return fail("malformed pattern (missing arguments to '%b')");
  if (at >= subject_.size() || subject_[at] != pattern_[item]) return npos;
  const char open = pattern_[item];
  const char close = pattern_[item + 1];
  std::size_t depth = 1;
  for (std::size_t i = at + 1; i < subject_.size() && step(); ++i) {
    if (subject_[i] == close) {
      if (--depth == 0) return i + 1;
    } else if (subject_[i] == open) {
      ++depth;
    }
  }
  return npos;
}

std::size_t LuaPattern::back_reference(std::size_t at, char digit) {
  const int index = digit - '1';
  if (index < 0 || index >= level_ || captures_[static_cast<std::size_t>(index)].size == open_capture) {
    return fail("invalid capture index in pattern");
  }
  const Capture& capture = captures_[static_cast<std::size_t>(index)];
  const std::uint64_t cost = capture.size / 16;
  if (cost > steps_) {
    steps_ = 0;
    exhausted_ = true;
    return npos;
  }
  steps_ -= cost;
  if (subject_.size() - at < capture.size) return npos;
  const bool same = subject_.substr(capture.begin, capture.size) == subject_.substr(at, capture.size);
  return same ? at + capture.size : npos;
}

bool LuaPattern::frontier(std::size_t at, std::size_t set, std::size_t end) {
  const unsigned char before = at == 0 ? 0 : subject_at(at - 1);
  const unsigned char here = at < subject_.size() ? subject_at(at) : 0;
  return !in_set(before, set, end) && in_set(here, set, end);
}

// Behind the single character class that begins at `item`.
std::size_t LuaPattern::item_end(std::size_t item) {
  const char c = pattern_[item];
  if (c == '%') {
    if (item + 1 >= pattern_.size()) return fail("malformed pattern (ends with '%')");
    return item + 2;
  }
  return c == '[' ? set_end(item) : item + 1;
}

// Behind the ']' of the set that begins at `set`; a ']' in first place is a member.
std::size_t LuaPattern::set_end(std::size_t set) {
  std::size_t i = set + 1;
  if (pattern_at(i) == '^') ++i;
  bool first = true;
  for (; i < pattern_.size(); ++i) {
    if (pattern_[i] == ']' && !first) return i + 1;
    if (pattern_[i] == '%') ++i;
    first = false;
  }
  return fail("malformed pattern (missing ']')");
}

bool LuaPattern::matches_one(std::size_t at, std::size_t item, std::size_t end) {
  if (at >= subject_.size()) return false;
  const unsigned char c = subject_at(at);
  switch (pattern_[item]) {
    case '.': return true;
    case '%': return in_class(c, pattern_[item + 1]);
    case '[': {
      // A long set costs what it is long: a step for each 16 characters.
      const std::uint64_t cost = (end - item) / 16;
      steps_ = cost > steps_ ? 0 : steps_ - cost;
      return in_set(c, item, end);
    }
    default: return static_cast<unsigned char>(pattern_[item]) == c;
  }
}

bool LuaPattern::in_set(unsigned char c, std::size_t set, std::size_t end) const {
  const std::size_t last = end - 1;
  std::size_t i = set + 1;
  const bool negated = pattern_[i] == '^';
  if (negated) ++i;
  bool found = false;
  while (i < last && !found) {
    if (pattern_[i] == '%' && i + 1 < last) {
      found = in_class(c, pattern_[i + 1]);
      i += 2;
    } else if (i + 2 < last && pattern_[i + 1] == '-') {
      found = static_cast<unsigned char>(pattern_[i]) <= c && c <= static_cast<unsigned char>(pattern_[i + 2]);
      i += 3;
    } else {
      found = static_cast<unsigned char>(pattern_[i]) == c;
      ++i;
    }
  }
  return found != negated;
}

}  // namespace pgswitch::rules
