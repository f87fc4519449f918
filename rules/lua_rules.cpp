#include "rules/lua_rules.hpp"

#include <cstring>

#include "rules/lua_edits.hpp"
#include "rules/lua_objects.hpp"
#include "rules/lua_session.hpp"

namespace pgswitch::rules {

namespace {

// Loading may do more than a call: tables of routes are built then.
constexpr std::uint64_t load_instructions = 20'000'000;
constexpr std::size_t hook_index(Hook hook) { return static_cast<std::size_t>(hook); }

// The functions of the hooks are kept by number in a table of the registry.
char hooks_key;

}  // namespace

std::string_view to_string(Hook hook) {
  switch (hook) {
    case Hook::connect: return "connect";
    case Hook::route: return "route";
    case Hook::routing_rules: return "routing_rules";
    case Hook::rewrite: return "rewrite";
    case Hook::rewrite_query: return "rewrite_query";
  }
  return "";
}

struct LuaRules::Call {
  LuaRules* rules;
  lua_CFunction body;
  const Statement* statement;
  std::string_view text;
  const Facts* facts;
  Hook hook{};
  RuleFunction function{};
  std::size_t place = 0;  ///< in the table of rules
  bool edits = false;     ///< it may edit the statement
};

LuaRules::LuaRules(LuaOptions options)
    : options_(std::move(options)), sources_(options_.file, options_.on_source), name_(sources_.name()) {
  world_.sources = &sources_;
  world_.log = options_.log;
  world_.now_us = options_.now_us;
  world_.routes = &options_.routes;
  world_.route_state = options_.route_state;
  if (!options_.shared) options_.shared = std::make_shared<SharedStore>();
  world_.shared = options_.shared.get();
}

std::unique_ptr<LuaRules> LuaRules::load(LuaOptions options, std::string& error) {
  std::unique_ptr<LuaRules> rules(new LuaRules(std::move(options)));
  if (!rules->build(error)) return nullptr;
  return rules;
}

bool LuaRules::build(std::string& error) {
  const std::string* text = sources_.main(error);
  if (text == nullptr) return false;
  auto state = std::make_unique<LuaState>(options_.memory_bytes, options_.coverage);
  if (state->get() == nullptr) {
    error = name_ + ": the memory cap for Lua is too small";
    return false;
  }
  state->start(load_instructions);
  world_.loading = true;
  world_.read = nullptr;
  world_.declarations = Declarations{};
  world_.reader = RuleReader{};
  world_.reader.routes = &options_.routes;
  world_.reader.sources = &sources_;
  const bool loaded = state->run(&LuaRules::load_body, this);
  world_.loading = false;
  world_.reader.routes = nullptr;
  if (!loaded) {
    const std::string where = state->error_position().text();
    error = state->error();
    if (error.find(".lua:") == std::string::npos) error = (where.empty() ? name_ : where) + ": " + error;
    return false;
  }
  if (!take_table(error)) return false;
  if (!check_hooks(error)) return false;
  if (options_.coverage != nullptr) sources_.each([this](const std::string& name, const std::string& source) { options_.coverage->add_source(name, source); });
  state_ = std::move(state);
  return true;
}

// Decisions and counters know a rule by its place: a state that is built again must have the same ones.
bool LuaRules::take_table(std::string& error) {
  if (has_table_ && !table_.is_like(world_.reader.table)) {
    error = name_ + ": rules{} was given other rules when the file was loaded again";
    return false;
  }
  if (!has_table_) {
    table_ = std::move(world_.reader.table);
    declarations_ = std::move(world_.declarations);
  }
  world_.reader = RuleReader{};
  has_table_ = true;
  return true;
}

/// A rule that is for every statement leaves nothing for the hooks.
bool LuaRules::check_hooks(std::string& error) const {
  if (table_.size() == 0 || !table_[table_.size() - 1].ends_all()) return true;
  const TableRule& last = table_[table_.size() - 1];
  for (const Hook hook : hooks) {
    if (hook == Hook::connect || !has(hook)) continue;
    error = definitions_[hook_index(hook)].text() + ": hook " + std::string(to_string(hook)) + " can never be reached: the rule \"" + last.name + "\" (" +
            last.place + ") has no 'when'";
    return false;
  }
  return true;
}

int LuaRules::load_body(lua_State* L) {
  auto* rules = static_cast<LuaRules*>(lua_touserdata(L, 1));
  open_library(L, &rules->world_);
  create_objects(L);
  lua_pushfstring(L, "@%s", rules->name_.c_str());
  load_chunk(L, *rules->sources_.main(rules->world_.error), lua_tostring(L, -1));
  lua_call(L, 0, 0);
  rules->find_definitions(L);
  return 0;
}

void LuaRules::find_definitions(lua_State* L) {
  lua_createtable(L, static_cast<int>(hooks.size()), 0);
  push_raw_globals(L);
  for (const Hook hook : hooks) {
    lua_getfield(L, -1, to_string(hook).data());
    if (!lua_isfunction(L, -1)) {
      lua_pop(L, 1);
      continue;
    }
    lua_Debug ar;
    lua_pushvalue(L, -1);
    lua_getinfo(L, ">S", &ar);
    LuaPosition& definition = definitions_[hook_index(hook)];
    std::memcpy(definition.source.data(), ar.short_src, definition.source.size());
    definition.line = ar.linedefined > 0 ? ar.linedefined : 1;
    lua_rawseti(L, -3, static_cast<lua_Integer>(hook_index(hook)) + 1);
  }
  lua_pop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &hooks_key);
}

