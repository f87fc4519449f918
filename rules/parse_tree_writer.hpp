#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "rules/parse_tree.hpp"

namespace pgswitch::rules {

/// Writes a parse tree as SQL, with parentheses around every part that may need them. It takes any value for a tree: what is missing or
/// unknown is an error, or makes a text that write_tree() finds to be another one. Lives for one call of write().
class ParseTreeWriter {
 public:
  std::optional<std::string> write(const ParseTree& tree, std::string& error);

 private:
  struct Deeper;
  using Writer = void (ParseTreeWriter::*)(const ParseTree&);
  using Each = void (ParseTreeWriter::*)(const ParseTree&);

  // parse_tree_writer.cpp: statements
  void fail(std::string_view what);
  void add(std::string_view words) { text_ += words; }
  void list(const ParseTree& nodes, Each each, std::string_view between = ", ");
  void clause(std::string_view words, const ParseTree& nodes, Each each);
  void clause(std::string_view words, const ParseTree& expression);
  void statement(const ParseTree& node);
  void select(const ParseTree& fields);
  void select_body(const ParseTree& fields);
  void set_operation(const ParseTree& fields);
  void limit(const ParseTree& fields);
  void insert(const ParseTree& fields);
  void on_conflict(const ParseTree& fields);
  void update(const ParseTree& fields);
  void assignments(const ParseTree& targets);
  void delete_(const ParseTree& fields);
  void merge(const ParseTree& fields);
  void merge_when(const ParseTree& node);
  void columns_and_override(const ParseTree& fields, const char* columns);
  void with(const ParseTree& fields);
  void cte(const ParseTree& node);
  void values(const ParseTree& node);
  void target(const ParseTree& node);
  void column(const ParseTree& node);
  void sort(const ParseTree& node);
  void lock(const ParseTree& node);
  void window(const ParseTree& node);
  void index_element(const ParseTree& node);

  // parse_tree_from.cpp: what stands in FROM
  void from(const ParseTree& node);
  void table(const ParseTree& fields);
  void alias(const ParseTree& fields);
  void join(const ParseTree& fields);
  void function_item(const ParseTree& fields);
  void function_of_item(const ParseTree& node);
  void column_definition(const ParseTree& node);
  void sample(const ParseTree& fields);

  // parse_tree_expressions.cpp
  void expression(const ParseTree& node);
  void operand(const ParseTree& node);
  void name(const ParseTree& node);
  void dotted(const ParseTree& names);
  void type(const ParseTree& fields);
  bool typed_literal(const ParseTree& fields);
  void column_ref(const ParseTree& fields);
  void constant(const ParseTree& fields);
  void operation(const ParseTree& fields);
  void operator_name(const ParseTree& names);
  void like(const ParseTree& fields, std::string_view words);
  void between(const ParseTree& fields, std::string_view words);
  void boolean(const ParseTree& fields);
  void test(const ParseTree& fields, std::string_view kind);
  void sublink(const ParseTree& fields);
  void case_(const ParseTree& fields);
  void indirection(const ParseTree& nodes);
  void grouping_set(const ParseTree& fields);

  // parse_tree_calls.cpp
  void call(const ParseTree& fields);
  bool sql_call(const ParseTree& fields);
  void over(const ParseTree& fields);
  void window_body(const ParseTree& fields);
  void frame(const ParseTree& fields);
  void value_function(const ParseTree& fields);

  std::string text_;
  std::string error_;
  std::uint32_t depth_ = 0;
};

/// A field of a node; null when it has none.
const ParseTree& field(const ParseTree& fields, const char* name);
/// The text of a field; "" when it has none.
std::string_view text_field(const ParseTree& fields, const char* name);
bool has_flag(const ParseTree& fields, const char* name);
/// A whole number; 0 when it has none.
std::int64_t number_field(const ParseTree& fields, const char* name);
/// The last of a list of names, "" of none.
std::string_view last_name(const ParseTree& names);
/// What kind of node it is, "" when it is none; its fields.
std::string_view kind_of(const ParseTree& node);
const ParseTree& fields_of(const ParseTree& node);

}  // namespace pgswitch::rules
