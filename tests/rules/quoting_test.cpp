#include "rules/quoting.hpp"

#include "tests/rules/engine_fixture.hpp"

namespace pgswitch::rules {
namespace {

using EngineTest = test::EngineTest;

TEST(quoting, names_that_either_kind_of_server_reserves_are_quoted) {
  for (const char* const name : {"a", "sales", "_x1", "name", "type", "value", "tags", "oidx", "sysdate"}) EXPECT_EQ(quote_name(name), name);
  for (const char* const name : {"select", "A", "1a", "", "a b", "tag", "oid", "top", "timestamp", "encode", "partition", "aes128", "without", "minus", "delta32k"})
    EXPECT_EQ(quote_name(name), "\"" + std::string(name) + "\"");
  EXPECT_EQ(quote_name("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(quote_dotted("archive.tag"), "archive.\"tag\"");
}

TEST(quoting, names_are_read_as_postgresql_reads_them) {
  EXPECT_EQ(unquote_name("\"A \"\"b\"\"\""), "A \"b\"");
  EXPECT_EQ(unquote_name("\"\""), "");
  EXPECT_EQ(fold_name("Sales_\xc3\x84"), "sales_\xc3\x84");
}

TEST(quoting, literals_are_read_alike_with_any_setting) {
  EXPECT_EQ(quote_alike("select 'a', \"a\\b\", E'a\\n', $$a\\b$$, 1 -- 'a\\b'"), "select 'a', \"a\\b\", E'a\\n', $$a\\b$$, 1 -- 'a\\b'");
  EXPECT_EQ(quote_alike("select 'a\\', 'it''s\\n' , 'b'"), "select E'a\\\\', E'it''s\\\\n' , 'b'");
  EXPECT_EQ(quote_alike("select 'a\\'\n'b\\' from t"), "select E'a\\\\'\n'b\\\\' from t");
  EXPECT_EQ(quote_alike(""), "");
}

TEST_F(EngineTest, the_text_of_a_rule_is_read_as_the_rules_file_has_it) {
  ASSERT_TRUE(load("rules { { when = { tables = 't' }, rewrite = [[select * from u where path = 'c:\\' and name = 'x']] } }")) << error_;
  facts_.standard_conforming_strings = false;
  const Script& script = decide("select * from t where name = 'it\\'s'");
  EXPECT_EQ(*script.items.front().decision->rewritten, "select * from u where path = E'c:\\\\' and name = 'x'");
  EXPECT_TRUE(script.items.front().statement->parsed);
}

}  // namespace
}  // namespace pgswitch::rules
