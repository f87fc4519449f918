// Lua tells the lines of a function only to who holds it, and what never ran cannot be held. Its compiled form names them all.
#include <lua.hpp>

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>

#include "rules/line_coverage.hpp"

namespace pgswitch::rules {

namespace {

static_assert(LUA_VERSION_NUM == 504, "the compiled form read here is that of Lua 5.4 (ldump.c)");

constexpr std::size_t header_size = 4 + 1 + 1 + 6 + 3 + sizeof(lua_Integer) + sizeof(lua_Number);
constexpr std::size_t instruction_size = 4;
constexpr std::int8_t absolute_line = -0x80;

/// Reads the compiled form as ldump.c writes it. Past its end there are zeros.
class ChunkReader {
 public:
  explicit ChunkReader(std::string_view bytes) : bytes_(bytes) { skip(header_size + 1); }

  void read_function(std::set<int>& lines) {
    string();  // source
    int line = integer();
    skip_integers(1);  // last line
    skip(1);           // parameters
    const bool is_vararg = byte() != 0;
    skip(1);  // stack size
    skip(static_cast<std::size_t>(integer()) * instruction_size);
    constants();
    skip(static_cast<std::size_t>(integer()) * 3);  // upvalues
    for (int count = integer(); count > 0 && !at_end(); --count) read_function(lines);
    read_lines(line, is_vararg, lines);
    for (int count = integer(); count > 0 && !at_end(); --count) {  // local variables
      string();
      skip_integers(2);
    }
    for (int count = integer(); count > 0 && !at_end(); --count) string();  // names of upvalues
  }

 private:
  bool at_end() const { return at_ >= bytes_.size(); }
  void skip(std::size_t count) { at_ += std::min(count, bytes_.size() - at_); }
  std::uint8_t byte() { return at_end() ? std::uint8_t{0} : static_cast<std::uint8_t>(bytes_[at_++]); }

  std::size_t size() {
    std::size_t value = 0;
    while (!at_end()) {
      const std::uint8_t next = byte();
      value = (value << 7) | (next & 0x7f);
      if ((next & 0x80) != 0) break;
    }
    return value;
  }
  int integer() { return static_cast<int>(std::min<std::size_t>(size(), bytes_.size())); }
  void skip_integers(int count) {
    while (count-- > 0) size();
  }
  void string() {
    if (const std::size_t bytes = size(); bytes > 1) skip(bytes - 1);
  }

  void constants() {
    constexpr int integer_type = LUA_TNUMBER, float_type = LUA_TNUMBER | 16, short_string = LUA_TSTRING, long_string = LUA_TSTRING | 16;
    for (int count = integer(); count > 0 && !at_end(); --count) {
      const int type = byte();
      if (type == integer_type || type == float_type) skip(sizeof(lua_Number));
      if (type == short_string || type == long_string) string();
    }
  }

  // The first instruction of a function with variable arguments prepares them, the last one of all is its end.
  void read_lines(int line, bool is_vararg, std::set<int>& lines) {
    const auto count_of_steps = static_cast<std::size_t>(integer());
    const std::string_view steps = bytes_.substr(at_).substr(0, count_of_steps);
    skip(steps.size());
    std::set<std::pair<int, int>> absolute;  // instruction, line
    for (int count = integer(); count > 0 && !at_end(); --count) {
      const int instruction = integer();
      absolute.emplace(instruction, integer());
    }
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const auto step = static_cast<std::int8_t>(steps[i]);
      if (step == absolute_line) {
        const auto found = absolute.lower_bound({static_cast<int>(i), 0});
        line = found == absolute.end() ? line : found->second;
      } else {
        line += step;
      }
      if ((i > 0 || !is_vararg) && i + 1 < steps.size()) lines.insert(line);
    }
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
};

int append(lua_State*, const void* bytes, std::size_t size, void* to) {
  static_cast<std::string*>(to)->append(static_cast<const char*>(bytes), size);
  return 0;
}

}  // namespace

std::vector<int> code_lines(std::string_view text) {
  lua_State* L = luaL_newstate();
  if (L == nullptr) return {};
  std::string compiled;
  if (luaL_loadbufferx(L, text.data(), text.size(), "@text", "t") == LUA_OK) lua_dump(L, &append, &compiled, 0);
  lua_close(L);
  std::set<int> lines;
  if (!compiled.empty()) ChunkReader(compiled).read_function(lines);
  return {lines.begin(), lines.end()};
}

}  // namespace pgswitch::rules
