#include "rules/lua_session.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <string>

#include "rules/lua_fields.hpp"
#include "rules/lua_library.hpp"
#include "rules/lua_state.hpp"
#include "rules/network.hpp"
#include "rules/patterns.hpp"
#include "rules/setting_value.hpp"

namespace pgswitch::rules {

namespace {

// Its address is a key of the registry.
char session_key;

constexpr const char* session_methods = ", in_network(), setting(), since_write()";

enum class Property : lua_Integer { user, database, application_name, client_address, in_transaction, tls, certificate, search_path, age, written, pinned_by };
constexpr std::array session_fields = {"user", "database",    "application_name", "client_address", "in_transaction", "tls",
                                       "certificate", "search_path", "age", "written",        "pinned_by"};
static_assert(session_fields.size() == static_cast<std::size_t>(Property::pinned_by) + 1);
constexpr std::array depends_on = {Dependency::user,           Dependency::database, Dependency::application_name, Dependency::client_address,
                                   Dependency::in_transaction, Dependency::tls,      Dependency::tls,              Dependency::search_path,
                                   Dependency::volatile_,      Dependency::volatile_, Dependency::volatile_};
static_assert(depends_on.size() == session_fields.size());

void push_view(lua_State* L, std::string_view text) { lua_pushlstring(L, text.data(), text.size()); }

void push_or_nil(lua_State* L, std::string_view text) {
  if (text.empty()) lua_pushnil(L);
  else push_view(L, text);
}

void push_seconds(lua_State* L, std::int64_t since_us) {
  const LuaWorld& world = world_of(L);
  lua_pushnumber(L, world.now_us ? static_cast<double>(world.now_us() - since_us) / 1e6 : 0.0);
}

const SessionView& view_at(lua_State* L, int index) {
  const auto& view = *static_cast<SessionView*>(lua_touserdata(L, index));
  if (view.facts == nullptr) luaL_error(L, "session may be used only during the hook that was given it");
  return view;
}

const SessionView& check_session(lua_State* L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &session_key);
  if (lua_rawequal(L, 1, -1) == 0) luaL_error(L, "call it as session:in_network(...), session:setting(...) or session:since_write(...)");
  lua_pop(L, 1);
  return view_at(L, 1);
}

// Names of tables, latest last.
void push_written(lua_State* L, const SessionState* state) {
  lua_newtable(L);
  if (state == nullptr) return;
  LuaState::of(L).charge(L, state->written().size() + 1);
  for (const WrittenTable& one : state->written()) {
    if (one.table.schema.empty()) push_view(L, one.table.name);
    else lua_pushfstring(L, "%s.%s", one.table.schema.c_str(), one.table.name.c_str());
    lua_rawseti(L, -2, static_cast<lua_Integer>(lua_rawlen(L, -2)) + 1);
  }
}

// No local with a destructor may stand where Lua can raise.
void push_text_of_world(lua_State* L) { push_or_nil(L, world_of(L).text); }

void push_pinned_by(lua_State* L, const SessionState* state) {
  world_of(L).text = state != nullptr ? state->pinned_by() : std::string();
  push_text_of_world(L);
}

void push_property(lua_State* L, const Facts& facts, Property property) {
  switch (property) {
    case Property::user: return push_view(L, facts.user);
    case Property::database: return push_view(L, facts.database);
    case Property::application_name: return push_view(L, facts.application_name);
    case Property::client_address: return push_view(L, facts.client_address);
    case Property::in_transaction: return lua_pushboolean(L, facts.in_transaction);
    case Property::tls: return lua_pushboolean(L, facts.tls);
    case Property::certificate: return push_or_nil(L, facts.certificate);
    case Property::search_path: return push_or_nil(L, facts.search_path);
    case Property::age: return push_seconds(L, facts.began_us);
    case Property::written: return push_written(L, facts.state);
    case Property::pinned_by: return push_pinned_by(L, facts.state);
  }
}

// Upvalue: name of a field -> its number, or a method.
int index_session(lua_State* L) {
  lua_pushvalue(L, 2);
  const int type = lua_rawget(L, lua_upvalueindex(1));
  if (type == LUA_TFUNCTION) return 1;
  if (type != LUA_TNUMBER) raise_unknown_field(L, "session", session_fields, session_methods);
  const SessionView& view = view_at(L, 1);
  const auto property = static_cast<Property>(lua_tointeger(L, -1));
  *view.read |= bit(depends_on[static_cast<std::size_t>(property)]);
  push_property(L, *view.facts, property);
  return 1;
}

int refuse_assignment(lua_State* L) { return luaL_error(L, "session is read-only"); }

std::string_view check_text(lua_State* L, int index) {
  luaL_checktype(L, index, LUA_TSTRING);
  std::size_t size = 0;
  const char* const text = lua_tolstring(L, index, &size);
  return {text, size};
}

int method_in_network(lua_State* L) {
  const SessionView& view = check_session(L);
  luaL_checkany(L, 2);
  *view.read |= bit(Dependency::client_address);
  bool yes = false;
  for (int i = 2; i <= lua_gettop(L); ++i) {
    LuaState::of(L).charge(L, 20);
    const std::optional<Network> network = Network::parse(check_text(L, i));
    if (!network) return luaL_error(L, "'%s' is neither an address, nor a network like 10.0.0.0/8, nor unix", lua_tostring(L, i));
    yes = yes || hold({&*network, 1}, view.facts->client_address);
  }
  lua_pushboolean(L, yes);
  return 1;
}

void take_setting(LuaWorld& world, const Facts& facts, std::string_view name) {
  std::optional<std::string> value = facts.state != nullptr ? facts.state->setting(name) : std::nullopt;
  for (const ScriptItem& item : facts.before) value = setting_after(*item.statement, name, std::move(value));
  world.text = std::move(value).value_or(std::string());
}

int method_setting(lua_State* L) {
  const SessionView& view = check_session(L);
  *view.read |= bit(Dependency::volatile_);
  LuaState::of(L).charge(L, 20);
  take_setting(world_of(L), *view.facts, check_text(L, 2));
  push_text_of_world(L);
  return 1;
}

bool is_meant(const WrittenTable& written, std::string_view pattern) {
  const std::size_t dot = pattern.find('.');
  if (dot == std::string_view::npos) return glob(written.table.name, pattern);
  return glob(written.table.name, pattern.substr(dot + 1)) && (written.table.schema.empty() || glob(written.table.schema, pattern.substr(0, dot)));
}

// Seconds since the session has written to one of these tables, or to any; nil: it has not.
int method_since_write(lua_State* L) {
  const SessionView& view = check_session(L);
  *view.read |= bit(Dependency::volatile_);
  const SessionState* const state = view.facts->state;
  const int count = lua_gettop(L);
  std::int64_t latest = count == 1 && state != nullptr ? state->last_write_us() : 0;
  for (int i = 2; i <= count; ++i) {
    const std::string_view pattern = check_text(L, i);
    if (state == nullptr) continue;
    LuaState::of(L).charge(L, state->written().size() + 1);
    for (const WrittenTable& one : state->written())
      if (one.at_us > latest && is_meant(one, pattern)) latest = one.at_us;
  }
  if (latest == 0) lua_pushnil(L);
  else push_seconds(L, latest);
  return 1;
}

}  // namespace

void create_session(lua_State* L) {
  new (lua_newuserdatauv(L, sizeof(SessionView), 0)) SessionView;
  push_field_numbers(L, session_fields);
  const luaL_Reg methods[] = {
      {"in_network", method_in_network}, {"setting", method_setting}, {"since_write", method_since_write}, {nullptr, nullptr}};
  luaL_setfuncs(L, methods, 0);
  finish_object(L, &index_session, &refuse_assignment, "session");
  lua_rawsetp(L, LUA_REGISTRYINDEX, &session_key);
}

void push_session(lua_State* L, const SessionView& view) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &session_key);
  *static_cast<SessionView*>(lua_touserdata(L, -1)) = view;
}

void unbind_session(lua_State* L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &session_key);
  *static_cast<SessionView*>(lua_touserdata(L, -1)) = SessionView{};
  lua_pop(L, 1);
}

}  // namespace pgswitch::rules
