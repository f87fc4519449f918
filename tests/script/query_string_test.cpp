// Query strings of several statements.
#include <gtest/gtest.h>

#include "script.hpp"

namespace pgswitch::script {

TEST(query_string, of_one_route_goes_as_one_message) {
  Script().client(query("select 1; select 2")).expect_acquire().expect_to_server(query("select 1; select 2"))
      .server(complete("SELECT 1"), complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(query_string, of_two_routes_runs_as_segments_with_one_ready_for_query) {
  Script()
      .client(query("select 1; select * from b_t; select 3"))
      .expect_acquire("app")
      .expect_to_server(query("select 1"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"))
      .expect_release("app")
      .expect_acquire("b")
      .expect_to_server(query("select * from b_t"))
      .server(complete("SELECT 2"), ready('I'))
      .expect_to_client(complete("SELECT 2"))
      .expect_release("b")
      .expect_acquire("app")
      .expect_to_server(query("select 3"))
      .server(complete("SELECT 3"), ready('I'))
      .expect_to_client(complete("SELECT 3"), ready('I'))
      .expect_release("app");
}

TEST(query_string, of_two_routes_that_fails_has_set_nothing) {
  Script()
      .client(query("set search_path to a; select * from b_t; select nothing"))
      .expect_acquire("b")
      .expect_to_server(query("set search_path to a; select * from b_t"))
      .server(complete("SET"), complete("SELECT 2"), ready('I'))
      .expect_to_client(complete("SET"), complete("SELECT 2"))
      .expect_release("b")
      .expect_acquire("app")
      .expect_to_server(query("set search_path to a"))
      .server(complete("SET"), ready('I'))
      .expect_to_server(query("select nothing"))
      .server(error("42703"), ready('I'))
      .expect_to_client(error("42703"), ready('I'))
      .expect_release("app")
      .client(query("select * from b_t"))
      .expect_acquire("b")
      .expect_to_server(query("RESET \"search_path\""))
      .server(complete("RESET"), ready('I'))
      .expect_to_server(query("select * from b_t"))
      .server(complete("SELECT 2"), ready('I'))
      .expect_to_client(complete("SELECT 2"), ready('I'))
      .expect_release("b");
}

TEST(query_string, stops_at_the_first_error) {
  Script()
      .client(query("select nothing; select * from b_t"))
      .expect_acquire("app")
      .expect_to_server(query("select nothing"))
      .server(error("42703"), ready('I'))
      .expect_to_client(error("42703"), ready('I'))
      .expect_release("app");
}

TEST(query_string, that_would_tear_a_write_is_refused_before_anything_is_sent) {
  Script().client(query("insert into t values (1); select * from b_t")).expect_to_client(any_error("0A000"), ready('I'));
}

TEST(query_string, with_a_refused_statement_runs_none_of_it) {
  Script().client(query("insert into t values (1); select * from forbidden")).expect_to_client(any_error("42501"), ready('I'));
}

TEST(query_string, with_a_transaction_of_its_own_goes_to_one_server) {
  Script()
      .client(query("begin; insert into t values (1); commit"))
      .expect_acquire("app")
      .expect_to_server(query("begin; insert into t values (1); commit"))
      .server(complete("BEGIN"), complete("INSERT 0 1"), complete("COMMIT"), ready('I'))
      .expect_to_client(complete("BEGIN"), complete("INSERT 0 1"), complete("COMMIT"), ready('I'))
      .expect_release();
}

TEST(query_string, that_leaves_a_transaction_open_keeps_its_server) {
  Script()
      .client(query("begin; select * from b_t"))
      .expect_acquire("b")
      .expect_to_server(query("begin; select * from b_t"))
      .server(complete("BEGIN"), complete("SELECT 1"), ready('T'))
      .expect_to_client(complete("BEGIN"), complete("SELECT 1"), ready('T'))
      .exchange("commit", "COMMIT", 'I')
      .expect_release("b");
}

TEST(query_string, with_an_answer_of_a_rule_in_the_middle) {
  Script()
      .client(query("select 1; select * from told; select 3"))
      .expect_acquire()
      .expect_to_server(query("select 1"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), row_description(), data_row("1"), complete("SELECT 1"))
      .expect_to_server(query("select 3"))
      .server(complete("SELECT 3"), ready('I'))
      .expect_to_client(complete("SELECT 3"), ready('I'))
      .expect_release();
}

TEST(query_string, error_position_of_a_later_segment_is_that_of_the_whole_text) {
  Script()
      .client(query("select 'é'; select x from b_t"))
      .expect_acquire("app")
      .expect_to_server(query("select 'é'"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"))
      .expect_release("app")
      .expect_acquire("b")
      .expect_to_server(query("select x from b_t"))
      .server(error("42703", "no x", 8), ready('I'))
      .expect_to_client(error("42703", "no x", 20), ready('I'))
      .expect_release("b");
}

TEST(query_string, rewritten_in_part_loses_positions) {
  Script()
      .client(query("select 1; select x from old"))
      .expect_acquire("app")
      .expect_to_server(query("select 1;select x from renamed"))
      .server(complete("SELECT 1"), error("42703", "no x", 18), ready('I'))
      .expect_to_client(complete("SELECT 1"), error("42703", "no x", 0, "The statement was rewritten by a rule of pgswitch."), ready('I'))
      .expect_release("app");
}

TEST(query_string, with_an_answer_of_a_rule_behind_a_copy_is_refused) {
  Script().client(query("copy t from stdin; select * from told")).expect_to_client(any_error("0A000"), ready('I')).whole_exchange("select 1", "SELECT 1");
}

TEST(query_string, with_a_copy_in_its_last_segment_takes_the_data) {
  Script()
      .client(query("select * from b_t; copy t from stdin; select 1"), copy_data("1\n"), copy_done())
      .expect_acquire("b")
      .expect_to_server(query("select * from b_t"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"))
      .expect_release("b")
      .expect_acquire("app")
      .expect_to_server(query("copy t from stdin; select 1"), copy_data("1\n"), copy_done())
      .server(copy_in_response(), complete("COPY 1"), complete("SELECT 1"), ready('I'))
      .expect_to_client(copy_in_response(), complete("COPY 1"), complete("SELECT 1"), ready('I'))
      .expect_release("app");
}

}  // namespace pgswitch::script
