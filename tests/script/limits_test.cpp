// Statements that a rule limits: delay, timeout, max_rows.
#include <gtest/gtest.h>

#include "deferred_begin.hpp"

namespace pgswitch::script {
namespace {

const Bytes slow = error("57014", "canceling statement due to user request");

/// A transaction with a cursor for a query of which two rows are allowed.
Script& declare_cursor(Script&& script) {
  return script.client(query("begin"), query("declare c cursor for select * from few"))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin(), query("declare c cursor for select * from few"))
      .server(begun(), complete("DECLARE CURSOR"), ready('T'))
      .expect_to_client(complete("DECLARE CURSOR"), ready('T'));
}

Bytes batch(std::string_view sql) { return parse("", sql) + bind_to("", "") + execute("") + sync(); }

}  // namespace

TEST(limits, as_many_rows_as_are_allowed_pass) {
  Script()
      .client(query("select * from few"))
      .expect_acquire()
      .expect_to_server(query("select * from few"))
      .server(data_row("1"), data_row("2"), complete("SELECT 2"), ready('I'))
      .expect_to_client(data_row("1"), data_row("2"), complete("SELECT 2"), ready('I'))
      .expect_release();
}

TEST(limits, time_counts_from_the_statement_that_runs) {
  const auto deadline = std::make_shared<std::int64_t>();
  Script()
      .client(query("select 1 from brief"), query("select 2 from brief"))
      .expect_acquire()
      .expect_to_server(query("select 1 from brief"))
      .check([deadline](const SessionCore& core) { EXPECT_GT(*deadline = core.limit_deadline_us(), 0); })
      .server(complete("SELECT 0"), ready('I'))
      .expect_to_client(complete("SELECT 0"), ready('I'))
      .expect_release()
      .expect_acquire()
      .expect_to_server(query("select 2 from brief"))
      .check([deadline](const SessionCore& core) { EXPECT_GT(core.limit_deadline_us(), *deadline); })
      .server(complete("SELECT 0"), ready('I'))
      .expect_to_client(complete("SELECT 0"), ready('I'))
      .check([](const SessionCore& core) { EXPECT_EQ(core.limit_deadline_us(), 0); })
      .expect_release();
}

TEST(limits, more_rows_are_an_error_when_the_server_is_done) {
  Script()
      .client(query("select * from few"))
      .expect_acquire()
      .expect_to_server(query("select * from few"))
      .server(data_row("1"), data_row("2"), data_row("3"))
      .expect_cancel()
      .server(data_row("4"), complete("SELECT 4"), ready('I'))
      .expect_to_client(data_row("1"), data_row("2"), any_error("54000"), ready('I'))
      .expect_release();
}

TEST(limits, more_rows_are_an_error_when_the_server_was_cancelled) {
  Script()
      .client(query("select * from few"))
      .expect_acquire()
      .expect_to_server(query("select * from few"))
      .server(data_row("1"), data_row("2"), data_row("3"))
      .expect_cancel()
      .server(slow, ready('I'))
      .expect_to_client(data_row("1"), data_row("2"), any_error("54000"), ready('I'))
      .expect_release();
}

TEST(limits, more_rows_fail_a_transaction_that_the_server_thinks_well_of) {
  Script()
      .client(query("begin"), query("select * from few"))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin(), query("select * from few"))
      .server(begun(), data_row("1"), data_row("2"), data_row("3"))
      .expect_cancel()
      .server(complete("SELECT 3"), ready('T'))
      .expect_to_client(data_row("1"), data_row("2"), any_error("54000"), ready('E'))
      .client(query("select 1"))
      .expect_to_client(error("25P02", "current transaction is aborted, commands ignored until end of transaction block"), ready('E'))
      .client(query("commit"))
      .expect_to_server(query("ROLLBACK"))
      .server(complete("ROLLBACK"), ready('I'))
      .expect_to_client(complete("ROLLBACK"), ready('I'))
      .expect_release();
}

TEST(limits, more_rows_fail_a_batch) {
  Script()
      .client(batch("select * from few"), query("select 1"))
      .expect_acquire()
      .expect_to_server(parse("", "select * from few"), bind_to("", ""), flush())
      .server(parse_complete(), bind_complete())
      .expect_to_server(execute(""), flush())
      .server(data_row("1"), data_row("2"), data_row("3"))
      .expect_cancel()
      .server(complete("SELECT 3"))
      .expect_to_server(execute("pgswitch refused"), sync(), query("select 1"))
      .server(error("34000"), ready('I'), complete("SELECT 1"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), data_row("1"), data_row("2"), any_error("54000"), ready('I'), complete("SELECT 1"),
                        ready('I'))
      .expect_release();
}

TEST(limits, the_rows_of_a_portal_count_together) {
  Script()
      .client(query("begin"), parse("", "select * from few"), bind_to("", ""), execute("", 1), execute("", 2), sync())
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin(), parse("", "select * from few"), bind_to("", ""), flush())
      .server(begun(), parse_complete(), bind_complete())
      .expect_to_server(execute("", 1), flush())
      .server(data_row("1"), portal_suspended())
      .expect_to_server(execute("", 2), flush())
      .server(data_row("2"), data_row("3"))
      .expect_cancel()
      .server(portal_suspended())
      .expect_to_server(execute("pgswitch refused"), sync())
      .server(error("34000"), ready('E'))
      .expect_to_client(parse_complete(), bind_complete(), data_row("1"), portal_suspended(), data_row("2"), any_error("54000"), ready('E'));
}

