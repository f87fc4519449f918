// Transactions of Redshift: modes, savepoints, what ends them.
#include <gtest/gtest.h>

#include "redshift.hpp"

namespace pgswitch::script {

TEST(redshift_transaction, begin_as_redshift_takes_it) {
  Script script(on_redshift());
  open_there(script, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ WRITE, NOT DEFERRABLE", "BEGIN ISOLATION LEVEL repeatable read READ WRITE")
      .exchange("commit", "COMMIT", 'I')
      .expect_release();
}

TEST(redshift_transaction, read_only_is_kept) {
  Script script(on_redshift());
  open_there(script, "begin read only", "BEGIN READ ONLY")
      .client(query("insert into t values (1)"))
      .expect_to_client(any_error("25006"), ready('E'))
      .client(query("commit"))
      .expect_to_server(query("ROLLBACK"))
      .server(complete("ROLLBACK"), ready('I'))
      .expect_to_client(complete("ROLLBACK"), ready('I'))
      .expect_release();
}

TEST(redshift_transaction, read_only_is_kept_from_the_first_statement_on) {
  Script(on_redshift())
      .client(query("begin read only"))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .client(query("insert into t values (1)"))
      .expect_acquire()
      .expect_to_server(first_begin("BEGIN READ ONLY"), sync())
      .server(begun(), ready('T'))
      .expect_to_client(any_error("25006"), ready('E'))
      .exchange("rollback", "ROLLBACK", 'I')
      .expect_release();
}

TEST(redshift_transaction, read_only_by_default_as_jdbc_sets_it) {
  Script(on_redshift())
      .client(query("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"))
      .expect_acquire()
      .expect_to_server(query(""))
      .server(empty_query(), ready('I'))
      .expect_to_client(complete("SET"), ready('I'))
      .expect_release()
      .client(query("delete from t"))
      .expect_acquire()
      .expect_to_client(any_error("25006"), ready('I'))
      .expect_release()
      .client(query("SHOW TRANSACTION_READ_ONLY"))
      .expect_acquire()
      .expect_to_server(query("SELECT CAST('on' AS varchar) AS \"transaction_read_only\""))
      .server(data_row("on"), complete("SELECT"), ready('I'))
      .expect_to_client(data_row("on"), complete("SHOW"), ready('I'))
      .expect_release();
}

TEST(redshift_transaction, savepoints_are_kept_here) {
  Script script(on_redshift());
  open_there(script);
  unsent(script, "savepoint a", "SAVEPOINT", 'T');
  unsent(script, "savepoint b", "SAVEPOINT", 'T');
  unsent(script, "release b", "RELEASE", 'T');
  unsent(script, "rollback to a", "ROLLBACK", 'T');
  script.client(query("release b"))
      .expect_to_client(any_error("3B001"), ready('E'))
      .exchange("rollback", "ROLLBACK", 'I')
      .expect_release();
}

TEST(redshift_transaction, rollback_to_behind_reads_is_true_and_behind_writes_refused) {
  Script script(on_redshift());
  open_there(script);
  unsent(script, "savepoint a", "SAVEPOINT", 'T');
  script.client(query("select 2")).expect_to_server(query("select 2")).server(complete("SELECT"), ready('T')).expect_to_client(complete("SELECT 0"), ready('T'));
  unsent(script, "rollback to a", "ROLLBACK", 'T');
  script.exchange("insert into t values (1)", "INSERT 0 1", 'T')
      .client(query("rollback to a"))
      .expect_to_client(any_error("0A000"), ready('E'))
      .client(query("rollback to a; release a"))
      .expect_to_client(any_error("0A000"), ready('E'))
      .exchange("rollback", "ROLLBACK", 'I')
      .expect_release();
}

TEST(redshift_transaction, rollback_to_behind_a_failure_is_refused) {
  Script script(on_redshift());
  open_there(script);
  unsent(script, "savepoint a", "SAVEPOINT", 'T');
  script.client(query("select x"))
      .expect_to_server(query("select x"))
      .server(error("42703"), ready('E'))
      .expect_to_client(error("42703"), ready('E'))
      .client(query("rollback to a"))
      .expect_to_client(any_error("0A000"), ready('E'))
      .exchange("commit", "ROLLBACK", 'I')
      .expect_release();
}

TEST(redshift_transaction, savepoint_before_the_first_statement) {
  Script(on_redshift())
      .client(query("START TRANSACTION ISOLATION LEVEL REPEATABLE READ"), query("SAVEPOINT s2"))
      .expect_to_client(complete("START TRANSACTION"), ready('T'), complete("SAVEPOINT"), ready('T'))
      .client(query("select 1"))
      .expect_acquire()
      .expect_to_server(first_begin("START TRANSACTION ISOLATION LEVEL repeatable read"), first_behind(""), query("select 1"))
      .server(begun(), parse_complete(), close_complete(), bind_complete(), empty_query(), close_complete(), complete("SELECT"), ready('T'))
      .expect_to_client(complete("SELECT 0"), ready('T'))
      .client(query("ROLLBACK TO SAVEPOINT s2; RELEASE SAVEPOINT s2"))
      .expect_to_server(query(""))
      .server(empty_query(), ready('T'))
      .expect_to_client(complete("ROLLBACK"), complete("RELEASE"), ready('T'))
      .exchange("COMMIT TRANSACTION", "COMMIT", 'I')
      .expect_release();
}

TEST(redshift_transaction, outside_of_a_block) {
  for (const char* const sql : {"savepoint a", "release a", "rollback to a"})
    Script(on_redshift()).client(query(sql)).expect_acquire().expect_to_client(any_error("25P01"), ready('I')).expect_release();
}

TEST(redshift_transaction, jdbc_autosave) {
  Script(on_redshift())
      .client(parse("", "BEGIN"), bind_to("", ""), execute("", 0), parse("", "SAVEPOINT j"), bind_to("", ""), execute("", 1), parse("", "insert into t values (1)"),
              bind_to("", ""), execute("", 0), sync())
      .expect_acquire()
      .expect_to_server(first_begin("BEGIN"), first_behind(""), parse("", "insert into t values (1)"), bind_to("", ""), execute("", 0), sync())
      .server(begun(), parse_complete(), close_complete(), bind_complete(), empty_query(), close_complete(), parse_complete(), bind_complete(), complete("INSERT 0 1"),
              ready('T'))
      .expect_to_client(parse_complete(), bind_complete(), complete("BEGIN"), parse_complete(), bind_complete(), complete("SAVEPOINT"), parse_complete(),
                        bind_complete(), complete("INSERT 0 1"), ready('T'))
      .client(parse("", "RELEASE SAVEPOINT j"), bind_to("", ""), execute("", 0), sync())
      .expect_to_server(close_portal("pgswitch"), bind_to("pgswitch", on_server("")), execute("pgswitch"), close_portal("pgswitch"), sync())
      .server(close_complete(), bind_complete(), empty_query(), close_complete(), ready('T'))
      .expect_to_client(parse_complete(), bind_complete(), complete("RELEASE"), ready('T'))
      .exchange("commit", "COMMIT", 'I')
      .expect_release();
}

TEST(redshift_transaction, and_chain_is_two_statements) {
  Script script(on_redshift());
  open_there(script, "begin read only", "BEGIN READ ONLY")
      .client(query("commit and chain"))
      .expect_to_server(query("COMMIT;BEGIN READ ONLY"))
      .server(complete("COMMIT"), complete("BEGIN"), ready('T'))
      .expect_to_client(complete("COMMIT"), ready('T'))
      .client(query("delete from t"))
      .expect_to_client(any_error("25006"), ready('E'))
      .exchange("rollback", "ROLLBACK", 'I')
      .expect_release();
}

TEST(redshift_transaction, truncate_would_commit) {
  Script script(on_redshift());
  open_there(script)
      .client(query("truncate t"))
      .expect_to_client(any_error("0A000"), ready('E'))
      .exchange("rollback", "ROLLBACK", 'I')
      .expect_release();
}

TEST(redshift_transaction, whole_transaction_in_a_string) {
  Script(on_redshift())
      .client(query("begin deferrable; savepoint a; insert into t values (1); release a; commit"))
      .expect_acquire()
      .expect_to_server(query("BEGIN;insert into t values (1);commit"))
      .server(complete("BEGIN"), complete("INSERT 0 1"), complete("COMMIT"), ready('I'))
      .expect_to_client(complete("BEGIN"), complete("SAVEPOINT"), complete("INSERT 0 1"), complete("RELEASE"), complete("COMMIT"), ready('I'))
      .expect_release();
}

TEST(redshift_transaction, that_has_failed_refuses_what_redshift_does_not_know) {
  Script script(on_redshift());
  open_there(script);
  script.client(query("select nothing"))
      .expect_to_server(query("select nothing"))
      .server(error("42703"), ready('E'))
      .expect_to_client(any_error("42703"), ready('E'));
  for (const char* const sql : {"move 1 in c", "release a", "discard all", "savepoint b", "listen ch"})
    script.client(query(sql)).expect_to_client(any_error("25P02"), ready('E'));
  script.exchange("rollback", "ROLLBACK", 'I').expect_release();
}

TEST(redshift_transaction, set_transaction_is_known_here) {
  Script script(on_redshift());
  open_there(script);
  unsent(script, "SET TRANSACTION READ ONLY", "SET", 'T');
  script.client(query("delete from t"))
      .expect_to_client(any_error("25006"), ready('E'))
      .exchange("rollback", "ROLLBACK", 'I')
      .expect_release();
}

TEST(redshift_transaction, set_transaction_counts_for_the_rest_of_its_string) {
  Script(on_redshift())
      .client(query("insert into t values (1); set transaction read only; insert into t values (2)"))
      .expect_acquire()
      .expect_to_client(any_error("25006"), ready('I'))
      .expect_release();
  Script(on_redshift())
      .client(query("set transaction_read_only = on; delete from t"))
      .expect_acquire()
      .expect_to_server(query(""))
      .server(empty_query(), ready('I'))
      .expect_to_client(complete("SET"), any_error("25006"), ready('I'))
      .expect_release();
  Script(on_redshift())
      .client(query("select 1; set transaction read only"))
      .expect_acquire()
      .expect_to_server(query("select 1"))
      .server(row_description(), data_row(), complete("SELECT"), ready('I'))
      .expect_to_client(row_description(), data_row(), complete("SELECT 1"), complete("SET"), ready('I'))
      .expect_release()
      .client(query("insert into t values (1); select 1"))
      .expect_acquire()
      .expect_to_server(query("insert into t values (1); select 1"))
      .server(complete("INSERT 0 1"), row_description(), data_row(), complete("SELECT"), ready('I'))
      .expect_to_client(complete("INSERT 0 1"), row_description(), data_row(), complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(redshift_transaction, cursors_that_are_none_are_told_of_as_by_postgresql) {
  Script(on_redshift())
      .client(query("select 1; fetch c; select 2"))
      .expect_acquire()
      .expect_to_server(query("select 1"))
      .server(data_row(), complete("SELECT"), ready('I'))
      .expect_to_client(data_row(), complete("SELECT 1"), error("34000", "cursor \"c\" does not exist"), ready('I'))
      .expect_release();
  for (const char* sql : {"fetch 1 from c", "move c", "close c", "insert into t values (1); fetch c", "close c; select 1"})
    Script(on_redshift()).client(query(sql)).expect_acquire().expect_to_client(error("34000", "cursor \"c\" does not exist"), ready('I')).expect_release();
  // One of a procedure, perhaps.
  Script script(on_redshift());
  open_there(script).exchange("fetch 2 from c", "FETCH 0", 'T');
  script.exchange("commit", "COMMIT", 'I').expect_release();
}

TEST(redshift_transaction, values_that_settings_do_not_take_are_refused) {
  Script(on_redshift())
      .client(query("set work_mem = 'garbage'"))
      .expect_acquire()
      .expect_to_client(error("22023", "invalid value for parameter \"work_mem\": \"garbage\""), ready('I'))
      .expect_release();
}

}  // namespace pgswitch::script
