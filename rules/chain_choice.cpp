#include <algorithm>

#include "rules/chain_draft.hpp"
#include "rules/patterns.hpp"
#include "rules/setting_value.hpp"

/// Users who may choose a route themselves: by a comment, /* pgswitch: route=NAME */, or by the setting pgswitch.route.
namespace pgswitch::rules {

namespace {

constexpr std::string_view setting_name = "pgswitch.route";

std::string_view without_spaces(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\n"), text.size()));
  return text.substr(0, text.find_last_not_of(" \t\n") + 1);
}

/// "pgswitch: route=NAME" -> NAME
std::string_view route_of_hint(std::string_view hint) {
  for (const std::string_view word : {"pgswitch", ":", "route", "="}) {
    hint = without_spaces(hint);
    if (!hint.starts_with(word)) return {};
    hint.remove_prefix(word.size());
  }
  return without_spaces(hint);
}

std::string_view hinted_route(const Statement& statement) {
  for (const std::string& hint : statement.hints)
    if (const std::string_view route = route_of_hint(hint); !route.empty()) return route;
  return {};
}

bool may_choose(const EngineOptions& options, std::string_view user) {
  return std::any_of(options.route_users.begin(), options.route_users.end(), [user](const std::string& one) { return glob(user, one); });
}

RouteId find_route(const EngineOptions& options, std::string_view name) {
  const auto found = std::find_if(options.routes.begin(), options.routes.end(), [name](const auto& route) { return route.first == name; });
  return found == options.routes.end() ? no_route : found->second;
}

Refusal not_allowed() {
  return {"42501", "permission denied to set parameter \"pgswitch.route\"", "", "The users who may choose a route are listed in route_users of the configuration."};
}

Refusal unknown_route(const EngineOptions& options, std::string_view name) {
  std::string routes;
  for (const auto& route : options.routes) routes.append(routes.empty() ? "Routes are: " : ", ").append(route.first);
  return {"22023", "there is no route named \"" + std::string(name.substr(0, 64)) + "\"", "", routes + "."};
}

const VariableChange* route_change(const Statement& statement) {
  for (const VariableChange& change : statement.variables)
    if (change.name == setting_name) return &change;
  return nullptr;
}

}  // namespace

/// Why a session may not have that choice; nullopt: it may.
std::optional<Refusal> Chain::refuse_choice(std::string_view name, const std::string& user) const {
  if (name.empty()) return std::nullopt;
  if (!may_choose(options_, user)) return not_allowed();
  if (find_route(options_, name) == no_route) return unknown_route(options_, name);
  return std::nullopt;
}

/// SET pgswitch.route; true: it is refused, the rules are not asked.
bool Chain::refuses_setting(Draft& draft) const {
  const VariableChange* const change = route_change(*draft.statement);
  if (change == nullptr) return false;
  draft.decision.depends_on |= bit(Dependency::user) | bit(Dependency::text);
  auto refusal = refuse_choice(setting_value(change->statement), draft.facts.user);
  if (!refusal) return false;
  draft.decision.verb = Decision::Verb::reject;
  draft.decision.refusal = std::move(*refusal);
  draft.decision.rule = setting_name;
  if (draft.steps != nullptr) draft.steps->push_back({std::string(setting_name), "reject: " + draft.decision.refusal.sqlstate});
  return true;
}

/// Puts the user's own choice in place of the route that the rules have found. What they refuse or answer stays so.
void Chain::take_choice(Draft& draft) const {
  if (options_.route_users.empty() || draft.decision.verb != Decision::Verb::route) return;
  const bool sets = sets_route(*draft.statement);  // a transaction that begins with it begins there
  if (goes_anywhere(draft.statement->kind) && !sets) return;
  std::string_view name = hinted_route(*draft.statement);
  const std::string_view by = name.empty() ? setting_name : "hint";
  if (name.empty()) {
    draft.decision.depends_on |= bit(Dependency::wished_route);
    name = draft.facts.wished_route;
  }
  const std::string chosen = sets ? route_after(*draft.statement, std::string(name)) : std::string();
  if (sets) name = chosen;
  if (name.empty()) return;
  draft.decision.depends_on |= bit(Dependency::user);
  if (!may_choose(options_, draft.facts.user)) return;
  if (draft.steps != nullptr) draft.steps->push_back({std::string(by), "\"" + std::string(name.substr(0, 64)) + "\""});
  draft.decision.rule = by;
  draft.decision.rule_index = 0;
  draft.decision.route = find_route(options_, name);
  if (draft.decision.route != no_route) return;
  draft.decision.verb = Decision::Verb::reject;
  draft.decision.refusal = unknown_route(options_, name);
}

}  // namespace pgswitch::rules
