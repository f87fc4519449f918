#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pgswitch::rules {

/// Which lines of a rules file and its modules have run. Owned by who asks for it, filled by the one Lua state that is given it; not
/// thread-safe. A state without one is not slowed down.
class LineCoverage {
 public:
  /// A text that was loaded, by its name in messages ("rules.lua"). Text that does not compile has no lines.
  void add_source(const std::string& name, std::string_view text);
  /// A line was reached. Called from within Lua, which nothing may be thrown through.
  void ran(std::string_view source, int line) noexcept;

  struct Totals {
    std::size_t ran = 0;
    std::size_t lines = 0;  ///< that hold code
  };
  Totals totals() const;
  /// Each text with a mark in front of its lines: '+' has run, '!' has not, ' ' holds no code.
  std::string report() const;

 private:
  struct Source {
    std::string text;
    std::vector<int> code;   ///< its lines with code, ascending
    std::vector<bool> reached;  ///< by line
  };
  static Totals totals_of(const Source& source);
  std::map<std::string, Source, std::less<>> sources_;
};

/// The lines of a Lua text that hold instructions, ascending: what Lua's own compiler says, without the return at the end of a
/// function that nobody has written. Empty when it does not compile.
std::vector<int> code_lines(std::string_view text);

}  // namespace pgswitch::rules
