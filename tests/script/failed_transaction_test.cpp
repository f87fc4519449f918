// Transactions that fail: their BEGIN, a statement, or by a refusal.
#include <gtest/gtest.h>

#include "deferred_begin.hpp"

namespace pgswitch::script {

TEST(transaction, begin_that_fails_takes_a_simple_query_with_it) {
  Script()
      .client(query("begin"), query("insert into t values (1)"))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin(), query("insert into t values (1)"))
      .server(error("57P03", "not now"))
      .expect_to_client(error("57P03", "not now"))
      .expect_to_server(sync())
      .server(ready('I'))
      .expect_to_client(ready('E'))
      .client(query("rollback"))
      .expect_to_client(complete("ROLLBACK"), ready('I'))
      .expect_release();
}

/// What was skipped has not taken its place on the server, where nothing can be prepared now.
TEST(transaction, that_has_failed_knows_its_unnamed_statement) {
  const Bytes batch = parse("", "select 1/0") + bind_to("", "") + execute("") + parse("", "select 2") + sync();
  Script()
      .client(query("begin"), batch)
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin(), batch)
      .server(begun(), parse_complete(), bind_complete(), error("22012"), ready('E'))
      .expect_to_client(parse_complete(), bind_complete(), error("22012"), ready('E'))
      .client(describe_statement(""), sync())
      .expect_to_server(describe_statement(""), sync())
      .server(error("25P02"), ready('E'))
      .expect_to_client(error("25P02"), ready('E'))
      .client(parse("", "select 3"), sync())
      .expect_to_server(parse("", "select 3"), sync())
      .server(error("25P02"), ready('E'))
      .expect_to_client(error("25P02"), ready('E'))
      .client(describe_statement(""), sync())
      .expect_to_server(execute("pgswitch refused"), sync())
      .server(error("34000"), ready('E'))
      .expect_to_client(any_error("26000"), ready('E'));
}

/// Of parameters PostgreSQL tells first.
TEST(transaction, that_has_failed_without_a_server_finds_fault_with_parameters) {
  const auto wrong = [](std::string_view name, std::string_view wanted) {
    return error("08P01", "bind message supplies 1 parameters, but prepared statement \"" + std::string(name) + "\" requires " + std::string(wanted));
  };
  const std::string none = on_server("select 1"), two = on_server("select $2");
  Script()
      .client(parse("s", "select 1"), parse("t", "select $2"), sync())
      .expect_acquire()
      .expect_to_server(parse(none, "select 1"), parse(two, "select $2"), sync())
      .server(parse_complete(), parse_complete(), ready('I'))
      .expect_to_client(parse_complete(), parse_complete(), ready('I'))
      .expect_release()
      .client(query("begin"), execute("p"), sync())
      .expect_to_client(complete("BEGIN"), ready('T'), any_error("34000"), ready('E'))
      .client(bind_to("", "s", {"1"}), sync(), bind_to("", "t", {"1"}), sync(), bind_to("", "s"), sync())
      .expect_to_client(wrong("s", "0"), ready('E'), wrong("t", "2"), ready('E'), any_error("25P02"), ready('E'));
  // The same where the server that has failed does not know the statement.
  Script()
      .client(parse("s", "select * from b_t"), sync())
      .expect_acquire("b")
      .expect_to_server(parse(on_server("select * from b_t"), "select * from b_t"), sync())
      .server(parse_complete(), ready('I'))
      .expect_to_client(parse_complete(), ready('I'))
      .expect_release("b")
      .client(query("begin"), query("select 1"), bind_to("", "s", {"1"}), sync())
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin(), query("select 1"))
      .server(begun(), error("22012"), ready('E'))
      .expect_to_client(error("22012"), ready('E'))
      .expect_to_server(execute("pgswitch refused"), sync())
      .server(error("34000"), ready('E'))
      .expect_to_client(wrong("s", "0"), ready('E'));
}

TEST(transaction, begin_that_fails_fails_every_query_behind_it) {
  Script()
      .client(query("begin"), query("select 1"), query("select 2"))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin(), query("select 1"), query("select 2"))
      .server(error("57P03"))
      .expect_to_client(error("57P03"))
      .expect_to_server(sync(), sync())
      .server(ready('I'), ready('I'))
      .expect_to_client(ready('E'), error("57P03"), ready('E'))
      .expect_release();
}

