#pragma once
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "rules/pg_nodes.hpp"

namespace pgswitch::rules {

/// How a statement names a table.
enum class TableRole : std::uint8_t {
  from,     ///< read: in FROM, USING, as the source of MERGE
  insert,
  update,
  delete_,
  merge,
  create,   ///< SELECT INTO, CREATE TABLE AS
  whole,    ///< COPY, TRUNCATE, LOCK, VACUUM, ANALYZE: no query, and no alias
};

/// What has a name in FROM, or is the target of a statement. `table` is null for a subquery, a function or a WITH query.
struct LevelItem {
  std::string_view name;
  const RangeVar* table = nullptr;
};

/// What one SELECT or DML statement sees by name, and whose names it sees behind its own.
struct QueryLevel {
  const QueryLevel* outer = nullptr;
  std::vector<LevelItem> items;
};

struct TableUse {
  const RangeVar* var;
  TableRole role;
  const QueryLevel* level;
  bool sampled = false;
  const Node* statement = nullptr;  ///< the INSERT, UPDATE, DELETE or MERGE whose target it is
};

struct ColumnUse {
  const ColumnRef* ref;
  const QueryLevel* level;
};

/// Everything in one statement that has a name: each table, column and function with the query that it stands in, WITH queries told
/// from tables. Unlike TreeWalker, which collects evidence, it is complete or says that it is not: a node that it does not know makes
/// it incomplete. Points into the tree.
class QueryMap {
 public:
  explicit QueryMap(const Node* statement);

  const std::vector<TableUse>& tables() const { return tables_; }
  const std::vector<ColumnUse>& columns() const { return columns_; }
  const std::vector<const FuncCall*>& functions() const { return functions_; }
  /// Names of what stands behind a dot: x.f and (x).f may be f(x).
  const std::vector<std::string_view>& called_as_columns() const { return called_as_columns_; }
  const std::vector<const TypeName*>& types() const { return types_; }
  const std::vector<const JoinExpr*>& joins() const { return joins_; }
  /// Constants that are values: not the places of output columns in ORDER BY 1, GROUP BY 1 and DISTINCT ON (1).
  const std::vector<const A_Const*>& constants() const { return constants_; }
  bool has_places() const { return has_places_; }
  /// How many names there are on all levels.
  std::size_t items() const;
  /// At most how many names must be compared to find out whose columns, or what output columns, all names are.
  std::size_t lookups() const;
  /// Each SELECT, those of a UNION one by one.
  const std::vector<const SelectStmt*>& selects() const { return selects_; }
  /// The query that the statement runs, prepares, explains or declares; null when it has none. A SELECT's LIMIT is here.
  const SelectStmt* query() const { return query_; }
  /// A statement whose tables are not looked for: DDL, SET, BEGIN, ...
  bool opaque() const { return opaque_; }
  /// Why the map is incomplete; "" when it is not.
  const std::string& gap() const { return gap_; }

 private:
  struct Deeper;
  struct Scope;
  void statement(const Node* node);
  void walk(const Node* node);
  void walk(const List* list);
  void walk_sorted(const Node* node);
  void walk_sorted(const List* list);
  void step(const Node* node);
  bool step_expression(const Node* node);
  bool step_item(const Node* node);
  void select(const SelectStmt* s);
  void select_body(const SelectStmt* s);
  void insert(const InsertStmt* s);
  void update(const UpdateStmt* s);
  void delete_(const DeleteStmt* s);
  void merge(const MergeStmt* s);
  void window(const WindowDef* w);
  void called_as_column(const List* names);
  void function(const FuncCall* call);
  void with(const WithClause* clause);
  void range_table(const RangeVar* var, bool sampled);
  void target(const RangeVar* var, TableRole role, const Node* of);
  void whole(const RangeVar* var);
  void whole(const List* vars);
  void subquery(const Node* query, bool sees_siblings);
  void add_item(std::string_view name);
  void add_item(const Alias* alias);
  bool is_cte(const RangeVar* var) const;

  std::deque<QueryLevel> levels_;
  QueryLevel* level_ = nullptr;
  std::vector<std::string_view> ctes_;  ///< visible here, innermost last
  std::vector<TableUse> tables_;
  std::vector<ColumnUse> columns_;
  std::vector<const FuncCall*> functions_;
  std::vector<std::string_view> called_as_columns_;
  std::vector<const TypeName*> types_;
  std::vector<const JoinExpr*> joins_;
  std::vector<const A_Const*> constants_;
  bool has_places_ = false;
  std::vector<const SelectStmt*> selects_;
  const SelectStmt* query_ = nullptr;
  bool opaque_ = false;
  std::string gap_;
  std::uint32_t depth_ = 0;
};

}  // namespace pgswitch::rules
