#include "rules/query_shape.hpp"

#include <algorithm>

#include "rules/analyze.hpp"

namespace pgswitch::rules {
namespace {

bool is_same(const ColumnPlace& one, const ColumnPlace& other) {
  using Kind = ColumnPlace::Kind;
  if (one.kind == other.kind) return one.place == other.place && one.outwards == other.outwards;
  const bool named_once = (one.kind == Kind::table && other.kind == Kind::bare) || (one.kind == Kind::bare && other.kind == Kind::table);
  return named_once && one.loose && other.loose && one.outwards == 0 && other.outwards == 0;
}

bool is_same(const PlainQuery& one, const PlainQuery& other) {
  return one.tree == other.tree && std::equal(one.columns.begin(), one.columns.end(), other.columns.begin(), other.columns.end(),
                                              [](const ColumnPlace& a, const ColumnPlace& b) { return is_same(a, b); });
}

}  // namespace

std::unique_ptr<QueryShape> QueryShape::compile(std::string_view text, std::string& error) {
  const AnalyzedScript script = analyze(text);
  const StatementPtr& statement = script.statements.front().statement;
  if (script.statements.size() != 1) {
    error = "a shape is one statement, not " + std::to_string(script.statements.size());
    return nullptr;
  }
  if (script.syntax_error || !statement->parsed) {
    error = "the shape does not parse: " + (script.error.empty() ? "it is over a limit" : script.error);
    return nullptr;
  }
  std::optional<PlainQuery> query = plain_query(text, true, error);
  if (!query) return nullptr;
  auto shape = std::make_unique<QueryShape>();
  shape->statement_ = statement;
  shape->query_ = std::move(*query);
  return shape;
}

bool QueryShape::may_match(const Statement& s) const {
  const Statement& own = *statement_;
  return s.parsed && s.kind == own.kind && s.parameters == own.parameters && s.joins == own.joins && s.aggregate == own.aggregate &&
         s.group_by == own.group_by && s.limit == own.limit && s.reads == own.reads && s.writes == own.writes && s.functions == own.functions;
}

bool QueryShape::matches(std::string_view text, bool standard_conforming_strings) const {
  std::string error;
  const std::optional<PlainQuery> other = plain_query(text, standard_conforming_strings, error);
  return other && is_same(query_, *other);
}

}  // namespace pgswitch::rules
