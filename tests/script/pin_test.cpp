// What pins a session to a server, and session pooling.
#include <gtest/gtest.h>

#include "deferred_begin.hpp"

namespace pgswitch::script {

namespace {

Script& pinned(Script& script, std::string_view sql, std::string_view tag, Pin why) {
  return script.client(query(sql))
      .expect_acquire()
      .expect_to_server(query(sql))
      .server(complete(tag), ready('I'))
      .expect_to_client(complete(tag), ready('I'))
      .check([why](const SessionCore& core) { EXPECT_EQ(core.pins(), bit(why)); });
}

}  // namespace

TEST(pin, temp_table_keeps_the_server_and_draws_its_statements) {
  Script script;
  pinned(script, "create temp table tt (a int)", "CREATE TABLE", Pin::temp_table)
      .exchange("select * from tt", "SELECT 0", 'I')
      .whole_exchange("select * from b_t", "SELECT 1", "b")
      .on("app")
      .exchange("select * from tt join b_t using (a)", "SELECT 0", 'I')
      .exchange("discard all", "DISCARD ALL", 'I')
      .expect_release();
}

TEST(pin, search_path_with_pg_temp_keeps_the_server_until_temporary_objects_are_gone) {
  Script script;
  pinned(script, "set search_path to pg_temp", "SET", Pin::temp_table)
      .exchange("create table tt (a int)", "CREATE TABLE", 'I')
      .exchange("reset search_path", "RESET", 'I')
      .exchange("discard temp", "DISCARD TEMP", 'I')
      .expect_release("app", Leftover{.reset_needed = true});
}

TEST(pin, search_path_with_pg_temp_pins_each_server_that_it_goes_to) {
  Start start;
  start.base = {{"search_path", "SET search_path='pg_temp'"}};
  Script(start)
      .client(query("create type x as (a int)"))
      .expect_acquire()
      .expect_to_server(query("SET search_path='pg_temp'"))
      .server(complete("SET"), ready('I'))
      .expect_to_server(query("create type x as (a int)"))
      .server(complete("CREATE TYPE"), ready('I'))
      .expect_to_client(complete("CREATE TYPE"), ready('I'))
      .check([](const SessionCore& core) { EXPECT_EQ(core.pins(), bit(Pin::temp_table)); });
}

TEST(pin, type_in_pg_temp_keeps_the_server) {
  Script script;
  pinned(script, "create type pg_temp.x as (a int)", "CREATE TYPE", Pin::temp_table);
}

TEST(pin, listen_hears_notifications_while_parked_and_ends_with_unlisten) {
  Script script;
  pinned(script, "listen ch", "LISTEN", Pin::listen)
      .client(query("select * from b_t"))
      .expect_acquire("b")
      .expect_to_server(query("select * from b_t"))
      .on("app")
      .server(notification("ch"))
      .expect_to_client(notification("ch"))
      .on("b")
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .expect_release("b")
      .on("app")
      .exchange("unlisten *", "UNLISTEN", 'I')
      .expect_release("app", Leftover{.reset_needed = true});
}

TEST(pin, advisory_lock_ends_with_its_unlock) {
  Script script;
  pinned(script, "select pg_advisory_lock(1)", "SELECT 1", Pin::advisory_lock)
      .exchange("select pg_advisory_lock(2)", "SELECT 1", 'I')
      .exchange("select pg_advisory_unlock(1)", "SELECT 1", 'I')
      .exchange("select pg_advisory_unlock(2)", "SELECT 1", 'I')
      .expect_release("app", Leftover{.reset_needed = true});
}

TEST(pin, advisory_lock_of_a_portal_that_goes_on_counts_once) {
  const std::string lock = "select pg_advisory_lock(1)";
  Script script;
  script.client(parse("", lock), bind_to("", ""), execute("", 1), execute("", 1), sync())
      .expect_acquire()
      .expect_to_server(parse("", lock), bind_to("", ""), execute("", 1), execute("", 1), sync())
      .server(parse_complete(), bind_complete(), data_row(""), portal_suspended(), complete("SELECT 0"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), data_row(""), portal_suspended(), complete("SELECT 0"), ready('I'))
      .check([](const SessionCore& core) { EXPECT_EQ(core.pins(), bit(Pin::advisory_lock)); })
      .exchange("select pg_advisory_unlock(1)", "SELECT 1", 'I')
      .expect_release("app", Leftover{.reset_needed = true});
}

TEST(pin, advisory_lock_of_a_portal_that_is_bound_again_counts_again) {
  const std::string lock = "select pg_advisory_lock(1)";
  Script script;
  script.client(parse("", lock), bind_to("", ""), execute("", 1), bind_to("", ""), execute("", 1), sync())
      .expect_acquire()
      .expect_to_server(parse("", lock), bind_to("", ""), execute("", 1), bind_to("", ""), execute("", 1), sync())
      .server(parse_complete(), bind_complete(), data_row(""), portal_suspended(), bind_complete(), data_row(""), portal_suspended(), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), data_row(""), portal_suspended(), bind_complete(), data_row(""), portal_suspended(), ready('I'))
      .exchange("select pg_advisory_unlock(1)", "SELECT 1", 'I')
      .check([](const SessionCore& core) { EXPECT_EQ(core.pins(), bit(Pin::advisory_lock)); })
      .exchange("select pg_advisory_unlock(1)", "SELECT 1", 'I')
      .expect_release("app", Leftover{.reset_needed = true});
}

