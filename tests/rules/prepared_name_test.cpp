#include "rules/prepared_name.hpp"

#include <gtest/gtest.h>

#include <string>

namespace pgswitch::rules {
namespace {

/// The text with its prepared statement's name in angle brackets.
std::string marked(std::string text, std::string_view name) {
  const auto token = find_prepared_name(text, name);
  if (!token) return "none";
  text.insert(token->begin + token->size, ">");
  text.insert(token->begin, "<");
  return text;
}

TEST(PreparedName, is_found_where_the_statement_has_it) {
  const std::string longest(63, 'n');
  const struct {
    std::string text, name, expected;
  } rows[] = {
      {"execute x", "x", "execute <x>"},
      {"EXECUTE/*x*/X(1, 'x')", "x", "EXECUTE/*x*/<X>(1, 'x')"},
      {"execute \"X y\"", "X y", "execute <\"X y\">"},
      {"execute \"a\"\"b\" (1)", "a\"b", "execute <\"a\"\"b\"> (1)"},
      {"execute U&\"\\0078\"", "x", "execute <U&\"\\0078\">"},
      {"execute " + longest + "more", longest, "execute <" + longest + "more>"},
      {"explain (costs off) execute x(1)", "x", "explain (costs off) execute <x>(1)"},
      {"create table execute as execute x", "x", "create table execute as execute <x>"},
      {"create table x as execute x with no data", "x", "create table x as execute <x> with no data"},
      {"deallocate x", "x", "deallocate <x>"},
      {"deallocate prepare x;", "x", "deallocate prepare <x>;"},
      {"deallocate prepare", "prepare", "deallocate <prepare>"},
      {"deallocate prepare prepare", "prepare", "deallocate prepare <prepare>"},
      {"deallocate execute", "execute", "deallocate <execute>"},
      {"select execute from x", "x", "none"},
      {"execute y", "x", "none"},
  };
  for (const auto& row : rows) EXPECT_EQ(marked(row.text, row.name), row.expected) << row.text;
}

}  // namespace
}  // namespace pgswitch::rules
