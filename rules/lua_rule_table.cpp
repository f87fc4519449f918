#include "rules/lua_rule_table.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "rules/lua_fields.hpp"
#include "rules/lua_library.hpp"
#include "rules/lua_limits.hpp"
#include "rules/lua_results.hpp"
#include "rules/lua_state.hpp"

namespace pgswitch::rules {

namespace {

// Their addresses are keys of the registry.
char reader_key;
char functions_key;

constexpr std::array<std::string_view, 15> rule_keys = {"name", "mode",   "when",       "route", "reject",  "answer",   "rewrite",
                                                        "pass", "strict", "unfiltered", "delay", "timeout", "max_rows", "fallback", "metric"};
constexpr int rule_index = 1;

RuleReader& reader_of(lua_State* L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &reader_key);
  auto* reader = static_cast<RuleReader*>(lua_touserdata(L, -1));
  lua_pop(L, 1);
  return *reader;
}

[[noreturn]] void raise_error_of(lua_State* L, const RuleReader& reader, const char* what) {
  if (what != nullptr) luaL_error(L, "%s: %s", what, reader.error.c_str());
  luaL_error(L, "%s", reader.error.c_str());
  std::abort();  // luaL_error does not return
}

lua_Integer function_number(std::size_t place, RuleFunction function) {
  return static_cast<lua_Integer>(2 * place + static_cast<std::size_t>(function) + 1);
}

// ---- conditions

void check_item(lua_State* L, RuleReader& reader, const char* name) {
  if (lua_type(L, -1) != LUA_TSTRING) luaL_error(L, "%s takes a string or a list of strings, not a %s", name, luaL_typename(L, -1));
  LuaState::of(L).charge(L, 20);
  const std::string_view item = string_at(L, -1);
  if (item.find('\0') != std::string_view::npos) luaL_error(L, "%s: a string holds a zero byte", name);
  if (!reader.add_item(item)) raise_error_of(L, reader, name);
}

// One string or a list of them on top of the stack.
void read_items(lua_State* L, RuleReader& reader, const char* name) {
  if (lua_type(L, -1) != LUA_TTABLE) return check_item(L, reader, name);
  const int list = lua_gettop(L);
  const auto size = static_cast<lua_Integer>(lua_rawlen(L, list));
  lua_Integer fields = 0;
  for (lua_pushnil(L); lua_next(L, list) != 0; lua_pop(L, 1)) ++fields;
  if (size == 0 || fields != size) luaL_error(L, "%s takes a string or a list of strings, and this table is no such list", name);
  for (lua_Integer i = 1; i <= size; ++i) {
    lua_rawgeti(L, list, i);
    check_item(L, reader, name);
    lua_pop(L, 1);
  }
}

lua_Integer hour_at(lua_State* L, int list, lua_Integer place) {
  lua_rawgeti(L, list, place);
  const lua_Integer hour = lua_isinteger(L, -1) != 0 ? lua_tointeger(L, -1) : -1;
  lua_pop(L, 1);
  return hour;
}

void read_hours(lua_State* L, RuleReader& reader) {
  const int list = lua_gettop(L);
  const bool is_pair = lua_type(L, list) == LUA_TTABLE && lua_rawlen(L, list) == 2;
  const lua_Integer from = is_pair ? hour_at(L, list, 1) : -1;
  const lua_Integer until = is_pair ? hour_at(L, list, 2) : -1;
  if (from < 0 || from > 23 || until < 0 || until > 24 || from == until) {
    luaL_error(L, "hour takes two hours of the day, { from, until }, as in { 22, 6 }");
  }
  reader.condition.set(Hours{static_cast<std::int8_t>(from), static_cast<std::int8_t>(until)});
  reader.written.append(" ").append(std::to_string(from)).append(" to ").append(std::to_string(until));
}

void read_within(lua_State* L, RuleReader& reader) {
  const lua_Number seconds = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : -1;
  if (!(seconds > 0 && seconds <= 1e9)) luaL_error(L, "wrote_within takes a number of seconds");
  reader.condition.set(Within{static_cast<std::int64_t>(seconds * 1e6)});
  char digits[32];
  std::snprintf(digits, sizeof digits, " %.14g s", seconds);
  reader.written.append(digits);
}

void read_flag(lua_State* L, RuleReader& reader, const char* name, Subject subject) {
  if (lua_type(L, -1) != LUA_TBOOLEAN) luaL_error(L, "%s takes true or false, not a %s", name, luaL_typename(L, -1));
  const bool value = lua_toboolean(L, -1) != 0;
  reader.start_condition(subject, !value);
  reader.written.append(value ? " true" : " false");
}

std::string_view without_not(std::string_view name) { return name.starts_with("not_") ? name.substr(4) : name; }

[[noreturn]] void unknown_condition(lua_State* L, RuleReader& reader, const char* name) {
  reader.error = "; conditions are " + subject_names() + " and where; not_ in front of one that takes a list denies it";
  luaL_error(L, "unknown condition '%s'%s", name, reader.error.c_str());
  std::abort();  // luaL_error does not return
}

// Name and value are on top of the stack.
void read_condition(lua_State* L, RuleReader& reader) {
  if (lua_type(L, -2) != LUA_TSTRING) luaL_error(L, "'when' takes conditions by name, as in { user = \"bi_*\" }");
  const char* const name = lua_tostring(L, -2);
  LuaState::of(L).charge(L, 20);
  if (string_at(L, -2) == "where") {
    if (!lua_isfunction(L, -1)) luaL_error(L, "where takes a function, not a %s", luaL_typename(L, -1));
    reader.rule.asks_where = true;
    return;
  }
  const std::string_view bare = without_not(string_at(L, -2));
  const std::optional<Subject> subject = subject_of(bare);
  const bool negated = bare.size() != string_at(L, -2).size();
  if (!subject) unknown_condition(L, reader, name);
  if (is_flag(*subject)) {
    if (negated) luaL_error(L, "unknown condition '%s': write %s = false", name, bare.data());
    read_flag(L, reader, name, *subject);
  } else {
    reader.start_condition(*subject, negated);
    if (*subject == Subject::hour) read_hours(L, reader);
    else if (*subject == Subject::wrote_within) read_within(L, reader);
    else read_items(L, reader, name);
  }
  reader.finish_condition();
}

void read_conditions(lua_State* L, RuleReader& reader) {
  if (raw_field(L, rule_index, "when") != LUA_TNIL) {
    if (!lua_istable(L, -1)) luaL_error(L, "when takes a table of conditions, not a %s", luaL_typename(L, -1));
    const int when = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, when) != 0; lua_pop(L, 1)) read_condition(L, reader);
  }
  lua_pop(L, 1);
}

