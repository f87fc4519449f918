#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "rules/declarations.hpp"
#include "rules/pg_nodes.hpp"
#include "rules/statement.hpp"

namespace pgswitch::rules {

/// Walks one parse tree and notes in a Statement what it finds: tables, functions, what the query is made of, effects of
/// functions. Lives within one call of analyze(); the tree must outlive it. Long chains (a || b || c ..., UNION) do not
/// recurse; what is nested deeper than `max_depth` ends the walk and over_limit() says so.
class TreeWalker {
 public:
  TreeWalker(Statement& out, std::uint32_t max_depth, const Declarations* declarations = nullptr)
      : out_(out), max_depth_(max_depth), declarations_(declarations) {}

  /// The statement itself: its LIMIT counts, and a bare set_config() call of it is known to be run once.
  void walk_statement(const Node* node);
  void walk(const Node* node);
  void walk(const List* list);
  /// Walks a part that this statement stores and does not run, like the query of a view: it has no effects yet.
  void walk_stored(const Node* node);
  void walk_stored(const List* list);

  void read(const RangeVar* table);
  void write(const RangeVar* table);
  void write(TableName table);
  /// Creates the object: a table to be written, and an effect when it is temporary.
  void create(const RangeVar* object, bool dropped_on_commit = false);

  /// What was found so far may change data.
  void forbid_read_only() { read_only_ = false; }
  bool read_only() const { return read_only_; }
  bool over_limit() const { return over_limit_; }

 private:
  /// What an item of FROM is called, and the table that it is; a column of SUPER is none.
  struct FromItem {
    std::string_view name;
    const RangeVar* table;
  };
  struct Deeper;
  const Node* step(const Node* node);
  const Node* step_expression(const Node* node);
  const Node* step_definition(const Node* node);
  void note_parameter(int number);
  void operator_chain(const A_Expr* expr);
  void function(const FuncCall* call);
  void function_effects(const FuncCall* call, std::string_view name);
  void called_as_column(const List* names);
  void note_effect(Effect effect, bool once);
  void on_set_config(const FuncCall* call);
  void select(const SelectStmt* top);
  void select_body(const SelectStmt* select);
  void select_tail(const SelectStmt* select);
  void into(const IntoClause* into);
  void insert(const InsertStmt* stmt);
  void update(const UpdateStmt* stmt);
  void delete_(const DeleteStmt* stmt);
  void merge(const MergeStmt* stmt);
  void from_list(const List* items);
  void window(const WindowDef* window);
  std::size_t enter_with(const WithClause* with);
  void leave_with(std::size_t mark);
  void show_cte(const CommonTableExpr* cte);
  bool is_cte(std::string_view name) const;
  bool is_super_column(const RangeVar* item);
  void add_table(std::vector<TableName>& tables, TableName table, char list);
  bool is_new(std::string key);

  Statement& out_;
  std::uint32_t max_depth_;
  const Declarations* declarations_;
  std::uint32_t depth_ = 0;
  bool over_limit_ = false;
  bool read_only_ = true;
  const FuncCall* sure_call_ = nullptr;                          ///< a call that is run exactly once
  std::vector<std::string_view> cte_stack_;                      ///< names visible here, innermost last
  std::unordered_map<std::string_view, std::uint32_t> visible_;  ///< how often each stands in cte_stack_
  std::vector<FromItem> from_items_;                             ///< in FROM here and further out; with declarations of SUPER only
  std::unordered_set<std::string> seen_;                         ///< tables and functions noted already
};

}  // namespace pgswitch::rules