TEST(limits, what_execute_runs_has_the_limits_of_its_query) {
  Script()
      .client(query("prepare p as select * from few"))
      .expect_acquire()
      .expect_to_server(query("prepare p as select * from few"))
      .server(complete("PREPARE"), ready('I'))
      .expect_to_client(complete("PREPARE"), ready('I'))
      .client(query("execute p"))
      .expect_to_server(query("execute p"))
      .server(data_row("1"), data_row("2"), data_row("3"))
      .expect_cancel()
      .server(complete("SELECT 3"), ready('I'))
      .expect_to_client(data_row("1"), data_row("2"), any_error("54000"), ready('I'));
}

TEST(limits, the_rows_of_a_cursor_count_together) {
  declare_cursor(Script())
      .client(query("fetch 1 from c"))
      .expect_to_server(query("fetch 1 from c"))
      .server(data_row("1"), complete("FETCH 1"), ready('T'))
      .expect_to_client(data_row("1"), complete("FETCH 1"), ready('T'))
      .client(query("fetch 2 from c"))
      .expect_to_server(query("fetch 2 from c"))
      .server(data_row("2"), data_row("3"))
      .expect_cancel()
      .server(complete("FETCH 2"), ready('T'))
      .expect_to_client(data_row("2"), any_error("54000"), ready('E'));
}

TEST(limits, another_cursor_of_that_name_has_none) {
  declare_cursor(Script())
      .client(query("close c; declare c cursor for select 1; fetch all from c"))
      .expect_to_server(query("close c; declare c cursor for select 1; fetch all from c"))
      .server(complete("CLOSE CURSOR"), complete("DECLARE CURSOR"), data_row("1"), data_row("2"), data_row("3"), complete("FETCH 3"), ready('T'))
      .expect_to_client(complete("CLOSE CURSOR"), complete("DECLARE CURSOR"), data_row("1"), data_row("2"), data_row("3"), complete("FETCH 3"),
                        ready('T'));
}

TEST(limits, explain_has_more_rows_than_its_query_may) {
  Script()
      .client(query("explain select * from few"))
      .expect_acquire()
      .expect_to_server(query("explain select * from few"))
      .server(data_row("1"), data_row("2"), data_row("3"), complete("EXPLAIN"), ready('I'))
      .expect_to_client(data_row("1"), data_row("2"), data_row("3"), complete("EXPLAIN"), ready('I'))
      .expect_release();
}

TEST(limits, what_runs_too_long_is_cancelled) {
  Script()
      .client(query("select * from brief"))
      .expect_acquire()
      .expect_to_server(query("select * from brief"))
      .limit_passed()
      .expect_cancel()
      .server(slow, ready('I'))
      .expect_to_client(any_error("57014"), ready('I'))
      .expect_release();
}

TEST(limits, what_is_done_before_the_cancel_request_comes_is_answered) {
  Script()
      .client(query("select * from brief"))
      .expect_acquire()
      .expect_to_server(query("select * from brief"))
      .limit_passed()
      .expect_cancel()
      .server(complete("SELECT 0"), ready('I'))
      .expect_to_client(complete("SELECT 0"), ready('I'))
      .expect_release();
}

TEST(limits, nothing_is_sent_behind_it_before_it_has_been_answered) {
  Script()
      .client(query("select * from brief"), query("select 2"))
      .expect_acquire()
      .expect_to_server(query("select * from brief"))
      .server(complete("SELECT 0"), ready('I'))
      .expect_to_client(complete("SELECT 0"), ready('I'))
      .expect_release()
      .expect_acquire()
      .expect_to_server(query("select 2"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(limits, a_delayed_statement_is_sent_later) {
  Script()
      .client(query("select * from later"))
      .expect_acquire()
      .expect_to_server(query("select * from later"))
      .server(complete("SELECT 0"), ready('I'))
      .expect_to_client(complete("SELECT 0"), ready('I'))
      .expect_release();
}

TEST(limits, rows_are_counted_of_one_statement_of_a_string) {
  Script()
      .client(query("select 1; select * from few; select 2"))
      .expect_acquire()
      .expect_to_server(query("select 1"))
      .server(data_row("1"), complete("SELECT 1"), ready('I'))
      .expect_to_client(data_row("1"), complete("SELECT 1"))
      .expect_to_server(query("select * from few"))
      .server(data_row("1"), data_row("2"), data_row("3"))
      .expect_cancel()
      .server(complete("SELECT 3"), ready('I'))
      .expect_to_client(data_row("1"), data_row("2"), any_error("54000"), ready('I'))
      .expect_release();
}

TEST(limits, a_write_that_returns_rows_is_refused_outside_of_a_transaction) {
  Script()
      .client(query("update few set a = 1 returning a"))
      .expect_to_client(any_error("0A000"), ready('I'))
      .client(query("update few set a = 1"))
      .expect_acquire()
      .expect_to_server(query("update few set a = 1"))
      .server(complete("UPDATE 9"), ready('I'))
      .expect_to_client(complete("UPDATE 9"), ready('I'))
      .expect_release();
}

TEST(limits, rows_are_not_counted_beside_a_write_in_one_string) {
  Script()
      .client(query("insert into t values (1); select * from few"))
      .expect_to_client(error("0A000", "a statement whose rows a rule limits must not stand in one query string with one that writes", 0,
                              "Send them as separate queries, or in a transaction."),
                        ready('I'));
}

}  // namespace pgswitch::script