// ---- actions

std::string_view string_value(lua_State* L, const char* name) {
  if (lua_type(L, -1) != LUA_TSTRING) luaL_error(L, "%s takes a string, not a %s", name, luaL_typename(L, -1));
  const std::string_view text = string_at(L, -1);
  if (text.find('\0') != std::string_view::npos) luaL_error(L, "%s holds a zero byte", name);
  return text;
}

void read_name(lua_State* L, RuleReader& reader) {
  if (raw_field(L, rule_index, "name") != LUA_TNIL) {
    const std::string_view name = string_value(L, "name");
    const bool printable = std::all_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) >= ' '; });
    if (name.empty() || name.size() > 64 || !printable) luaL_error(L, "name takes 1 to 64 characters on one line");
    reader.rule.name.assign(name);
  }
  lua_pop(L, 1);
}

void read_mode(lua_State* L, RuleReader& reader) {
  if (raw_field(L, rule_index, "mode") != LUA_TNIL) {
    const std::string_view mode = string_value(L, "mode");
    if (mode != "enforce" && mode != "observe") luaL_error(L, "mode is \"enforce\" or \"observe\", not '%s'", mode.data());
    reader.rule.observes = mode == "observe";
  }
  lua_pop(L, 1);
}

void check_keys(lua_State* L) {
  for (lua_pushnil(L); lua_next(L, rule_index) != 0; lua_pop(L, 1)) {
    const bool known = lua_type(L, -2) == LUA_TSTRING && std::find(rule_keys.begin(), rule_keys.end(), string_at(L, -2)) != rule_keys.end();
    if (known) continue;
    luaL_error(L, "unknown key '%s'; a rule has name, mode, when, route, reject, answer, rewrite, strict, unfiltered, pass, delay, timeout, max_rows, fallback and metric", luaL_tolstring(L, -2, nullptr));
  }
}

