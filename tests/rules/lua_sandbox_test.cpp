#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/rules/lua_fixture.hpp"

namespace pgswitch::rules {
namespace {

using SaidByHook = HookResult::Said;
using test::LoadedRules;
using test::run_body;

struct Body {
  const char* name;
  const char* text;
  const char* says;  ///< part of the failure
};

class LuaSandboxStops : public testing::TestWithParam<Body> {};

TEST_P(LuaSandboxStops, what_uses_up_its_budget) {
  const HookResult result = run_body(GetParam().text);
  EXPECT_EQ(result.said, SaidByHook::failed);
  EXPECT_NE(result.failure.find(GetParam().says), std::string::npos) << result.failure;
  EXPECT_TRUE(result.failure.starts_with("rules.lua:")) << result.failure;
}

constexpr const char* budget = "instruction budget is used up";
constexpr const char* memory = "memory of the rules is used up";

INSTANTIATE_TEST_SUITE_P(
    Attacks, LuaSandboxStops,
    testing::Values(
        Body{"endless_loop", "while true do end", budget},
        Body{"loop_of_pcalls", "local function f() while true do end end while true do pcall(f) end", budget},
        Body{"loop_of_xpcalls", "local function f() while true do end end while true do xpcall(f, function() end) end", budget},
        Body{"loop_in_a_message_function", "xpcall(function() error('x') end, function() while true do end end)", budget},
        Body{"loop_in_a_message_function_of_a_loop",
             "local function f() while true do end end xpcall(f, function() while true do end end)", budget},
        Body{"pcall_of_pcall", "local function f() while true do end end while true do pcall(pcall, f) end", budget},
        Body{"loop_in_a_closing_variable",
             "local function spin() while true do end end\n"
             "while true do pcall(function() local x <close> = setmetatable({}, {__close = spin}) spin() end) end", budget},
        Body{"loop_in_tostring", "while true do pcall(tostring, setmetatable({}, {__tostring = function() while true do end end})) end", budget},
        Body{"loop_in_index", "return setmetatable({}, {__index = function() while true do end end}).x", budget},
        Body{"exploding_pattern", "('a'):rep(3000):find(('.-'):rep(4) .. 'b')", budget},
        Body{"exploding_match", "('a'):rep(3000):match(('.-'):rep(4) .. 'b')", budget},
        Body{"exploding_gsub", "('a'):rep(3000):gsub(('.-'):rep(4) .. 'b', '')", budget},
        Body{"exploding_gmatch", "for _ in ('a'):rep(3000):gmatch(('.-'):rep(4) .. 'b') do end", budget},
        Body{"exploding_pattern_in_a_pcall", "while true do pcall(string.find, ('a'):rep(3000), ('.-'):rep(4) .. 'b') end", budget},
        Body{"endless_rep_of_nothing", "while true do (''):rep(1e15) end", budget},
        Body{"concat_of_nothing", "table.concat(setmetatable({}, {__index = table.concat}), '', 1, 1e15)", "invalid value"},
        Body{"sorting", "local t = {} for i = 1, 10000 do t[i] = (i * 7919) % 10007 end while true do table.sort(t) end", budget},
        Body{"shifting", "local t = {} for i = 1, 10000 do t[i] = i end while true do table.insert(t, 1, 0) end", budget},
        Body{"endless_recursion", "local function f() return 1 + f() end return f()", memory},
        Body{"endless_tail_calls", "local function f() return f() end return f()", budget},
        Body{"recursion_in_c", "local function f() return pcall(f) end error(select('#', f()))", "rules.lua:"},
        Body{"giant_string", "local s = ('x'):rep(1e9)", "memory"},
        Body{"giant_string_too_large_for_c", "local s = ('x'):rep(1e18)", "too large"},
        Body{"doubling_string", "local s = 'x' while true do s = s .. s end", memory},
        Body{"growing_table", "local t = {} while true do t[#t + 1] = ('x'):rep(10000) .. #t end", memory},
        Body{"growing_table_in_a_pcall", "local t = {} while true do pcall(function() t[#t + 1] = ('x'):rep(100000) .. #t end) end", memory},
        Body{"garbage_of_giants", "local s = ('x'):rep(1e6) while true do local u = s:upper() end", memory},
        Body{"format_width", "return string.format('%1000d', 1)", "invalid"},
        Body{"concat_of_many", "local t = {} for i = 1, 1000 do t[i] = ('x'):rep(10000) end return table.concat(t)", memory},
        Body{"unpacking_too_much", "return table.unpack({}, 1, 1e8)", "too many results"},
        Body{"bad_order_function", "table.sort({1, 2, 3, 4, 5}, function() return true end) error('sorted')", "rules.lua:"}),
    [](const auto& body) { return std::string(body.param.name); });

class LuaSandboxLacks : public testing::TestWithParam<const char*> {};

TEST_P(LuaSandboxLacks, what_leads_out_of_it) {
  const std::string expression = GetParam();
  const HookResult result = run_body("return type(" + expression + ")");
  EXPECT_EQ(result.said, SaidByHook::text) << result.failure;
  EXPECT_EQ(result.text, "nil") << expression;
}

INSTANTIATE_TEST_SUITE_P(Names, LuaSandboxLacks,
                         testing::Values("io", "os", "debug", "package", "load", "loadstring", "loadfile", "dofile", "collectgarbage",
                                         "coroutine", "string.dump", "string.pack", "math.randomseed", "utf8", "_G.io", "_G._G.load",
                                         "('').dump", "getmetatable('') or nil", "getmetatable(_G) or nil"));

TEST(LuaSandbox, has_no_finalisers) {
  EXPECT_NE(run_body("setmetatable({}, {__gc = function() end})").failure.find("__gc is not available"), std::string::npos);
}

TEST(LuaSandbox, a_gc_field_set_later_does_nothing) {
  const HookResult result = run_body(
      "local m = {} setmetatable({}, m) m.__gc = function() error('finaliser') end\n"
      "for i = 1, 1000 do local t = {('x'):rep(1000)} end return 'ok'");
  EXPECT_EQ(result.text, "ok") << result.failure;
}

struct Refused {
  const char* name;
  const char* body;
  const char* says;
};
class LuaSandboxRefuses : public testing::TestWithParam<Refused> {};

TEST_P(LuaSandboxRefuses, changes_that_would_last) {
  const HookResult result = run_body(GetParam().body);
  EXPECT_EQ(result.said, SaidByHook::failed);
  EXPECT_NE(result.failure.find(GetParam().says), std::string::npos) << result.failure;
}

INSTANTIATE_TEST_SUITE_P(
    Attempts, LuaSandboxRefuses,
    testing::Values(Refused{"global", "counter = 1", "rules.lua:2: cannot set global 'counter'"},
                    Refused{"global_by_G", "_G.counter = 1", "cannot set global"},
                    Refused{"global_by_rawset", "rawset(_G, 'counter', 1)", "read-only"},
                    Refused{"metatable_of_globals", "setmetatable(_G, {})", "protected"},
                    Refused{"library", "string.find = nil", "cannot change a table of the sandbox"},
                    Refused{"library_by_rawset", "rawset(string, 'x', 1)", "read-only"},
                    Refused{"metatable_of_library", "setmetatable(table, {})", "protected"},
                    Refused{"method_of_strings", "getmetatable('').__index = {}", "rules.lua:2"},
                    Refused{"require_in_a_hook", "require 'x'", "only while the rules file is loaded"}),
    [](const auto& refused) { return std::string(refused.param.name); });

TEST(LuaSandbox, pcall_catches_ordinary_errors) {
  EXPECT_EQ(run_body("local ok, e = pcall(error, 'boom') return tostring(ok) .. e").text, "falseboom");
  EXPECT_EQ(run_body("local ok, e = pcall(error, {code = 7}) return tostring(e.code)").text, "7");
  EXPECT_EQ(run_body("local ok, a, b = pcall(function(x, y) return y, x end, 'a', 'b') return tostring(ok) .. a .. b").text, "trueba");
  EXPECT_EQ(run_body("local ok, e = xpcall(error, function(m) return 'was ' .. m end, 'boom') return tostring(ok) .. e").text, "falsewas boom");
  EXPECT_EQ(run_body("local ok, a = xpcall(function(x) return x end, print, 'a') return tostring(ok) .. a").text, "truea");
}

TEST(LuaSandbox, error_objects_that_are_tables_are_reported_with_their_line) {
  const HookResult result = run_body("local x = 1\nerror({code = 7})");
  EXPECT_EQ(result.said, SaidByHook::failed);
  EXPECT_EQ(result.failure, "rules.lua:3: error object is a table value");
  EXPECT_EQ(run_body("error(setmetatable({}, {__tostring = function() while true do end end}))").failure,
            "rules.lua:2: error object is a table value");
  EXPECT_EQ(run_body("error(nil)").failure, "rules.lua:2: error object is a nil value");
}

TEST(LuaSandbox, works_again_after_the_memory_was_used_up) {
  LoadedRules loaded(
      "local calls = 0\n"
      "function routing_rules(u, query)\n"
      "  calls = calls + 1\n"
      "  if query == 'bomb' then local t = {} while true do t[#t + 1] = ('x'):rep(100000) .. #t end end\n"
      "  return 'call ' .. calls\n"
      "end");
  ASSERT_NE(loaded.rules, nullptr) << loaded.error;
  EXPECT_EQ(loaded.ask().text, "call 1");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(loaded.ask(Hook::routing_rules, "bomb").said, SaidByHook::failed);
  EXPECT_EQ(loaded.ask().text, "call 1");  // a new state
}

TEST(LuaSandbox, a_new_state_has_the_rules_that_were_loaded_and_not_those_of_the_file_now) {
  LoadedRules loaded("local m = require 'm'\nfunction routing_rules(u, q) if q == 'bomb' then return ('x'):rep(1e7) end return m end");
  EXPECT_EQ(loaded.rules, nullptr);  // no module yet
  loaded.folder.write("m.lua", "return 'one'");
  loaded.load("local m = require 'm'\nfunction routing_rules(u, q) if q == 'bomb' then return ('x'):rep(1e7) end return m end");
  ASSERT_NE(loaded.rules, nullptr) << loaded.error;
  loaded.folder.write("m.lua", "return 'two'");
  loaded.folder.write("rules.lua", "function routing_rules() return 'changed' end");
  EXPECT_EQ(loaded.ask(Hook::routing_rules, "bomb").said, SaidByHook::failed);
  EXPECT_EQ(loaded.ask().text, "one");
}

TEST(LuaSandbox, a_budget_is_for_one_call) {
  LoadedRules loaded("function routing_rules() for i = 1, 30000 do end return 'ok' end");
  ASSERT_NE(loaded.rules, nullptr) << loaded.error;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(loaded.ask().text, "ok");
}

TEST(LuaSandbox, refuses_bytecode) {
  LoadedRules loaded(std::string("\x1bLua\x54\x00\x19\x93", 8));
  EXPECT_EQ(loaded.rules, nullptr);
  EXPECT_NE(loaded.error.find("attempt to load a binary chunk"), std::string::npos) << loaded.error;
}

TEST(LuaSandbox, refuses_a_file_that_does_not_compile_with_its_line) {
  EXPECT_EQ(LoadedRules("x = 1\nfunction route(").error.substr(0, 12), "rules.lua:2:");
}

TEST(LuaSandbox, refuses_a_file_that_fails_or_never_ends) {
  EXPECT_EQ(LoadedRules("local x = nil\nlocal y = x.z").error.substr(0, 12), "rules.lua:2:");
  EXPECT_NE(LoadedRules("while true do end").error.find("rules.lua:1: the instruction budget"), std::string::npos);
  EXPECT_NE(LoadedRules("t = {}\nwhile true do t[#t + 1] = {} end").error.find("memory"), std::string::npos);
}

TEST(LuaSandbox, refuses_hooks_of_a_wrong_type_where_they_are_set) {
  EXPECT_EQ(LoadedRules("\nroute = 5").error, "rules.lua:2: hook 'route' must be a function, not a number");
  EXPECT_EQ(LoadedRules("rewrite_query = 'x'").error, "rules.lua:1: hook 'rewrite_query' must be a function, not a string");
}

TEST(LuaSandbox, says_which_file_is_missing_without_its_folder) {
  LuaOptions options;
  options.file = "no-such-folder/rules.lua";
  options.memory_bytes = 1 << 20;
  std::string error;
  EXPECT_EQ(LuaRules::load(std::move(options), error), nullptr);
  EXPECT_EQ(error, "rules.lua: No such file or directory");
}

TEST(LuaSandbox, refuses_a_memory_cap_that_holds_nothing) {
  EXPECT_NE(LoadedRules("", 1000).error.find("memory"), std::string::npos);
  EXPECT_NE(LoadedRules("", 8000).error.find("memory"), std::string::npos);
}

TEST(LuaSandbox, requires_modules_of_the_folder_once) {
  LoadedRules loaded("");
  loaded.folder.write("lib/names.lua", "log('loaded') return {own = 'shop'}");
  loaded.load("local a = require 'lib.names'\nlocal b = require 'lib.names'\nfunction routing_rules() return a == b and a.own or 'two' end");
  ASSERT_NE(loaded.rules, nullptr) << loaded.error;
  EXPECT_EQ(loaded.ask().text, "shop");
  EXPECT_EQ(loaded.logged, std::vector<std::string>{"loaded"});
}

TEST(LuaSandbox, requires_nothing_outside_the_folder) {
  for (const char* name : {"..", "../x", "/etc/passwd", "a..b", "a//b", "", ".", "a/../../b", "a\\\\b", "a b", "x.", "/x"}) {
    LoadedRules loaded("require '" + std::string(name) + "'");
    EXPECT_EQ(loaded.rules, nullptr) << name;
    EXPECT_NE(loaded.error.find("rules.lua:1: "), std::string::npos) << loaded.error;
    EXPECT_NE(loaded.error.find("not the name of a module"), std::string::npos) << loaded.error;
  }
}

TEST(LuaSandbox, follows_no_link_out_of_the_folder) {
  test::RulesFolder outside;
  outside.write("secret.lua", "return 'secret'");
  LoadedRules loaded("");
  std::filesystem::create_symlink(outside.path() / "secret.lua", loaded.folder.path() / "m.lua");
  loaded.load("require 'm'");
  EXPECT_EQ(loaded.rules, nullptr);
  EXPECT_NE(loaded.error.find("there is no file \"m.lua\""), std::string::npos) << loaded.error;
}

TEST(LuaSandbox, refuses_modules_that_require_each_other) {
  LoadedRules loaded("");
  loaded.folder.write("a.lua", "require 'b'");
  loaded.folder.write("b.lua", "require 'a'");
  loaded.load("require 'a'");
  EXPECT_EQ(loaded.rules, nullptr);
  EXPECT_NE(loaded.error.find("b.lua:1: module \"a\" requires itself"), std::string::npos) << loaded.error;
}

TEST(LuaSandbox, log_and_print_go_to_the_log) {
  LoadedRules loaded("function routing_rules(user) log('user', user, 7, nil) print('x') end");
  ASSERT_NE(loaded.rules, nullptr) << loaded.error;
  loaded.ask();
  EXPECT_EQ(loaded.logged, (std::vector<std::string>{"user\talice\t7\tnil", "x"}));
}

TEST(LuaSandbox, the_clock_and_chance_make_a_decision_volatile) {
  const HookResult now = run_body("return tostring(now())");
  EXPECT_EQ(now.text, "5.0");
  EXPECT_TRUE(has(now.read, Dependency::volatile_));
  EXPECT_TRUE(has(run_body("return 'r' .. math.random(1, 1)").read, Dependency::volatile_));
  EXPECT_FALSE(has(run_body("return 'r' .. math.floor(1.5)").read, Dependency::volatile_));
}

}  // namespace
}  // namespace pgswitch::rules
