// COPY that fails, or that its client or server leaves.
#include <gtest/gtest.h>

#include "copy_messages.hpp"

namespace pgswitch::script {

TEST(copy_from, sent_ahead_behind_a_begin_that_fails_fails_once) {
  Script()
      .client(query("begin"), query(copy_in), copy_data("1\n"), copy_done())
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(parse(on_server("begin"), "begin"), bind_to("pgswitch", on_server("begin")), execute("pgswitch"), close_portal("pgswitch"),
                        query(copy_in), copy_data("1\n"), copy_done())
      .server(error("57P03", "not now"))
      .expect_to_client(error("57P03", "not now"))
      .expect_to_server(sync())
      .server(ready('I'))
      .expect_to_client(ready('E'))
      .expect_release();
}

TEST(copy_from, failed_by_the_client) {
  Script()
      .client(query(copy_in))
      .expect_acquire()
      .expect_to_server(query(copy_in))
      .server(copy_in_response())
      .expect_to_client(copy_in_response())
      .client(copy_data("1\n"), copy_fail("no"))
      .expect_to_server(copy_data("1\n"), copy_fail("no"))
      .server(error("57014", "COPY from stdin failed: no"), ready('I'))
      .expect_to_client(error("57014", "COPY from stdin failed: no"), ready('I'))
      .expect_release();
}

TEST(copy_from, data_after_the_servers_error_is_dropped) {
  Script()
      .client(query(copy_in))
      .expect_acquire()
      .expect_to_server(query(copy_in))
      .server(copy_in_response())
      .expect_to_client(copy_in_response())
      .client(copy_data("bad\n"))
      .expect_to_server(copy_data("bad\n"))
      .server(error("22P02"), ready('I'))
      .expect_to_client(error("22P02"), ready('I'))
      .expect_release()
      .client(copy_data("more\n"), copy_done())
      .whole_exchange("select 1", "SELECT 1");
}

TEST(copy_from, data_between_the_servers_error_and_its_ready_for_query_does_no_harm) {
  Script()
      .client(query(copy_in))
      .expect_acquire()
      .expect_to_server(query(copy_in))
      .server(copy_in_response())
      .expect_to_client(copy_in_response())
      .client(copy_data("bad\n"))
      .expect_to_server(copy_data("bad\n"))
      .server(error("22P02"))
      .expect_to_client(error("22P02"))
      .client(copy_data("more\n"), copy_done())
      .expect_to_server(copy_data("more\n"), copy_done())
      .server(ready('I'))
      .expect_to_client(ready('I'))
      .expect_release()
      .whole_exchange("select 1", "SELECT 1");
}

TEST(copy_from, that_fails_in_the_middle_of_a_message_keeps_its_server_until_the_message_ends) {
  const Bytes data = copy_data(std::string(5000, 'x'));
  Script()
      .client(query(copy_in))
      .expect_acquire()
      .expect_to_server(query(copy_in))
      .server(copy_in_response())
      .expect_to_client(copy_in_response())
      .client(data.substr(0, 50))
      .expect_to_server(data.substr(0, 50))
      .server(error("22P02"), ready('I'))
      .expect_to_client(error("22P02"), ready('I'))
      .client(data.substr(50))
      .expect_to_server(data.substr(50))
      .expect_release()
      .client(copy_done());
}

TEST(copy_from, anything_else_during_it_ends_the_session) {
  Script()
      .client(query(copy_in))
      .expect_acquire()
      .expect_to_server(query(copy_in))
      .server(copy_in_response())
      .expect_to_client(copy_in_response())
      .client(query("select 1"))
      .expect_to_server(broken())
      .server(broken_off())
      .expect_to_client(error("08P01", "unexpected message type 0x51 during COPY from stdin"), any_fatal("08P01"))
      .expect_close();
}

// Inside of it a server would end its connection.
TEST(copy_from, is_not_followed_by_another_execute_before_it_has_begun) {
  Script()
      .client(parse("", copy_in), bind_to("", ""), execute("", 1), execute(""), sync())
      .expect_acquire()
      .expect_to_server(parse("", copy_in), bind_to("", ""), execute("", 1), flush())
      .server(parse_complete(), bind_complete(), copy_in_response())
      .expect_to_client(parse_complete(), bind_complete(), copy_in_response())
      .expect_to_server(broken(), flush())
      .server(broken_off())
      .expect_to_client(error("08P01", "unexpected message type 0x45 during COPY from stdin"), any_fatal("08P01"))
      .expect_close();
}

TEST(copy_from, that_fails_before_anything_else_is_seen_goes_on_with_it) {
  Script()
      .client(query(copy_in))
      .expect_acquire()
      .expect_to_server(query(copy_in))
      .server(copy_in_response())
      .expect_to_client(copy_in_response())
      .client(copy_data("nonsense\n"), query("select 1"))
      .expect_to_server(copy_data("nonsense\n"), broken())
      .server(error("22P04"), ready('I'))
      .expect_to_client(error("22P04"), ready('I'))
      .expect_release()
      .expect_acquire()
      .expect_to_server(query("select 1"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(copy_from, client_that_leaves_in_the_middle_of_small_data_costs_no_connection) {
  Script()
      .client(query(copy_in))
      .expect_acquire()
      .expect_to_server(query(copy_in))
      .server(copy_in_response())
      .expect_to_client(copy_in_response())
      .client(copy_data("1\n"), copy_data("half of it").substr(0, 9))
      .expect_to_server(copy_data("1\n"))
      .check([](const SessionCore& core) {
        const Leftover left = core.leftover(core.active_route());
        EXPECT_TRUE(left.copy_in && !left.unusable);
      })
      .client(copy_data("half of it").substr(9), copy_done().substr(0, 2))
      .expect_to_server(copy_data("half of it"))
      .client(copy_done().substr(2))
      .expect_to_server(copy_done())
      .server(complete("COPY 2"), ready('I'))
      .expect_to_client(complete("COPY 2"), ready('I'))
      .expect_release();
}

TEST(copy_from, that_never_began_leaves_nothing_behind) {
  Script()
      .client(query(copy_in), copy_data("1\n"), copy_done())
      .expect_acquire()
      .expect_to_server(query(copy_in), copy_data("1\n"), copy_done())
      .server(error("42P01"), ready('I'))
      .expect_to_client(error("42P01"), ready('I'))
      .expect_release()
      .whole_exchange("select 1", "SELECT 1");
}

TEST(copy_to, extended_that_fails_in_the_middle) {
  const Bytes batch = parse("", "copy t to stdout") + bind_to("", "") + execute("") + sync();
  Script()
      .client(batch)
      .expect_acquire()
      .expect_to_server(batch)
      .server(parse_complete(), bind_complete(), copy_out_response(), copy_data("1\n"), error("57014"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), copy_out_response(), copy_data("1\n"), error("57014"), ready('I'))
      .expect_release();
}

TEST(copy_from, that_fails_lets_what_stands_behind_it_go_on) {
  Script()
      .client(query(copy_in), query("select 1"))
      .expect_acquire()
      .expect_to_server(query(copy_in))
      .server(error("42P01"), ready('I'))
      .expect_to_client(error("42P01"), ready('I'))
      .expect_release()
      .expect_acquire()
      .expect_to_server(query("select 1"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(copy_from, that_nobody_can_go_on_with_ends_at_once) {
  Script()
      .client(query(copy_in))
      .expect_acquire()
      .expect_to_server(query(copy_in))
      .server(copy_in_response())
      .expect_to_client(copy_in_response())
      .client(Bytes("S\0\0\x4e\x24", 5))
      .expect_to_client(fatal("08P01", "invalid message length"))
      .expect_close();
}

}  // namespace pgswitch::script