TEST(transaction, begin_that_fails_takes_an_extended_batch_with_it) {
  const Bytes batch = parse("", "select 1") + bind_to("", "") + execute("") + sync();
  Script()
      .client(query("begin"), batch)
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin(), batch)
      .server(error("57P03"), ready('I'))
      .expect_to_client(error("57P03"), ready('E'))
      .client(query("rollback"))
      .expect_to_client(complete("ROLLBACK"), ready('I'))
      .expect_release();
}

TEST(transaction, begin_that_fails_takes_a_query_and_the_batch_behind_it_with_it) {
  const Bytes batch = parse("", "select 2") + bind_to("", "") + execute("");
  Script()
      .client(query("begin"), query("select 1"), batch)
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin(), query("select 1"), batch)
      .server(error("57P03"))
      .expect_to_client(error("57P03"), ready('E'), error("57P03"))
      .expect_to_server(sync())
      .server(ready('I'))
      .client(sync())
      .expect_to_client(ready('E'))
      .expect_release();
}

TEST(transaction, begin_that_fails_in_front_of_a_string_with_its_end_leaves_the_batch_behind_that_in_a_failed_transaction) {
  Script()
      .expect_gaps()
      .client(query("begin"), query("select 1; commit"), execute(""), query("select * from b_t"))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin(), query("select 1; commit"))
      .server(error("57P03"))
      .expect_to_client(error("57P03"))
      .expect_to_server(sync())
      .server(ready('I'))
      .expect_to_client(ready('E'), any_error("34000"))
      .client(sync())
      .expect_to_client(ready('E'))
      .expect_release();
}

TEST(transaction, begin_that_fails_stops_a_string_of_segments) {
  Script()
      .client(query("begin"), query("select 1; select * from told"))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin(), query("select 1"))
      .server(error("57P03"))
      .expect_to_client(error("57P03"))
      .expect_to_server(sync())
      .server(ready('I'))
      .expect_to_client(ready('E'))
      .expect_release();
}

TEST(transaction, failed_on_the_server_goes_on_there_until_rollback) {
  Script script;
  open(script)
      .client(query("select nothing"))
      .expect_to_server(query("select nothing"))
      .server(error("42703"), ready('E'))
      .expect_to_client(error("42703"), ready('E'))
      .client(query("select 1"))
      .expect_to_server(query("select 1"))
      .server(error("25P02"), ready('E'))
      .expect_to_client(error("25P02"), ready('E'))
      .client(query("commit"))
      .expect_to_server(query("commit"))
      .server(complete("ROLLBACK"), ready('I'))
      .expect_to_client(complete("ROLLBACK"), ready('I'))
      .expect_release();
}

TEST(transaction, failed_by_a_refusal_cannot_commit) {
  Script script;
  open(script, "insert into t values (1)", "INSERT 0 1")
      .client(query("select * from forbidden"))
      .expect_to_client(any_error("42501"), ready('E'))
      .client(query("insert into t values (2)"))
      .expect_to_client(any_error("25P02"), ready('E'))
      .client(query("commit"))
      .expect_to_server(query("ROLLBACK"))
      .server(complete("ROLLBACK"), ready('I'))
      .expect_to_client(complete("ROLLBACK"), ready('I'))
      .expect_release();
}

TEST(transaction, failed_by_a_refusal_before_it_had_a_server_needs_none) {
  Script()
      .client(query("begin"), query("select * from forbidden"), query("commit"))
      .expect_to_client(complete("BEGIN"), ready('T'), any_error("42501"), ready('E'), complete("ROLLBACK"), ready('I'));
}

TEST(transaction, failed_by_a_refusal_goes_on_after_rollback_to) {
  Script script;
  open(script, "select 0", "SELECT 1")
      .exchange("savepoint a", "SAVEPOINT", 'T')
      .client(query("select * from forbidden"))
      .expect_to_client(any_error("42501"), ready('E'))
      .exchange("rollback to a", "ROLLBACK", 'T')
      .exchange("select 1", "SELECT 1", 'T')
      .exchange("commit", "COMMIT", 'I')
      .expect_release();
}

TEST(transaction, failed_by_a_refusal_in_a_batch_cannot_commit) {
  Script script;
  open(script, "insert into t values (1)", "INSERT 0 1")
      .client(parse("", "select * from forbidden"), bind_to("", ""), execute(""), sync())
      .expect_to_server(execute("pgswitch refused"), sync())
      .server(error("34000"), ready('E'))
      .expect_to_client(any_error("42501"), ready('E'))
      .client(parse("", "commit"), bind_to("", ""), execute(""), sync())
      .expect_to_client(parse_complete(), bind_complete())
      .expect_to_server(first_end("commit"), sync())
      .server(parse_complete(), bind_complete(), complete("ROLLBACK"), ready('I'))
      .expect_to_client(complete("ROLLBACK"), ready('I'))
      .expect_release();
}

