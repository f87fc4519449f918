#pragma once
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "rules/pg_parse.hpp"
#include "rules/query_map.hpp"
#include "rules/tree_edits.hpp"
#include "rules/tree_tokens.hpp"

namespace pgswitch::rules {

/// Makes the EditPlan of one statement: lives within one call of plan_edits(), while the tree is there. Whatever cannot be done for
/// sure is told to refuse(), after which nothing is of use but the error.
class TreePlanner {
 public:
  TreePlanner(const TreeEdits& wanted, std::string_view sql, const Statement& statement, const Facts& facts, const Node* tree, std::string_view rule)
      : wanted_(wanted), statement_(statement), facts_(facts), tree_(tree), rule_(rule), tokens_(sql, {facts.standard_conforming_strings}), map_(tree) {}

  EditPlan run();

 private:
  /// A table where it stands, and what becomes of it.
  struct Place {
    const TableUse* use;
    std::vector<TokenRun> name;              ///< a run for each part
    const Renaming* renaming = nullptr;
    std::vector<const RowFilter*> filters;
    bool wrapped = false;                    ///< in a subquery
    bool renamed_item() const { return renaming || wrapped; }
  };
  using Fields = std::vector<std::string_view>;

  bool refuse(std::string why);
  bool failed() const { return !plan_.error.empty(); }
  void insert_before(std::uint32_t token, std::string text) { plan_.edits.push_back({token, 0, false, std::move(text)}); }
  void insert_behind(std::uint32_t token, std::string text) { plan_.edits.push_back({token, 0, true, std::move(text)}); }
  void replace(TokenRun run, std::string text);

  // tree_edits.cpp
  bool names_something() const;
  void check_size();
  void check_opaque();
  void check_functions();
  bool is(const RangeVar& var, std::string_view name, bool& matches);
  void find_places();
  void find_place(const TableUse& use);
  static Fields fields_of(const ColumnRef* ref);
  static Fields fields_of(const RangeVar* var);
  const Place* place_of(const LevelItem& item) const;

  // tree_replace.cpp
  void edit_place(const Place& place);
  void check_names(const Place& place);
  void rename_table(const Place& place, std::uint32_t end);
  TokenRun relation_of(const Place& place) const;
  void shorten_columns();
  void shorten_column(const ColumnUse& column);
  void replace_schemas();
  void replace_schema(int location, const Fields& name, std::string_view what);
  void replace_functions();

  // tree_filter.cpp
  void check_filter(const Place& place);
  void check_assignments(const Place& place, const RowFilter& filter);
  void check_system_columns();
  void wrap(const Place& place, TokenRun relation);
  void filter_targets();
  void filter_target(const Place& place);
  void narrow(std::uint32_t where, std::uint32_t last, const std::string& condition);
  std::string conditions_of(const Place& place, std::string_view name);
  std::string literal(const FilterValue& value);

  // tree_strict.cpp
  void check_strict();
  void check_strict_statement();
  bool is_unfiltered(const RangeVar& var) const;

  // tree_limit.cpp
  struct Clause;
  void set_limit();
  Clause find_limit(std::uint32_t begin) const;
  void lower_limit(const Clause& clause, const std::string& most);
  void drop_hints();

  // tree_dblink.cpp
  void wrap_dblink();
  // tree_tag.cpp
  std::string_view value_of_tag(std::string_view value);
  void tag();
  bool is_in_text(std::string_view word) const;

  // tree_columns.cpp
  class ColumnRenamer;
  void rename_columns();

  const TreeEdits& wanted_;
  const Statement& statement_;
  const Facts& facts_;
  const Node* tree_;
  std::string_view rule_;
  TreeTokens tokens_;
  QueryMap map_;
  std::vector<Place> places_;
  std::unordered_map<const RangeVar*, const Place*> place_of_;
  std::unordered_set<std::uint32_t> replaced_;  ///< tokens
  EditPlan plan_;
};

}  // namespace pgswitch::rules