// Which action the rule has; `route` stands beside `rewrite`.
TableRule::Action action_of(lua_State* L, bool limited) {
  using Action = TableRule::Action;
  constexpr std::array<std::pair<const char*, Action>, 5> actions = {
      {{"route", Action::route}, {"reject", Action::reject}, {"answer", Action::answer}, {"rewrite", Action::rewrite}, {"pass", Action::pass}}};
  const std::pair<const char*, Action>* found = nullptr;
  for (const auto& action : actions) {
    const bool given = raw_field(L, rule_index, action.first) != LUA_TNIL;
    lua_pop(L, 1);
    if (!given) continue;
    const bool beside = found == nullptr || (found->second == Action::route && action.second == Action::rewrite);
    if (!beside) luaL_error(L, "it has two actions, %s and %s", found->first, action.first);
    found = &action;
  }
  if (found == nullptr && !limited) luaL_error(L, "it has no action: give it route, reject, answer, rewrite, a limit or pass = true");
  return found == nullptr ? Action::pass : found->second;
}

void read_route(lua_State* L, RuleReader& reader) {
  if (raw_field(L, rule_index, "route") != LUA_TNIL && !reader.set_route(string_value(L, "route"))) {
    raise_error_of(L, reader, nullptr);
  }
  lua_pop(L, 1);
}

void read_rewrite(lua_State* L, RuleReader& reader) {
  raw_field(L, rule_index, "rewrite");
  if (lua_istable(L, -1)) {
    read_edit_table(L);
    reader.rule.edits = world_of(L).edits.take();
  } else if (!lua_isfunction(L, -1)) {
    if (lua_type(L, -1) != LUA_TSTRING) luaL_error(L, "rewrite takes a function, a table of edits or a text, not a %s", luaL_typename(L, -1));
    LuaState::of(L).charge(L, lua_rawlen(L, -1));
    if (!reader.set_text(string_value(L, "rewrite"))) raise_error_of(L, reader, nullptr);
  }
  lua_pop(L, 1);
}

void read_strict(lua_State* L, RuleReader& reader) {
  if (raw_field(L, rule_index, "strict") != LUA_TNIL) {
    if (!lua_isboolean(L, -1)) luaL_error(L, "strict takes true or false, not a %s", luaL_typename(L, -1));
    reader.rule.strict = lua_toboolean(L, -1) != 0;
  }
  EditBook& book = world_of(L).edits;
  book.start(true);
  const bool listed = raw_field(L, rule_index, "unfiltered") != LUA_TNIL;
  if (listed && !reader.rule.strict) luaL_error(L, "unfiltered belongs to strict = true");
  if (listed) read_unfiltered(L, book);
  reader.rule.unfiltered = book.take().unfiltered;
  lua_pop(L, 2);
  if (!reader.rule.strict) return;
  if (reader.rule.action != TableRule::Action::rewrite || reader.rule.text) luaL_error(L, "strict belongs to a rewrite by edits");
  if (reader.rule.is_for_some_statements()) luaL_error(L, "a strict rule is for all statements: 'when' has user, database and client_address only");
}

void read_metric(lua_State* L, RuleReader& reader) {
  if (raw_field(L, rule_index, "metric") != LUA_TNIL) {
    const std::string_view name = string_value(L, "metric");
    if (name.empty() || name.size() > 64) luaL_error(L, "a metric's name has 1 to 64 characters");
    reader.rule.metrics.emplace_back(std::string(name), 1.0);
  }
  lua_pop(L, 1);
}

