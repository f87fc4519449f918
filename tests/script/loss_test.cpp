// Leases that cannot be had, servers that go away, messages that make no sense.
#include <gtest/gtest.h>

#include "deferred_begin.hpp"

namespace pgswitch::script {

using namespace std::string_view_literals;

namespace {


Script& begin_and_select(Script& script) {
  return script.client(query("begin"), query("select 1"))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin(), query("select 1"))
      .server(parse_complete(), bind_complete(), complete("BEGIN"), close_complete(), complete("SELECT 1"), ready('T'))
      .expect_to_client(complete("SELECT 1"), ready('T'));
}

}  // namespace

TEST(acquire, that_fails_fails_the_query_that_waited) {
  Script()
      .client(query("select 1"))
      .expect_acquire_but_fail("app", "53300")
      .expect_to_client(any_error("53300"), ready('I'))
      .whole_exchange("select 2", "SELECT 1");
}

TEST(acquire, that_fails_fails_the_batch_that_waited) {
  Script()
      .client(parse("s", "select 1"), bind_to("", "s"), execute(""), sync())
      .expect_acquire_but_fail("app", "53300")
      .expect_to_client(any_error("53300"), ready('I'))
      .client(bind_to("", "s"), sync())
      .expect_to_client(any_error("26000"), ready('I'));
}

TEST(acquire, that_fails_fails_the_transaction_that_waited) {
  Script()
      .client(query("begin"), query("select 1"))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire_but_fail("app", "53300")
      .expect_to_client(any_error("53300"), ready('E'))
      .client(query("commit"))
      .expect_to_client(complete("ROLLBACK"), ready('I'));
}

TEST(acquire, that_fails_fails_the_function_call_that_waited) {
  Script().client(function_call("x")).expect_acquire_but_fail("app", "53300").expect_to_client(any_error("53300"), ready('I'));
}

TEST(acquire, that_fails_for_good_ends_the_session) {
  Script().client(query("select 1")).expect_acquire_but_fail("app", "57P01", true).expect_to_client(any_fatal("57P01")).expect_close();
}

TEST(server_lost, behind_an_error_is_not_told_again_in_the_same_batch) {
  Script()
      .expect_gaps()
      .client(parse("", "selec"), flush())
      .expect_acquire()
      .expect_to_server(parse("", "selec"), flush())
      .server(error("42601"))
      .expect_to_client(error("42601"))
      .server_lost()
      .expect_release("app", Leftover{.unusable = true})
      .client(sync())
      .expect_to_client(ready('I'));
}

