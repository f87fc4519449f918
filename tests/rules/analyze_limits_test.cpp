#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "rules/analyze.hpp"
#include "tests/rules/analyze_summary.hpp"

namespace pgswitch::rules {
namespace {

std::string repeat(std::string_view part, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += part;
  return text;
}

struct Row {
  std::string sql;
  AnalysisLimit limit;
};

AnalyzeOptions large() {
  AnalyzeOptions options;
  options.parse_max_bytes = 8 * 1024 * 1024;
  return options;
}

TEST(AnalyzeLimits, decides_dangerous_text_by_its_tokens) {
  const Row rows[] = {
      {repeat("/*", 100'000), AnalysisLimit::comment_depth},
      {"SELECT 1 " + repeat("/*", 100'000) + repeat("*/", 100'000), AnalysisLimit::comment_depth},
      {"SELECT 1" + repeat("+1", 50'000), AnalysisLimit::operators},
      {"SELECT " + repeat("- ", 50'000) + "1", AnalysisLimit::operators},
      {"SELECT 1" + repeat("/**/", 50'000), AnalysisLimit::operator_run},
      {"SELECT " + repeat("+", 600) + "1", AnalysisLimit::operator_run},
      {"SELECT " + repeat("(", 10'000) + "1" + repeat(")", 10'000), AnalysisLimit::paren_depth},
      {"SELECT " + repeat("a[", 10'000) + "1" + repeat("]", 10'000), AnalysisLimit::paren_depth},
      {"SELECT " + repeat("NOT ", 5'000) + "a", AnalysisLimit::tree_depth},
      {"SELECT * FROM a" + repeat(" JOIN b USING (x)", 5'000), AnalysisLimit::tree_depth},
      {"SELECT " + repeat("CASE WHEN a THEN ", 1'000) + "1" + repeat(" END", 1'000), AnalysisLimit::tree_depth},
  };
  for (const Row& row : rows) {
    const AnalyzedScript script = analyze(row.sql, large());
    EXPECT_EQ(to_string(script.limit), to_string(row.limit)) << row.sql.substr(0, 40);
    EXPECT_TRUE(script.oversized());
    ASSERT_FALSE(script.statements.empty());
    EXPECT_EQ(script.statements[0].statement->kind, Kind::unparsed);
    EXPECT_FALSE(script.statements[0].statement->read_only);
  }
}

TEST(AnalyzeLimits, parses_what_is_long_but_flat) {
  const std::string rows[] = {
      "SELECT a" + repeat(" || b", 1'900) + " FROM t",
      "SELECT 1 FROM t" + repeat(" UNION ALL SELECT 1 FROM t", 2'000),
      "SELECT * FROM t WHERE a IN (1" + repeat(", 2", 15'000) + ")",
      "SELECT * FROM t WHERE a = 1" + repeat(" OR a = 2", 1'900),
      "SELECT x" + repeat("::int", 5'000) + " FROM t",
      "INSERT INTO t VALUES (1)" + repeat(", (2)", 10'000),
  };
  for (const std::string& sql : rows) {
    const AnalyzedScript script = analyze(sql);
    EXPECT_EQ(to_string(script.limit), "none") << sql.substr(0, 40);
    ASSERT_EQ(script.statements.size(), 1u);
    EXPECT_TRUE(script.statements[0].statement->parsed) << sql.substr(0, 40);
  }
}

TEST(AnalyzeLimits, keeps_the_kind_of_session_statements_over_a_limit) {
  const std::string pad = " /*" + repeat("x", 70'000) + "*/";
  struct Kept {
    const char* sql;
    const char* expected;
  };
  constexpr Kept rows[] = {
      {"BEGIN", "begin BEGIN unparsed literal"},
      {"start transaction isolation level serializable", "begin START TRANSACTION unparsed literal"},
      {"COMMIT", "commit COMMIT unparsed literal"},
      {"END", "commit COMMIT unparsed literal"},
      {"COMMIT PREPARED 'g'", "utility COMMIT PREPARED unparsed literal"},
      {"ROLLBACK", "rollback ROLLBACK unparsed literal"},
      {"ABORT", "rollback ROLLBACK unparsed literal"},
      {"ROLLBACK TO s", "rollback_to ROLLBACK TO SAVEPOINT unparsed literal"},
      {"ROLLBACK WORK TO SAVEPOINT s", "rollback_to ROLLBACK TO SAVEPOINT unparsed literal"},
      {"ROLLBACK PREPARED 'g'", "utility ROLLBACK PREPARED unparsed literal"},
      {"SAVEPOINT s", "savepoint SAVEPOINT unparsed o=s literal"},
      {"RELEASE s", "release RELEASE SAVEPOINT unparsed o=s literal"},
      {"PREPARE TRANSACTION 'g'", "prepare_transaction PREPARE TRANSACTION unparsed literal"},
      {"PREPARE p AS SELECT 1 FROM t", "prepare PREPARE unparsed r=t e=prepare o=p literal"},
      {"EXECUTE p", "execute EXECUTE unparsed literal"},
      {"DEALLOCATE ALL", "deallocate DEALLOCATE unparsed e=deallocate_all literal"},
      {"DEALLOCATE PREPARE p", "deallocate DEALLOCATE unparsed e=deallocate o=p literal"},
      {"DECLARE c CURSOR WITH HOLD FOR SELECT 1", "declare_cursor DECLARE unparsed e=hold_cursor o=c literal"},
      {"CLOSE c", "close_cursor CLOSE unparsed e=close_cursor o=c literal"},
      {"LISTEN c", "listen LISTEN unparsed e=listen o=c literal"},
      {"UNLISTEN *", "unlisten UNLISTEN unparsed e=unlisten_all literal"},
      {"DISCARD ALL", "discard DISCARD unparsed e=discard_all literal"},
      {"SET a.b = 'x'", "set SET unparsed e=set_variable v=a.b<SET a.b = 'x'> literal"},
      {"SET SESSION \"A\".b.c TO 'x'", "set SET unparsed e=set_variable v=a.b.c<SET SESSION \"A\".b.c TO 'x'> literal"},
      {"SET ROLE r", "set SET unparsed e=set_variable v=role<SET ROLE r> literal"},
      {"SET SESSION AUTHORIZATION u", "set SET unparsed e=set_variable v=session_authorization<SET SESSION AUTHORIZATION u> literal"},
      {"SET SESSION TIME ZONE 'UTC'", "set SET unparsed e=set_variable v=timezone<SET SESSION TIME ZONE 'UTC'> literal"},
      {"SET NAMES 'UTF8'", "set SET unparsed e=set_variable v=client_encoding<SET NAMES 'UTF8'> literal"},
      {"SET SCHEMA 's'", "set SET unparsed e=set_variable v=search_path<SET SCHEMA 's'> literal"},
      {"SET XML OPTION DOCUMENT", "set SET unparsed e=unknown_settings literal"},
      {"SET search_path TO x", "set SET unparsed e=set_variable v=search_path<SET search_path TO x> literal"},
      {"SET LOCAL search_path TO x", "set SET unparsed e=set_local v=search_path<SET LOCAL search_path TO x> literal"},
      {"SET TRANSACTION READ ONLY", "set_transaction SET TRANSACTION unparsed e=set_local literal"},
      {"RESET ALL", "reset RESET unparsed e=reset_all literal"},
      {"RESET x", "reset RESET unparsed e=set_variable v=x<reset> literal"},
      {"RESET A.b", "reset RESET unparsed e=set_variable v=a.b<reset> literal"},
      {"RESET SESSION AUTHORIZATION", "reset RESET unparsed e=set_variable v=session_authorization<reset> literal"},
      {"RESET TIME ZONE", "reset RESET unparsed e=set_variable v=timezone<reset> literal"},
      {"DO $$ $$", "do DO unparsed e=unknown_settings literal"},
      {"INSERT INTO s.t SELECT * FROM u", "unparsed unparsed r=u w=s.t literal"},
      {"UPDATE t SET a = 1 FROM u", "unparsed unparsed r=u w=t literal"},
      {"DELETE FROM t USING u", "unparsed unparsed w=t literal"},
      {"CREATE TEMP TABLE t (a int)", "unparsed unparsed w=t e=temp_table literal"},
      {"SELECT nextval('s') FROM t FOR UPDATE", "unparsed unparsed r=t f=nextval +lock literal"},
  };
  for (const Kept& row : rows) {
    const AnalyzedScript script = analyze(row.sql + pad);
    EXPECT_EQ(script.limit, AnalysisLimit::bytes);
    Statement statement = *script.statements.at(0).statement;
    statement.hints.clear();
    EXPECT_EQ(summary(statement), row.expected) << row.sql;
  }
}

TEST(AnalyzeLimits, parses_a_long_script_of_short_statements_one_by_one) {
  const AnalyzedScript script = analyze("BEGIN;" + repeat("INSERT INTO t VALUES (1);", 5'000) + "COMMIT");
  EXPECT_FALSE(script.oversized());
  ASSERT_EQ(script.statements.size(), 5'002u);
  EXPECT_EQ(script.statements.front().statement->kind, Kind::begin);
  EXPECT_EQ(summary(*script.statements[77].statement), "insert INSERT w=t");
  EXPECT_EQ(script.statements.back().statement->kind, Kind::commit);
}

TEST(AnalyzeLimits, takes_text_of_too_many_statements_as_one) {
  const AnalyzedScript script = analyze(repeat("SELECT 1;", 20'000));
  EXPECT_EQ(script.limit, AnalysisLimit::statements);
  EXPECT_EQ(script.statements.size(), 1u);
}

TEST(AnalyzeLimits, survives_large_literals_and_many_words) {
  EXPECT_EQ(analyze("SELECT '" + repeat("x", 1'000'000) + "' FROM t").limit, AnalysisLimit::bytes);
  const AnalyzedScript words = analyze("SELECT " + repeat("a ", 100'000));
  EXPECT_EQ(words.statements.at(0).statement->words.size(), 256u);
  EXPECT_TRUE(words.oversized());
  EXPECT_TRUE(has(words.statements.at(0).statement->effects, Effect::unknown_settings)) << "its end was not looked at";
}

TEST(AnalyzeLimits, never_gives_text_with_nul_to_the_parser) {
  const AnalyzedScript script = analyze(std::string_view("SELECT 1\0; DROP TABLE t", 23));
  for (const AnalyzedStatement& item : script.statements) EXPECT_FALSE(item.statement->read_only);
}

TEST(AnalyzeScript, gives_the_place_of_each_statement) {
  const std::string_view sql = " /* h */ SELECT 1 ;\n ; UPDATE t SET a = ';' -- x\n;  COMMIT ; -- tail";
  const AnalyzedScript script = analyze(sql);
  std::vector<std::string> texts;
  for (const AnalyzedStatement& item : script.statements) texts.emplace_back(sql.substr(item.begin, item.size));
  EXPECT_EQ(texts, (std::vector<std::string>{"/* h */ SELECT 1", "UPDATE t SET a = ';' -- x", "COMMIT"}));
}

TEST(AnalyzeScript, tells_that_postgresql_would_refuse_it) {
  const AnalyzedScript script = analyze("SELECT 1; \xc3\xa9 SELEC 2; COMMIT");
  EXPECT_TRUE(script.syntax_error);
  EXPECT_EQ(script.error, "syntax error at or near \"\xc3\xa9\"");
  EXPECT_EQ(script.error_position, 10u);
  EXPECT_EQ(summary(script), "select SELECT ro ; unparsed unparsed e=unknown_settings literal ; commit COMMIT");
  EXPECT_FALSE(analyze("SELECT 1").syntax_error);
}

TEST(AnalyzeScript, gives_one_shape_one_fingerprint) {
  const auto fingerprint = [](std::string_view sql) { return analyze(sql).statements.at(0).statement->fingerprint; };
  EXPECT_EQ(fingerprint("SELECT 1; x"), fingerprint("select  2"));
  EXPECT_NE(fingerprint("SELECT 1"), fingerprint("SELECT '1'"));
}

TEST(AnalyzeScript, reads_strings_as_the_session_does) {
  AnalyzeOptions off;
  off.standard_conforming_strings = false;
  EXPECT_EQ(summary(analyze("SELECT 'a\\' FROM x; --' FROM t", off)), "select SELECT ro r=t");
  EXPECT_EQ(summary(analyze("SET a.b = 'it\\'s'", off)),
            "set SET e=set_variable v=a.b:it's<SELECT set_config('a.b', 'it''s', false)> literal");
  EXPECT_EQ(summary(analyze("SELECT 'a\\' FROM t")), "select SELECT ro r=t");
}

TEST(AnalyzeScript, runs_on_many_threads_at_a_time) {
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&wrong] {
      for (int n = 0; n < 200; ++n) {
        wrong += summary(analyze("WITH x AS (SELECT * FROM t) SELECT count(*) FROM x")) != "select SELECT ro r=t f=count +agg";
        wrong += !analyze("SELEC 1").syntax_error;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace pgswitch::rules