// Counted twice, the lock that is still held would be given to the server's next client.
TEST(pin, advisory_unlock_of_a_portal_that_goes_on_counts_once) {
  const std::string unlock = "select pg_advisory_unlock(1)";
  Script script;
  pinned(script, "select pg_advisory_lock(1)", "SELECT 1", Pin::advisory_lock)
      .exchange("select pg_advisory_lock(1)", "SELECT 1", 'I')
      .client(parse("", unlock), bind_to("", ""), execute("", 1), execute("", 0), sync())
      .expect_to_server(parse("", unlock), bind_to("", ""), execute("", 1), execute("", 0), sync())
      .server(parse_complete(), bind_complete(), data_row("t"), portal_suspended(), complete("SELECT 0"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), data_row("t"), portal_suspended(), complete("SELECT 0"), ready('I'))
      .check([](const SessionCore& core) { EXPECT_EQ(core.pins(), bit(Pin::advisory_lock)); })
      .exchange(unlock, "SELECT 1", 'I')
      .expect_release("app", Leftover{.reset_needed = true});
}

TEST(pin, advisory_lock_ends_with_unlock_all) {
  Script script;
  pinned(script, "select pg_advisory_lock(1)", "SELECT 1", Pin::advisory_lock)
      .exchange("select pg_advisory_unlock_all()", "SELECT 1", 'I')
      .expect_release("app", Leftover{.reset_needed = true});
}

TEST(pin, hold_cursor_draws_its_fetches_and_ends_with_close_all) {
  Script script;
  pinned(script, "declare cu cursor with hold for select 1", "DECLARE CURSOR", Pin::hold_cursor)
      .exchange("fetch 1 from cu", "FETCH 1", 'I')
      .exchange("close all", "CLOSE CURSOR ALL", 'I')
      .expect_release("app", Leftover{.reset_needed = true});
}

TEST(pin, sql_prepare_draws_its_executes_and_ends_with_deallocate_all) {
  Script script;
  pinned(script, "prepare pr as select 1", "PREPARE", Pin::sql_prepare)
      .exchange("execute pr", "SELECT 1", 'I')
      .exchange("deallocate all", "DEALLOCATE ALL", 'I')
      .expect_release("app", Leftover{.reset_needed = true});
}

