#include "rules/lua_pattern.hpp"

#include <gtest/gtest.h>

#include <lua.hpp>
#include <string>

#include "rules/lua_state.hpp"
#include "rules/lua_strings.hpp"
#include "tests/rules/lua_fixture.hpp"

namespace pgswitch::rules {
namespace {

// Lua's own library is the oracle: each expression must come to the same with both.
const char* const expressions[] = {
    R"~(string.find("hello world", "wor"))~",
    R"~(string.find("hello world", "o", 6))~",
    R"~(string.find("hello", "l+"))~",
    R"~(string.find("hello", ""))~",
    R"~(string.find("hello", "", 10))~",
    R"~(string.find("hello", "", 6))~",
    R"~(string.find("hello", "l", -2))~",
    R"~(string.find("hello", "l", -100))~",
    R"~(string.find("a.b", ".", 1, true))~",
    R"~(string.find("a+b", "+", 2, true))~",
    R"~(string.find("abc", "^b"))~",
    R"~(string.find("abc", "^b", 2))~",
    R"~(string.find("abc", "c$"))~",
    R"~(string.find("a$c", "a$c"))~",
    R"~(string.find("abc", "(b)(c)"))~",
    R"~(string.find("abc", "()b()"))~",
    R"~(string.match("key = value", "(%w+)%s*=%s*(%w+)"))~",
    R"~(string.match("  trim  ", "^%s*(.-)%s*$"))~",
    R"~(string.match("2024-05-06", "(%d+)-(%d+)-(%d+)"))~",
    R"~(string.match("f(a(b)c)d", "%b()"))~",
    R"~(string.match("f(a(b", "%b()"))~",
    R"~(string.match("THE (quick) fox", "%f[%a]%a+", 5))~",
    R"~(string.match("THE END", "%f[%w]%w+%f[%W]", 4))~",
    R"~(string.match("say 'hi' and \"ho\"", "(['\"])(.-)%1"))~",
    R"~(string.match("x", "y?x"))~",
    R"~(string.match("aaa", "a-b"))~",
    R"~(string.match("aaab", "a-b"))~",
    R"~(string.match("aaa", "a*"))~",
    R"~(string.match("aXb", "%u"))~",
    R"~(string.match("aXb", "%U+"))~",
    R"~(string.match("a]b", "[]]"))~",
    R"~(string.match("a]b", "[^]]+"))~",
    R"~(string.match("a-b", "[a-]+"))~",
    R"~(string.match("a^b", "[%^]"))~",
    R"~(string.match("0x1F", "%x+", 3))~",
    R"~(string.match("a%b", "%%"))~",
    R"~(string.match("tab\there", "%c"))~",
    R"~(string.match("a,b;c", "%p(.)%p"))~",
    R"~(string.match("abc", "((a)(b))"))~",
    R"~(string.match("äö", "[\xc3\xa4]+"))~",
    R"~(string.match("a\0b", "a%z?\0b"))~",
    R"~(string.match("hello", "h(e(l(l)o))"))~",
    R"~(string.match("foo.bar", "^(.-)%.(.*)$"))~",
    R"~(string.match("aab", "a+()b"))~",
    R"~(string.match("abcabc", "(abc)%1"))~",
    R"~(string.match("x", "[a-z]?x"))~",
    R"~(string.gsub("hello world", "o", "0"))~",
    R"~(string.gsub("hello world", "o", "0", 1))~",
    R"~(string.gsub("hello", "", "-"))~",
    R"~(string.gsub("abc", "%w", "%0%0"))~",
    R"~(string.gsub("hello world", "(%w+)", "<%1>"))~",
    R"~(string.gsub("hello world", "(%w+) (%w+)", "%2 %1"))~",
    R"~(string.gsub("abc", "b", "%%"))~",
    R"~(string.gsub("$name is $age", "%$(%w+)", {name = "joe", age = 5}))~",
    R"~(string.gsub("abc", "%w", function(c) if c == "b" then return "X" end end))~",
    R"~(string.gsub("abc abc", "^abc", "x"))~",
    R"~(string.gsub("a b c", "%s", ""))~",
    R"~(string.gsub("abc", "()", "%1"))~",
    R"~(string.gsub("abc", "b", 7))~",
    R"~(string.rep("ab", 3, ","))~",
    R"~(string.rep("ab", 0))~",
    R"~(string.rep("ab", -1))~",
    R"~(string.rep("", 10))~",
    R"~((function() local t = {} for w in string.gmatch("one two", "%a+") do t[#t + 1] = w end return table.concat(t, "|") end)())~",
    R"~((function() local t = {} for k, v in string.gmatch("a=1, b=2", "(%w+)=(%w+)") do t[#t + 1] = k .. v end return table.concat(t, "|") end)())~",
    R"~((function() local n = 0 for _ in string.gmatch("abc", "") do n = n + 1 end return n end)())~",
    R"~((function() local t = {} for w in string.gmatch("xaxbx", "x?", 2) do t[#t + 1] = w end return table.concat(t, "|") end)())~",
    R"~(string.find("abc", "[a"))~",
    R"~(string.find("abc", "%"))~",
    R"~(string.find("abc", "(a"))~",
    R"~(string.find("abc", "a)"))~",
    R"~(string.find("abc", "%f"))~",
    R"~(string.find("(bc", "%b"))~",
    R"~(string.find("abc", "[a%"))~",
    R"~(string.gsub("abc", "b", "%2"))~",
    R"~(string.gsub("abc", "b", "%x"))~",
    R"~(string.gsub("abc", "b", function() return {} end))~",
    R"~(string.match("abc", ("()"):rep(33)))~",
    R"~(string.find("x", ("x?"):rep(220)))~",
};

// "true", then the values; or "false" and the message without the line.
std::string evaluate(lua_State* L, const std::string& expression) {
  const std::string chunk = "return " + expression;
  lua_settop(L, 0);
  if (luaL_loadstring(L, chunk.c_str()) != LUA_OK) return "does not compile";
  const bool ok = lua_pcall(L, 0, LUA_MULTRET, 0) == LUA_OK;
  std::string all = ok ? "true" : "false";
  for (int i = 1; i <= lua_gettop(L); ++i) {
    std::size_t size = 0;
    const char* text = luaL_tolstring(L, i, &size);
    std::string value(text, size);
    if (!ok && value.find(": ") != std::string::npos) value = value.substr(value.find(": ") + 2);
    all += " | " + value;
    lua_pop(L, 1);
  }
  return all;
}

TEST(LuaPattern, agrees_with_luas_own_matcher) {
  lua_State* stock = luaL_newstate();
  luaL_openlibs(stock);
  LuaState bounded(4 * 1024 * 1024);
  bounded.start(1'000'000'000);
  luaL_openlibs(bounded.get());
  lua_getglobal(bounded.get(), "string");
  luaL_setfuncs(bounded.get(), bounded_string_functions, 0);
  for (const char* expression : expressions) {
    EXPECT_EQ(evaluate(bounded.get(), expression), evaluate(stock, expression)) << expression;
  }
  lua_close(stock);
}

TEST(LuaPattern, agrees_with_luas_own_matcher_on_random_patterns) {
  lua_State* stock = luaL_newstate();
  luaL_openlibs(stock);
  LuaState bounded(4 * 1024 * 1024);
  luaL_openlibs(bounded.get());
  lua_getglobal(bounded.get(), "string");
  luaL_setfuncs(bounded.get(), bounded_string_functions, 0);
  constexpr std::string_view alphabet = "aaabb%..[]^$()*+-?1fbws";
  std::uint32_t random = 1;
  const auto draw = [&](std::size_t below) {
    random = random * 1664525u + 1013904223u;
    return static_cast<std::size_t>(random >> 8) % below;
  };
  int matched = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string pattern;
    for (std::size_t n = 1 + draw(8); n > 0; --n) pattern += alphabet[draw(alphabet.size())];
    std::string subject;
    for (std::size_t n = draw(9); n > 0; --n) subject += "ab .f"[draw(5)];
    const std::string call = "(\"" + subject + "\", \"" + pattern + "\"";
    for (const std::string& expression : {"string.find" + call + ")", "string.match" + call + ")", "string.gsub" + call + ", '<%0>')"}) {
      bounded.start(1'000'000);
      const std::string ours = evaluate(bounded.get(), expression);
      const std::string theirs = evaluate(stock, expression);
      if (ours.starts_with("false") && theirs.starts_with("false")) continue;
      // Lua notices a capture without an end only when its value is asked for, which %0 does not do.
      if (ours == "false | unfinished capture") continue;
      matched += ours.starts_with("true") ? 1 : 0;
      ASSERT_EQ(ours, theirs) << expression;
    }
  }
  EXPECT_GT(matched, 10000);
  lua_close(stock);
}

TEST(LuaPattern, names_a_capture_that_is_not_there) {
  LuaPattern pattern("abc", "%1", 100);
  EXPECT_EQ(pattern.match_at(0), LuaPattern::npos);
  EXPECT_STREQ(pattern.failure(), "invalid capture index in pattern");
}

TEST(LuaPattern, stops_when_its_steps_are_used_up) {
  const std::string subject(3000, 'a');
  LuaPattern pattern(subject, ".-.-.-.-b", 100'000);
  EXPECT_EQ(pattern.match_at(0), LuaPattern::npos);
  EXPECT_TRUE(pattern.exhausted());
  EXPECT_EQ(pattern.steps_left(), 0u);
}

TEST(LuaPattern, spends_no_more_than_it_needs) {
  LuaPattern pattern("select 1 from sales", "sales", 1000);
  EXPECT_EQ(pattern.candidate(0), 0u);
  EXPECT_EQ(pattern.candidate(1), 14u);
  EXPECT_EQ(pattern.match_at(14), 19u);
  EXPECT_FALSE(pattern.exhausted());
  EXPECT_GT(pattern.steps_left(), 900u);
}

}  // namespace
}  // namespace pgswitch::rules
