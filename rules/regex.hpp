#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "rules/pattern_cache.hpp"

namespace re2 {
class RE2;
}

namespace pgswitch::rules {

/// A regular expression of RE2, compiled: what it takes is linear in the text, whatever the pattern. It is looked for
/// anywhere in the text; case counts unless it begins with (?i), and '.' stands for line breaks too, which are blanks in SQL.
/// A pattern of ASCII alone sees bytes, so that no encoding hides a text from it; any other sees UTF-8.
class Regex {
 public:
  /// nullptr and `error` when the pattern is wrong or too large.
  static std::unique_ptr<Regex> compile(std::string_view pattern, std::string& error);
  ~Regex();

  bool found_in(std::string_view text) const;
  /// What found_in() takes of a budget, in instructions of Lua.
  std::uint64_t cost(std::string_view text) const { return text.size() * (1 + program_size_ / 16) / 8 + 1; }

 private:
  explicit Regex(std::string_view pattern);

  std::unique_ptr<re2::RE2> re2_;
  std::uint64_t program_size_ = 0;
};

/// Those that hooks have asked for.
using RegexCache = PatternCache<Regex>;

}  // namespace pgswitch::rules
