// The extended protocol.
#include <gtest/gtest.h>

#include "script.hpp"

namespace pgswitch::script {

namespace {

const std::string select_1 = "select $1";
const std::string name_1 = on_server(select_1);

/// A batch as drivers send it: everything unnamed.
Bytes unnamed_batch(std::string_view sql) { return parse("", sql) + bind_to("", "", {"v"}) + describe_portal("") + execute("") + sync(); }
Bytes rows() { return row_description() + data_row() + complete("SELECT 1"); }

}  // namespace

TEST(extended, unnamed_batch_is_passed_on_as_it_is) {
  Script()
      .client(unnamed_batch(select_1))
      .expect_acquire()
      .expect_to_server(unnamed_batch(select_1))
      .server(parse_complete(), bind_complete(), rows(), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), rows(), ready('I'))
      .expect_release();
}

TEST(extended, same_unnamed_statement_again_is_parsed_anew) {
  Script()
      .client(unnamed_batch(select_1))
      .expect_acquire()
      .expect_to_server(unnamed_batch(select_1))
      .server(parse_complete(), bind_complete(), rows(), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), rows(), ready('I'))
      .expect_release()
      .client(unnamed_batch(select_1))
      .expect_acquire()
      .expect_to_server(unnamed_batch(select_1))
      .server(parse_complete(), bind_complete(), rows(), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), rows(), ready('I'))
      .expect_release();
}

TEST(extended, unknown_portal_is_34000) {
  Script().client(execute("none"), sync()).expect_to_client(any_error("34000"), ready('I'));
  Script().client(describe_portal("none"), sync()).expect_to_client(any_error("34000"), ready('I'));
}

TEST(extended, portal_ends_with_its_transaction) {
  Script()
      .client(parse("", select_1), bind_to("p", "", {"v"}), execute("p"), sync())
      .expect_acquire()
      .expect_to_server(parse("", select_1), bind_to("p", "", {"v"}), execute("p"), sync())
      .server(parse_complete(), bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_release()
      .client(execute("p"), sync())
      .expect_to_client(any_error("34000"), ready('I'))
      .client(execute(""), sync())
      .expect_to_client(any_error("34000"), ready('I'));
}

TEST(extended, local_error_waits_for_the_replies_before_it_and_fails_the_server_too) {
  Script()
      .client(parse("", select_1), bind_to("", "", {"v"}), execute(""), bind_to("", "none"), execute(""), sync())
      .expect_acquire()
      .expect_to_server(parse("", select_1), bind_to("", "", {"v"}), execute(""), execute("pgswitch refused"), sync())
      .server(parse_complete(), bind_complete(), complete("SELECT 1"))
      .expect_to_client(parse_complete(), bind_complete(), complete("SELECT 1"))
      .server(error("34000"), ready('I'))
      .expect_to_client(any_error("26000"), ready('I'))
      .expect_release();
}

TEST(extended, pipeline_of_syncs_gets_one_ready_for_query_each) {
  const Bytes one = bind_to("", "s") + execute("") + sync();
  const Bytes answer = bind_complete() + complete("SELECT 1") + ready('I');
  Script()
      .client(parse("s", select_1), one, one, one)
      .expect_acquire()
      .expect_to_server(parse(name_1, select_1), bind_to("", name_1), execute(""), sync(), bind_to("", name_1), execute(""), sync(),
                        bind_to("", name_1), execute(""), sync())
      .server(parse_complete(), answer)
      .expect_to_client(parse_complete(), answer)
      .server(answer)
      .expect_to_client(answer)
      .server(answer)
      .expect_to_client(answer)
      .expect_release();
}

TEST(extended, bare_syncs_are_answered_without_a_server) {
  Script().client(sync(), sync()).expect_to_client(ready('I'), ready('I'));
}

TEST(extended, bare_sync_behind_a_batch_waits_for_it) {
  Script()
      .client(unnamed_batch(select_1), sync())
      .expect_acquire()
      .expect_to_server(unnamed_batch(select_1), sync())
      .server(parse_complete(), bind_complete(), rows(), ready('I'), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), rows(), ready('I'), ready('I'))
      .expect_release();
}

TEST(extended, flush_is_passed_on_and_the_batch_stays_open) {
  Script()
      .client(parse("", select_1), describe_statement(""), flush())
      .expect_acquire()
      .expect_to_server(parse("", select_1), describe_statement(""), flush())
      .server(parse_complete(), parameter_description({25}), row_description())
      .expect_to_client(parse_complete(), parameter_description({25}), row_description())
      .client(bind_to("", "", {"v"}), execute(""), flush())
      .expect_to_server(bind_to("", "", {"v"}), execute(""), flush())
      .server(bind_complete(), complete("SELECT 1"))
      .expect_to_client(bind_complete(), complete("SELECT 1"))
      .client(sync())
      .expect_to_server(sync())
      .server(ready('I'))
      .expect_to_client(ready('I'))
      .expect_release();
}

TEST(extended, flush_of_nothing_reaches_no_server) { Script().client(flush()).client(sync()).expect_to_client(ready('I')); }

