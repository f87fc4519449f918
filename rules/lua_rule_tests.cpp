#include <algorithm>
#include <array>
#include <cstdlib>

#include "rules/lua_results.hpp"
#include "rules/lua_state.hpp"
#include "rules/rule_test.hpp"

namespace pgswitch::rules {

namespace {

constexpr std::size_t memory_bytes = 256 * 1024 * 1024;
constexpr std::uint64_t instructions = 1'000'000'000;
constexpr int about = 2;  ///< stack index of the table that test() is given

/// What test() reads into. Outside of Lua, whose errors run no destructor.
struct TestReader {
  LuaSources sources;
  LuaWorld world;
  Facts session;
  std::vector<RuleTest> tests;
  RuleTest test;  ///< the one being read
};

char test_reader_key;

TestReader& test_reader_of(lua_State* L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &test_reader_key);
  auto* reader = static_cast<TestReader*>(lua_touserdata(L, -1));
  lua_pop(L, 1);
  return *reader;
}

// What a key leads to is on top of the stack.
void take(lua_State* L, const char* name, std::string& into) {
  if (lua_type(L, -1) != LUA_TSTRING) luaL_error(L, "%s takes a string, not a %s", name, luaL_typename(L, -1));
  into.assign(string_at(L, -1));
}

void take(lua_State* L, const char* name, RareString& into) {
  if (lua_type(L, -1) != LUA_TSTRING) luaL_error(L, "%s takes a string, not a %s", name, luaL_typename(L, -1));
  into = string_at(L, -1);
}

void take(lua_State* L, const char* name, std::optional<std::string>& into) {
  if (lua_type(L, -1) != LUA_TSTRING) luaL_error(L, "%s takes a string, not a %s", name, luaL_typename(L, -1));
  into.emplace(string_at(L, -1));
}

void take(lua_State* L, const char* name, bool& into) {
  if (lua_type(L, -1) != LUA_TBOOLEAN) luaL_error(L, "%s takes true or false, not a %s", name, luaL_typename(L, -1));
  into = lua_toboolean(L, -1) != 0;
}

/// Calls `field(key)` for each key of the table on top of the stack, its value on top then. False from it: there is no such key.
template <class Field>
void each_field(lua_State* L, const char* what, const char* known, Field field) {
  if (!lua_istable(L, -1)) luaL_error(L, "%s takes a table, not a %s", what, luaL_typename(L, -1));
  const int table = lua_gettop(L);
  luaL_checkstack(L, 8, nullptr);
  for (lua_pushnil(L); lua_next(L, table) != 0; lua_settop(L, table + 1)) {
    const bool read = lua_type(L, -2) == LUA_TSTRING && field(string_at(L, -2));
    if (!read) luaL_error(L, "%s knows %s, not '%s'", what, known, luaL_tolstring(L, -2, nullptr));
  }
}

void read_settings(lua_State* L, TestedSession& state) {
  each_field(L, "session.settings", "names of settings", [&](std::string_view key) {
    auto& [name, value] = state.settings.emplace_back();
    name.assign(key);
    take(L, "a setting", value);
    return true;
  });
}

void take_seconds(lua_State* L, std::optional<double>& into) {
  const double seconds = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : -1;
  if (!(seconds >= 0) || seconds > 86400) luaL_error(L, "session.since_write takes seconds, at most those of a day");
  into = seconds;
}

void read_session(lua_State* L, Facts& facts, TestedSession& state) {
  constexpr const char* known = "user, database, application_name, client_address, in_transaction, tls, certificate, search_path, settings and since_write";
  each_field(L, "session", known, [&](std::string_view key) {
    if (key == "user") take(L, "session.user", facts.user);
    else if (key == "database") take(L, "session.database", facts.database);
    else if (key == "application_name") take(L, "session.application_name", facts.application_name);
    else if (key == "client_address") take(L, "session.client_address", facts.client_address);
    else if (key == "in_transaction") take(L, "session.in_transaction", facts.in_transaction);
    else if (key == "tls") take(L, "session.tls", facts.tls);
    else if (key == "certificate") take(L, "session.certificate", facts.certificate);
    else if (key == "search_path") take(L, "session.search_path", facts.search_path);
    else if (key == "settings") read_settings(L, state);
    else if (key == "since_write") take_seconds(L, state.since_write);
    else return false;
    return true;
  });
}

void read_expected_refusal(lua_State* L, std::optional<ExpectedRefusal>& into) {
  ExpectedRefusal& refusal = into.emplace();
  if (lua_isboolean(L, -1) && lua_toboolean(L, -1) != 0) return;
  if (lua_type(L, -1) == LUA_TSTRING) return take(L, "reject", refusal.message);
  each_field(L, "expect.reject", "sqlstate, message, detail and hint", [&](std::string_view key) {
    if (key == "sqlstate") take(L, "reject.sqlstate", refusal.sqlstate);
    else if (key == "message") take(L, "reject.message", refusal.message);
    else if (key == "detail") take(L, "reject.detail", refusal.detail);
    else if (key == "hint") take(L, "reject.hint", refusal.hint);
    else return false;
    return true;
  });
}

void read_expected_answer(lua_State* L, Expectation& expect) {
  if (lua_isboolean(L, -1) && lua_toboolean(L, -1) != 0) expect.any_answer = true;
  else read_answer_value(L, expect.answer.emplace());
}

void read_expectation(lua_State* L, Expectation& expect) {
  std::size_t keys = 0;
  each_field(L, "expect", "pass, route, text, reject, answer, rule and observed", [&](std::string_view key) {
    ++keys;
    if (key == "pass") take(L, "expect.pass", expect.pass);
    else if (key == "route") take(L, "expect.route", expect.route);
    else if (key == "text") take(L, "expect.text", expect.text);
    else if (key == "rule") take(L, "expect.rule", expect.rule);
    else if (key == "observed") take(L, "expect.observed", expect.observed);
    else if (key == "reject") read_expected_refusal(L, expect.reject);
    else if (key == "answer") read_expected_answer(L, expect);
    else return false;
    return true;
  });
  if (keys == 0) luaL_error(L, "expect is empty: the test could not fail");
}

// A list of expectations, one for each statement, or a single one.
void read_expectations(lua_State* L, std::vector<Expectation>& all) {
  if (!lua_istable(L, -1)) luaL_error(L, "expect takes a table, not a %s", luaL_typename(L, -1));
  const auto size = static_cast<lua_Integer>(lua_rawlen(L, -1));
  if (size == 0) return read_expectation(L, all.emplace_back());
  for (lua_Integer i = 1; i <= size; ++i) {
    lua_rawgeti(L, -1, i);
    read_expectation(L, all.emplace_back());
    lua_pop(L, 1);
  }
}

void read_hour(lua_State* L, RuleTest& test) {
  const lua_Integer hour = lua_isinteger(L, -1) != 0 ? lua_tointeger(L, -1) : -1;
  if (hour < 0 || hour > 23) luaL_error(L, "hour takes an hour of the day, 0 to 23");
  test.hour = static_cast<int>(hour);
}

void take(lua_State* L, const char* name, std::uint32_t& into) {
  const lua_Integer number = lua_isinteger(L, -1) != 0 ? lua_tointeger(L, -1) : -1;
  if (number < 0 || number > INT32_MAX) luaL_error(L, "%s takes a whole number, 0 or more", name);
  into = static_cast<std::uint32_t>(number);
}

void take(lua_State* L, const char* name, std::int64_t& into) {
  std::uint32_t number = 0;
  take(L, name, number);
  into = number;
}

void take_kind(lua_State* L, std::string_view& into) {
  for (const std::string_view kind : {"postgres", "redshift"})
    if (lua_type(L, -1) == LUA_TSTRING && string_at(L, -1) == kind) into = kind;
  if (into.empty()) luaL_error(L, "kind takes \"postgres\" or \"redshift\"");
}

void read_route(lua_State* L, RouteState& state) {
  each_field(L, "a route", "kind, healthy, active, waiting, pool_size, median and p99", [&](std::string_view key) {
    if (key == "kind") take_kind(L, state.kind);
    else if (key == "healthy") take(L, "healthy", state.healthy);
    else if (key == "active") take(L, "active", state.active);
    else if (key == "waiting") take(L, "waiting", state.waiting);
    else if (key == "pool_size") take(L, "pool_size", state.pool_size);
    else if (key == "median") take(L, "median", state.median_us);
    else if (key == "p99") take(L, "p99", state.p99_us);
    else return false;
    return true;
  });
}

void read_routes(lua_State* L, RuleTest& test) {
  each_field(L, "routes", "names of routes", [&](std::string_view key) {
    auto& [name, state] = test.routes.emplace_back();
    name.assign(key);
    read_route(L, state);
    return true;
  });
}

void read_shared(lua_State* L, RuleTest& test) {
  each_field(L, "shared", "keys that are strings", [&](std::string_view key) {
    auto& [name, value] = test.shared.emplace_back();
    name.assign(key);
    if (lua_isinteger(L, -1) != 0) value = static_cast<std::int64_t>(lua_tointeger(L, -1));
    else if (lua_type(L, -1) == LUA_TNUMBER) value = static_cast<double>(lua_tonumber(L, -1));
    else take(L, "a value of shared", value.emplace<std::string>());
    return true;
  });
}

void read_test(lua_State* L, RuleTest& test) {
  each_field(L, "a test", "sql, session, hour, routes, shared and expect", [&](std::string_view key) {
    if (key == "sql") take(L, "sql", test.sql);
    else if (key == "session") read_session(L, test.session, test.state);
    else if (key == "hour") read_hour(L, test);
    else if (key == "routes") read_routes(L, test);
    else if (key == "shared") read_shared(L, test);
    else if (key == "expect") read_expectations(L, test.expect);
    else return false;
    return true;
  });
  if (test.expect.empty()) luaL_error(L, "a test needs expect: what it expects of the rules");
}

void find_place(lua_State* L, RuleTest& test) {
  lua_Debug ar;
  if (lua_getstack(L, 1, &ar) == 0) return;
  lua_getinfo(L, "Sl", &ar);
  test.file.assign(ar.short_src);
  test.line = ar.currentline;
}

void begin_test(TestReader& reader, std::string_view name) {
  reader.test = RuleTest();
  reader.test.name.assign(name);
  reader.test.session = reader.session;
}

int test(lua_State* L) {
  TestReader& reader = test_reader_of(L);
  if (lua_type(L, 1) != LUA_TSTRING || lua_rawlen(L, 1) == 0) return luaL_error(L, "test takes a name and a table: test(\"name\", { sql = ..., expect = { ... } })");
  luaL_checktype(L, about, LUA_TTABLE);
  lua_settop(L, about);
  begin_test(reader, string_at(L, 1));
  find_place(L, reader.test);
  read_test(L, reader.test);
  reader.tests.push_back(std::move(reader.test));
  return 0;
}

int load_body(lua_State* L) {
  auto* reader = static_cast<TestReader*>(lua_touserdata(L, 1));
  open_library(L, &reader->world);
  lua_pushlightuserdata(L, reader);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &test_reader_key);
  push_raw_globals(L);
  lua_pushcfunction(L, &test);
  lua_setfield(L, -2, "test");
  const std::string* text = reader->sources.known(reader->test.file);
  lua_pushfstring(L, "@%s", reader->test.file.c_str());
  load_chunk(L, *text, lua_tostring(L, -1));
  lua_call(L, 0, 0);
  return 0;
}

}  // namespace

std::optional<std::vector<RuleTest>> load_rule_tests(const std::string& file, const Facts& session, const std::function<void(std::string_view)>& log,
                                                     std::string& error) {
  TestReader reader{LuaSources(file), {}, session, {}, {}};
  if (reader.sources.main(error) == nullptr) return std::nullopt;
  reader.test.file = reader.sources.name();
  reader.world.sources = &reader.sources;
  reader.world.log = log;
  reader.world.now_us = [] { return std::int64_t{0}; };
  reader.world.loading = true;
  LuaState state(memory_bytes);
  state.start(instructions);
  if (state.run(&load_body, &reader)) return std::move(reader.tests);
  error = state.error();
  if (error.find(".lua:") == std::string::npos) error = state.error_position().text() + ": " + error;
  return std::nullopt;
}

}  // namespace pgswitch::rules