int LuaRules::call_body(lua_State* L) {
  const auto& call = *static_cast<Call*>(lua_touserdata(L, 1));
  Dependencies& read = call.rules->result_.read;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &hooks_key);
  lua_rawgeti(L, -1, static_cast<lua_Integer>(hook_index(call.hook)) + 1);
  int arguments = 2;
  switch (call.hook) {
    case Hook::connect:
      push_session(L, {call.facts, &read});
      arguments = 1;
      break;
    case Hook::route:
    case Hook::rewrite:
      push_statement(L, {call.statement, call.text, call.facts, &read});
      push_session(L, {call.facts, &read});
      break;
    case Hook::routing_rules:
    case Hook::rewrite_query:
      read |= bit(Dependency::text) | bit(Dependency::user) | bit(Dependency::in_transaction);
      lua_pushlstring(L, call.facts->user.data(), call.facts->user.size());
      lua_pushlstring(L, call.text.data(), call.text.size());
      lua_pushboolean(L, call.facts->in_transaction);
      arguments = 3;
      break;
  }
  lua_call(L, arguments, 1);
  if (call.hook == Hook::rewrite) read_rewrite_result(L, call.rules->result_);
  else read_result(L, call.rules->result_);
  return 0;
}

int LuaRules::call_rule_body(lua_State* L) {
  const auto& call = *static_cast<Call*>(lua_touserdata(L, 1));
  HookResult& result = call.rules->result_;
  push_rule_function(L, call.place, call.function);
  push_statement(L, {call.statement, call.text, call.facts, &result.read});
  push_session(L, {call.facts, &result.read});
  lua_call(L, 2, 1);
  if (call.function == RuleFunction::where) read_condition_result(L, result);
  else read_rewrite_result(L, result);
  return 0;
}

const HookResult& LuaRules::ask(Hook hook, const Statement* statement, std::string_view text, const Facts& facts) {
  Call call{this, &LuaRules::call_body, statement, text, &facts};
  call.hook = hook;
  call.edits = hook == Hook::rewrite;
  return run(call, definitions_[hook_index(hook)].text());
}

const HookResult& LuaRules::ask(RuleFunction function, std::size_t place, const Statement& statement, std::string_view text,
                                const Facts& facts) {
  Call call{this, &LuaRules::call_rule_body, &statement, text, &facts};
  call.function = function;
  call.edits = function == RuleFunction::rewrite;
  call.place = place;
  return run(call, table_[place].place);
}

const HookResult& LuaRules::run(Call& call, const std::string& definition) {
  result_ = HookResult{};
  if (state_ == nullptr && !build(result_.failure)) {
    result_.said = HookResult::Said::failed;
    result_.where = definition;
    result_.read |= bit(Dependency::volatile_);
    return result_;
  }
  world_.read = &result_.read;
  world_.result = &result_;
  world_.edits.start(call.edits);
  state_->start(options_.instructions);
  const bool succeeded = state_->run(call.body, &call);
  unbind_objects(state_->get());
  world_.read = nullptr;
  world_.result = nullptr;
  finish(definition, succeeded);
  return result_;
}

void LuaRules::finish(const std::string& definition, bool succeeded) {
  const LuaPosition& at = succeeded || state_->error_position().line == 0 ? state_->last_return() : state_->error_position();
  result_.where = at.line > 0 ? at.text() : definition;
  if (!succeeded) {
    result_.said = HookResult::Said::failed;
    result_.failure = state_->error();
    result_.read |= bit(Dependency::volatile_);
    const bool placed = result_.failure.find(".lua:") != std::string::npos;
    if (!placed) result_.failure = result_.where + ": " + result_.failure;
  }
  if (state_->stopped() == LuaState::Stop::memory) state_.reset();
}

}  // namespace pgswitch::rules
