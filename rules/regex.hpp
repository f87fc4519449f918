#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

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

/// The patterns that hooks have asked for, each compiled once; the one that was compiled first goes when there are too many.
class RegexCache {
 public:
  static constexpr std::size_t max_patterns = 64;

  /// What is kept of `pattern`, or nullptr.
  const Regex* find(std::string_view pattern) const;
  /// Compiles and keeps it; nullptr and `error` when the pattern is wrong. Valid until the next add().
  const Regex* add(std::string_view pattern, std::string& error);

 private:
  struct Kept {
    std::string pattern;
    std::unique_ptr<Regex> regex;
  };
  std::vector<Kept> kept_;
  std::size_t next_ = 0;  ///< to be replaced when it is full
};

}  // namespace pgswitch::rules