TEST(acquire, that_fails_in_the_second_segment_stops_the_string) {
  Script()
      .client(query("select 1; select * from b_t"))
      .expect_acquire("app")
      .expect_to_server(query("select 1"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"))
      .expect_release("app")
      .expect_acquire_but_fail("b", "53300")
      .expect_to_client(any_error("53300"), ready('I'));
}

TEST(server_lost, in_a_query_fails_the_query) {
  Script()
      .client(query("select 1"))
      .expect_acquire()
      .expect_to_server(query("select 1"))
      .server(row_description())
      .expect_to_client(row_description())
      .server_lost()
      .expect_to_client(any_error("08006"), ready('I'))
      .expect_release("app", Leftover{.unusable = true})
      .whole_exchange("select 1", "SELECT 1");
}

TEST(server_lost, behind_the_error_of_a_query_is_not_told_again) {
  Script()
      .client(query("select 1"))
      .expect_acquire()
      .expect_to_server(query("select 1"))
      .server(error("22012"))
      .expect_to_client(error("22012"))
      .server_lost()
      .expect_to_client(ready('I'))
      .expect_release("app", Leftover{.unusable = true});
}

TEST(server_lost, with_a_pipeline_answers_every_request) {
  Script()
      .client(query("select 1"), query("select 2"))
      .expect_acquire()
      .expect_to_server(query("select 1"), query("select 2"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .server_lost()
      .expect_to_client(any_error("08006"), ready('I'))
      .expect_release("app", Leftover{.unusable = true});
}

TEST(server_lost, idle_in_a_transaction_is_told_with_the_next_statement) {
  Script script;
  begin_and_select(script)
      .server_lost()
      .expect_release("app", Leftover{.unusable = true})
      .client(query("select 2"))
      .expect_to_client(any_error("08006"), ready('E'))
      .client(query("select 3"))
      .expect_to_client(any_error("25P02"), ready('E'))
      .client(query("commit"))
      .expect_to_client(complete("ROLLBACK"), ready('I'))
      .whole_exchange("select 1", "SELECT 1");
}

TEST(server_lost, in_a_transaction_fails_the_transaction) {
  Script script;
  begin_and_select(script)
      .client(query("select 2"))
      .expect_to_server(query("select 2"))
      .server_lost()
      .expect_to_client(any_error("08006"), ready('E'))
      .expect_release("app", Leftover{.unusable = true})
      .client(query("rollback"))
      .expect_to_client(complete("ROLLBACK"), ready('I'));
}

TEST(server_lost, during_commit_says_that_nobody_knows) {
  Script script;
  begin_and_select(script)
      .client(query("commit"))
      .expect_to_server(query("commit"))
      .server_lost()
      .expect_to_client(any_error("08007"), ready('I'))
      .expect_release("app", Leftover{.unusable = true});
}

TEST(server_lost, in_the_middle_of_a_message_ends_the_session) {
  const Bytes row = data_row(std::string(100, 'x'));
  Script()
      .client(query("select 1"))
      .expect_acquire()
      .expect_to_server(query("select 1"))
      .server(row.substr(0, 50))
      .expect_to_client(row.substr(0, 50))
      .server_lost()
      .expect_release("app", Leftover{.unusable = true})
      .expect_close();
}

TEST(server_lost, in_an_open_batch_skips_to_sync) {
  Script()
      .client(parse("", "select 1"), flush())
      .expect_acquire()
      .expect_to_server(parse("", "select 1"), flush())
      .server_lost()
      .expect_to_client(any_error("08006"))
      .expect_release("app", Leftover{.unusable = true})
      .client(bind_to("", ""), execute(""), sync())
      .expect_to_client(ready('I'));
}

// Its own Close of the portal that ran BEGIN is all that the session waits for.
TEST(server_lost, behind_a_batch_that_is_answered_fails_the_query_that_waits) {
  Script()
      .expect_gaps()
      .client(parse("", "select 1"), bind_to("", ""), parse("b", "begin"), bind_to("b", "b"), execute("b"), query("select 1; select 2"))
      .expect_acquire()
      .expect_to_server(parse("", "select 1"), bind_to("", ""), parse(on_server("begin"), "begin"), close_portal("pgswitch"),
                        bind_to("pgswitch", on_server("begin")), execute("pgswitch"), close_portal("pgswitch"), flush())
      .server(parse_complete(), bind_complete(), parse_complete(), close_complete(), bind_complete(), complete("BEGIN"))
      .expect_to_client(parse_complete(), bind_complete(), parse_complete(), bind_complete(), complete("BEGIN"))
      .server_lost()
      .expect_to_client(any_error("08006"), ready('E'))
      .expect_release("app", Leftover{.unusable = true})
      .client(query("rollback"))
      .expect_to_client(complete("ROLLBACK"), ready('I'));
}

TEST(server_lost, behind_a_batch_that_is_answered_fails_the_query_that_waits_for_what_names_mean) {
  const std::string sql = "deallocate s";
  Script()
      .expect_gaps()
      .client(parse("", sql), bind_to("", ""), execute(""), query("select 1"))
      .expect_acquire()
      .expect_to_server(parse(on_server(sql), sql), bind_to("pgswitch", on_server(sql)), execute("pgswitch"), close_portal("pgswitch"), flush())
      .server(parse_complete(), bind_complete(), complete("DEALLOCATE"))
      .expect_to_client(parse_complete(), bind_complete(), complete("DEALLOCATE"))
      .server_lost()
      .expect_to_client(any_error("08006"), ready('I'))
      .expect_release("app", Leftover{.unusable = true})
      .whole_exchange("select 1", "SELECT 1");
}

TEST(server_lost, after_a_fatal_error_tells_its_reason) {
  Script()
      .client(query("select 1"))
      .expect_acquire()
      .expect_to_server(query("select 1"))
      .server(fatal("57P01", "terminating connection due to administrator command"))
      .server_lost()
      .expect_to_client(any_error("57P01"), ready('I'))
      .expect_release("app", Leftover{.unusable = true});
}

TEST(server_lost, with_what_lived_there_ends_the_session) {
  Script(session_pooling())
      .client(query("select 1"))
      .expect_acquire()
      .expect_to_server(query("select 1"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .server_lost()
      .expect_to_client(any_fatal("08006"))
      .expect_release("app", Leftover{.unusable = true})
      .expect_close();
}

// With all that the server said of it: nobody knows it better.
TEST(server_lost, after_a_fatal_error_ends_the_session_with_the_servers_own) {
  const Bytes last_words = frame('E', "SFATAL\0VFATAL\0C57P01\0Mterminating connection\0Fpostgres.c\0L3215\0RProcessInterrupts\0\0"sv);
  Script(session_pooling())
      .client(query("select 1"))
      .expect_acquire()
      .expect_to_server(query("select 1"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .server(last_words)
      .server_lost()
      .expect_to_client(last_words)
      .expect_release("app", Leftover{.unusable = true})
      .expect_close();
}

TEST(nonsense, of_a_server_ends_both) {
  for (const Bytes& unasked : {ready('I'), complete("SELECT 1"), data_row(), parse_complete()})
    Script(session_pooling())
        .client(query("select 1"))
        .expect_acquire()
        .expect_to_server(query("select 1"))
        .server(complete("SELECT 1"), ready('I'))
        .expect_to_client(complete("SELECT 1"), ready('I'))
        .server_nonsense(unasked)
        .expect_to_client(any_fatal("08P01"))
        .expect_release("app", Leftover{.unusable = true})
        .expect_close();
}

TEST(nonsense, of_a_server_in_a_query_ends_both) {
  for (const Bytes& wrong : {parse_complete(), bind_complete(), Bytes("T\0\0\0\1", 5), frame('?', ""), frame('Z', "?")})
    Script()
        .client(query("select 1"))
        .expect_acquire()
        .expect_to_server(query("select 1"))
        .server_nonsense(wrong)
        .expect_to_client(any_fatal("08P01"))
        .expect_release("app", Leftover{.unusable = true})
        .expect_close();
}

TEST(nonsense, of_a_server_that_wants_data_for_a_statement_of_ours_ends_both) {
  Script()
      .client(query("begin"), query("select 1"))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin(), query("select 1"))
      .server(parse_complete(), bind_complete())
      .server_nonsense(copy_in_response())
      .expect_to_client(any_fatal("08P01"))
      .expect_release("app", Leftover{.unusable = true})
      .expect_close();
}

TEST(nonsense, of_the_client_ends_the_session) {
  for (const Bytes& wrong : {Bytes("Q\0\0\0\3", 5), Bytes("Q\xff\xff\xff\xff", 5), frame('?', ""), frame('p', "x")})
    Script().client(wrong).expect_to_client(any_fatal("08P01")).expect_close();
}

TEST(nonsense, in_a_batch_is_an_error_and_skips_to_sync) {
  const Bytes name_without_end = "name";
  for (const char type : {'P', 'B', 'D', 'E', 'C'})
    Script().client(frame(type, name_without_end), execute(""), sync()).expect_to_client(any_error("08P01"), ready('I'));
}

TEST(nonsense, in_a_query_is_an_error) {
  Script().client(frame('Q', "select 1")).expect_to_client(any_error("08P01"), ready('I'));
  Script().client(frame('Q', std::string_view("select 1\0more\0", 14))).expect_to_client(any_error("08P01"), ready('I'));
}

TEST(nonsense, in_the_parameters_of_a_bind_is_left_to_the_server) {
  Script()
      .client(parse("", "select $1"), sync())
      .expect_acquire()
      .expect_to_server(parse("", "select $1"), sync())
      .server(parse_complete(), ready('I'))
      .expect_to_client(parse_complete(), ready('I'))
      .expect_release()
      .client(frame('B', std::string_view("\0\0\0\0\0\1\0\0\0\x09short", 15)), sync())
      .expect_acquire()
      .expect_to_server(frame('B', std::string_view("\0\0\0\0\0\1\0\0\0\x09short", 15)), sync())
      .server(error("08P01", "insufficient data left in message"), ready('I'))
      .expect_to_client(any_error("08P01"), ready('I'))
      .expect_release();
}

TEST(server_lost, in_a_transaction_is_not_passed_over_by_commit) {
  for (const char* commit : {"commit", "end", "commit and chain", "prepare transaction 'x'"}) {
    Script()
        .client(query("begin"), query("insert into t values (1)"))
        .expect_to_client(complete("BEGIN"), ready('T'))
        .expect_acquire()
        .expect_to_server(parse(on_server("begin"), "begin"), bind_to("pgswitch", on_server("begin")), execute("pgswitch") + close_portal("pgswitch"), query("insert into t values (1)"))
        .server(parse_complete(), bind_complete(), complete("BEGIN"), close_complete(), complete("INSERT 0 1"), ready('T'))
        .expect_to_client(complete("INSERT 0 1"), ready('T'))
        .server_lost()
        .expect_release("app", Leftover{.unusable = true})
        .client(query(commit))
        .expect_to_client(any_error("08006"), ready('I'));
  }
}

TEST(server_lost, in_a_transaction_that_ends_among_other_statements_loses_none_of_them) {
  Script()
      .client(query("begin"), query("select 1"))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(parse(on_server("begin"), "begin"), bind_to("pgswitch", on_server("begin")), execute("pgswitch") + close_portal("pgswitch"), query("select 1"))
      .server(parse_complete(), bind_complete(), complete("BEGIN"), close_complete(), complete("SELECT 1"), ready('T'))
      .expect_to_client(complete("SELECT 1"), ready('T'))
      .server_lost()
      .expect_release("app", Leftover{.unusable = true})
      .client(query("rollback; select 2"))
      .expect_to_client(complete("ROLLBACK"))
      .expect_acquire()
      .expect_to_server(query("select 2"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .expect_release();
}

}  // namespace pgswitch::script
