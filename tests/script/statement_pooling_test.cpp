// pool_mode = statement: a server for each statement, no transactions.
#include <gtest/gtest.h>

#include "script.hpp"

namespace pgswitch::script {

TEST(statement_pooling, transaction_is_refused) {
  Script(statement_pooling()).client(query("begin")).expect_to_client(any_error("0A000"), ready('I')).whole_exchange("select 1", "SELECT 1");
  Script(statement_pooling())
      .client(parse("", "begin"), bind_to("", ""), execute(""), sync())
      .expect_to_client(parse_complete(), bind_complete(), any_error("0A000"), ready('I'));
}

TEST(statement_pooling, transaction_opened_unseen_ends_the_session) {
  Script(statement_pooling())
      .client(query("select start_it()"))
      .expect_acquire()
      .expect_to_server(query("select start_it()"))
      .server(complete("SELECT 1"), ready('T'))
      .expect_to_client(complete("SELECT 1"), ready('T'), any_fatal("0A000"))
      .expect_release("app", Leftover{.in_transaction = true})
      .expect_close();
}

TEST(disable_pqexec, ends_a_session_that_sends_a_query_and_lets_the_extended_protocol_pass) {
  Start start = statement_pooling();
  start.options.disable_pqexec = true;
  Script(start).client(query("select 1")).expect_to_client(any_fatal("08P01")).expect_close();
  Script(start)
      .client(parse("", "select 1"), bind_to("", ""), execute(""), sync())
      .expect_acquire()
      .expect_to_server(parse("", "select 1"), bind_to("", ""), execute(""), sync())
      .server(parse_complete(), bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_release();
}

}  // namespace pgswitch::script
