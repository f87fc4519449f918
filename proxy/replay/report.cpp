#include "proxy/replay/report.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "rules/statement.hpp"

namespace pgswitch::replay {
namespace {

using nlohmann::ordered_json;
using rules::Decision;

constexpr std::size_t shown_text = 100;
constexpr std::size_t shown_decision = 60;

/// On one line, at most `most` bytes and never a part of a character.
std::string shortened(const std::string& text, std::size_t most) {
  std::string line = text.substr(0, most);
  if (text.size() > most) {
    while (!line.empty() && (static_cast<unsigned char>(text[line.size()]) & 0xc0) == 0x80) line.pop_back();
    line += "...";
  }
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

struct Line {
  std::string count, fingerprint, decision, rule, text;
};

Line line_of(const ShapeRow& row, const std::string& against) {
  Line line;
  line.count = std::to_string(row.count);
  line.fingerprint = rules::fingerprint_digits(row.fingerprint);
  line.decision = shortened(in_words(row.verdict), shown_decision);
  line.rule = row.verdict.decision->rule;
  if (!against.empty()) {
    line.decision += " -> " + shortened(in_words(row.against), shown_decision);
    line.rule += " -> " + row.against.decision->rule;
  }
  line.text = shortened(row.text, shown_text);
  return line;
}

void append_padded(std::string& page, const std::string& text, std::size_t width) { page.append(text).append(width - std::min(width, text.size()) + 2, ' '); }

std::string table(const std::vector<Line>& lines) {
  std::size_t count = 5, decision = 8, rule = 4;
  for (const Line& line : lines) {
    count = std::max(count, line.count.size());
    decision = std::max(decision, line.decision.size());
    rule = std::max(rule, line.rule.size());
  }
  std::string page;
  for (const Line& line : lines) {
    page.append(count - line.count.size(), ' ').append(line.count).append("  ");
    append_padded(page, line.fingerprint, 16);
    append_padded(page, line.decision, decision);
    append_padded(page, line.rule, rule);
    page += line.text + "\n";
  }
  return page;
}

std::string counted(std::uint64_t number, const char* noun) { return std::to_string(number) + " " + noun + (number == 1 ? "" : "s"); }

ordered_json json_of(const Verdict& verdict) {
  constexpr std::string_view verbs[] = {"route", "reject", "answer"};
  const Decision& decision = *verdict.decision;
  ordered_json out;
  out["verb"] = verbs[static_cast<std::size_t>(decision.verb)];
  out["route"] = decision.verb == Decision::Verb::route ? ordered_json(verdict.route) : ordered_json();
  out["rule"] = decision.rule;
  out["rewritten"] = decision.rewritten.has_value();
  out["refusal"] = ordered_json();
  if (decision.verb == Decision::Verb::reject) out["refusal"] = {{"sqlstate", decision.refusal.sqlstate}, {"message", decision.refusal.message}};
  return out;
}

}  // namespace

std::string to_text(const Replay& replay, const std::string& against) {
  const auto rows = replay.shapes().sorted();
  std::vector<Line> lines = {{"count", "fingerprint", "decision", "rule", "statement"}};
  for (const ShapeRow* row : rows) lines.push_back(line_of(*row, against));
  if (replay.shapes().others() > 0) lines.push_back({std::to_string(replay.shapes().others()), "", "", "", "(others, of shapes beyond the first " + std::to_string(Shapes::max_rows) + ")"});
  std::string page = rows.empty() ? std::string() : table(lines);
  page += counted(replay.statements(), "statement") + ", ";
  if (against.empty()) return page + counted(rows.size(), "row") + "\n";
  std::uint64_t differing = replay.shapes().others();
  for (const ShapeRow* row : rows) differing += row->count;
  return page + std::to_string(differing) + " of them decided differently by " + against + "\n";
}

std::string to_json(const Replay& replay, const std::string& against) {
  ordered_json out;
  out["statements"] = replay.statements();
  out["against"] = against.empty() ? ordered_json() : ordered_json(against);
  out["shapes"] = ordered_json::array();
  for (const ShapeRow* row : replay.shapes().sorted()) {
    ordered_json shape;
    shape["count"] = row->count;
    shape["fingerprint"] = rules::fingerprint_digits(row->fingerprint);
    shape["text"] = row->text;
    shape["decision"] = json_of(row->verdict);
    if (!against.empty()) shape["against"] = json_of(row->against);
    out["shapes"].push_back(std::move(shape));
  }
  out["others"] = replay.shapes().others();
  return out.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace pgswitch::replay
