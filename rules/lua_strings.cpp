#include "rules/lua_strings.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string_view>

#include "rules/lua_pattern.hpp"
#include "rules/lua_state.hpp"

namespace pgswitch::rules {

namespace {

// A step of the matcher costs a fraction of what an instruction costs.
constexpr std::uint64_t steps_per_instruction = 8;

std::string_view check_string(lua_State* L, int index) {
  std::size_t size = 0;
  const char* text = luaL_checklstring(L, index, &size);
  return {text, size};
}

// Zero-based start for a Lua position that may count from the end; may lie behind the text.
std::size_t start_position(lua_Integer position, std::size_t size) {
  if (position > 0) return static_cast<std::size_t>(position) - 1;
  if (position == 0 || position < -static_cast<lua_Integer>(size)) return 0;
  return size - static_cast<std::size_t>(-position);
}

LuaPattern pattern_for(lua_State* L, std::string_view subject, std::string_view pattern) {
  return {subject, pattern, LuaState::of(L).budget_left() * steps_per_instruction};
}

// Settles what the matcher spent since `before`; raises its errors.
void settle(lua_State* L, const LuaPattern& pattern, std::uint64_t before) {
  LuaState& state = LuaState::of(L);
  if (pattern.exhausted()) state.out_of_budget(L);
  state.charge(L, (before - pattern.steps_left()) / steps_per_instruction + 1);
  if (pattern.failure() != nullptr) luaL_error(L, "%s", pattern.failure());
}

void push_capture(lua_State* L, const LuaPattern& pattern, int index, std::string_view subject, std::size_t begin,
                  std::size_t end) {
  if (index >= pattern.captures()) {
    if (index != 0) luaL_error(L, "invalid capture index %%%d", index + 1);
    lua_pushlstring(L, subject.data() + begin, end - begin);
    return;
  }
  const LuaPattern::Capture& capture = pattern.capture(index);
  if (capture.position) {
    lua_pushinteger(L, static_cast<lua_Integer>(capture.begin) + 1);
  } else {
    lua_pushlstring(L, subject.data() + capture.begin, capture.size);
  }
}

// All captures; the whole match when there are none and `whole` is set.
int push_captures(lua_State* L, const LuaPattern& pattern, bool whole, std::string_view subject, std::size_t begin,
                  std::size_t end) {
  const int count = pattern.captures() == 0 && whole ? 1 : pattern.captures();
  luaL_checkstack(L, count, "too many captures");
  for (int i = 0; i < count; ++i) push_capture(L, pattern, i, subject, begin, end);
  return count;
}

int find_plain(lua_State* L, std::string_view subject, std::string_view text, std::size_t from) {
  LuaState::of(L).charge(L, (subject.size() - from) / 64 + 1);
  // memmem is linear; std::string_view::find is not.
  const void* found = ::memmem(subject.data() + from, subject.size() - from, text.data(), text.size());
  if (found == nullptr) {
    lua_pushnil(L);
    return 1;
  }
  const auto at = static_cast<lua_Integer>(static_cast<const char*>(found) - subject.data());
  lua_pushinteger(L, at + 1);
  lua_pushinteger(L, at + static_cast<lua_Integer>(text.size()));
  return 2;
}

int search(lua_State* L, bool find) {
  const std::string_view subject = check_string(L, 1);
  std::string_view text = check_string(L, 2);
  std::size_t at = start_position(luaL_optinteger(L, 3, 1), subject.size());
  if (at > subject.size()) {
    lua_pushnil(L);
    return 1;
  }
  if (find && (lua_toboolean(L, 4) != 0 || LuaPattern::is_plain(text))) return find_plain(L, subject, text, at);
  const bool anchor = text.starts_with('^');
  if (anchor) text.remove_prefix(1);
  LuaPattern pattern = pattern_for(L, subject, text);
  const std::uint64_t before = pattern.steps_left();
  std::size_t end = LuaPattern::npos;
  for (;; ++at) {
    if (!anchor) at = pattern.candidate(at);
    if (at == LuaPattern::npos) break;
    end = pattern.match_at(at);
    if (end != LuaPattern::npos || anchor || at >= subject.size() || pattern.exhausted() || pattern.failure() != nullptr) break;
  }
  settle(L, pattern, before);
  if (end == LuaPattern::npos) {
    lua_pushnil(L);
    return 1;
  }
  if (!find) return push_captures(L, pattern, true, subject, at, end);
  lua_pushinteger(L, static_cast<lua_Integer>(at) + 1);
  lua_pushinteger(L, static_cast<lua_Integer>(end));
  return 2 + push_captures(L, pattern, false, subject, at, end);
}

int string_find(lua_State* L) { return search(L, true); }
int string_match(lua_State* L) { return search(L, false); }

// Upvalues: subject, pattern, where to go on, end of the last match (-1: none yet).
int gmatch_next(lua_State* L) {
  const std::string_view subject = check_string(L, lua_upvalueindex(1));
  LuaPattern pattern = pattern_for(L, subject, check_string(L, lua_upvalueindex(2)));
  const std::uint64_t before = pattern.steps_left();
  const auto last = static_cast<std::size_t>(lua_tointeger(L, lua_upvalueindex(4)));
  std::size_t at = static_cast<std::size_t>(lua_tointeger(L, lua_upvalueindex(3)));
  for (; at <= subject.size(); ++at) {
    const std::size_t end = pattern.match_at(at);
    if (pattern.exhausted() || pattern.failure() != nullptr) break;
    if (end == LuaPattern::npos || end == last) continue;
    settle(L, pattern, before);
    lua_pushinteger(L, static_cast<lua_Integer>(end));
    lua_copy(L, -1, lua_upvalueindex(3));
    lua_replace(L, lua_upvalueindex(4));
    return push_captures(L, pattern, true, subject, at, end);
  }
  settle(L, pattern, before);
  lua_pushinteger(L, static_cast<lua_Integer>(subject.size()) + 1);
  lua_replace(L, lua_upvalueindex(3));
  return 0;
}

int string_gmatch(lua_State* L) {
  const std::string_view subject = check_string(L, 1);
  check_string(L, 2);
  const std::size_t from = std::min(start_position(luaL_optinteger(L, 3, 1), subject.size()), subject.size() + 1);
  lua_settop(L, 2);
  lua_pushinteger(L, static_cast<lua_Integer>(from));
  lua_pushinteger(L, -1);
  lua_pushcclosure(L, &gmatch_next, 4);
  return 1;
}

struct Substitution {
  std::string_view subject;
  std::string_view replacement;  ///< when it is a string
  int type = LUA_TNIL;
};

void add_template(lua_State* L, luaL_Buffer& out, const LuaPattern& pattern, const Substitution& by, std::size_t begin,
                  std::size_t end) {
  const std::string_view text = by.replacement;
  LuaState::of(L).charge(L, text.size() / 16 + 1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      luaL_addchar(&out, text[i]);
      continue;
    }
    const char c = ++i < text.size() ? text[i] : '\0';
    if (c == '%') {
      luaL_addchar(&out, c);
    } else if (c == '0') {
      luaL_addlstring(&out, by.subject.data() + begin, end - begin);
    } else if (c >= '1' && c <= '9') {
      push_capture(L, pattern, c - '1', by.subject, begin, end);
      luaL_tolstring(L, -1, nullptr);
      lua_remove(L, -2);
      luaL_addvalue(&out);
    } else {
      luaL_error(L, "invalid use of '%%' in replacement string");
    }
  }
}

// The value of a table or function for one match; nil and false keep the text.
void add_value(lua_State* L, luaL_Buffer& out, const LuaPattern& pattern, const Substitution& by, std::size_t begin,
               std::size_t end) {
  if (by.type == LUA_TFUNCTION) {
    lua_pushvalue(L, 3);
    const int count = push_captures(L, pattern, true, by.subject, begin, end);
    lua_call(L, count, 1);
  } else if (by.type == LUA_TTABLE) {
    push_capture(L, pattern, 0, by.subject, begin, end);
    lua_gettable(L, 3);
  } else {
    add_template(L, out, pattern, by, begin, end);
    return;
  }
  if (lua_toboolean(L, -1) == 0) {
    lua_pop(L, 1);
    luaL_addlstring(&out, by.subject.data() + begin, end - begin);
    return;
  }
  if (lua_isstring(L, -1) == 0) luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
  luaL_addvalue(&out);
}

int string_gsub(lua_State* L) {
  Substitution by;
  by.subject = check_string(L, 1);
  std::string_view text = check_string(L, 2);
  by.type = lua_type(L, 3);
  if (by.type == LUA_TNUMBER || by.type == LUA_TSTRING) {
    by.replacement = check_string(L, 3);
    by.type = LUA_TSTRING;
  } else {
    luaL_argexpected(L, by.type == LUA_TFUNCTION || by.type == LUA_TTABLE, 3, "string/function/table");
  }
  const auto most = luaL_optinteger(L, 4, std::numeric_limits<lua_Integer>::max());
  const bool anchor = text.starts_with('^');
  if (anchor) text.remove_prefix(1);
  luaL_Buffer out;
  luaL_buffinit(L, &out);
  lua_Integer count = 0;
  std::size_t at = 0;
  std::size_t last = LuaPattern::npos;
  while (count < most) {
    // A fresh matcher each time: a replacement function spends from the same budget.
    LuaPattern pattern = pattern_for(L, by.subject, text);
    const std::uint64_t before = pattern.steps_left();
    const std::size_t end = pattern.match_at(at);
    settle(L, pattern, before);
    if (end != LuaPattern::npos && end != last) {
      ++count;
      add_value(L, out, pattern, by, at, end);
      at = last = end;
    } else if (at < by.subject.size()) {
      luaL_addchar(&out, by.subject[at]);
      ++at;
    } else {
      break;
    }
    if (anchor) break;
  }
  luaL_addlstring(&out, by.subject.data() + std::min(at, by.subject.size()), by.subject.size() - std::min(at, by.subject.size()));
  luaL_pushresult(&out);
  lua_pushinteger(L, count);
  return 2;
}

int string_rep(lua_State* L) {
  const std::string_view text = check_string(L, 1);
  const lua_Integer count = luaL_checkinteger(L, 2);
  std::size_t size = 0;
  const char* separator = luaL_optlstring(L, 3, "", &size);
  if (count <= 0 || text.size() + size == 0) {
    lua_pushliteral(L, "");
    return 1;
  }
  const auto times = static_cast<std::size_t>(count);
  if (times > std::numeric_limits<std::int32_t>::max() / (text.size() + size)) return luaL_error(L, "resulting string too large");
  const std::size_t total = times * text.size() + (times - 1) * size;
  luaL_Buffer out;
  char* to = luaL_buffinitsize(L, &out, total);
  LuaState::of(L).charge(L, times / 64 + 1);
  for (std::size_t i = 0; i < times; ++i) {
    std::memcpy(to, text.data(), text.size());
    to += text.size();
    if (i + 1 < times && size > 0) {
      std::memcpy(to, separator, size);
      to += size;
    }
  }
  luaL_pushresultsize(&out, total);
  return 1;
}

}  // namespace

const luaL_Reg bounded_string_functions[] = {
    {"find", string_find}, {"match", string_match}, {"gmatch", string_gmatch},
    {"gsub", string_gsub}, {"rep", string_rep},     {nullptr, nullptr},
};

}  // namespace pgswitch::rules
