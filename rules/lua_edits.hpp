#pragma once
#include <lua.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "rules/tree_edits.hpp"

namespace pgswitch::rules {

struct HookResult;

/// The edits that a rewrite tells its `stmt`, and a rule of the table has. Owned by LuaWorld and outside of Lua, whose errors run no
/// destructor. False and `error`: what it was told is wrong.
class EditBook {
 public:
  std::string error;

  /// Forgets what was told. `open`: the call that begins may tell edits.
  void start(bool open);
  bool open() const { return open_; }
  bool empty() const { return wanted_.empty() && !tree_; }
  /// What was told; new names in the order of the old ones, since that of a table in Lua is left to chance.
  TreeEdits take();

  bool replace_table(std::string_view from, std::string_view to);
  bool replace_schema(std::string_view from, std::string_view to);
  bool replace_function(std::string_view from, std::string_view to);
  bool rename_column(std::string_view table, std::string_view from, std::string_view to);
  /// Begins a filter; its values follow, and finish_filter() ends it.
  bool start_filter(std::string_view table, std::string_view condition);
  bool add_value(FilterValue::Source source, std::string_view text);
  bool finish_filter();
  bool set_limit(std::int64_t rows);
  bool drop_hint(std::string_view pattern);
  /// The text of a changed parse tree, which is sent as a whole.
  void set_tree(std::string text) { tree_ = std::move(text); }
  const std::optional<std::string>& tree() const { return tree_; }
  bool wrap_dblink(std::string_view server, std::string_view columns);
  bool tag(std::string_view key, std::string_view value);
  bool set_strict();
  bool translate(redshift::Translate how);
  bool add_unfiltered(std::string_view table);

 private:
  bool fail(std::string what);
  bool check_name(std::string_view name, std::size_t most_dots, std::string_view what);
  bool add(std::vector<Renaming>& list, std::string_view from, std::string_view to, std::size_t most_dots, std::string_view what);

  TreeEdits wanted_;
  std::map<std::string, FilterConditionPtr, std::less<>> conditions_;  ///< parsed once; at most max_conditions
  std::optional<std::string> tree_;
  bool open_ = false;
};

/// Sets the methods of `stmt` that tell edits in the table on top of the stack. Raises.
void set_edit_methods(lua_State* L);

/// What a rewrite returned: as read_result(), and `stmt` with what it was told. Raises.
void read_rewrite_result(lua_State* L, HookResult& result);

/// The edits in the table on top of the stack, { replace_table = { sales = "archive.sales" }, ... }, are told to the book. Raises.
void read_edit_table(lua_State* L);

/// A list of names of tables, or one, on top of the stack: those without a filter. Raises.
void read_unfiltered(lua_State* L, EditBook& book);

}  // namespace pgswitch::rules
