#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rules/parse_tree.hpp"
#include "rules/redshift/translate.hpp"

namespace pgswitch::rules::redshift {

/// Changes the parse tree of a SELECT, INSERT, UPDATE or DELETE of PostgreSQL into one that Redshift runs with the same result. Lives for one tree.
class TreeTranslator {
 public:
  explicit TreeTranslator(Translate how) : how_(how) {}

  /// False: it has no equivalent, `refusal()` says what it is and `at()` where in the text the tree was read from.
  bool run(ParseTree& tree);
  bool changed() const { return changed_; }
  /// Values of literals took part.
  bool by_literals() const { return by_literals_; }
  const Refusal& refusal() const { return refusal_; }
  std::uint32_t at() const { return at_; }

 private:
  // tree_translator.cpp: the walk
  void visit(ParseTree& value);
  void visit_members(ParseTree& value);
  void node(std::string_view kind, ParseTree& node);
  void refuse(const ParseTree& fields, std::string_view what, std::string_view hint = {});
  bool failed() const { return !refusal_.message.empty(); }
  void change(ParseTree& node, ParseTree other);
  bool may_repeat(const ParseTree& operand, std::size_t times);

  // tree_queries.cpp
  void select(ParseTree& node);
  void check_select(ParseTree& fields);
  void values_to_union(ParseTree& fields);
  void type_nulls(ParseTree& rows);
  void inline_windows(ParseTree& fields);
  void inline_windows_in(ParseTree& value, const ParseTree& windows);
  ParseTree window_named(const ParseTree& windows, std::string_view name, int depth);
  void distinct_on(ParseTree& fields);
  ParseTree resolved(const ParseTree& expression, const ParseTree& targets);
  void statement_clauses(std::string_view kind, ParseTree& fields);
  void update(ParseTree& fields);
  void from_item(std::string_view kind, ParseTree& fields);
  void cte(ParseTree& fields);

  // tree_expressions.cpp
  void expression(ParseTree& node);
  void any_all(ParseTree& node);
  void distinct_from(ParseTree& node);
  bool array_elements(const ParseTree& array, ParseTree& elements);
  bool array_literal(std::string_view text, const ParseTree& type, ParseTree& elements);
  void operator_name(ParseTree& fields);
  void cast(ParseTree& node);
  void cast_numeric(ParseTree& node);
  void type(ParseTree& fields);
  void value_function(ParseTree& node);
  void collate(ParseTree& node);

  // tree_calls.cpp
  void call(ParseTree& node);
  void filter(ParseTree& fields, std::string_view name);
  void string_agg(ParseTree& node);
  void replace_call(ParseTree& node, std::string_view name);
  void default_nulls(ParseTree& sorts);
  void check_window(const ParseTree& fields);

  Translate how_;
  bool changed_ = false;
  bool by_literals_ = false;
  bool reads_tables_ = false;
  std::uint32_t depth_ = 0;
  std::size_t visits_left_ = 0;  ///< operands that a translation repeats inside of each other grow without end
  Refusal refusal_;
  std::uint32_t at_ = 0;
};

/// The name that PostgreSQL gives an output column without one (FigureColname() of parse_target.c); "" where it is "?column?".
std::string implied_name(const ParseTree& node);

/// Pieces of trees.
ParseTree name_node(std::string_view name);
ParseTree column_node(std::string_view name);
ParseTree number_node(std::int64_t number);
ParseTree string_node(std::string_view text);
ParseTree null_node();
ParseTree boolean_node(bool value);
ParseTree operator_node(std::string_view sign, ParseTree left, ParseTree right);
ParseTree boolean_node(std::string_view op, ParseTree arguments);
ParseTree null_test(const ParseTree& argument, bool is_null);
ParseTree cast_node(ParseTree argument, ParseTree type);
ParseTree type_node(std::string_view name);
ParseTree call_node(std::string_view name, ParseTree arguments);
/// CASE WHEN condition THEN result ELSE otherwise END; no ELSE when that is null.
ParseTree case_node(ParseTree condition, ParseTree result, ParseTree otherwise);

/// The same tree but for the places of its nodes.
bool same_tree(const ParseTree& one, const ParseTree& other);
/// Calls something whose result differs from call to call.
bool is_volatile(const ParseTree& node);

}  // namespace pgswitch::rules::redshift
