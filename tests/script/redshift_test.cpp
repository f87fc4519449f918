// Redshift: tags with counts, and statements that it is not sent, or in other words.
#include <gtest/gtest.h>

#include "redshift.hpp"

namespace pgswitch::script {

TEST(redshift, rows_are_counted_into_the_tag) {
  Script(on_redshift())
      .client(query("select 1"))
      .expect_acquire()
      .expect_to_server(query("select 1"))
      .server(row_description(), data_row(), data_row(), data_row(), complete("SELECT"), ready('I'))
      .expect_to_client(row_description(), data_row(), data_row(), data_row(), complete("SELECT 3"), ready('I'))
      .expect_release()
      .client(query("select 2"), query("insert into t values (1)"))
      .expect_acquire()
      .expect_to_server(query("select 2"))
      .server(row_description(), complete("SELECT"), ready('I'))
      .expect_to_client(row_description(), complete("SELECT 0"), ready('I'))
      .expect_release()
      .expect_acquire()
      .expect_to_server(query("insert into t values (1)"))
      .server(complete("INSERT 0 1"), ready('I'))
      .expect_to_client(complete("INSERT 0 1"), ready('I'))
      .expect_release();
}

TEST(redshift, each_execute_of_a_portal_has_its_own_count) {
  Script(on_redshift())
      .client(parse("", "select 1"), bind_to("p", ""), execute("p", 2), execute("p", 0), sync())
      .expect_acquire()
      .expect_to_server(parse("", "select 1"), bind_to("p", ""), execute("p"), flush())
      .server(parse_complete(), bind_complete(), data_row(), data_row())
      .expect_to_server(flush())
      .server(data_row(), complete("SELECT"))
      .expect_to_server(sync())
      .server(ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), data_row(), data_row(), portal_suspended(), data_row(), complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(redshift, an_answer_that_was_lost_counts_for_nothing) {
  Script(on_redshift())
      .client(query("select 1"))
      .expect_acquire()
      .expect_to_server(query("select 1"))
      .server(row_description(), data_row(), data_row())
      .server_lost()
      .expect_to_client(row_description(), data_row(), data_row(), any_error("08006"), ready('I'))
      .expect_release("app", Leftover{.unusable = true})
      .client(query("select 2"))
      .expect_acquire()
      .expect_to_server(query("select 2"))
      .server(row_description(), data_row(), complete("SELECT"), ready('I'))
      .expect_to_client(row_description(), data_row(), complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(redshift, the_parts_of_an_answer_that_was_lost_are_not_those_of_the_next) {
  const Bytes asked = query("SELECT CAST('0' AS varchar) AS \"lock_timeout\"");
  Script(on_redshift())
      .client(query("show lock_timeout; select 1"))
      .expect_acquire()
      .expect_to_server(query("SELECT CAST('0' AS varchar) AS \"lock_timeout\";select 1"))
      .server(row_description(), data_row("0"), complete("SELECT"))
      .server_lost()
      .expect_to_client(row_description(), data_row("0"), complete("SHOW"), any_error("08006"), ready('I'))
      .expect_release("app", Leftover{.unusable = true})
      .client(query("show lock_timeout"))
      .expect_acquire()
      .expect_to_server(asked)
      .server(row_description(), data_row("0"), complete("SELECT"), ready('I'))
      .expect_to_client(row_description(), data_row("0"), complete("SHOW"), ready('I'))
      .expect_release();
}

TEST(redshift, tables_made_of_queries_have_no_count_that_nobody_knows) {
  Script(on_redshift())
      .client(query("create table n as select 1"))
      .expect_acquire()
      .expect_to_server(query("create table n as select 1"))
      .server(complete("SELECT"), ready('I'))
      .expect_to_client(complete("CREATE TABLE AS"), ready('I'))
      .expect_release();
}

TEST(redshift, each_statement_of_a_string_has_its_tag) {
  Script(on_redshift())
      .client(query("begin; select 1; fetch 2 from c; select 2; commit"))
      .expect_acquire()
      .expect_to_server(query("BEGIN;select 1;fetch 2 from c;select 2;commit"))
      .server(complete("BEGIN"), data_row(), complete("SELECT"), data_row(), data_row(), complete("FETCH"), complete("SELECT"), complete("COMMIT"), ready('I'))
      .expect_to_client(complete("BEGIN"), data_row(), complete("SELECT 1"), data_row(), data_row(), complete("FETCH 2"), complete("SELECT 0"), complete("COMMIT"), ready('I'))
      .expect_release();
}

TEST(redshift, settings_that_it_lacks_are_kept_and_shown) {
  Script script(on_redshift());
  script.client(query("set lock_timeout = '5s'"))
      .expect_acquire()
      .expect_to_server(query(""))
      .server(empty_query(), ready('I'))
      .expect_to_client(complete("SET"), ready('I'))
      .expect_release()
      .client(query("show lock_timeout"))
      .expect_acquire()
      .expect_to_server(query("SELECT CAST('5s' AS varchar) AS \"lock_timeout\""))
      .server(row_description(), data_row(), complete("SELECT"), ready('I'))
      .expect_to_client(row_description(), data_row(), complete("SHOW"), ready('I'))
      .expect_release()
      .client(query("select * from b_t"))
      .expect_acquire("b")
      .expect_to_server(query("set lock_timeout = '5s'"))
      .server(complete("SET"), ready('I'))
      .expect_to_server(query("select * from b_t"))
      .server(complete("SELECT 0"), ready('I'))
      .expect_to_client(complete("SELECT 0"), ready('I'))
      .expect_release("b");
}

TEST(redshift, settings_of_its_own_are_kept_from_postgresql) {
  Script script(on_redshift());
  script.whole_exchange("set query_group to 'x'", "SET")
      .client(query("select * from b_t"))
      .expect_acquire("b")
      .expect_to_server(query("select * from b_t"))
      .server(complete("SELECT 0"), ready('I'))
      .expect_to_client(complete("SELECT 0"), ready('I'))
      .expect_release("b")
      .new_server()
      .client(query("select 1"))
      .expect_acquire()
      .expect_to_server(query("set query_group to 'x'"))
      .server(complete("SET"), ready('I'))
      .expect_to_server(query("select 1"))
      .server(complete("SELECT"), ready('I'))
      .expect_to_client(complete("SELECT 0"), ready('I'))
      .expect_release();
}

TEST(redshift, strings_of_settings_on_postgresql_as_odbc_sends_them) {
  Script()
      .client(query("SET application_name='x';SET client_host_name='h';SET query_group TO g"))
      .expect_acquire()
      .expect_to_server(query("SET application_name='x'"))
      .server(parameter_status("application_name", "x"), complete("SET"), ready('I'))
      .expect_to_client(parameter_status("application_name", "x"), complete("SET"), complete("SET"), complete("SET"), ready('I'))
      .expect_release();
}

TEST(redshift, mapped_settings) {
  Script(on_redshift())
      .client(query("set extra_float_digits = 3"))
      .expect_acquire()
      .expect_to_server(query("SET extra_float_digits TO 2"))
      .server(complete("SET"), ready('I'))
      .expect_to_client(complete("SET"), ready('I'))
      .expect_release()
      .client(query("show extra_float_digits"))
      .expect_acquire()
      .expect_to_server(query("SELECT CAST('3' AS varchar) AS \"extra_float_digits\""))
      .server(data_row("3"), complete("SELECT"), ready('I'))
      .expect_to_client(data_row("3"), complete("SHOW"), ready('I'))
      .expect_release();
}

TEST(redshift, refused_settings) {
  Script(on_redshift())
      .client(query("set row_security = off"))
      .expect_acquire()
      .expect_to_client(any_error("0A000"), ready('I'))
      .expect_release()
      .client(parse("", "set row_security = off"), sync())
      .expect_acquire()
      .expect_to_client(any_error("0A000"), ready('I'))
      .expect_release();
}

TEST(redshift, strings_conforming_or_not_are_told_by_pgswitch) {
  Script(on_redshift())
      .client(query("set standard_conforming_strings = off"))
      .expect_acquire()
      .expect_to_server(query(""))
      .server(empty_query(), ready('I'))
      .expect_to_client(parameter_status("standard_conforming_strings", "off"), complete("SET"), ready('I'))
      .expect_release();
}

TEST(redshift, what_it_lacks_by_the_extended_protocol) {
  Script(on_redshift())
      .client(parse("", "set lock_timeout = 5"), bind_to("", ""), describe_portal(""), execute(""), sync())
      .expect_acquire()
      .expect_to_server(parse("", ""), bind_to("", ""), describe_portal(""), execute(""), sync())
      .server(parse_complete(), bind_complete(), no_data(), empty_query(), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), no_data(), complete("SET"), ready('I'))
      .expect_release()
      .client(parse("s", "SHOW lock_timeout"), bind_to("", "s"), execute(""), sync())
      .expect_acquire()
      .expect_to_server(parse(there("SELECT CAST('5' AS varchar) AS \"lock_timeout\""), "SELECT CAST('5' AS varchar) AS \"lock_timeout\""),
                        bind_to("", there("SELECT CAST('5' AS varchar) AS \"lock_timeout\"")), execute(""), sync())
      .server(parse_complete(), bind_complete(), data_row(), complete("SELECT"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), data_row(), complete("SHOW"), ready('I'))
      .expect_release();
}

TEST(redshift, prepared_statements_of_both_kinds_have_other_names) {
  Script(on_redshift())
      .client(parse("s", "select 1"), sync())
      .expect_acquire()
      .expect_to_server(parse(there("select 1"), "select 1"), sync())
      .server(parse_complete(), ready('I'))
      .expect_to_client(parse_complete(), ready('I'))
      .expect_release()
      .client(bind_to("", "s"), execute(""), sync())
      .expect_acquire()
      .expect_to_server(bind_to("", there("select 1")), execute(""), sync())
      .server(bind_complete(), data_row(), complete("SELECT"), ready('I'))
      .expect_to_client(bind_complete(), data_row(), complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(redshift, serialization_failure_is_one) {
  Script(on_redshift())
      .client(query("update t set a = 1"))
      .expect_acquire()
      .expect_to_server(query("update t set a = 1"))
      .server(error("XX000", "1023 DETAIL: Serializable isolation violation on table - 1"), ready('I'))
      .expect_to_client(any_error("40001"), ready('I'))
      .expect_release()
      .client(query("update t set a = 2"))
      .expect_acquire()
      .expect_to_server(query("update t set a = 2"))
      .server(error("XX000", "1024 something else"), ready('I'))
      .expect_to_client(error("XX000", "1024 something else"), ready('I'))
      .expect_release();
}

TEST(redshift, notifications_and_advisory_locks) {
  for (const char* const sql : {"listen a", "notify a", "select pg_advisory_lock(1)", "prepare transaction 'x'"})
    Script(on_redshift()).client(query(sql)).expect_acquire().expect_to_client(any_error("0A000"), ready('I')).expect_release();
  Script script(on_redshift());
  script.client(query("unlisten *"))
      .expect_acquire()
      .expect_to_server(query(""))
      .server(empty_query(), ready('I'))
      .expect_to_client(complete("UNLISTEN"), ready('I'))
      .expect_release();
}

TEST(redshift, what_asyncpg_resets_with_is_done) {
  Script(on_redshift())
      .client(query("SELECT pg_advisory_unlock_all();\nCLOSE ALL;\nUNLISTEN *;\nRESET ALL;"))
      .expect_acquire()
      .expect_to_server(query("SELECT CAST('' AS varchar) AS pg_advisory_unlock_all;RESET ALL"))
      .server(row_description(), data_row(""), complete("SELECT"), complete("RESET"), ready('I'))
      .expect_to_client(row_description(), data_row(""), complete("SELECT 1"), complete("CLOSE CURSOR ALL"), complete("UNLISTEN"), complete("RESET"), ready('I'))
      .expect_release();
}

TEST(redshift, discard) {
  Script(on_redshift())
      .client(query("discard all"))
      .expect_acquire()
      .expect_to_server(query("RESET ALL"))
      .server(complete("RESET"), ready('I'))
      .expect_to_client(complete("DISCARD ALL"), ready('I'))
      .expect_release();
  Script temporary(on_redshift());
  temporary.client(query("create temp table x (a int)"))
      .expect_acquire()
      .expect_to_server(query("create temp table x (a int)"))
      .server(complete("CREATE TABLE"), ready('I'))
      .expect_to_client(complete("CREATE TABLE"), ready('I'))
      .client(query("discard temp"))
      .expect_to_client(any_error("0A000"), ready('I'))
      .client(query("discard all"))
      .expect_to_server(query("RESET ALL"))
      .server(complete("RESET"), ready('I'))
      .expect_to_client(complete("DISCARD ALL"), ready('I'))
      .expect_release("app", {.unusable = true});
}

TEST(redshift, a_query_string_is_read_with_the_value_at_its_beginning) {
  Script(on_redshift())
      .client(query("set standard_conforming_strings = off; select '\\'"))
      .expect_acquire()
      .expect_to_server(query(""))
      .server(empty_query(), ready('I'))
      .expect_to_server(query("select '\\\\'"))
      .server(complete("SELECT"), ready('I'))
      .expect_to_client(parameter_status("standard_conforming_strings", "off"), complete("SET"), complete("SELECT 0"), ready('I'))
      .expect_release();
}

TEST(redshift, how_literals_are_read_cannot_be_set_for_a_transaction_alone) {
  Script script(on_redshift());
  open_there(script);
  script.client(query("set local standard_conforming_strings = off")).expect_to_client(any_error("0A000"), ready('E'));
  script.exchange("rollback", "ROLLBACK", 'I').expect_release();
}

}  // namespace pgswitch::script