TEST(extended, error_skips_to_sync_and_gives_one_ready_for_query) {
  Script()
      .client(parse("", "select nothing"), bind_to("", ""), execute(""), parse("t", "select 2"), sync())
      .expect_acquire()
      .expect_to_server(parse("", "select nothing"), bind_to("", ""), execute(""), parse(on_server("select 2"), "select 2"), sync())
      .server(error("42703", "no", 8), ready('I'))
      .expect_to_client(error("42703", "no", 8), ready('I'))
      .expect_release()
      .client(bind_to("", "t"), sync())
      .expect_to_client(any_error("26000"), ready('I'));
}

TEST(extended, error_before_sync_skips_what_comes_after_it) {
  Script()
      .client(parse("", "select nothing"), flush())
      .expect_acquire()
      .expect_to_server(parse("", "select nothing"), flush())
      .server(error("42703"))
      .expect_to_client(error("42703"))
      .client(bind_to("", ""), execute(""), flush())
      .client(sync())
      .expect_to_server(sync())
      .server(ready('I'))
      .expect_to_client(ready('I'))
      .expect_release();
}

TEST(extended, query_behind_a_failed_batch_without_sync_is_skipped_as_postgresql_does) {
  Script()
      .client(parse("", "select nothing"), query("select 1"), sync())
      .expect_acquire()
      .expect_to_server(parse("", "select nothing"), query("select 1"), sync())
      .server(error("42703"), ready('I'))
      .expect_to_client(error("42703"), ready('I'))
      .expect_release()
      .expect_gaps();
}

TEST(extended, query_that_waited_when_its_batch_failed_leaves_no_decision_behind) {
  Script()
      .client(parse("", "select nothing"), flush(), query("select * from b_t"))
      .expect_acquire()
      .expect_to_server(parse("", "select nothing"), flush(), sync())
      .server(error("42703"), ready('I'))
      .expect_to_client(error("42703"))
      .client(sync())
      .expect_to_client(ready('I'))
      .expect_release()
      .whole_exchange("select 1", "SELECT 1")
      .expect_gaps();
}

TEST(extended, query_that_needs_no_server_ends_the_batch_before_it) {
  Script()
      .expect_gaps()
      .client(parse("", select_1), query(""))
      .expect_acquire()
      .expect_to_server(parse("", select_1), flush())
      .server(parse_complete())
      .expect_to_client(parse_complete(), empty_query(), ready('I'))
      .expect_to_server(sync())
      .server(ready('I'))
      .expect_release();
}

TEST(extended, function_call_ends_a_batch_as_a_query_does) {
  Script()
      .expect_gaps()
      .client(parse("", select_1), function_call("x"))
      .expect_acquire()
      .expect_to_server(parse("", select_1), function_call("x"))
      .server(parse_complete(), function_result(), ready('I'))
      .expect_to_client(parse_complete(), function_result(), ready('I'))
      .expect_release("app", Leftover{.reset_needed = true});
}

