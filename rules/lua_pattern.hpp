#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pgswitch::rules {

/// A Lua pattern (Lua 5.4 manual, 6.4.1) matched against a subject with a limited number of steps. Lua's own matcher
/// backtracks without a limit and out of reach of count hooks: ('a'):rep(3000):find(('.-'):rep(4)..'b') runs for days.
/// Trivially destructible, so that a Lua error may jump over it. Subject and pattern must outlive it.
class LuaPattern {
 public:
  static constexpr std::size_t npos = static_cast<std::size_t>(-1);
  static constexpr int max_captures = 32;  ///< as Lua
  static constexpr int max_depth = 200;    ///< nesting of the recursion, as Lua's MAXCCALLS

  struct Capture {
    std::size_t begin = 0;
    std::size_t size = 0;
    bool position = false;  ///< "()": the value is begin + 1
  };

  /// `steps` is what may be spent in all; steps_left() tells what remains.
  LuaPattern(std::string_view subject, std::string_view pattern, std::uint64_t steps)
      : subject_(subject), pattern_(pattern), steps_(steps) {}

  /// The end of a match that begins at `begin`, or npos: none, or see failure(). A leading '^' is the caller's business.
  std::size_t match_at(std::size_t begin);

  /// The first place from `begin` on where a match can begin: further than `begin` when the pattern begins with a plain
  /// character, npos when that is nowhere.
  std::size_t candidate(std::size_t begin);

  int captures() const { return level_; }
  const Capture& capture(int index) const { return captures_[static_cast<std::size_t>(index)]; }
  std::uint64_t steps_left() const { return steps_; }
  bool exhausted() const { return exhausted_; }
  /// What is wrong with the pattern, in Lua's words; nullptr if nothing is.
  const char* failure() const { return failure_; }
  /// True when the pattern has none of the magic characters.
  static bool is_plain(std::string_view pattern);

 private:
  static constexpr std::size_t open_capture = static_cast<std::size_t>(-1);

  std::size_t match(std::size_t at, std::size_t item);
  std::size_t match_item(std::size_t at, std::size_t item, bool& done, std::size_t& next_at, std::size_t& next_item);
  std::size_t match_escape(std::size_t at, std::size_t item, bool& done, std::size_t& next_at, std::size_t& next_item);
  std::size_t match_single(std::size_t at, std::size_t item, bool& done, std::size_t& next_at, std::size_t& next_item);
  std::size_t start_capture(std::size_t at, std::size_t item, bool position);
  std::size_t end_capture(std::size_t at, std::size_t item);
  std::size_t greedy(std::size_t at, std::size_t item, std::size_t item_end, std::size_t at_least);
  std::size_t lazy(std::size_t at, std::size_t item, std::size_t item_end);
  std::size_t balanced(std::size_t at, std::size_t item);
  std::size_t back_reference(std::size_t at, char digit);
  bool frontier(std::size_t at, std::size_t set, std::size_t set_end);
  std::size_t item_end(std::size_t item);
  std::size_t set_end(std::size_t set);
  bool matches_one(std::size_t at, std::size_t item, std::size_t item_end);
  bool in_set(unsigned char c, std::size_t set, std::size_t set_end) const;
  std::size_t fail(const char* what);
  bool step();
  bool stopped() const { return exhausted_ || failure_ != nullptr; }
  unsigned char subject_at(std::size_t i) const { return static_cast<unsigned char>(subject_[i]); }
  char pattern_at(std::size_t i) const { return i < pattern_.size() ? pattern_[i] : '\0'; }

  std::string_view subject_;
  std::string_view pattern_;
  std::uint64_t steps_;
  int level_ = 0;
  int depth_ = 0;
  bool exhausted_ = false;
  const char* failure_ = nullptr;
  std::array<Capture, max_captures> captures_;
};

}  // namespace pgswitch::rules
