#include "proxy/auth/ident_map.hpp"

#include <gtest/gtest.h>

namespace pgswitch {
namespace {

IdentMaps parsed(const std::string& text) {
  std::vector<Diagnostic> errors;
  IdentMaps maps = IdentMaps::parse(text, "ident", errors);
  for (const Diagnostic& error : errors) ADD_FAILURE() << error.to_string();
  return maps;
}

TEST(IdentMaps, say_who_may_be_whom) {
  const IdentMaps maps = parsed(
      "# comment\n"
      "staff root postgres\n"
      "staff root admin\n"
      "staff \"john smith\" john\n"
      "any root all\n"
      "quoted root \"all\"\n");
  EXPECT_TRUE(maps.allows("staff", "root", "postgres"));
  EXPECT_TRUE(maps.allows("staff", "root", "admin"));
  EXPECT_FALSE(maps.allows("staff", "root", "root"));
  EXPECT_TRUE(maps.allows("staff", "john smith", "john"));
  EXPECT_FALSE(maps.allows("staff", "postgres", "postgres"));
  EXPECT_TRUE(maps.allows("any", "root", "whoever"));
  EXPECT_FALSE(maps.allows("any", "joe", "whoever"));
  EXPECT_FALSE(maps.allows("quoted", "root", "whoever"));
  EXPECT_TRUE(maps.allows("quoted", "root", "all"));
  EXPECT_FALSE(maps.allows("absent", "root", "postgres"));
  EXPECT_TRUE(maps.contains("any"));
  EXPECT_FALSE(maps.contains("absent"));
}

TEST(IdentMaps, a_slash_begins_a_regular_expression) {
  const IdentMaps maps = parsed(
      "mail /^(.*)@example\\.org$ \\1\n"
      "part /adm all\n"
      "role /^(.)[0-9]+$ role_\\1\n"
      "optional /^(x)?y$ u\\1\n");
  EXPECT_TRUE(maps.allows("mail", "joe@example.org", "joe"));
  EXPECT_FALSE(maps.allows("mail", "joe@example.org", "jim"));
  EXPECT_FALSE(maps.allows("mail", "joe@example.com", "joe"));
  EXPECT_FALSE(maps.allows("mail", "joe@exampleXorg", "joe"));
  EXPECT_TRUE(maps.allows("part", "sysadmin", "whoever")) << "anywhere in the name, as in PostgreSQL";
  EXPECT_TRUE(maps.allows("role", "a12", "role_a"));
  EXPECT_TRUE(maps.allows("optional", "y", "u"));
}

TEST(IdentMaps, lines_that_cannot_be_understood_are_errors) {
  const std::pair<const char*, const char*> cases[] = {
      {"m root", "expected map, system user and database user"},
      {"m root app more", "more than three words"},
      {"m root,joe app", "expected map, system user and database user"},
      {"m root +staff", "groups and regular expressions are not supported as database user"},
      {"m root /x", "groups and regular expressions are not supported as database user"},
      {"m /( app", "the regular expression is not valid"},
      {"m /x \\1", "\\1 without a group in the regular expression"},
      {"include other", "expected map, system user and database user"},
      {"m \"root app", "expected map, system user and database user"},
  };
  for (const auto& [line, fault] : cases) {
    std::vector<Diagnostic> errors;
    IdentMaps::parse(line, "ident", errors);
    ASSERT_EQ(errors.size(), 1u) << line;
    EXPECT_EQ(errors.front().to_string(), std::string("ident:1: broken ident map line: ") + fault);
  }
}

}  // namespace
}  // namespace pgswitch