TEST(extended, error_in_the_first_batch_of_a_pipeline_spares_the_second) {
  Script()
      .client(parse("", "select nothing"), bind_to("", ""), execute(""), sync(), parse("", select_1), bind_to("", "", {"v"}), execute(""), sync())
      .expect_acquire()
      .expect_to_server(parse("", "select nothing"), bind_to("", ""), execute(""), sync(), parse("", select_1), bind_to("", "", {"v"}), execute(""), sync())
      .server(error("42703"), ready('I'))
      .expect_to_client(error("42703"), ready('I'))
      .server(parse_complete(), bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(extended, close_of_a_portal_is_passed_on_in_a_batch) {
  Script()
      .client(parse("", select_1), bind_to("p", "", {"v"}), execute("p", 1), close_portal("p"), sync())
      .expect_acquire()
      .expect_to_server(parse("", select_1), bind_to("p", "", {"v"}), execute("p", 1), close_portal("p"), sync())
      .server(parse_complete(), bind_complete(), data_row(), portal_suspended(), close_complete(), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), data_row(), portal_suspended(), close_complete(), ready('I'))
      .expect_release();
}

TEST(extended, suspended_portal_goes_on) {
  Script()
      .client(parse("", select_1), bind_to("p", "", {"v"}), execute("p", 1), flush())
      .expect_acquire()
      .expect_to_server(parse("", select_1), bind_to("p", "", {"v"}), execute("p", 1), flush())
      .server(parse_complete(), bind_complete(), data_row("1"), portal_suspended())
      .expect_to_client(parse_complete(), bind_complete(), data_row("1"), portal_suspended())
      .client(execute("p", 1), sync())
      .expect_to_server(execute("p", 1), sync())
      .server(data_row("2"), complete("SELECT 2"), ready('I'))
      .expect_to_client(data_row("2"), complete("SELECT 2"), ready('I'))
      .expect_release();
}

TEST(extended, empty_statement_is_answered_without_a_server) {
  Script()
      .client(parse("", ""), bind_to("", ""), describe_portal(""), execute(""), sync())
      .expect_to_client(parse_complete(), bind_complete(), no_data(), empty_query(), ready('I'));
}

TEST(extended, large_bind_streams_through_behind_its_names) {
  const std::string value(100'000, 'x');
  Script()
      .client(parse("s", select_1), bind_to("", "s", {value}), execute(""), sync())
      .expect_acquire()
      .expect_to_server(parse(name_1, select_1), bind_to("", name_1, {value}), execute(""), sync())
      .server(parse_complete(), bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(extended, query_behind_an_open_batch_waits_for_its_last_answer_and_no_longer) {
  Script()
      .expect_gaps()
      .client(parse("", select_1), describe_statement(""), query("select 1; select 2"))
      .expect_acquire()
      .expect_to_server(parse("", select_1), describe_statement(""), flush())
      .server(parse_complete(), parameter_description(), row_description())
      .expect_to_client(parse_complete(), parameter_description(), row_description())
      .expect_to_server(query("select 1; select 2"))
      .server(complete("SELECT 1"), complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(extended, function_call_runs_where_the_client_lives) {
  Script()
      .client(function_call("x"))
      .expect_acquire()
      .expect_to_server(function_call("x"))
      .server(function_result(), ready('I'))
      .expect_to_client(function_result(), ready('I'))
      .expect_release("app", Leftover{.reset_needed = true});
}

TEST(extended, function_call_in_a_failed_transaction_is_answered_when_it_is_whole) {
  Script()
      .client(query("begin"), query("select * from forbidden"), function_call("x"))
      .expect_to_client(complete("BEGIN"), ready('T'), any_error("42501"), ready('E'), any_error("25P02"), ready('E'));
}

TEST(extended, large_function_call_streams_through) {
  const Bytes call = function_call(std::string(100'000, 'x'));
  Script()
      .client(call)
      .expect_acquire()
      .expect_to_server(call)
      .server(error("42883"), ready('I'))
      .expect_to_client(error("42883"), ready('I'))
      .expect_release("app", Leftover{.reset_needed = true});
}

TEST(extended, terminate_behind_a_pipeline_waits_for_its_replies) {
  Script()
      .client(unnamed_batch(select_1), terminate())
      .expect_acquire()
      .expect_to_server(unnamed_batch(select_1))
      .server(parse_complete(), bind_complete(), rows(), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), rows(), ready('I'))
      .expect_release()
      .expect_close();
}

TEST(malformed, frames_are_refused_behind_the_answers_that_are_owed) {
  const struct {
    Bytes bytes;
    const char* why;
  } rows[] = {{frame('!', ""), "invalid frontend message type 33"},
              {Bytes("S\0\0\0\3", 5), "invalid message length"},
              {Bytes("S\0\0\x27\x11", 5), "invalid message length"},
              {Bytes("F\x40\0\0\0", 5), "invalid message length"},
              {Bytes("!\0\0\0\1", 5), "invalid frontend message type 33"},
              {frame('p', "secret"), "invalid frontend message type 112"}};
  for (const auto& row : rows)
    Script()
        .client(query("select 1"), row.bytes)
        .expect_acquire()
        .expect_to_server(query("select 1"))
        .server(complete("SELECT 1"), ready('I'))
        .expect_to_client(complete("SELECT 1"), ready('I'), fatal("08P01", row.why))
        .expect_release()
        .expect_close();
}

TEST(malformed, messages_are_told_as_postgresql_does) {
  const struct {
    Bytes bytes;
    const char* why;
  } rows[] = {{frame('P', "s"), "invalid string in message"},
              {frame('P', Bytes("s\0select\0\0", 10)), "insufficient data left in message"},
              {frame('P', Bytes("s\0select\0\0\0x", 12)), "invalid message format"},
              {frame('B', "p"), "invalid string in message"},
              {frame('D', ""), "no data left in message"},
              {frame('D', Bytes("x\0", 2)), "invalid DESCRIBE message subtype 120"},
              {frame('C', Bytes("x\0", 2)), "invalid CLOSE message subtype 120"},
              {frame('C', "Sname"), "invalid string in message"},
              {frame('E', Bytes("\0\0\0", 3)), "insufficient data left in message"}};
  for (const auto& row : rows) Script().client(row.bytes, sync()).expect_to_client(error("08P01", row.why), ready('I'));
}

TEST(malformed, small_messages_are_not_begun_before_they_are_whole) {
  Script()
      .client(parse("", "select $1"), sync())
      .expect_acquire()
      .expect_to_server(parse("", "select $1"), sync())
      .server(parse_complete(), ready('I'))
      .expect_to_client(parse_complete(), ready('I'))
      .expect_release()
      .client(bind_to("", "", {"value"}).substr(0, 12))
      .client(bind_to("", "", {"value"}).substr(12), sync())
      .expect_acquire()
      .expect_to_server(bind_to("", "", {"value"}), sync())
      .server(bind_complete(), ready('I'))
      .expect_to_client(bind_complete(), ready('I'))
      .expect_release();
}

}  // namespace pgswitch::script
