#include "rules/analyze.hpp"
#include "rules/lua_lines.hpp"
#include "rules/lua_rule_table.hpp"
#include "rules/quoting.hpp"

namespace pgswitch::rules {

namespace {

constexpr std::size_t shown_items = 5;

}  // namespace

void RuleReader::start_call(const char* from, int on_line) {
  file = from;
  line = on_line;
  lines.clear();
  const std::string* const text = sources->known(file);
  if (text != nullptr) lines = element_lines(*text, line, "rules");
}

void RuleReader::start_rule(std::size_t place) {
  rule = TableRule{};
  rule.name = "rule " + std::to_string(table.size() + 1);
  rule.place = file + ":" + std::to_string(place < lines.size() ? lines[place] : line);
}

void RuleReader::start_condition(Subject subject, bool negated) {
  condition = Condition(subject, negated);
  written = (negated && !is_flag(subject) ? "not_" : "") + std::string(to_string(subject)) + " =";
  items = 0;
}

bool RuleReader::add_item(std::string_view item) {
  if (!condition.add(item, error)) return false;
  ++items;
  if (items <= shown_items) written.append(items == 1 ? " \"" : ", \"").append(item.substr(0, 40)).append("\"");
  if (items == shown_items + 1) written += ", ...";
  return true;
}

void RuleReader::finish_condition() { rule.add(std::move(condition), std::move(written)); }

bool RuleReader::set_route(std::string_view name) {
  for (const auto& [known, id] : *routes) {
    if (known != name) continue;
    rule.route = id;
    return true;
  }
  error = "there is no route named \"" + std::string(name.substr(0, 64)) + "\"";
  return false;
}

bool RuleReader::set_text(std::string_view text) {
  const AnalyzedScript script = analyze(text);
  if (script.statements.size() != 1) {
    error = "the rewritten text has " + std::to_string(script.statements.size()) + " statements, not one";
  } else if (script.statements.front().statement->kind == Kind::empty) {
    error = "the rewritten text is empty";
  } else if (script.syntax_error && !rule.is_for_unparsed()) {
    error = "the rewritten text does not parse: " + script.error;
  } else {
    rule.text = quote_alike(text);
    text_parameters = script.statements.front().statement->parameters;
    return true;
  }
  return false;
}

bool RuleReader::finish_rule() {
  for (const Condition& one : rule.conditions) {
    const std::optional<std::uint16_t> parameters = one.parameters();
    if (!rule.text || !parameters || *parameters == text_parameters) continue;
    error = "the rewritten text has " + std::to_string(text_parameters) + " parameters, the shape has " + std::to_string(*parameters);
    return false;
  }
  return table.add(std::move(rule), error);
}

}  // namespace pgswitch::rules
