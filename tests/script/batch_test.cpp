// Batches that rules divide, refuse, answer or rewrite.
#include <gtest/gtest.h>

#include "script.hpp"

namespace pgswitch::script {

namespace {

/// A batch as drivers send it: everything unnamed.
Bytes unnamed_batch(std::string_view sql) { return parse("", sql) + bind_to("", "", {"v"}) + describe_portal("") + execute("") + sync(); }

}  // namespace

TEST(batch, statement_refused_by_a_rule_never_reaches_a_server) {
  Script().client(unnamed_batch("select * from forbidden")).expect_to_client(any_error("42501"), ready('I'));
}

TEST(batch, refusal_in_a_batch_fails_what_was_written_before_it) {
  Script()
      .client(parse("", "insert into t values (1)"), bind_to("", ""), execute(""), parse("", "select * from forbidden"), bind_to("", ""), execute(""), sync())
      .expect_acquire()
      .expect_to_server(parse("", "insert into t values (1)"), bind_to("", ""), execute(""), execute("pgswitch refused"), sync())
      .server(parse_complete(), bind_complete(), complete("INSERT 0 1"), error("34000"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), complete("INSERT 0 1"), any_error("42501"), ready('I'))
      .expect_release();
}

TEST(batch, error_of_the_server_before_a_refusal_is_the_one_shown) {
  Script()
      .client(parse("", "insert into t values (1)"), bind_to("", ""), execute(""), parse("", "select * from forbidden"), sync())
      .expect_acquire()
      .expect_to_server(parse("", "insert into t values (1)"), bind_to("", ""), execute(""), execute("pgswitch refused"), sync())
      .server(parse_complete(), bind_complete(), error("23505"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), error("23505"), ready('I'))
      .expect_release();
}

TEST(batch, answer_of_a_rule_needs_no_server) {
  Script()
      .client(parse("", "select * from told"), describe_statement(""), bind_to("", ""), describe_portal(""), execute(""), sync())
      .expect_to_client(parse_complete(), parameter_description(), row_description(), bind_complete(), row_description(), data_row("1"),
                        complete("SELECT 1"), ready('I'));
}

TEST(batch, answer_of_a_rule_is_told_as_far_as_execute_asks) {
  Script()
      .client(parse("", "select * from told"), bind_to("", ""), execute("", 1), execute(""), execute(""), sync())
      .expect_to_client(parse_complete(), bind_complete(), data_row("1"), portal_suspended(), complete("SELECT 0"), complete("SELECT 0"), ready('I'))
      .client(parse("", "select * from told"), bind_to("p", ""), execute("p", 2), execute("p"), describe_portal("p"), bind_to("", ""), execute(""), sync())
      .expect_to_client(parse_complete(), bind_complete(), data_row("1"), complete("SELECT 1"), complete("SELECT 0"), row_description(), bind_complete(),
                        data_row("1"), complete("SELECT 1"), ready('I'));
}

TEST(batch, answer_of_a_rule_between_statements_keeps_its_place) {
  Script()
      .client(parse("", "select 1"), bind_to("", ""), execute(""), parse("", "select * from told"), bind_to("", ""), execute(""), sync())
      .expect_acquire()
      .expect_to_server(parse("", "select 1"), bind_to("", ""), execute(""), sync())
      .server(parse_complete(), bind_complete(), complete("SELECT 1"))
      .expect_to_client(parse_complete(), bind_complete(), complete("SELECT 1"), parse_complete(), bind_complete(), data_row("1"), complete("SELECT 1"))
      .server(ready('I'))
      .expect_to_client(ready('I'))
      .expect_release();
}

TEST(batch, rewritten_statement_is_prepared_rewritten) {
  Script()
      .client(parse("", "select x from old"), bind_to("", ""), execute(""), sync())
      .expect_acquire()
      .expect_to_server(parse("", "select x from renamed"), bind_to("", ""), execute(""), sync())
      .server(error("42703", "no x", 8), ready('I'))
      .expect_to_client(error("42703", "no x", 0, "The statement was rewritten by a rule of pgswitch."), ready('I'))
      .expect_release();
}

TEST(batch, batch_of_reads_over_two_routes_runs_as_segments) {
  Script()
      .client(parse("", "select 1"), bind_to("", ""), execute(""), parse("", "select * from b_t"), bind_to("", ""), execute(""), sync())
      .expect_acquire("app")
      .expect_to_server(parse("", "select 1"), bind_to("", ""), execute(""), sync())
      .server(parse_complete(), bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), complete("SELECT 1"))
      .expect_release("app")
      .expect_acquire("b")
      .expect_to_server(parse("", "select * from b_t"), bind_to("", ""), execute(""), sync())
      .server(parse_complete(), bind_complete(), complete("SELECT 2"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), complete("SELECT 2"), ready('I'))
      .expect_release("b");
}

TEST(batch, error_in_the_first_segment_of_a_batch_skips_the_second) {
  Script()
      .client(parse("", "select 1"), bind_to("", ""), execute(""), parse("", "select * from b_t"), bind_to("", ""), execute(""), sync())
      .expect_acquire("app")
      .expect_to_server(parse("", "select 1"), bind_to("", ""), execute(""), sync())
      .server(parse_complete(), bind_complete(), error("22012"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), error("22012"), ready('I'))
      .expect_release("app");
}

TEST(batch, batch_that_wrote_and_goes_on_elsewhere_is_refused) {
  Script()
      .client(parse("", "insert into t values (1)"), bind_to("", ""), execute(""), parse("", "select * from b_t"), bind_to("", ""), execute(""), sync())
      .expect_acquire("app")
      .expect_to_server(parse("", "insert into t values (1)"), bind_to("", ""), execute(""), execute("pgswitch refused"), sync())
      .server(parse_complete(), bind_complete(), complete("INSERT 0 1"), error("34000"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), complete("INSERT 0 1"), any_error("0A000"), ready('I'))
      .expect_release("app");
}

}  // namespace pgswitch::script
