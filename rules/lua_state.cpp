#include "rules/lua_state.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace pgswitch::rules {

namespace {

constexpr int hook_period = 1000;
constexpr std::uint64_t volume_per_cap = 4;

void copy_position(const lua_Debug& ar, LuaPosition& position) {
  std::memcpy(position.source.data(), ar.short_src, position.source.size());
  position.line = ar.currentline;
}

}  // namespace

std::string LuaPosition::text() const {
  if (line <= 0) return {};
  return std::string(source.data()) + ":" + std::to_string(line);
}

LuaState::LuaState(std::size_t memory_bytes, LineCoverage* coverage) : cap_(memory_bytes), coverage_(coverage) {
  state_ = lua_newstate(&LuaState::allocate, this);
  if (state_ != nullptr) *static_cast<LuaState**>(lua_getextraspace(state_)) = this;
}

LuaState::~LuaState() {
  if (state_ != nullptr) lua_close(state_);
}

void* LuaState::allocate(void* self, void* block, std::size_t old_size, std::size_t new_size) {
  auto& state = *static_cast<LuaState*>(self);
  const std::size_t held = block != nullptr ? old_size : 0;  // without a block, old_size is the kind of object
  if (new_size == 0) {
    std::free(block);
    state.used_ -= held;
    return nullptr;
  }
  if (new_size > held) {
    if (new_size > state.cap_ || state.used_ - held > state.cap_ - new_size) return nullptr;
    if (state.volume_ > state.cap_ * volume_per_cap) return nullptr;
    state.volume_ += new_size;
  }
  void* moved = std::realloc(block, new_size);
  if (moved != nullptr) state.used_ += new_size - held;
  return moved;
}

void LuaState::start(std::uint64_t instructions) {
  remaining_ = static_cast<std::int64_t>(std::min<std::uint64_t>(instructions, INT64_MAX));
  volume_ = 0;
  stop_ = Stop::none;
  error_position_.line = 0;
  last_return_.line = 0;
  period_ = static_cast<int>(std::clamp<std::uint64_t>(instructions, 1, hook_period));
  lua_sethook(state_, &LuaState::on_hook, LUA_MASKCOUNT | LUA_MASKRET | (coverage_ != nullptr ? LUA_MASKLINE : 0), period_);
}

void LuaState::on_hook(lua_State* L, lua_Debug* ar) {
  LuaState& self = of(L);
  if (ar->event == LUA_HOOKCOUNT) {
    self.remaining_ -= self.stop_ == Stop::none ? self.period_ : 1;
    if (self.remaining_ <= 0 || self.stop_ != Stop::none) self.out_of_budget(L);
    return;
  }
  lua_getinfo(L, "Sl", ar);
  if (ar->event == LUA_HOOKLINE) return self.coverage_->ran(ar->short_src, ar->currentline);
  if (ar->currentline > 0) copy_position(*ar, self.last_return_);
}

void LuaState::charge(lua_State* L, std::uint64_t units) {
  if (units < budget_left()) {
    remaining_ -= static_cast<std::int64_t>(units);
    return;
  }
  out_of_budget(L);
}

void LuaState::out_of_budget(lua_State* L) {
  if (stop_ == Stop::none) stop_ = Stop::instructions;
  remaining_ = 0;
  lua_sethook(L, &LuaState::on_hook, LUA_MASKCOUNT, 1);  // from here on every instruction fails
  luaL_where(L, 0);
  if (lua_rawlen(L, -1) == 0) {
    lua_pop(L, 1);
    luaL_where(L, 1);
  }
  lua_pushstring(L, stop_ == Stop::memory ? "the memory of the rules is used up" : "the instruction budget is used up");
  lua_concat(L, 2);
  lua_error(L);
  std::abort();  // lua_error does not return
}

void LuaState::find_position(lua_State* L, LuaPosition& position) {
  lua_Debug ar;
  for (int level = 0; lua_getstack(L, level, &ar) != 0; ++level) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline > 0) return copy_position(ar, position);
  }
}

// Runs where the error was raised, before the stack is unwound. It only notes the place.
int LuaState::on_error(lua_State* L) {
  find_position(L, of(L).error_position_);
  return 1;
}

bool LuaState::run(lua_CFunction body, void* argument) {
  lua_settop(state_, 0);
  lua_pushcfunction(state_, &LuaState::on_error);
  lua_pushcfunction(state_, body);
  lua_pushlightuserdata(state_, argument);
  const int status = lua_pcall(state_, 1, 0, 1);
  if (status != LUA_OK) take_error(status);
  lua_settop(state_, 0);
  return status == LUA_OK;
}

void LuaState::take_error(int status) {
  if (status == LUA_ERRMEM) stop_ = Stop::memory;
  if (stop_ == Stop::memory) {
    error_ = "the memory of the rules is used up";
    return;
  }
  const int type = lua_type(state_, -1);
  if (type == LUA_TSTRING) {
    std::size_t size = 0;
    const char* text = lua_tolstring(state_, -1, &size);
    error_.assign(text, std::min<std::size_t>(size, 1000));
    return;
  }
  error_ = std::string("error object is a ") + lua_typename(state_, type) + " value";
  if (type == LUA_TNUMBER) error_ = "error " + std::to_string(lua_tonumber(state_, -1));
}

std::string_view string_at(lua_State* L, int index) {
  std::size_t size = 0;
  const char* text = lua_tolstring(L, index, &size);
  return {text, size};
}

std::string_view string_argument(lua_State* L, int index, const char* what) {
  if (lua_type(L, index) != LUA_TSTRING) luaL_error(L, "%s is a string, not a %s", what, luaL_typename(L, index));
  return string_at(L, index);
}

}  // namespace pgswitch::rules