TEST(pin, hold_cursor_ends_with_its_close_by_sql_or_by_the_protocol) {
  Script by_sql;
  pinned(by_sql, "declare cu cursor with hold for select 1", "DECLARE CURSOR", Pin::hold_cursor)
      .exchange("declare cv cursor with hold for select 1", "DECLARE CURSOR", 'I')
      .exchange("close cu", "CLOSE CURSOR", 'I')
      .exchange("close cv", "CLOSE CURSOR", 'I')
      .expect_release("app", Leftover{.reset_needed = true});
  Script by_protocol;
  pinned(by_protocol, "declare cu cursor with hold for select 1", "DECLARE CURSOR", Pin::hold_cursor)
      .client(close_portal("cu"), sync())
      .expect_to_server(close_portal("cu"), sync())
      .server(close_complete(), ready('I'))
      .expect_to_client(close_complete(), ready('I'))
      .expect_release("app", Leftover{.reset_needed = true});
}

TEST(pin, hold_cursor_draws_the_messages_for_its_portal) {
  Script script;
  pinned(script, "declare cu cursor with hold for select 1", "DECLARE CURSOR", Pin::hold_cursor)
      .whole_exchange("select * from b_t", "SELECT 1", "b")
      .on("app")
      .client(describe_portal("cu"), execute("cu", 1), sync())
      .expect_to_server(describe_portal("cu"), execute("cu", 1), sync())
      .server(row_description(), data_row(), portal_suspended(), ready('I'))
      .expect_to_client(row_description(), data_row(), portal_suspended(), ready('I'));
}

TEST(pin, sql_prepare_ends_with_deallocate) {
  Script script;
  pinned(script, "prepare pr as select 1", "PREPARE", Pin::sql_prepare)
      .exchange("prepare ps as select 1", "PREPARE", 'I')
      .exchange("deallocate pr", "DEALLOCATE", 'I')
      .exchange("deallocate ps", "DEALLOCATE", 'I')
      .expect_release("app", Leftover{.reset_needed = true});
}

TEST(pin, temp_table_that_is_dropped_on_commit_is_none) {
  Script(eager_begin())
      .client(query("begin"))
      .expect_acquire()
      .expect_to_server(query("begin"))
      .server(complete("BEGIN"), ready('T'))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .exchange("create temp table tt (a int) on commit drop", "CREATE TABLE", 'T')
      .exchange("select * from tt", "SELECT 0", 'T')
      .exchange("commit", "COMMIT", 'I')
      .expect_release();
}

TEST(pin, advisory_lock_stays_when_what_was_unlocked_is_not_certain) {
  Script many;
  pinned(many, "select pg_advisory_lock(1), pg_advisory_lock(2)", "SELECT 1", Pin::advisory_lock)
      .exchange("select pg_advisory_unlock(1)", "SELECT 1", 'I')
      .check([](const SessionCore& core) { EXPECT_EQ(core.pins(), bit(Pin::advisory_lock)); });
  Script not_held;
  pinned(not_held, "select pg_advisory_lock(1)", "SELECT 1", Pin::advisory_lock)
      .client(query("select pg_advisory_unlock(2)"))
      .expect_to_server(query("select pg_advisory_unlock(2)"))
      .server(notice("you don't own a lock"), complete("SELECT 1"), ready('I'))
      .expect_to_client(notice("you don't own a lock"), complete("SELECT 1"), ready('I'))
      .check([](const SessionCore& core) { EXPECT_EQ(core.pins(), bit(Pin::advisory_lock)); })
      .exchange("select pg_advisory_unlock(1)", "SELECT 1", 'I')
      .expect_release("app", Leftover{.reset_needed = true});
}

TEST(pin, in_a_transaction_that_rolls_back_is_gone) {
  Script(eager_begin())
      .client(query("begin"))
      .expect_acquire()
      .expect_to_server(query("begin"))
      .server(complete("BEGIN"), ready('T'))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .exchange("create temp table tt (a int)", "CREATE TABLE", 'T')
      .exchange("rollback", "ROLLBACK", 'I')
      .expect_release("app", Leftover{.reset_needed = true});
}

TEST(pin, parked_server_that_is_lost_ends_the_session) {
  Script script;
  pinned(script, "listen ch", "LISTEN", Pin::listen)
      .whole_exchange("select * from b_t", "SELECT 1", "b")
      .server_lost("app")
      .expect_to_client(any_fatal("08006"))
      .expect_release("app", Leftover{.unusable = true})
      .expect_close();
}

