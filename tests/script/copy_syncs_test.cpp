// Syncs inside a COPY FROM STDIN that fails: which of them are answered.
#include <gtest/gtest.h>

#include "copy_messages.hpp"

namespace pgswitch::script {

TEST(copy_from, extended_that_failed_before_a_sync_without_end_of_data_is_ended_by_it) {
  Script()
      .client(extended_copy(), flush())
      .expect_acquire()
      .expect_to_server(extended_copy(), flush())
      .server(parse_complete(), bind_complete(), copy_in_response())
      .expect_to_client(parse_complete(), bind_complete(), copy_in_response())
      .client(copy_data("bad\n"), sync())
      .expect_to_server(copy_data("bad\n"))
      .server(error("22P02", "bad"))
      .expect_to_client(error("22P02", "bad"))
      .expect_to_server(sync())
      .server(ready('I'))
      .expect_to_client(ready('I'))
      .expect_release();
}

/// PostgreSQL has not read them when it looks at the data.
TEST(copy_from, failed_by_data_in_front_of_syncs_has_them_answered) {
  Script()
      .client(query(copy_in), copy_data("bad\n"), sync(), sync())
      .expect_acquire()
      .expect_to_server(query(copy_in), copy_data("bad\n"))
      .server(copy_in_response())
      .expect_to_client(copy_in_response())
      .server(error("22P02", "bad"))
      .expect_to_client(error("22P02", "bad"))
      .expect_to_server(sync(), sync())
      .server(ready('I'), ready('I'), ready('I'))
      .expect_to_client(ready('I'), ready('I'), ready('I'))
      .expect_release();
  Script()
      .client(query(copy_in), sync(), copy_data("bad\n"), copy_done())
      .expect_acquire()
      .expect_to_server(query(copy_in))
      .server(copy_in_response())
      .expect_to_client(copy_in_response())
      .expect_to_server(copy_data("bad\n"), copy_done())
      .server(error("22P02", "bad"), ready('I'))
      .expect_to_client(error("22P02", "bad"), ready('I'))
      .expect_release();
  Script()
      .client(extended_copy(), copy_data("bad\n"), sync(), sync())
      .expect_acquire()
      .expect_to_server(extended_copy(), copy_data("bad\n"), flush())
      .server(parse_complete(), bind_complete(), copy_in_response())
      .expect_to_client(parse_complete(), bind_complete(), copy_in_response())
      .server(error("22P02", "bad"))
      .expect_to_client(error("22P02", "bad"))
      .expect_to_server(sync(), sync())
      .server(ready('I'), ready('I'))
      .expect_to_client(ready('I'), ready('I'))
      .expect_release();
}

TEST(copy_from, failed_behind_its_end_has_the_syncs_before_that_answered) {
  Script()
      .client(query(copy_in), copy_data("bad\n"), sync(), copy_done(), sync())
      .expect_acquire()
      .expect_to_server(query(copy_in), copy_data("bad\n"))
      .server(copy_in_response())
      .expect_to_client(copy_in_response())
      .expect_to_server(copy_done())
      .server(error("22P02", "bad"))
      .expect_to_client(error("22P02", "bad"))
      .expect_to_server(sync())
      .server(ready('I'), ready('I'))
      .expect_to_client(ready('I'), ready('I'), ready('I'))
      .expect_release();
}

/// What stands behind the end of the data stands behind the Syncs inside, and is not skipped.
TEST(copy_from, extended_failed_behind_its_end_goes_on_behind_the_syncs_before_that) {
  const Bytes next = parse("", "select 1") + sync();
  Script()
      .client(extended_copy(), copy_data("bad\n"), sync(), copy_done(), next)
      .expect_acquire()
      .expect_to_server(extended_copy(), copy_data("bad\n"), flush())
      .server(parse_complete(), bind_complete(), copy_in_response())
      .expect_to_client(parse_complete(), bind_complete(), copy_in_response())
      .expect_to_server(copy_done(), flush())
      .server(error("22P02", "bad"))
      .expect_to_client(error("22P02", "bad"))
      .expect_to_server(sync())
      .server(ready('I'))
      .expect_to_client(ready('I'))
      .expect_release()
      .expect_acquire()
      .expect_to_server(next)
      .server(parse_complete(), ready('I'))
      .expect_to_client(parse_complete(), ready('I'))
      .expect_release();
}

/// As with what is wrong when all rows have come.
TEST(copy_from, failed_by_its_end_has_read_the_syncs_before_that) {
  for (const Bytes& failed : {error("57014", "COPY from stdin failed: no"), error("23505")}) {
    Script()
        .client(extended_copy(), sync(), copy_fail("no"), sync())
        .expect_acquire()
        .expect_to_server(extended_copy(), flush())
        .server(parse_complete(), bind_complete(), copy_in_response())
        .expect_to_client(parse_complete(), bind_complete(), copy_in_response())
        .expect_to_server(copy_fail("no"), flush())
        .server(failed)
        .expect_to_client(failed)
        .expect_to_server(sync())
        .server(ready('I'))
        .expect_to_client(ready('I'))
        .expect_release();
    Script()
        .client(query(copy_in), copy_data("1\n"), sync(), copy_fail("no"), query("select 1"))
        .expect_acquire()
        .expect_to_server(query(copy_in), copy_data("1\n"))
        .server(copy_in_response())
        .expect_to_client(copy_in_response())
        .expect_to_server(copy_fail("no"))
        .server(failed, ready('I'))
        .expect_to_client(failed, ready('I'))
        .expect_release()
        .expect_acquire()
        .expect_to_server(query("select 1"))
        .server(complete("SELECT 1"), ready('I'))
        .expect_to_client(complete("SELECT 1"), ready('I'))
        .expect_release();
  }
}

TEST(copy_from, cancelled_while_it_waits_for_data_has_read_the_syncs) {
  Script()
      .client(extended_copy(), sync())
      .expect_acquire()
      .expect_to_server(extended_copy(), flush())
      .server(parse_complete(), bind_complete(), copy_in_response())
      .expect_to_client(parse_complete(), bind_complete(), copy_in_response())
      .server(error("57014"))
      .expect_to_client(error("57014"))
      .client(copy_done(), sync())
      .expect_to_server(sync())
      .server(ready('I'))
      .expect_to_client(ready('I'))
      .expect_release();
}

TEST(copy_from, whose_server_is_lost_behind_its_end_has_read_the_syncs_before_that) {
  Script()
      .client(query(copy_in), copy_data("1\n"), sync(), copy_done())
      .expect_acquire()
      .expect_to_server(query(copy_in), copy_data("1\n"))
      .server(copy_in_response())
      .expect_to_client(copy_in_response())
      .expect_to_server(copy_done())
      .server_lost()
      .expect_to_client(any_error("08006"), ready('I'))
      .expect_release("app", Leftover{.unusable = true})
      .whole_exchange("select 1", "SELECT 1");
}

TEST(copy_from, extended_that_fails_at_once_is_not_ended_by_a_sync_in_the_one_before) {
  Script()
      .client(extended_copy(), flush())
      .expect_acquire()
      .expect_to_server(extended_copy(), flush())
      .server(parse_complete(), bind_complete(), copy_in_response())
      .expect_to_client(parse_complete(), bind_complete(), copy_in_response())
      .client(sync(), copy_done(), sync())
      .expect_to_server(copy_done(), flush())
      .server(complete("COPY 0"))
      .expect_to_client(complete("COPY 0"))
      .expect_to_server(sync())
      .server(ready('T'))
      .expect_to_client(ready('T'))
      .client(extended_copy(), flush())
      .expect_to_server(extended_copy(), flush())
      .server(parse_complete(), bind_complete(), copy_in_response(), error("57014"))
      .expect_to_client(parse_complete(), bind_complete(), copy_in_response(), error("57014"))
      .client(sync())
      .expect_to_server(sync())
      .server(ready('I'))
      .expect_to_client(ready('I'))
      .expect_release();
}

TEST(copy_from, extended_whose_server_is_lost_behind_a_sync_without_end_of_data_is_ended_by_it) {
  Script()
      .client(extended_copy(), flush())
      .expect_acquire()
      .expect_to_server(extended_copy(), flush())
      .server(parse_complete(), bind_complete(), copy_in_response())
      .expect_to_client(parse_complete(), bind_complete(), copy_in_response())
      .client(copy_data("1\n"), sync())
      .expect_to_server(copy_data("1\n"))
      .server_lost()
      .expect_to_client(any_error("08006"), ready('I'))
      .expect_release("app", Leftover{.unusable = true})
      .whole_exchange("select 1", "SELECT 1");
}

TEST(copy_from, extended_failing_on_the_server_skips_to_the_next_sync) {
  Script()
      .client(extended_copy(), sync())
      .expect_acquire()
      .expect_to_server(extended_copy(), flush())
      .server(parse_complete(), bind_complete(), copy_in_response())
      .expect_to_client(parse_complete(), bind_complete(), copy_in_response())
      .client(copy_data("bad\n"))
      .expect_to_server(copy_data("bad\n"))
      .server(error("22P02"))
      .expect_to_client(error("22P02"))
      .client(copy_data("more\n"), copy_done(), sync())
      .expect_to_server(sync())
      .server(ready('I'))
      .expect_to_client(ready('I'))
      .expect_release();
}

}  // namespace pgswitch::script
