#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <lua.hpp>
#include <string>

#include "rules/line_coverage.hpp"

namespace pgswitch::rules {

/// A line of a rules file.
struct LuaPosition {
  std::array<char, LUA_IDSIZE> source{};
  int line = 0;  ///< 0: unknown
  std::string text() const;  ///< "rules.lua:12"
};

/// A lua_State with a memory cap and a budget for each call, owned by LuaRules, one thread. Between calls the stack is
/// empty. What uses up its budget or its memory cannot go on by catching the error: stopped() stays set until start(), each
/// further instruction fails again, and the sandbox's pcall does not catch it.
///
/// Lua raises errors by longjmp: no function called from Lua may have a local variable with a destructor alive when it
/// calls something that can raise.
class LuaState {
 public:
  enum class Stop : std::uint8_t { none, instructions, memory };

  /// `coverage`, if given, is told which lines run, and must outlive the state.
  explicit LuaState(std::size_t memory_bytes, LineCoverage* coverage = nullptr);
  ~LuaState();
  LuaState(const LuaState&) = delete;
  LuaState& operator=(const LuaState&) = delete;

  /// nullptr when the memory cap does not even hold an empty state.
  lua_State* get() const { return state_; }
  static LuaState& of(lua_State* L) { return **static_cast<LuaState**>(lua_getextraspace(L)); }

  /// A fresh budget.
  void start(std::uint64_t instructions);
  /// Runs `body` protected, with `argument` as its light userdata; what `body` leaves on the stack is dropped.
  /// False: see error().
  bool run(lua_CFunction body, void* argument);

  /// Takes `units` (instructions' worth) from the budget for work done in C; raises when it is used up.
  void charge(lua_State* L, std::uint64_t units);
  std::uint64_t budget_left() const { return remaining_ > 0 ? static_cast<std::uint64_t>(remaining_) : 0; }
  /// Raises the error for a budget that is used up.
  [[noreturn]] void out_of_budget(lua_State* L);
  void out_of_memory() { stop_ = Stop::memory; }

  Stop stopped() const { return stop_; }
  /// Of the last run() that failed. Lua's message mostly has the file:line in front.
  const std::string& error() const { return error_; }
  /// Where the last error was raised, outside of pcall.
  const LuaPosition& error_position() const { return error_position_; }
  /// The return statement that ended the last Lua function.
  const LuaPosition& last_return() const { return last_return_; }
  std::size_t used() const { return used_; }

 private:
  static void* allocate(void* self, void* block, std::size_t old_size, std::size_t new_size);
  static void on_hook(lua_State* L, lua_Debug* ar);
  static int on_error(lua_State* L);
  static void find_position(lua_State* L, LuaPosition& position);
  void take_error(int status);

  lua_State* state_ = nullptr;
  std::size_t cap_;
  LineCoverage* coverage_;
  std::size_t used_ = 0;
  std::uint64_t volume_ = 0;  ///< bytes allocated since start(): bounds copying that one instruction can cause
  std::int64_t remaining_ = 0;
  int period_ = 1;
  Stop stop_ = Stop::none;
  std::string error_;
  LuaPosition error_position_;
  LuaPosition last_return_;
};

/// The string or number there, good as long as it stays on the stack.
std::string_view string_at(lua_State* L, int index);
/// The same; raises when it is no string. `what` it is: "the table".
std::string_view string_argument(lua_State* L, int index, const char* what);

}  // namespace pgswitch::rules
