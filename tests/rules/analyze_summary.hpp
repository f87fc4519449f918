#pragma once
#include <string>

#include "rules/analyze.hpp"

namespace pgswitch::rules {

/// A Statement in one line, for tables: "select SELECT ro r=a,s.b f=count +agg". Empty parts are left out.
inline std::string summary(const Statement& s) {
  std::string text(to_string(s.kind));
  if (!s.command.empty()) text += " " + s.command;
  if (!s.parsed) text += " unparsed";
  if (s.read_only) text += " ro";
  const auto list = [&text](const char* name, const auto& items, const auto& spell) {
    const char* before = name;
    for (const auto& item : items) {
      text.append(before).append(spell(item));
      before = ",";
    }
  };
  const auto table = [](const TableName& t) { return t.schema.empty() ? t.name : t.schema + "." + t.name; };
  const auto same = [](const std::string& t) { return t; };
  list(" r=", s.reads, table);
  list(" w=", s.writes, table);
  list(" f=", s.functions, same);
  static constexpr const char* effects[] = {
      "temp_table", "listen", "unlisten", "unlisten_all", "advisory_lock", "advisory_unlock", "advisory_unlock_all",
      "hold_cursor", "close_cursor", "close_all_cursors", "prepare", "deallocate", "deallocate_all", "set_variable",
      "set_local", "reset_all", "discard_all", "discard_temp", "discard_plans", "sequence_state", "unknown_settings",
      "replication", "dropped_on_commit", "advisory_locks"};
  const char* before = " e=";
  for (std::size_t i = 0; i < std::size(effects); ++i) {
    if (!(s.effects >> i & 1)) continue;
    text.append(before).append(effects[i]);
    before = ",";
  }
  if (!s.object.empty()) text += " o=" + s.object;
  if (!s.prepared.empty()) text += " p=" + s.prepared;
  list(" v=", s.variables, [](const VariableChange& v) {
    return v.name + (v.value.empty() ? "" : ":" + v.value) + (v.statement.empty() ? "<reset>" : "<" + v.statement + ">");
  });
  if (!s.redshift_keyword.empty()) text += " redshift=" + s.redshift_keyword;
  list(" h=", s.hints, same);
  for (const auto& [set, name] : {std::pair{s.aggregate, "agg"}, {s.window, "win"}, {s.group_by, "grp"},
                                  {s.distinct, "dist"}, {s.limit, "lim"}, {s.for_update, "lock"},
                                  {s.returning, "ret"}, {s.modifying_cte, "mcte"}, {s.subquery, "sub"}}) {
    if (set) text.append(" +").append(name);
  }
  if (s.joins) text += " joins=" + std::to_string(s.joins);
  if (s.parameters) text += " params=" + std::to_string(s.parameters);
  if (s.literal_sensitive) text += " literal";
  return text;
}

inline std::string summary(const AnalyzedScript& script) {
  std::string text;
  for (const AnalyzedStatement& item : script.statements) text.append(text.empty() ? "" : " ; ").append(summary(*item.statement));
  return text;
}

}  // namespace pgswitch::rules