namespace {

/// `sql` pins the session to "b" while it is pinned to "app".
Script& pinned_to_b(Script& script, std::string_view sql, std::string_view tag) {
  return script.client(query(sql))
      .expect_acquire("b")
      .expect_to_server(query(sql))
      .server(complete(tag), ready('I'))
      .expect_to_client(complete(tag), ready('I'))
      .on("app");
}

}  // namespace

TEST(pin, what_is_discarded_is_discarded_on_parked_servers_too) {
  Script script;
  pinned_to_b(pinned(script, "create temp table tt (a int)", "CREATE TABLE", Pin::temp_table), "create temp table b_tt (a int)", "CREATE TABLE")
      .exchange("discard all", "DISCARD ALL", 'I')
      .expect_release("b", Leftover{.reset_needed = true})
      .expect_release("app");
  Script temporary;
  pinned_to_b(pinned(temporary, "create temp table tt (a int)", "CREATE TABLE", Pin::temp_table), "create temp table b_tt (a int)", "CREATE TABLE")
      .exchange("discard temp", "DISCARD TEMP", 'I')
      .expect_release("b", Leftover{.reset_needed = true})
      .expect_release("app", Leftover{.reset_needed = true});
}

TEST(pin, names_that_are_freed_are_freed_on_parked_servers_too) {
  Script prepared;
  pinned_to_b(pinned(prepared, "prepare p as select 1", "PREPARE", Pin::sql_prepare), "prepare q as select * from b_t", "PREPARE")
      .exchange("deallocate all", "DEALLOCATE ALL", 'I')
      .expect_release("b", Leftover{.reset_needed = true})
      .expect_release("app", Leftover{.reset_needed = true});
  Script cursors;
  pinned_to_b(pinned(cursors, "declare c cursor with hold for select 1", "DECLARE CURSOR", Pin::hold_cursor),
              "declare d cursor with hold for select * from b_t", "DECLARE CURSOR")
      .exchange("close all", "CLOSE CURSOR ALL", 'I')
      .expect_release("b", Leftover{.reset_needed = true})
      .expect_release("app", Leftover{.reset_needed = true});
}

