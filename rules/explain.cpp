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

constexpr std::array<std::pair<Effect, std::string_view>, 24> effect_names = {{
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

std::string effects_of(const Statement& s) {
  std::string all;
  for (const auto& [effect, name] : effect_names) {
    if (has(s.effects, effect)) append(all, name);
  }
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
  page.line("kind", kind_of(s));
  page.line("read only", s.read_only ? "yes" : "no");
  page.line_if("reads", list(s.reads));
  page.line_if("writes", list(s.writes));
  page.line_if("functions", list(s.functions));
  page.line_if("shape", shape_of(s));
  page.line_if("effects", effects_of(s));
  page.line_if("hints", list(s.hints));
}

std::string route_of(const Decision& decision, const Facts& facts) {
  if (decision.route != no_route) return "route " + route_name(decision.route);
  const std::string own = facts.default_route != no_route ? route_name(facts.default_route) : facts.database;
  return "the client's own database" + (own.empty() ? std::string() : ", " + own);
}

std::string verdict_of(const Decision& decision, const Facts& facts) {
  switch (decision.verb) {
    case Decision::Verb::route: return route_of(decision, facts);
    case Decision::Verb::answer: return "answered here, " + std::to_string(decision.answer.rows.size()) + " rows";
    case Decision::Verb::reject: break;
  }
  const Refusal& refusal = decision.refusal;
  std::string text = "refused: " + refusal.sqlstate + " " + refusal.message;
  if (!refusal.detail.empty()) text += "\ndetail: " + refusal.detail;
  if (!refusal.hint.empty()) text += "\nhint: " + refusal.hint;
  return text;
}

std::string cached_as(const Decision& decision, const Statement& statement, bool alone, bool oversized) {
  if (oversized) return "no: the text is over a limit";
  if (has(decision.depends_on, Dependency::volatile_)) return "no: it depends on " + describe(decision.depends_on);
  const bool exact = !alone || statement.literal_sensitive || has(decision.depends_on, Dependency::text);
  std::string how = exact ? "for this exact text" : "for all statements of this shape";
  const Dependencies more = decision.depends_on & ~(bit(Dependency::shape) | bit(Dependency::text));
  if (more != 0) how += ", by " + describe(more);
  return "yes, " + how;
}

void describe_decision(Page& page, const Decision& decision, const std::vector<ChainStep>& steps, const Facts& facts) {
  for (const ChainStep& step : steps) page.line("asked", step.who + " said " + step.said);
  page.line("decision", verdict_of(decision, facts));
  page.line("rule", decision.rule);
  if (decision.rewritten) page.line("rewritten", *decision.rewritten);
}

}  // namespace

std::string explain(std::string_view sql, const Facts& facts, const EngineOptions& options, Chain& chain) {
  AnalyzeOptions limits;
  limits.parse_max_bytes = options.parse_max_bytes;
  const AnalyzedScript script = analyze(sql, limits);
  const std::size_t count = script.statements.size();
  Facts now = facts;
  Page page;
  if (script.oversized()) page.text += "over the limit " + std::string(to_string(script.limit)) + ": understood by its tokens\n";
  if (script.syntax_error) page.text += "not PostgreSQL's grammar: " + script.error + " at byte " + std::to_string(script.error_position) + "\n";
  for (std::size_t i = 0; i < count; ++i) {
    const AnalyzedStatement& one = script.statements[i];
    const std::string_view text = sql.substr(one.begin, one.size);
    std::vector<ChainStep> steps;
    const Outcome outcome = chain.decide(one.statement, {text, count == 1 ? without_blanks(sql) : text, count == 1 ? sql : text}, now, &steps);
    page.text += "statement " + std::to_string(i + 1) + " of " + std::to_string(count) + "\n";
    describe_statement(page, *one.statement, text);
    describe_decision(page, *outcome.decision, steps, facts);
    page.line("cached", cached_as(*outcome.decision, *one.statement, count == 1, script.oversized()));
    now.in_transaction = transaction_after(*one.statement, now.in_transaction);
  }
  return page.text;
}

}  // namespace pgswitch::rules
