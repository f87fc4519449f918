#include "rules/lua_tree.hpp"

#include "rules/analyze.hpp"
#include "rules/lua_library.hpp"
#include "rules/lua_state.hpp"
#include "rules/parse_tree.hpp"

namespace pgswitch::rules {

/// Outside of Lua, whose errors run no destructor.
struct TreeOnItsWay {
  ParseTree value;
  std::string text;
};

namespace {

constexpr std::uint64_t tree_cost = 2000;
constexpr std::size_t most_tree_values = 100'000;
constexpr std::size_t most_bytes = 256 * 1024;
constexpr int deepest = 2000;

TreeOnItsWay& tree_of(lua_State* L) {
  LuaWorld& world = world_of(L);
  if (!world.tree) world.tree = std::make_shared<TreeOnItsWay>();
  return *world.tree;
}

void push_value(lua_State* L, const ParseTree& value) {
  luaL_checkstack(L, 4, "the tree is too deep");
  LuaState::of(L).charge(L, 1);
  if (value.is_boolean()) return lua_pushboolean(L, value.get<bool>());
  if (value.is_number_integer()) return lua_pushinteger(L, value.get<lua_Integer>());
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    lua_pushlstring(L, text.data(), text.size());
    return;
  }
  if (value.is_array()) {
    lua_createtable(L, static_cast<int>(value.size()), 0);
    for (std::size_t i = 0; i < value.size(); ++i) {
      push_value(L, value[i]);
      lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
    }
    return;
  }
  lua_createtable(L, 0, static_cast<int>(value.size()));
  for (auto member = value.begin(); member != value.end(); ++member) {
    lua_pushlstring(L, member.key().data(), member.key().size());
    push_value(L, member.value());
    lua_rawset(L, -3);
  }
}

/// Makes a value of what Lua has. Raises nothing.
class ValueReader {
 public:
  explicit ValueReader(lua_State* L) : L_(L) {}

  const char* error = nullptr;

  ParseTree read(int index) {
    if (++values_ > most_tree_values || bytes_ > most_bytes) return fail("the tree is too large");
    switch (lua_type(L_, index)) {
      case LUA_TBOOLEAN: return lua_toboolean(L_, index) != 0;
      case LUA_TSTRING: return text(index);
      case LUA_TNUMBER: return number(index);
      case LUA_TTABLE: return table(index);
      default: return fail("a tree is made of tables, strings, whole numbers and booleans");
    }
  }
  std::size_t values() const { return values_; }

 private:
  ParseTree fail(const char* what) {
    error = error != nullptr ? error : what;
    return nullptr;
  }

  ParseTree number(int index) {
    return lua_isinteger(L_, index) != 0 ? ParseTree(lua_tointeger(L_, index)) : fail("a number in a tree is a whole one");
  }

  std::string text(int index) {
    std::size_t size = 0;
    const char* const text = lua_tolstring(L_, index, &size);
    bytes_ += size;
    if (std::string_view(text, size).find('\0') != std::string_view::npos) fail("a string in a tree holds a zero byte");
    return {text, size};
  }

  ParseTree table(int index) {
    if (++depth_ > deepest || lua_checkstack(L_, 4) == 0) return fail("the tree is too deep, or holds itself");
    const auto count = static_cast<lua_Integer>(lua_rawlen(L_, index));
    ParseTree value = count > 0 ? list(index, count) : object(index);
    --depth_;
    return value;
  }

  ParseTree list(int index, lua_Integer count) {
    ParseTree list = ParseTree::array();
    for (lua_Integer i = 1; i <= count && error == nullptr; ++i) {
      lua_rawgeti(L_, index, i);
      list.push_back(read(lua_gettop(L_)));
      lua_pop(L_, 1);
    }
    return list;
  }

  ParseTree object(int index) {
    ParseTree object = ParseTree::object();
    for (lua_pushnil(L_); lua_next(L_, index) != 0; lua_pop(L_, 1)) {
      if (lua_type(L_, -2) != LUA_TSTRING) fail("a list in a tree has a hole");
      if (error != nullptr) {
        lua_pop(L_, 2);
        break;
      }
      std::string key = text(lua_gettop(L_) - 1);
      object[std::move(key)] = read(lua_gettop(L_));
    }
    return object;
  }

  lua_State* L_;
  std::size_t values_ = 0, bytes_ = 0;
  int depth_ = 0;
};

/// The text of the tree, or why there is none.
bool write(lua_State* L, const StatementView& view, TreeOnItsWay& tree, std::string& error) {
  ValueReader reader(L);
  tree.value = reader.read(lua_gettop(L));
  if (reader.error != nullptr) {
    error = reader.error;
    return false;
  }
  const std::optional<std::string> text = write_tree(tree.value, view.facts->standard_conforming_strings, error);
  if (!text) return false;
  AnalyzeOptions options;
  options.standard_conforming_strings = view.facts->standard_conforming_strings;
  const AnalyzedScript script = analyze(*text, options);
  const Statement& made = *script.statements.front().statement;
  if (made.command != view.statement->command || made.parameters != view.statement->parameters) {
    error = "the tree is one of " + made.command + " with " + std::to_string(made.parameters) + " parameters, the statement is " +
            view.statement->command + " with " + std::to_string(view.statement->parameters);
    return false;
  }
  tree.text = *text;
  return true;
}

bool read(const StatementView& view, TreeOnItsWay& tree, std::string& error) {
  std::optional<ParseTree> value = read_tree(view.text, view.facts->standard_conforming_strings, error);
  if (!value) return false;
  tree.value = std::move(*value);
  return true;
}

}  // namespace

void push_tree(lua_State* L, const StatementView& view) {
  *view.read |= bit(Dependency::text);
  LuaState::of(L).charge(L, tree_cost + view.text.size());
  LuaWorld& world = world_of(L);
  if (!view.statement->parsed) luaL_error(L, "a statement that is not parsed has no tree");
  if (!read(view, tree_of(L), world.error)) luaL_error(L, "%s", world.error.c_str());
  push_value(L, tree_of(L).value);
}

void assign_tree(lua_State* L, const StatementView& view) {
  LuaWorld& world = world_of(L);
  *view.read |= bit(Dependency::text);
  if (!world.edits.open()) luaL_error(L, "a statement is edited in rewrite(stmt, session) only");
  LuaState::of(L).charge(L, tree_cost + 2 * view.text.size());
  if (!view.statement->parsed) luaL_error(L, "a statement that is not parsed has no tree");
  if (!write(L, view, tree_of(L), world.error)) luaL_error(L, "%s", world.error.c_str());
  world.edits.set_tree(tree_of(L).text);
}

}  // namespace pgswitch::rules
