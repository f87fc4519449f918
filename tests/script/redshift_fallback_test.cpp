// What the leader node of Redshift refuses goes to another route.
#include <gtest/gtest.h>

#include "redshift.hpp"

namespace pgswitch::script {
namespace {

Start falling_back() {
  Start start = on_redshift();
  start.fallback = "b";
  return start;
}

/// The batch `asked`, with more of the client's `behind` it: refused by the leader node behind its Parse, and answered by "b".
Script& answered_elsewhere(Script& script, const Bytes& asked, const Bytes& answers, const Bytes& behind = {}) {
  return script.client(asked, behind)
      .expect_acquire()
      .expect_to_server(asked)
      .server(parse_complete(), leader_node_refusal(), ready('I'))
      .expect_release()
      .expect_acquire("b")
      .expect_to_server(asked)
      .server(answers, ready('I'))
      .expect_to_client(answers, ready('I'))
      .expect_release("b");
}

}  // namespace

TEST(redshift_fallback, refused_query_runs_on_the_other_route) {
  Script(falling_back())
      .client(query("select now() from t"))
      .expect_acquire()
      .expect_to_server(query("select now() from t"))
      .server(notice("Function \"now()\" not supported."), leader_node_refusal(), ready('I'))
      .expect_release()
      .expect_acquire("b")
      .expect_to_server(query("select now() from t"))
      .server(row_description(), data_row(), complete("SELECT 1"), ready('I'))
      .expect_to_client(row_description(), data_row(), complete("SELECT 1"), ready('I'))
      .check([](const SessionCore& core) { EXPECT_EQ(core.counters.fallbacks, 1u); })
      .expect_release("b")
      .client(query("select 1"))
      .expect_acquire()
      .expect_to_server(query("select 1"))
      .server(row_description(), data_row(), complete("SELECT"), ready('I'))
      .expect_to_client(row_description(), data_row(), complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(redshift_fallback, refused_batch_runs_on_the_other_route) {
  const Bytes asked = parse("", "select now() from t") + bind_to("", "") + describe_portal("") + execute("") + sync();
  Script script(falling_back());
  answered_elsewhere(script, asked, parse_complete() + bind_complete() + row_description() + data_row() + complete("SELECT 1"));
}

/// The other route has its statement already, the Parse of which is followed by another Bind than that of the batch.
TEST(redshift_fallback, refused_batch_runs_on_the_other_route_again) {
  const Bytes asked = parse("", "select now() from t") + bind_to("", "") + execute("") + sync();
  const Bytes answers = parse_complete() + bind_complete() + complete("SELECT 1");
  Script script(falling_back());
  answered_elsewhere(script, asked, answers);
  answered_elsewhere(script, asked, answers, query("select now() from stays") + bind_to("", "") + sync())
      .expect_acquire()
      .expect_to_server(query("select now() from stays"), sync())
      .server(complete("SELECT"), ready('I'), ready('I'))
      .expect_to_client(complete("SELECT 0"), ready('I'), any_error("26000"), ready('I'))
      .expect_release();
}

TEST(redshift_fallback, other_errors_are_shown_with_what_came_before_them) {
  Script(falling_back())
      .client(query("select x from t"))
      .expect_acquire()
      .expect_to_server(query("select x from t"))
      .server(notice("mind"), error("42703"), ready('I'))
      .expect_to_client(notice("mind"), error("42703"), ready('I'))
      .expect_release();
}

TEST(redshift_fallback, an_answer_that_was_begun_is_not_given_twice) {
  Script(falling_back())
      .client(query("select now() from t"))
      .expect_acquire()
      .expect_to_server(query("select now() from t"))
      .server(row_description(), data_row(), leader_node_refusal(), ready('I'))
      .expect_to_client(row_description(), data_row(), leader_node_refusal(), ready('I'))
      .expect_release();
}

TEST(redshift_fallback, what_writes_stays) {
  Script(falling_back())
      .client(query("insert into t select now() from t"))
      .expect_acquire()
      .expect_to_server(query("insert into t select now() from t"))
      .server(leader_node_refusal(), ready('I'))
      .expect_to_client(leader_node_refusal(), ready('I'))
      .expect_release();
}

TEST(redshift_fallback, what_the_other_route_refuses_is_shown) {
  Script(falling_back())
      .client(query("select now() from t"))
      .expect_acquire()
      .expect_to_server(query("select now() from t"))
      .server(leader_node_refusal(), ready('I'))
      .expect_release()
      .expect_acquire("b")
      .expect_to_server(query("select now() from t"))
      .server(error("42P01"), ready('I'))
      .expect_to_client(error("42P01"), ready('I'))
      .expect_release("b");
}

TEST(redshift_fallback, a_rule_names_the_other_route) {
  Script(on_redshift())
      .client(query("select now() from takes_over"))
      .expect_acquire()
      .expect_to_server(query("select now() from takes_over"))
      .server(notice("Function \"now()\" not supported."), leader_node_refusal(), ready('I'))
      .expect_release()
      .expect_acquire("b")
      .expect_to_server(query("select now() from takes_over"))
      .server(row_description(), data_row(), complete("SELECT 1"), ready('I'))
      .expect_to_client(row_description(), data_row(), complete("SELECT 1"), ready('I'))
      .expect_release("b");
}

TEST(redshift_fallback, a_rule_may_say_that_there_is_none) {
  Script(falling_back())
      .client(query("select now() from stays"))
      .expect_acquire()
      .expect_to_server(query("select now() from stays"))
      .server(leader_node_refusal(), ready('I'))
      .expect_to_client(leader_node_refusal(), ready('I'))
      .expect_release();
}

}  // namespace pgswitch::script
