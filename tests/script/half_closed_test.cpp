// What a client still gets that sends nothing more.
#include <gtest/gtest.h>

#include "script.hpp"

namespace pgswitch::script {

namespace {

void expect_owed(const SessionCore& core) { EXPECT_TRUE(core.owes_answers()); }
void expect_nothing_owed(const SessionCore& core) { EXPECT_FALSE(core.owes_answers()); }

}  // namespace

TEST(half_closed, client_is_owed_the_answers_to_its_queries) {
  Script()
      .check(expect_nothing_owed)
      .client(query("select 1"))
      .check(expect_owed)
      .expect_acquire()
      .check(expect_owed)
      .expect_to_server(query("select 1"))
      .server(data_row())
      .expect_to_client(data_row())
      .check(expect_owed)
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .check(expect_nothing_owed)
      .expect_release();
}

TEST(half_closed, client_is_owed_nothing_for_a_batch_without_an_end) {
  Script()
      .client(parse("", "select 1"), bind_to("", ""), execute(""))
      .expect_acquire()
      .expect_to_server(parse("", "select 1"), bind_to("", ""), execute(""))
      .check(expect_nothing_owed)
      .client(sync())
      .expect_to_server(sync())
      .check(expect_owed)
      .server(parse_complete(), bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(half_closed, client_is_owed_nothing_in_the_middle_of_its_data) {
  Script()
      .client(query("copy t from stdin"))
      .expect_acquire()
      .expect_to_server(query("copy t from stdin"))
      .check(expect_owed)
      .server(copy_in_response())
      .expect_to_client(copy_in_response())
      .check(expect_nothing_owed)
      .client(copy_data("1\n"), copy_done())
      .expect_to_server(copy_data("1\n"), copy_done())
      .check(expect_owed)
      .server(complete("COPY 1"), ready('I'))
      .expect_to_client(complete("COPY 1"), ready('I'))
      .expect_release();
}

}  // namespace pgswitch::script
