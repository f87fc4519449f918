// COPY in both protocols.
#include <gtest/gtest.h>

#include "copy_messages.hpp"

namespace pgswitch::script {

TEST(copy_from, streams_to_the_server) {
  const Bytes data = copy_data("1\n") + copy_data(std::string(50'000, 'x')) + copy_done();
  Script()
      .client(query(copy_in))
      .expect_acquire()
      .expect_to_server(query(copy_in))
      .server(copy_in_response())
      .expect_to_client(copy_in_response())
      .client(data)
      .expect_to_server(data)
      .server(complete("COPY 2"), ready('I'))
      .expect_to_client(complete("COPY 2"), ready('I'))
      .expect_release();
}

TEST(copy_from, sent_ahead_of_the_response) {
  Script()
      .client(query(copy_in), copy_data("1\n"), copy_done(), query("select 1"))
      .expect_acquire()
      .expect_to_server(query(copy_in), copy_data("1\n"), copy_done(), query("select 1"))
      .server(copy_in_response(), complete("COPY 1"), ready('I'), complete("SELECT 1"), ready('I'))
      .expect_to_client(copy_in_response(), complete("COPY 1"), ready('I'), complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(copy_from, client_may_go_on_between_the_end_of_its_data_and_the_response) {
  Script()
      .client(query(copy_in), copy_data("1\n"), copy_done())
      .expect_acquire()
      .expect_to_server(query(copy_in), copy_data("1\n"), copy_done())
      .server(copy_in_response())
      .expect_to_client(copy_in_response())
      .client(query("select 1"))
      .expect_to_server(query("select 1"))
      .server(complete("COPY 1"), ready('I'), complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("COPY 1"), ready('I'), complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(copy_from, extended_ignores_the_sync_that_came_with_its_execute) {
  Script()
      .client(extended_copy(), sync())
      .expect_acquire()
      .expect_to_server(extended_copy(), flush())
      .server(parse_complete(), bind_complete(), copy_in_response())
      .expect_to_client(parse_complete(), bind_complete(), copy_in_response())
      .client(copy_data("1\n"), copy_done(), sync())
      .expect_to_server(copy_data("1\n"), copy_done(), sync())
      .server(complete("COPY 1"), ready('I'))
      .expect_to_client(complete("COPY 1"), ready('I'))
      .expect_release();
}

TEST(copy_from, extended_in_one_go_keeps_the_sync_behind_the_data) {
  const Bytes all = extended_copy() + copy_data("1\n") + copy_done() + sync();
  Script()
      .client(all)
      .expect_acquire()
      .expect_to_server(all)
      .server(parse_complete(), bind_complete(), copy_in_response(), complete("COPY 1"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), copy_in_response(), complete("COPY 1"), ready('I'))
      .expect_release();
}

TEST(copy_from, extended_in_one_go_with_both_syncs) {
  Script()
      .client(extended_copy(), sync(), copy_data("1\n"), copy_done(), sync())
      .expect_acquire()
      .expect_to_server(extended_copy(), flush())
      .server(parse_complete(), bind_complete(), copy_in_response())
      .expect_to_client(parse_complete(), bind_complete(), copy_in_response())
      .expect_to_server(copy_data("1\n"), copy_done(), sync())
      .server(complete("COPY 1"), ready('I'))
      .expect_to_client(complete("COPY 1"), ready('I'))
      .expect_release();
}

TEST(copy_from, sync_and_flush_during_it_are_not_passed_on) {
  Script()
      .client(extended_copy(), flush())
      .expect_acquire()
      .expect_to_server(extended_copy(), flush())
      .server(parse_complete(), bind_complete(), copy_in_response())
      .expect_to_client(parse_complete(), bind_complete(), copy_in_response())
      .client(sync(), flush(), copy_data("1\n"), copy_done())
      .expect_to_server(copy_data("1\n"), copy_done())
      .client(sync())
      .expect_to_server(sync())
      .server(complete("COPY 1"), ready('I'))
      .expect_to_client(complete("COPY 1"), ready('I'))
      .expect_release();
}

TEST(copy_from, twice_in_one_string) {
  Script()
      .client(query("copy t from stdin; copy u from stdin"))
      .expect_acquire()
      .expect_to_server(query("copy t from stdin; copy u from stdin"))
      .server(copy_in_response())
      .expect_to_client(copy_in_response())
      .client(copy_data("1\n"), copy_done())
      .expect_to_server(copy_data("1\n"), copy_done())
      .server(complete("COPY 1"), copy_in_response())
      .expect_to_client(complete("COPY 1"), copy_in_response())
      .client(copy_data("2\n"), copy_done())
      .expect_to_server(copy_data("2\n"), copy_done())
      .server(complete("COPY 1"), ready('I'))
      .expect_to_client(complete("COPY 1"), ready('I'))
      .expect_release();
}

TEST(copy_to, streams_to_the_client) {
  const Bytes data = copy_data("1\n") + copy_data(std::string(50'000, 'x')) + copy_done();
  Script()
      .client(query("copy t to stdout"))
      .expect_acquire()
      .expect_to_server(query("copy t to stdout"))
      .server(copy_out_response(), data, complete("COPY 2"), ready('I'))
      .expect_to_client(copy_out_response(), data, complete("COPY 2"), ready('I'))
      .expect_release();
}

TEST(copy_from, nothing_else_goes_behind_it_before_it_has_begun) {
  Script()
      .client(query(copy_in), query("select 1"))
      .expect_acquire()
      .expect_to_server(query(copy_in))
      .server(copy_in_response())
      .expect_to_server(broken())
      .server(broken_off())
      .expect_to_client(copy_in_response(), error("08P01", "unexpected message type 0x51 during COPY from stdin"), any_fatal("08P01"))
      .expect_close();
  Script()
      .client(query(copy_in), terminate())
      .expect_acquire()
      .expect_to_server(query(copy_in))
      .server(copy_in_response())
      .expect_to_server(broken())
      .server(broken_off())
      .expect_to_client(copy_in_response(), error("08P01", "unexpected message type 0x58 during COPY from stdin"), any_fatal("08P01"))
      .expect_close();
}

}  // namespace pgswitch::script