TEST(transaction, failed_by_a_refusal_goes_on_after_rollback_to_a_savepoint_that_no_server_has_seen) {
  Script()
      .client(query("begin"), query("savepoint a"), query("savepoint b"), query("select * from forbidden"))
      .expect_to_client(complete("BEGIN"), ready('T'), complete("SAVEPOINT"), ready('T'), complete("SAVEPOINT"), ready('T'),
                        any_error("42501"), ready('E'))
      .client(query("rollback to c"))
      .expect_to_client(any_error("3B001"), ready('E'))
      .client(query("rollback to a"))
      .expect_to_client(complete("ROLLBACK"), ready('T'))
      .client(query("select 1"))
      .expect_acquire()
      .expect_to_server(parse(on_server("begin"), "begin"), bind_to("pgswitch", on_server("begin")), execute("pgswitch") + close_portal("pgswitch"),
                        first_behind("savepoint a"), query("select 1"))
      .server(parse_complete(), bind_complete(), complete("BEGIN"), close_complete(), parse_complete(), close_complete(), bind_complete(), complete("SAVEPOINT"), close_complete(),
              complete("SELECT 1"), ready('T'))
      .expect_to_client(complete("SELECT 1"), ready('T'))
      .exchange("commit", "COMMIT", 'I')
      .expect_release();
}

/// As a standby refuses it.
TEST(transaction, whose_deferred_settings_fail_is_answered) {
  Script()
      .client(query("begin"), query("set transaction isolation level serializable"))
      .expect_to_client(complete("BEGIN"), ready('T'), complete("SET"), ready('T'))
      .client(query("select 1"))
      .expect_acquire()
      .expect_to_server(parse(on_server("begin"), "begin"), bind_to("pgswitch", on_server("begin")), execute("pgswitch") + close_portal("pgswitch"),
                        first_behind("set transaction isolation level serializable"), query("select 1"))
      .server(parse_complete(), bind_complete(), complete("BEGIN"), close_complete(), parse_complete(), close_complete(), bind_complete(), error("0A000"))
      .expect_to_client(error("0A000"))
      .expect_to_server(sync())
      .server(ready('E'))
      .expect_to_client(ready('E'))
      .exchange("rollback", "ROLLBACK", 'I')
      .expect_release();
}

TEST(transaction, failed_by_a_refusal_ends_among_other_statements) {
  Script script;
  open(script, "insert into t values (1)", "INSERT 0 1")
      .client(query("select * from forbidden"))
      .expect_to_client(any_error("42501"), ready('E'))
      .client(query("commit and chain; select 2"))
      .expect_to_server(query("ROLLBACK and chain;select 2"))
      .server(complete("ROLLBACK"), complete("SELECT 1"), ready('T'))
      .expect_to_client(complete("ROLLBACK"), complete("SELECT 1"), ready('T'))
      .exchange("commit", "COMMIT", 'I')
      .expect_release();
}

/// No server has seen it. The next one has not its modes.
TEST(transaction, that_has_failed_without_a_server_is_followed_by_the_next_in_one_batch) {
  Script()
      .client(query("begin read only"), execute("none"), sync())
      .expect_to_client(complete("BEGIN"), ready('T'), any_error("34000"), ready('E'))
      .client(parse("", "commit and chain"), bind_to("", ""), execute(""), parse("", "select 1"), bind_to("", ""), execute(""), sync())
      .expect_to_client(parse_complete(), bind_complete(), complete("ROLLBACK"))
      .expect_acquire()
      .expect_to_server(first_begin("BEGIN"), parse("", "select 1"), bind_to("", ""), execute(""), sync())
      .server(begun(), parse_complete(), bind_complete(), complete("SELECT 1"), ready('T'))
      .expect_to_client(parse_complete(), bind_complete(), complete("SELECT 1"), ready('T'))
      .exchange("commit", "COMMIT", 'I')
      .expect_release();
}