void read_action(lua_State* L, RuleReader& reader) {
  using Action = TableRule::Action;
  read_limits(L, rule_index, reader.rule.limits);
  read_fallback(L, rule_index, reader.rule.fallback);
  const bool limited = reader.rule.limits.any() || reader.rule.fallback;
  const Action action = reader.rule.action = action_of(L, limited);
  const bool sends = action != Action::reject && action != Action::answer;
  if (limited && !sends) luaL_error(L, "delay, timeout, max_rows and fallback belong to a rule whose statement goes to a server");
  read_metric(L, reader);
  read_route(L, reader);
  if (action == Action::rewrite) read_rewrite(L, reader);
  raw_field(L, rule_index, "reject");
  if (action == Action::reject) read_refusal_value(L, reader.rule.refusal);
  raw_field(L, rule_index, "answer");
  if (action == Action::answer) read_answer_value(L, reader.rule.answer);
  raw_field(L, rule_index, "pass");
  if (action == Action::pass && !lua_isnil(L, -1) && (!lua_isboolean(L, -1) || lua_toboolean(L, -1) == 0)) luaL_error(L, "pass takes true and nothing else");
  lua_pop(L, 3);
}

// ---- rules

void keep_function(lua_State* L, int table, const char* name, std::size_t place, RuleFunction function) {
  if (raw_field(L, table, name) == LUA_TFUNCTION) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &functions_key);
    lua_insert(L, -2);
    lua_rawseti(L, -2, function_number(place, function));
  }
  lua_pop(L, 1);
}

int read_rule(lua_State* L) {
  RuleReader& reader = reader_of(L);
  if (!lua_istable(L, rule_index)) luaL_error(L, "a rule is a table, not a %s", luaL_typename(L, rule_index));
  read_name(L, reader);
  check_keys(L);
  read_mode(L, reader);
  read_conditions(L, reader);
  read_action(L, reader);
  read_strict(L, reader);
  const std::size_t place = reader.table.size();
  if (!reader.finish_rule()) raise_error_of(L, reader, nullptr);
  keep_function(L, rule_index, "rewrite", place, RuleFunction::rewrite);
  if (raw_field(L, rule_index, "when") == LUA_TTABLE) keep_function(L, lua_gettop(L), "where", place, RuleFunction::where);
  return 0;
}

// A rule's errors are raised without a place, as C functions call each other, and get that of the rule here.
void read_placed(lua_State* L, RuleReader& reader, lua_Integer i) {
  reader.start_rule(static_cast<std::size_t>(i) - 1);
  lua_pushcfunction(L, &read_rule);
  lua_rawgeti(L, 1, i);
  const int status = lua_pcall(L, 1, 0, 0);
  if (status == LUA_OK) return;
  LuaState& state = LuaState::of(L);
  if (status == LUA_ERRMEM) state.out_of_memory();
  if (state.stopped() != LuaState::Stop::none) state.out_of_budget(L);
  lua_pushfstring(L, "%s: rule \"%s\": %s", reader.rule.place.c_str(), reader.rule.name.c_str(), luaL_tolstring(L, -1, nullptr));
  lua_error(L);
}

void find_call(lua_State* L, RuleReader& reader) {
  lua_Debug ar;
  for (int level = 1; lua_getstack(L, level, &ar) != 0; ++level) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline > 0) return reader.start_call(ar.short_src, ar.currentline);
  }
  luaL_error(L, "rules{} is called by a rules file");
}

int rules(lua_State* L) {
  RuleReader& reader = reader_of(L);
  if (reader.routes == nullptr) return luaL_error(L, "rules{} works only while the rules file is loaded");
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  const auto count = static_cast<lua_Integer>(lua_rawlen(L, 1));
  lua_Integer fields = 0;
  for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) ++fields;
  if (fields != count) return luaL_error(L, "rules{} takes a list of rules: rules { { name = ..., when = { ... }, route = ... }, ... }");
  find_call(L, reader);
  for (lua_Integer i = 1; i <= count; ++i) {
    LuaState::of(L).charge(L, 100);
    read_placed(L, reader, i);
  }
  return 0;
}

}  // namespace

void push_rules_function(lua_State* L, RuleReader* reader) {
  lua_pushlightuserdata(L, reader);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &reader_key);
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &functions_key);
  lua_pushcfunction(L, &rules);
}

void push_rule_function(lua_State* L, std::size_t place, RuleFunction function) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &functions_key);
  lua_rawgeti(L, -1, function_number(place, function));
  lua_remove(L, -2);
}

}  // namespace pgswitch::rules
