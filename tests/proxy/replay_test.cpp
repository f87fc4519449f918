#include "proxy/replay/replay.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "proxy/command_replay.hpp"
#include "proxy/replay/report.hpp"
#include "tests/proxy/temporary_folder.hpp"

namespace pgswitch::replay {
namespace {

constexpr char rules_text[] = R"(
rules {
  { name = "sales", when = { tables = "sales" }, route = "app.redshift" },
  { name = "no sleep", when = { functions = "pg_sleep" }, reject = "no sleeping" },
  { name = "old", when = { tables = "old", in_transaction = false }, rewrite = "select * from new" },
}
)";

class ReplayTest : public testing::Test {
 protected:
  std::string write_ini(const std::string& name, const std::string& rules, const std::string& more = "") {
    folder_.write(name + ".lua", rules);
    return folder_.write(name + ".ini", "[databases]\napp = host=127.0.0.1\napp.redshift = host=127.0.0.1\n[pgbouncer]\nauth_type = any\nrules_file = " + name +
                                            ".lua\n" + more);
  }
  void add(Replay& replay, std::string_view text, std::uint64_t session = 0, std::uint64_t count = 1) {
    LoggedStatement statement;
    statement.text = text;
    statement.session = session;
    statement.count = count;
    replay.add(statement);
  }
  tests::TemporaryFolder folder_;
  std::ostringstream err_;
};

TEST_F(ReplayTest, sums_up_by_shape_and_decision) {
  Judge judge;
  ASSERT_TRUE(judge.load(write_ini("a", rules_text, "rules_mode = observe\n"), "app", "", err_)) << err_.str();
  Replay replay(judge, nullptr);
  for (int i = 0; i < 5; ++i) add(replay, "select * from sales where id = " + std::to_string(i));
  add(replay, "select pg_sleep(1); select 1");
  add(replay, "select 2", 0, 7);
  add(replay, "select * from old");
  add(replay, "/* nothing */");
  EXPECT_EQ(replay.statements(), 15u);
  const auto rows = replay.shapes().sorted();
  ASSERT_EQ(rows.size(), 4u);
  const std::pair<std::uint64_t, std::string> expected[] = {{8, "route app"}, {5, "route app.redshift"}, {1, "route app, rewritten"}, {1, "refused 42501 no sleeping"}};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(rows[i]->count, expected[i].first) << i;
    EXPECT_EQ(in_words(rows[i]->verdict), expected[i].second) << i;
  }
  EXPECT_EQ(rows[1]->text, "select * from sales where id = ?");
  EXPECT_EQ(rows[2]->text, "select * from old");
}

TEST_F(ReplayTest, follows_the_transactions_of_each_session) {
  Judge judge;
  ASSERT_TRUE(judge.load(write_ini("a", rules_text), "app", "", err_)) << err_.str();
  Replay replay(judge, nullptr);
  add(replay, "begin", 1);
  add(replay, "select * from old", 1);
  add(replay, "select * from old", 2);
  add(replay, "commit", 1);
  add(replay, "select * from old", 1);
  std::uint64_t rewritten = 0, left = 0;
  for (const ShapeRow* row : replay.shapes().sorted()) {
    if (row->text != "select * from old") continue;
    (row->verdict.decision->rewritten ? rewritten : left) += row->count;
  }
  EXPECT_EQ(rewritten, 2u);
  EXPECT_EQ(left, 1u);
}

TEST_F(ReplayTest, shows_what_another_configuration_decides_differently) {
  Judge judge, other;
  ASSERT_TRUE(judge.load(write_ini("a", rules_text), "app", "", err_)) << err_.str();
  ASSERT_TRUE(other.load(write_ini("b", "\n\nrules { { name = 'sales', when = { tables = 'sales' }, route = 'app.redshift' } }"), "app", "", err_)) << err_.str();
  Replay replay(judge, &other);
  add(replay, "select * from sales");
  add(replay, "select pg_sleep(1)");
  add(replay, "select 1");
  EXPECT_EQ(replay.statements(), 3u);
  const auto rows = replay.shapes().sorted();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(in_words(rows[0]->verdict), "refused 42501 no sleeping");
  EXPECT_EQ(in_words(rows[0]->against), "route app");
  EXPECT_TRUE(to_text(replay, "b.ini").ends_with("3 statements, 1 of them decided differently by b.ini\n")) << to_text(replay, "b.ini");
}

TEST_F(ReplayTest, keeps_a_bounded_number_of_shapes) {
  Judge judge;
  ASSERT_TRUE(judge.load(write_ini("a", rules_text), "app", "", err_)) << err_.str();
  Replay replay(judge, nullptr);
  for (std::size_t i = 0; i < Shapes::max_rows + 5; ++i) add(replay, "select c" + std::to_string(i), 0, 2);
  EXPECT_EQ(replay.shapes().sorted().size(), Shapes::max_rows);
  EXPECT_EQ(replay.shapes().others(), 10u);
  EXPECT_NE(to_text(replay, "").find("(others, of shapes beyond the first 10000)"), std::string::npos);
}

TEST_F(ReplayTest, reads_a_long_statement_and_refuses_one_that_is_too_long) {
  ReplayRequest request;
  request.ini_path = write_ini("a", rules_text);
  std::ostringstream out;
  request.logs = {folder_.write("long.sql", "select '" + std::string(20'000'000, 'x') + "'; select 1; select pg_sleep(1)")};
  EXPECT_EQ(command_replay(request, out, err_), 0) << err_.str();
  EXPECT_NE(out.str().find("3 statements, "), std::string::npos) << out.str();
  request.logs = {folder_.write("too_long.sql", "select '" + std::string(70'000'000, 'x') + "'; select 1")};
  EXPECT_EQ(command_replay(request, out, err_), 1);
  EXPECT_NE(err_.str().find("too_long.sql: an entry is longer than 64 MB"), std::string::npos) << err_.str();
}

TEST_F(ReplayTest, reads_files_of_all_formats_and_says_what_is_wrong) {
  ReplayRequest request;
  request.ini_path = write_ini("a", rules_text);
  request.logs = {folder_.write("a.sql", "select 1; select 'secret' from sales;"), folder_.write("b.log", "2026 [1] x@app LOG:  statement: select 2\n")};
  std::ostringstream out;
  EXPECT_EQ(command_replay(request, out, err_), 0) << err_.str();
  EXPECT_NE(out.str().find("3 statements, 2 rows\n"), std::string::npos) << out.str();
  EXPECT_EQ(out.str().find("secret"), std::string::npos) << out.str();
  request.logs = {folder_.write("empty.log", "LOG:  ready\n")};
  EXPECT_EQ(command_replay(request, out, err_), 1);
  EXPECT_NE(err_.str().find("no statement found"), std::string::npos);
  request.logs = {folder_.path("missing.log")};
  EXPECT_EQ(command_replay(request, out, err_), 1);
  EXPECT_NE(err_.str().find("missing.log: No such file or directory"), std::string::npos) << err_.str();
}

}  // namespace
}  // namespace pgswitch::replay