TEST(pin, in_a_pipeline_what_follows_waits_until_it_is_known_where_the_table_is) {
  Script()
      .client(query("create temp table tt as select * from b_t"), query("select * from tt"))
      .expect_acquire("b")
      .expect_to_server(query("create temp table tt as select * from b_t"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .expect_to_server(query("select * from tt"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'));
}

TEST(session_mode, keeps_one_lease_for_each_route_until_the_end) {
  Script(session_pooling())
      .client(query("select 1"))
      .expect_acquire()
      .expect_to_server(query("select 1"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .exchange("select 2", "SELECT 1", 'I')
      .client(query("select * from b_t"))
      .expect_acquire("b")
      .expect_to_server(query("select * from b_t"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .on("app")
      .exchange("select 3", "SELECT 1", 'I')
      .client(terminate())
      .expect_close();
}

// It may have committed, or locked, before it failed.
TEST(pin, code_that_fails_leaves_a_server_to_be_reset) {
  for (const char* fails : {"do 'begin commit; raise; end'", "call p()", "select pg_advisory_lock(5), 1/(select 0)"}) {
    Script()
        .client(query(fails))
        .expect_acquire()
        .expect_to_server(query(fails))
        .server(error("P0001"), ready('I'))
        .expect_to_client(error("P0001"), ready('I'))
        .expect_release("app", Leftover{.reset_needed = true});
    Script()
        .client(parse("", fails), bind_to("", ""), execute(""), sync())
        .expect_acquire()
        .expect_to_server(parse("", fails), bind_to("", ""), execute(""), sync())
        .server(parse_complete(), bind_complete(), error("P0001"), ready('I'))
        .expect_to_client(parse_complete(), bind_complete(), error("P0001"), ready('I'))
        .expect_release("app", Leftover{.reset_needed = true});
  }
}

TEST(pin, listen_is_brought_back_by_the_rollback_of_unlisten) {
  Script script(eager_begin());
  pinned(script, "listen ch", "LISTEN", Pin::listen)
      .exchange("begin", "BEGIN", 'T')
      .exchange("unlisten *", "UNLISTEN", 'T')
      .exchange("rollback", "ROLLBACK", 'I')
      .exchange("select 1", "SELECT 1", 'I')
      .exchange("unlisten *", "UNLISTEN", 'I')
      .expect_release("app", Leftover{.reset_needed = true});
}

TEST(pin, advisory_unlock_of_a_portal_that_is_run_again_behind_its_end_counts_once) {
  const std::string unlock = "select pg_advisory_unlock(1)";
  Script script;
  pinned(script, "select pg_advisory_lock(1)", "SELECT 1", Pin::advisory_lock)
      .exchange("select pg_advisory_lock(1)", "SELECT 1", 'I')
      .client(parse("", unlock), bind_to("", ""), execute(""), execute(""), sync())
      .expect_to_server(parse("", unlock), bind_to("", ""), execute(""), execute(""), sync())
      .server(parse_complete(), bind_complete(), data_row("t"), complete("SELECT 1"), complete("SELECT 0"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), data_row("t"), complete("SELECT 1"), complete("SELECT 0"), ready('I'))
      .check([](const SessionCore& core) { EXPECT_EQ(core.pins(), bit(Pin::advisory_lock)); })
      .exchange(unlock, "SELECT 1", 'I')
      .expect_release("app", Leftover{.reset_needed = true});
}

TEST(pin, advisory_lock_of_a_portal_whose_first_rows_were_skipped_counts) {
  const std::string lock = "select pg_advisory_lock(1)";
  Script script;
  script.client(query("begin"), parse("", lock), bind_to("p", ""), sync())
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin(), parse("", lock), bind_to("p", ""), sync())
      .server(begun(), parse_complete(), bind_complete(), ready('T'))
      .expect_to_client(parse_complete(), bind_complete(), ready('T'))
      .exchange("savepoint s", "SAVEPOINT", 'T')
      .client(parse("", "selec"), execute("p", 1), sync())
      .expect_to_server(parse("", "selec"), execute("p", 1), sync())
      .server(error("42601"), ready('E'))
      .expect_to_client(error("42601"), ready('E'))
      .exchange("rollback to s", "ROLLBACK", 'T')
      .client(execute("p", 1), sync())
      .expect_to_server(execute("p", 1), sync())
      .server(data_row(""), portal_suspended(), ready('T'))
      .expect_to_client(data_row(""), portal_suspended(), ready('T'))
      .check([](const SessionCore& core) { EXPECT_EQ(core.pins() & bit(Pin::advisory_lock), bit(Pin::advisory_lock)); });
}

TEST(pin, explain_of_an_unlock_unlocks_nothing) {
  const std::string unlock = "select pg_advisory_unlock(1)", name = on_server(unlock);
  Script script;
  pinned(script, "select pg_advisory_lock(1)", "SELECT 1", Pin::advisory_lock)
      .client(parse("u", unlock), sync())
      .expect_to_server(parse(name, unlock), sync())
      .server(parse_complete(), ready('I'))
      .expect_to_client(parse_complete(), ready('I'))
      .client(query("explain execute u"))
      .expect_to_server(query("explain execute " + name))
      .server(complete("EXPLAIN"), ready('I'))
      .expect_to_client(complete("EXPLAIN"), ready('I'))
      .check([](const SessionCore& core) { EXPECT_EQ(core.pins(), bit(Pin::advisory_lock)); })
      .client(query("explain analyze execute u"))
      .expect_to_server(query("explain analyze execute " + name))
      .server(complete("EXPLAIN"), ready('I'))
      .expect_to_client(complete("EXPLAIN"), ready('I'))
      .expect_release("app", Leftover{.reset_needed = true});
}

}  // namespace pgswitch::script
