#include "rules/explain.hpp"

#include <array>
#include <utility>

#include "rules/analyze.hpp"
#include "rules/route_names.hpp"

namespace pgswitch::rules {

namespace {

constexpr std::size_t label_width = 11;

/// Lines of "  label      value"; further lines of a value stand under its first.
struct Page {
  std::string text;

  void line(std::string_view label, std::string_view value) {
    text.append("  ").append(label).append(label_width - std::min(label.size(), label_width - 1), ' ');
    for (const char c : value) {
      text += c;
      if (c == '\n') text.append(label_width + 2, ' ');
    }
    text += '\n';
  }
  void line_if(std::string_view label, const std::string& value) {
    if (!value.empty()) line(label, value);
  }
};

void append(std::string& list, std::string_view more) {
  if (!list.empty()) list += ", ";
  list += more;
}

std::string list(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) append(all, name);
  return all;
}

std::string list(const std::vector<TableName>& tables) {
  std::string all;
  for (const TableName& table : tables) append(all, table.schema.empty() ? table.name : table.schema + "." + table.name);
  return all;
}

std::string effects_of(const Statement& s) {
  std::string all;
  for (const std::string_view name : effect_names(s.effects)) append(all, name);
  return all;
}

std::string shape_of(const Statement& s) {
  std::string all;
  const std::pair<bool, std::string_view> flags[] = {
      {s.aggregate, "aggregate"}, {s.window, "window"},         {s.group_by, "group by"},   {s.distinct, "distinct"},
      {s.limit, "limit"},         {s.subquery, "subquery"},     {s.for_update, "for update"}, {s.returning, "returning"},
      {s.modifying_cte, "modifying CTE"}};
  for (const auto& [is, name] : flags) {
    if (is) append(all, name);
  }
  if (s.joins > 0) append(all, std::to_string(s.joins) + (s.joins == 1 ? " join" : " joins"));
  if (s.parameters > 0) append(all, std::to_string(s.parameters) + (s.parameters == 1 ? " parameter" : " parameters"));
  return all;
}

std::string kind_of(const Statement& s) {
  std::string kind(to_string(s.kind));
  if (!s.command.empty()) kind += " (" + s.command + ")";
  if (!s.parsed && s.kind != Kind::unparsed) kind += ", known by its first words only";
  if (!s.redshift_keyword.empty()) kind += ", Redshift's " + s.redshift_keyword;
  return kind;
}

void describe_statement(Page& page, const Statement& s, std::string_view text) {
  page.line("text", text);
  page.line("fingerprint", fingerprint_digits(s.fingerprint));
  page.line("kind", kind_of(s));
  page.line("read only", s.read_only ? "yes" : "no");
  page.line_if("reads", list(s.reads));
  page.line_if("writes", list(s.writes));
  page.line_if("functions", list(s.functions));
  page.line_if("shape", shape_of(s));
  page.line_if("effects", effects_of(s));
  page.line_if("hints", list(s.hints));
}

std::string route_of(const Decision& decision, const std::string& own) {
  if (decision.route != no_route) return "route " + route_name(decision.route);
  return "the client's own database" + (own.empty() ? std::string() : ", " + own);
}

std::string verdict_of(const Decision& decision, const std::string& own) {
  switch (decision.verb) {
    case Decision::Verb::route: return route_of(decision, own);
    case Decision::Verb::answer: return "answered here, " + std::to_string(decision.answer.rows.size()) + " rows";
    case Decision::Verb::reject: break;
  }
  const Refusal& refusal = decision.refusal;
  std::string text = "refused: " + refusal.sqlstate + " " + refusal.message;
  if (!refusal.detail.empty()) text += "\ndetail: " + refusal.detail;
  if (!refusal.hint.empty()) text += "\nhint: " + refusal.hint;
  return text;
}

std::string cached_as(Reuse reuse, Dependencies depends_on) {
  if (reuse == Reuse::limit) return "no: the text is over a limit";
  if (reuse == Reuse::moment) return "no: it depends on " + describe(depends_on);
  std::string how = reuse == Reuse::text ? "for this exact text" : "for all statements of this shape";
  const Dependencies more = depends_on & ~(bit(Dependency::shape) | bit(Dependency::text));
  if (more != 0) how += ", by " + describe(more);
  return "yes, " + how;
}

void describe_decision(Page& page, const StatementAccount& one, const std::string& own) {
  const Decision& decision = *one.decision;
  for (const ChainStep& step : one.steps) page.line("asked", step.who + " said " + step.said);
  for (const Observation& observed : decision.observed) page.line("observed", observed.rule + " would have said " + observed.would);
  page.line("decision", verdict_of(decision, own));
  page.line("rule", decision.rule);
  if (decision.rewritten) page.line("rewritten", *decision.rewritten);
  if (decision.limits.any()) page.line("limits", decision.limits.describe());
  if (decision.fallback) page.line("fallback", describe_fallback(*decision.fallback));
  page.line("cached", cached_as(one.reuse, decision.depends_on));
}

Reuse reuse_of(const Decision& decision, const Statement& statement, bool alone, bool oversized) {
  if (oversized) return Reuse::limit;
  if (has(decision.depends_on, Dependency::volatile_)) return Reuse::moment;
  const bool exact = !alone || statement.literal_sensitive || has(decision.depends_on, Dependency::text);
  return exact ? Reuse::text : Reuse::shape;
}

}  // namespace

