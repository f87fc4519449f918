// Texts over parse_max_bytes are understood by their tokens, to their end: nothing hides behind their length.
#include "rules/patterns.hpp"
#include "tests/rules/engine_fixture.hpp"

namespace pgswitch::rules::test {
namespace {

class LongText : public EngineTest {
 protected:
  static std::string repeated(std::string_view text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) all += text;
    return all;
  }
};

}  // namespace

TEST_F(LongText, hides_no_table_and_no_function) {
  ASSERT_TRUE(load("rules { { when = { tables = 'free' }, reject = 'closed' }, { when = { functions = 'pg_sleep' }, reject = 'no sleep' } }")) << error_;
  const std::string ones = "SELECT 1 WHERE 1 IN (" + repeated("1,", 40'000) + "1)";
  EXPECT_EQ(decision(ones).verb, Decision::Verb::route);
  for (const std::string& sql : {ones + " UNION ALL SELECT count(*)::int FROM free", repeated("SELECT 1;", 10'000) + "SELECT count(*) FROM free",
                                 ones + " UNION ALL SELECT 1 FROM pg_sleep(0.01)", ones + " OR EXISTS (SELECT FROM a, free)"})
    EXPECT_EQ(decision(sql).verb, Decision::Verb::reject) << sql.substr(sql.size() - 40);
}

TEST_F(LongText, is_not_sent_without_its_filter) {
  ASSERT_TRUE(load("rules { { when = { tables = 'free' }, rewrite = { add_filter = { free = 'id = 1' } } } }")) << error_;
  const Decision& made = decision("SELECT * FROM free WHERE id IN (" + repeated("1,", 40'000) + "1) OR id IN (SELECT id FROM free)");
  EXPECT_EQ(made.refusal.sqlstate, "0A000");
}

TEST_F(LongText, that_is_too_long_to_be_read_may_name_anything) {
  Statement statement;
  statement.parsed = false;
  statement.unread = true;
  EXPECT_TRUE(touches(statement, "anything"));
  EXPECT_TRUE(rules::calls(statement, "anything"));
  EXPECT_EQ(name_bits(statement), any_name);
}

}  // namespace pgswitch::rules::test
