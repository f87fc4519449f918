#include <nlohmann/json.hpp>

#include "rules/explain.hpp"
#include "rules/route_names.hpp"

namespace pgswitch::rules {

namespace {

using nlohmann::ordered_json;

ordered_json list(const std::vector<TableName>& tables) {
  ordered_json names = ordered_json::array();
  for (const TableName& table : tables) names.push_back(table.schema.empty() ? table.name : table.schema + "." + table.name);
  return names;
}

ordered_json or_null(const std::string& text) { return text.empty() ? ordered_json() : ordered_json(text); }

void add_facts(ordered_json& out, const Statement& s) {
  out["fingerprint"] = fingerprint_digits(s.fingerprint);
  out["kind"] = to_string(s.kind);
  out["command"] = s.command;
  out["parsed"] = s.parsed;
  out["read_only"] = s.read_only;
  out["reads"] = list(s.reads);
  out["writes"] = list(s.writes);
  out["functions"] = s.functions;
  out["aggregate"] = s.aggregate;
  out["window"] = s.window;
  out["group_by"] = s.group_by;
  out["distinct"] = s.distinct;
  out["limit"] = s.limit;
  out["joins"] = s.joins;
  out["subquery"] = s.subquery;
  out["for_update"] = s.for_update;
  out["returning"] = s.returning;
  out["modifying_cte"] = s.modifying_cte;
  out["parameters"] = s.parameters;
  out["redshift_keyword"] = or_null(s.redshift_keyword);
  out["effects"] = effect_names(s.effects);
  out["hints"] = s.hints;
}

ordered_json refusal_of(const Refusal& refusal) {
  return {{"sqlstate", refusal.sqlstate}, {"message", refusal.message}, {"detail", or_null(refusal.detail)}, {"hint", or_null(refusal.hint)}};
}

ordered_json answer_of(const Answer& answer) {
  ordered_json rows = ordered_json::array();
  for (const auto& row : answer.rows) {
    ordered_json values = ordered_json::array();
    for (const auto& value : row) values.push_back(value ? ordered_json(*value) : ordered_json());
    rows.push_back(std::move(values));
  }
  return {{"columns", answer.columns}, {"rows", std::move(rows)}};
}

ordered_json limits_of(const StatementLimits& limits) {
  const auto or_none = [](auto value) { return value == 0 ? ordered_json() : ordered_json(value); };
  if (!limits.any()) return {};
  return {{"delay_us", or_none(limits.delay_us)}, {"timeout_us", or_none(limits.timeout_us)}, {"max_rows", or_none(limits.max_rows)}};
}

ordered_json decision_of(const Decision& decision, const std::string& own) {
  constexpr std::string_view verbs[] = {"route", "reject", "answer"};
  const bool routed = decision.verb == Decision::Verb::route;
  ordered_json out;
  out["verb"] = verbs[static_cast<std::size_t>(decision.verb)];
  out["route"] = !routed ? ordered_json() : or_null(decision.route != no_route ? route_name(decision.route) : own);
  out["own_database"] = routed && decision.route == no_route;
  out["rule"] = decision.rule;
  out["rewritten"] = decision.rewritten ? ordered_json(*decision.rewritten) : ordered_json();
  out["limits"] = limits_of(decision.limits);
  if (decision.fallback) out["fallback"] = *decision.fallback == no_route ? ordered_json(false) : ordered_json(route_name(*decision.fallback));
  else out["fallback"] = nullptr;
  out["refusal"] = decision.verb == Decision::Verb::reject ? refusal_of(decision.refusal) : ordered_json();
  out["answer"] = decision.verb == Decision::Verb::answer ? answer_of(decision.answer) : ordered_json();
  return out;
}

ordered_json cached_as(Reuse reuse, Dependencies depends_on) {
  constexpr std::string_view names[] = {"shape", "text", "no", "no"};
  constexpr std::pair<Dependency, std::string_view> dependencies[] = {
      {Dependency::shape, "shape"}, {Dependency::text, "text"}, {Dependency::user, "user"}, {Dependency::database, "database"},
      {Dependency::application_name, "application_name"}, {Dependency::client_address, "client_address"},
      {Dependency::in_transaction, "in_transaction"}, {Dependency::tls, "tls"}, {Dependency::search_path, "search_path"},
      {Dependency::wished_route, "pgswitch.route"}, {Dependency::volatile_, "moment"}};
  ordered_json on = ordered_json::array();
  for (const auto& [dependency, name] : dependencies) {
    if (has(depends_on, dependency)) on.push_back(name);
  }
  return {{"by", names[static_cast<std::size_t>(reuse)]}, {"depends_on", std::move(on)}};
}

ordered_json statement_of(const StatementAccount& one, const std::string& own) {
  ordered_json out;
  out["text"] = one.text;
  add_facts(out, *one.statement);
  out["asked"] = ordered_json::array();
  for (const ChainStep& step : one.steps) out["asked"].push_back({{"rule", step.who}, {"said", step.said}});
  out["observed"] = ordered_json::array();
  for (const Observation& seen : one.decision->observed) out["observed"].push_back({{"rule", seen.rule}, {"would", seen.would}});
  out["decision"] = decision_of(*one.decision, own);
  out["cached"] = cached_as(one.reuse, one.decision->depends_on);
  return out;
}

}  // namespace

std::string to_json(const Account& account) {
  ordered_json out;
  out["database"] = or_null(account.own_database);
  out["over_limit"] = or_null(account.limit);
  out["syntax_error"] = ordered_json();
  if (account.syntax_error) out["syntax_error"] = {{"message", account.error}, {"position", account.error_position}};
  out["statements"] = ordered_json::array();
  for (const StatementAccount& one : account.statements) out["statements"].push_back(statement_of(one, account.own_database));
  return out.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace pgswitch::rules
