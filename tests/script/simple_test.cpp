// The simple protocol.
#include <gtest/gtest.h>

#include "script.hpp"

namespace pgswitch::script {

TEST(simple_query, is_passed_on_and_its_reply_too) {
  Script()
      .client(query("select 1"))
      .expect_acquire("app")
      .expect_to_server(query("select 1"))
      .server(row_description(), data_row("1"), complete("SELECT 1"), ready('I'))
      .expect_to_client(row_description(), data_row("1"), complete("SELECT 1"), ready('I'))
      .expect_release("app");
}

TEST(simple_query, goes_where_the_rules_say) {
  Script().whole_exchange("select * from b_events", "SELECT 0", "b").whole_exchange("select * from t", "SELECT 0", "app");
}

TEST(simple_query, that_rules_edit_is_sent_at_once_behind_others) {
  Script()
      .client(query("select 'edited' from edited"), query("delete from edited where a = 1"), query("select 2"))
      .expect_acquire()
      .expect_to_server(query("select 'edited' from wide.named AS edited"), query("delete from wide.named AS edited where a = 1"), query("select 2"))
      .server(complete("SELECT 1"), ready('I'), error("42703"), ready('I'), complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'), any_error("42703"), ready('I'), complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(simple_query, that_fails_leaves_the_session_usable) {
  Script()
      .client(query("select nothing"))
      .expect_acquire()
      .expect_to_server(query("select nothing"))
      .server(error("42703", "column does not exist", 8), ready('I'))
      .expect_to_client(error("42703", "column does not exist", 8), ready('I'))
      .expect_release()
      .whole_exchange("select 1", "SELECT 1");
}

TEST(simple_query, of_nothing_is_answered_without_a_server) {
  Script().client(query("")).expect_to_client(empty_query(), ready('I'));
  Script().client(query(" /* only */ -- comments")).expect_to_client(empty_query(), ready('I'));
}

TEST(simple_query, of_nothing_in_a_transaction_shows_the_transaction) {
  Script()
      .client(query("begin"), query("select 1"))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(parse(on_server("begin"), "begin"), bind_to("pgswitch", on_server("begin")), execute("pgswitch") + close_portal("pgswitch"), query("select 1"))
      .server(parse_complete(), bind_complete(), complete("BEGIN"), close_complete(), complete("SELECT 1"), ready('T'))
      .expect_to_client(complete("SELECT 1"), ready('T'))
      .client(query(";"))
      .expect_to_client(empty_query(), ready('T'));
}

TEST(simple_query, pipelined_queries_are_answered_in_order) {
  Script()
      .client(query("select 1"), query("select 2"))
      .expect_acquire()
      .expect_to_server(query("select 1"), query("select 2"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .server(complete("SELECT 2"), ready('I'))
      .expect_to_client(complete("SELECT 2"), ready('I'))
      .expect_release();
}

TEST(simple_query, pipelined_to_two_routes_runs_one_after_the_other) {
  Script()
      .client(query("select 1"), query("select * from b_t"))
      .expect_acquire("app")
      .expect_to_server(query("select 1"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .expect_release("app")
      .expect_acquire("b")
      .expect_to_server(query("select * from b_t"))
      .server(complete("SELECT 2"), ready('I'))
      .expect_to_client(complete("SELECT 2"), ready('I'))
      .expect_release("b");
}

TEST(simple_query, refused_by_a_rule_never_reaches_a_server) {
  Script().client(query("select * from forbidden")).expect_to_client(any_error("42501"), ready('I'));
}

TEST(simple_query, refused_waits_for_the_replies_before_it) {
  Script()
      .client(query("select 1"), query("select * from forbidden"))
      .expect_acquire()
      .expect_to_server(query("select 1"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'), any_error("42501"), ready('I'))
      .expect_release();
}

TEST(simple_query, answered_by_a_rule_needs_no_server) {
  Script().client(query("select * from told")).expect_to_client(row_description(), data_row("1"), complete("SELECT 1"), ready('I'));
}

TEST(simple_query, rewritten_is_sent_rewritten_and_its_error_loses_its_position) {
  Script()
      .client(query("select x from old"))
      .expect_acquire()
      .expect_to_server(query("select x from renamed"))
      .server(error("42703", "column \"x\" does not exist", 8), ready('I'))
      .expect_to_client(error("42703", "column \"x\" does not exist", 0, "The statement was rewritten by a rule of pgswitch."), ready('I'))
      .expect_release();
}

TEST(simple_query, edited_keeps_the_position_of_its_error) {
  constexpr const char* hint = "The statement was rewritten by a rule of pgswitch.";
  Script()
      .client(query("select 'ä' from edited where x"))
      .expect_acquire()
      .expect_to_server(query("select 'ä' from wide.named AS edited where x"))
      .server(error("42703", "column \"x\" does not exist", 44), ready('I'))
      .expect_to_client(error("42703", "column \"x\" does not exist", 30, hint), ready('I'))
      .expect_release();
  Script()
      .client(query("select 1 from edited"))
      .expect_acquire()
      .expect_to_server(query("select 1 from wide.named AS edited"))
      .server(error("42P01", "relation does not exist", 18), ready('I'))
      .expect_to_client(error("42P01", "relation does not exist", 15, hint), ready('I'))
      .expect_release();
}

TEST(simple_query, several_of_which_some_are_edited_keep_the_positions_of_their_errors) {
  constexpr const char* hint = "The statement was rewritten by a rule of pgswitch.";
  Script()
      .client(query("select 1;  select 2 from edited; select y"))
      .expect_acquire()
      .expect_to_server(query("select 1;select 2 from wide.named AS edited;select y"))
      .server(complete("SELECT 1"), complete("SELECT 1"), error("42703", "column \"y\" does not exist", 52), ready('I'))
      .expect_to_client(complete("SELECT 1"), complete("SELECT 1"), error("42703", "column \"y\" does not exist", 41, hint), ready('I'))
      .expect_release();
}

TEST(simple_query, larger_than_query_max_bytes_ends_the_session) {
  Start start;
  start.options.query_max_bytes = 100;
  Script(start).client(query(std::string(200, 'x'))).expect_to_client(any_fatal("54000")).expect_close();
}

TEST(simple_query, larger_than_query_max_bytes_ends_the_session_behind_the_answers_that_are_owed) {
  Start start;
  start.options.query_max_bytes = 100;
  Script(start)
      .client(query("select 1"), query("select '" + std::string(100, 'x') + "'"))
      .expect_acquire()
      .expect_to_server(query("select 1"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'), any_fatal("54000"))
      .expect_release()
      .expect_close();
}

TEST(simple_query, large_rows_stream_through) {
  const Bytes row = data_row(std::string(100'000, 'x'));
  Script()
      .client(query("select 1"))
      .expect_acquire()
      .expect_to_server(query("select 1"))
      .server(row_description(), row, row, complete("SELECT 2"), ready('I'))
      .expect_to_client(row_description(), row, row, complete("SELECT 2"), ready('I'))
      .expect_release();
}

TEST(simple_query, notices_and_notifications_are_passed_on_in_place) {
  Script()
      .client(query("select 1"))
      .expect_acquire()
      .expect_to_server(query("select 1"))
      .server(notice("a"), notification("ch"), complete("SELECT 1"), notice("b"), ready('I'))
      .expect_to_client(notice("a"), notification("ch"), complete("SELECT 1"), notice("b"), ready('I'))
      .expect_release();
}

TEST(simple, answer_of_a_rule_is_none_in_a_failed_transaction) {
  Script(eager_begin())
      .client(query("begin; select 1/0"))
      .expect_acquire()
      .expect_to_server(query("begin; select 1/0"))
      .server(complete("BEGIN"), error("22012"), ready('E'))
      .expect_to_client(complete("BEGIN"), error("22012"), ready('E'))
      .client(query("select * from told"))
      .expect_to_client(any_error("25P02"), ready('E'))
      .exchange("rollback", "ROLLBACK", 'I')
      .expect_release();
}

}  // namespace pgswitch::script