/// What stands behind it waits to be told that it is mended.
TEST(transaction, failed_by_a_refusal_goes_on_in_the_batch_that_mends_it) {
  for (const std::string mends : {"rollback to a", "rollback and chain"}) {
    const bool ends = mends != "rollback to a";
    Script script;
    open(script)
        .exchange("savepoint a", "SAVEPOINT", 'T')
        .client(query("select * from forbidden"))
        .expect_to_client(any_error("42501"), ready('E'))
        .client(parse("", mends), bind_to("", ""), execute(""), parse("", "select 1"), bind_to("", ""), execute(""), sync())
        .expect_to_client(parse_complete(), bind_complete())
        .expect_to_server(ends ? first_end(mends) : first_behind(mends), flush())
        .server(parse_complete(), ends ? Bytes() : close_complete(), bind_complete(), complete("ROLLBACK"), ends ? Bytes() : close_complete())
        .expect_to_client(complete("ROLLBACK"))
        .expect_to_server(parse("", "select 1"), bind_to("", ""), execute(""), sync())
        .server(parse_complete(), bind_complete(), complete("SELECT 1"), ready('T'))
        .expect_to_client(parse_complete(), bind_complete(), complete("SELECT 1"), ready('T'))
        .exchange("commit", "COMMIT", 'I')
        .expect_release();
  }
}

/// The server prepares again, so what it has already is not sent once more.
TEST(transaction, that_has_failed_and_is_mended_in_a_batch_knows_what_is_prepared) {
  const std::string chain = "commit and chain";
  Script script;
  open(script)
      .client(parse("s", "select 1"), sync())
      .expect_to_server(parse(on_server("select 1"), "select 1"), sync())
      .server(parse_complete(), ready('T'))
      .expect_to_client(parse_complete(), ready('T'))
      .client(query("select 1/0"))
      .expect_to_server(query("select 1/0"))
      .server(error("22012"), ready('E'))
      .expect_to_client(error("22012"), ready('E'))
      .client(parse("", chain), bind_to("", ""), execute(""), parse("t", "select 1"), bind_to("", "t"), execute(""), sync())
      .expect_to_client(parse_complete(), bind_complete())
      .expect_to_server(first_end(chain), flush())
      .server(parse_complete(), bind_complete(), complete("ROLLBACK"))
      .expect_to_client(complete("ROLLBACK"), parse_complete())
      .expect_to_server(bind_to("", on_server("select 1")), execute(""), sync())
      .server(bind_complete(), complete("SELECT 1"), ready('T'))
      .expect_to_client(bind_complete(), complete("SELECT 1"), ready('T'))
      .exchange("commit", "COMMIT", 'I')
      .expect_release();
}

/// It cannot be parsed again there: of the parameters PostgreSQL tells first.
TEST(transaction, that_has_failed_finds_fault_with_parameters_of_an_execute_whose_name_was_unknown) {
  Script()
      .client(query("begin"), parse("", "execute t"), bind_to("", ""), execute(""), sync())
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin(), parse("", "execute t"), bind_to("", ""), execute(""), sync())
      .server(begun(), parse_complete(), bind_complete(), error("26000"), ready('E'))
      .expect_to_client(parse_complete(), bind_complete(), error("26000"), ready('E'))
      .client(bind_to("p", "", {"1"}), sync())
      .expect_to_server(execute("pgswitch refused"), sync())
      .server(error("34000"), ready('E'))
      .expect_to_client(error("08P01", "bind message supplies 1 parameters, but prepared statement \"\" requires 0"), ready('E'))
      .exchange("rollback", "ROLLBACK", 'I')
      .expect_release();
}

/// Each batch has given the portal's name, and none has got it.
TEST(transaction, that_has_failed_has_no_portal_of_two_batches_that_failed) {
  const std::string insert = "insert into nosuch values (1)", lock = "lock table t";
  Script()
      .client(query("begin"), parse("n", insert), bind_to("p", "n"), sync(), parse("m", lock), bind_to("p", "m"), sync())
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin(), parse(on_server(insert), insert), bind_to("p", on_server(insert)), sync(), parse(on_server(lock), lock),
                        bind_to("p", on_server(lock)), sync())
      .server(begun(), error("42P01"), ready('E'), error("25P02"), ready('E'))
      .expect_to_client(error("42P01"), ready('E'), error("25P02"), ready('E'))
      .client(parse("", "rollback"), bind_to("p", ""), execute("p"), sync())
      .expect_to_server(parse(on_server("rollback"), "rollback"), bind_to("", on_server("rollback")), execute(""), sync())
      .expect_to_client(parse_complete(), bind_complete())
      .server(parse_complete(), bind_complete(), complete("ROLLBACK"), ready('I'))
      .expect_to_client(complete("ROLLBACK"), ready('I'))
      .expect_release();
}

}  // namespace pgswitch::script