std::vector<std::string_view> effect_names(Effects effects) {
  static constexpr std::array<std::pair<Effect, std::string_view>, 24> names = {{
      {Effect::temp_table, "temporary table"},
      {Effect::listen, "LISTEN"},
      {Effect::unlisten, "UNLISTEN"},
      {Effect::unlisten_all, "UNLISTEN *"},
      {Effect::advisory_lock, "session advisory lock"},
      {Effect::advisory_unlock, "advisory unlock"},
      {Effect::advisory_unlock_all, "advisory unlock of all"},
      {Effect::hold_cursor, "cursor WITH HOLD"},
      {Effect::close_cursor, "CLOSE"},
      {Effect::close_all_cursors, "CLOSE ALL"},
      {Effect::prepare, "PREPARE"},
      {Effect::deallocate, "DEALLOCATE"},
      {Effect::deallocate_all, "DEALLOCATE ALL"},
      {Effect::set_variable, "session setting"},
      {Effect::set_local, "setting of the transaction"},
      {Effect::reset_all, "RESET ALL"},
      {Effect::discard_all, "DISCARD ALL"},
      {Effect::discard_temp, "DISCARD TEMP"},
      {Effect::discard_plans, "DISCARD PLANS"},
      {Effect::sequence_state, "asks for the session's sequence values"},
      {Effect::unknown_settings, "may change settings unseen"},
      {Effect::replication, "replication"},
      {Effect::dropped_on_commit, "temporary table of the transaction"},
      {Effect::advisory_locks, "unknown number of locks"},
  }};
  std::vector<std::string_view> all;
  for (const auto& [effect, name] : names) {
    if (has(effects, effect)) all.push_back(name);
  }
  return all;
}

Account account_of(std::string_view sql, const Facts& facts, Chain& chain) {
  const AnalyzedScript script = analyze(sql, chain.analysis(facts));
  const std::size_t count = script.statements.size();
  Account account;
  account.own_database = facts.default_route != no_route ? route_name(facts.default_route) : facts.database;
  if (script.oversized()) account.limit = to_string(script.limit);
  account.syntax_error = script.syntax_error;
  account.error = script.error;
  account.error_position = script.error_position;
  Facts now = facts;
  for (const AnalyzedStatement& analyzed : script.statements) {
    StatementAccount& one = account.statements.emplace_back();
    one.text = sql.substr(analyzed.begin, analyzed.size);
    one.statement = analyzed.statement;
    one.decision = chain.decide(one.statement, {one.text, count == 1 ? without_blanks(sql) : one.text, count == 1 ? sql : one.text}, now, &one.steps).decision;
    one.reuse = reuse_of(*one.decision, *one.statement, count == 1, script.oversized());
    step_over(*one.statement, now);
  }
  return account;
}

std::string to_text(const Account& account) {
  Page page;
  if (!account.limit.empty()) page.text += "over the limit " + account.limit + ": understood by its tokens\n";
  if (account.syntax_error) page.text += "not PostgreSQL's grammar: " + account.error + " at byte " + std::to_string(account.error_position) + "\n";
  const std::size_t count = account.statements.size();
  for (std::size_t i = 0; i < count; ++i) {
    const StatementAccount& one = account.statements[i];
    page.text += "statement " + std::to_string(i + 1) + " of " + std::to_string(count) + "\n";
    describe_statement(page, *one.statement, one.text);
    describe_decision(page, one, account.own_database);
  }
  return page.text;
}

}  // namespace pgswitch::rules
