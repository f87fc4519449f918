#include "proxy/server_recovery.hpp"

#include <boost/asio/post.hpp>
#include <fcntl.h>
#include <gtest/gtest.h>

#include "tests/proxy/pool_fixture.hpp"

namespace pgswitch::pool_test {
namespace {

/// One row: what a session left, what the server says by itself and in reply, and what must come of it.
struct Case {
  std::string name;
  Leftover left;
  std::string already_sent;                          ///< by the server, before the recovery begins
  std::vector<std::pair<std::string, std::string>> replies;  ///< frame -> answer; others get "OK" if they are queries
  std::string on_cancel;
  std::string reset_query;
  std::vector<std::string> expected;                 ///< frames the server sees
  bool clean = true;
};

std::string row(std::size_t size) {
  std::string out;
  protocol::MessageWriter(out, 'D').bytes(std::string(size, 'x'));
  return out;
}
std::string empty_frame(char type) {
  std::string out;
  protocol::write_empty(out, type);
  return out;
}

Leftover left(std::uint32_t ready_expected, std::uint64_t skip = 0, bool copy_in = false, bool sync = false,
              bool in_transaction = false, bool reset = false) {
  Leftover leftover;
  leftover.ready_expected = ready_expected;
  leftover.skip_bytes = skip;
  leftover.copy_in = copy_in;
  leftover.sync_needed = sync;
  leftover.in_transaction = in_transaction;
  leftover.reset_needed = reset;
  return leftover;
}

std::vector<Case> cases() {
  const std::string failed = sql_error("57014", "canceling statement due to user request");
  const std::string copy_in_response(std::string("G\0\0\0\x07\0\0\0", 8));
  const std::string ended_copy = sql_error("34000", "portal \"pgswitch ended a COPY\" does not exist");
  std::vector<Case> list;
  const auto add = [&](std::string name, Leftover what) -> Case& {
    list.emplace_back();
    list.back().name = std::move(name);
    list.back().left = what;
    return list.back();
  };
  add("nothing_left", left(0));
  add("replies_that_come_in_time_are_read_without_a_cancel", left(1)).already_sent = complete("SELECT 1");
  {
    Case& c = add("open_transaction_is_rolled_back", left(0, 0, false, false, true));
    c.expected = {"Q ROLLBACK"};
  }
  {
    Case& c = add("transaction_status_of_the_last_reply_counts", left(1));
    c.already_sent = complete("INSERT 0 1", 'T');
    c.expected = {"Q ROLLBACK"};
  }
  {
    Case& c = add("failed_transaction_is_rolled_back", left(1));
    c.already_sent = failed + ready('E');
    c.expected = {"Q ROLLBACK"};
  }
  {
    Case& c = add("half_a_row_is_skipped", left(1, 10));
    c.already_sent = std::string(10, 'Z') + complete("SELECT 1");
  }
  {
    Case& c = add("rows_larger_than_any_buffer_are_passed_over", left(1));
    c.already_sent = row(100'000) + row(3) + complete("SELECT 2");
  }
  {
    Case& c = add("running_query_is_cancelled", left(1));
    c.on_cancel = failed + ready();
    c.expected = {"<cancel>"};
  }
  {
    Case& c = add("two_pipelined_queries_are_both_awaited", left(2));
    c.already_sent = complete("SELECT 1");
    c.on_cancel = failed + ready();
    c.expected = {"<cancel>"};
  }
  {
    Case& c = add("copy_in_is_failed", left(1, 0, true));
    c.replies = {{"f", failed + ready()}};
    c.expected = {"f"};
  }
  {
    Case& c = add("copy_in_inside_a_transaction_is_failed_and_rolled_back", left(1, 0, true, false, true));
    c.replies = {{"f", failed + ready('E')}};
    c.expected = {"f", "Q ROLLBACK"};
  }
  {
    Case& c = add("extended_batch_is_failed_and_gets_its_sync", left(1, 0, false, true));
    c.replies = {{"S", empty_frame('1') + failed + ready()}};
    c.expected = {"E", "S"};
  }
  {
    Case& c = add("extended_copy_gets_copy_fail_and_sync", left(1, 0, true, true));
    c.replies = {{"f", failed}, {"S", ready()}};
    c.expected = {"f", "E", "S"};
  }
  {
    Case& c = add("copy_that_begins_late_is_failed", left(1));
    c.already_sent = copy_in_response;
    c.replies = {{"f", failed + ready()}, {"S", ready()}, {"E", ended_copy}};
    c.expected = {"f", "S", "E", "S"};
  }
  {
    Case& c = add("copy_that_has_swallowed_the_syncs_behind_it_is_failed", left(3));
    c.already_sent = copy_in_response;
    c.replies = {{"f", failed}, {"S", ready()}, {"E", ended_copy}};
    c.expected = {"f", "S", "E", "S"};
  }
  {
    Case& c = add("copy_that_may_have_swallowed_our_sync_closes", left(1, 0, false, true));
    c.already_sent = copy_in_response;
    c.expected = {"E", "S"};
    c.clean = false;
  }
  {
    Case& c = add("reset_query_comes_last", left(1, 0, false, false, false, true));
    c.already_sent = complete("BEGIN", 'T');
    c.reset_query = "DISCARD ALL";
    c.expected = {"Q ROLLBACK", "Q DISCARD ALL"};
  }
  {
    Case& c = add("failing_reset_query_closes", left(0, 0, false, false, false, true));
    c.reset_query = "DISCARD ALL";
    c.replies = {{"Q DISCARD ALL", failed + ready()}};
    c.expected = {"Q DISCARD ALL"};
    c.clean = false;
  }
  {
    Case& c = add("more_replies_than_expected_close", left(1, 0, false, false, true));
    c.already_sent = complete("SELECT 1", 'T') + complete("SELECT 1", 'T');
    c.replies = {{"Q ROLLBACK", ""}};
    c.expected = {"Q ROLLBACK"};
    c.clean = false;
  }
  {
    Case& c = add("copy_both_closes", left(1));
    c.already_sent = std::string("W\0\0\0\x07\0\0\0", 8);
    c.clean = false;
  }
  {
    Case& c = add("malformed_frame_closes", left(1));
    c.already_sent = std::string("D\0\0\0\x01", 5);
    c.clean = false;
  }
  {
    Case& c = add("unusable_is_not_even_tried", left(0, 0, false, false, true));
    c.left.unusable = true;
    c.clean = false;
  }
  return list;
}

class RecoveryTest : public testing::Test {
 protected:
  RecoveryTest() {
    int pair[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    const asio::generic::stream_protocol protocol(AF_UNIX, 0);
    backend = std::make_unique<FakeBackend>(FakeBackend::Socket(loop.io, protocol, pair[0]),
                                            [this](const std::string& frame) { return answer(frame); });
    ::fcntl(pair[1], F_SETFL, ::fcntl(pair[1], F_GETFL) | O_NONBLOCK);
    server = std::make_unique<ServerConn>(loop.poller, loop.slab, pair[1]);
    server->begin_coroutine();
    loop.home.cancel = [this](const ServerConn&, std::int64_t) { return cancel(); };
    asio::co_spawn(loop.io, backend->run(false, ""), asio::detached);
    plan.grace_us = 20'000;
    plan.deadline_us = loop.home.now_us() + 5'000'000;
  }
  std::string answer(const std::string& frame) {
    for (const auto& [wanted, reply] : test.replies) {
      if (wanted == frame) return reply;
    }
    return frame[0] == 'Q' ? complete("OK") : std::string();
  }
  asio::awaitable<void> cancel() {
    backend->seen.push_back("<cancel>");
    backend->send(test.on_cancel);
    co_return;
  }
  bool recovered() {
    bool done = false;
    bool clean = false;
    asio::co_spawn(loop.io, recover(loop.home, *server, test.left, plan, reason), [&](std::exception_ptr, bool result) {
      done = true;
      clean = result;
    });
    EXPECT_TRUE(loop.run_until([&] { return done; })) << "hangs";
    return clean;
  }

  Loop loop;
  Case test;
  RecoveryPlan plan;
  std::unique_ptr<FakeBackend> backend;
  std::unique_ptr<ServerConn> server;
  std::string_view reason;
};

class RecoveryTable : public RecoveryTest, public testing::WithParamInterface<Case> {};

TEST_P(RecoveryTable, leaves_the_connection_clean_or_says_that_it_must_be_closed) {
  test = GetParam();
  plan.reset_query = test.reset_query;
  if (!test.clean) plan.deadline_us = loop.home.now_us() + 300'000;
  std::string sent = test.already_sent;
  asio::post(loop.io, [&] { backend->send(sent); });
  loop.settle();
  const bool clean = recovered();
  EXPECT_EQ(clean, test.clean) << reason;
  loop.settle();
  EXPECT_EQ(backend->seen, test.expected);
  if (clean) {
    EXPECT_TRUE(server->in.empty());
    EXPECT_TRUE(server->stream.is_open());
  }
}

INSTANTIATE_TEST_SUITE_P(Leftovers, RecoveryTable, testing::ValuesIn(cases()),
                         [](const auto& row_info) { return row_info.param.name; });

TEST_F(RecoveryTest, of_a_server_that_has_much_to_say_lets_others_have_their_turn) {
  test.left = left(1);
  std::string much;
  for (int i = 0; i < 12; ++i) much += row(loop.slab.block_size());
  asio::post(loop.io, [&] { backend->send(much + complete("SELECT 12")); });
  loop.settle();
  bool others = false;
  bool others_before_the_end = false;
  bool done = false;
  Alarm alarm(loop.io);
  alarm.call_after(0, [&] { others = true; });
  asio::co_spawn(loop.io, recover(loop.home, *server, test.left, plan, reason), [&](std::exception_ptr, bool clean) {
    EXPECT_TRUE(clean) << reason;
    others_before_the_end = others;
    done = true;
  });
  EXPECT_TRUE(loop.run_until([&] { return done; }));
  EXPECT_TRUE(others_before_the_end);
}

TEST_F(RecoveryTest, ends_at_its_deadline_when_the_server_is_silent) {
  test.left = left(1);
  plan.deadline_us = loop.home.now_us() + 50'000;
  EXPECT_FALSE(recovered());
  EXPECT_EQ(reason, "client disconnected with query in progress");
}

TEST_F(RecoveryTest, ends_when_the_server_closes) {
  test.left = left(1);
  asio::post(loop.io, [&] { backend->close(); });
  EXPECT_FALSE(recovered());
}

TEST_F(RecoveryTest, waits_until_no_cancel_is_in_flight) {
  server->cancels_in_flight = 1;
  test.left = left(0, 0, false, false, true);
  asio::post(loop.io, [&] {
    EXPECT_TRUE(backend->seen.empty()) << "ROLLBACK could be cancelled";
    asio::post(loop.io, [&] { server->cancels_in_flight = 0; });
  });
  EXPECT_TRUE(recovered());
  EXPECT_EQ(backend->seen, std::vector<std::string>{"Q ROLLBACK"});
}

TEST_F(RecoveryTest, discard_all_forgets_what_was_known_of_the_session) {
  server->state.settings.set("search_path", "SET search_path TO a");
  server->state.prepared.insert(PreparedKey{1, 2});
  server->state.unknown_settings = server->state.session_state = true;
  plan.reset_query = "DISCARD ALL";
  test.replies = {{"Q DISCARD ALL", parameter("DateStyle", "ISO, DMY") + complete("DISCARD ALL")}};
  EXPECT_TRUE(recovered());
  EXPECT_TRUE(server->state.settings.empty());
  EXPECT_EQ(server->state.prepared.size(), 0u);
  EXPECT_FALSE(server->state.unknown_settings);
  EXPECT_FALSE(server->state.session_state);
  EXPECT_EQ(server->state.reported[static_cast<std::size_t>(Tracked::date_style)], "ISO, DMY");
}

// The next client would be told that what it parses is there.
TEST_F(RecoveryTest, a_rollback_drops_the_unnamed_statement) {
  server->state.prepared.insert(PreparedKey{1, 2});
  server->state.prepared.unnamed = PreparedKey{3, 4};
  test.left.in_transaction = true;
  EXPECT_TRUE(recovered());
  EXPECT_EQ(server->state.prepared.unnamed, PreparedKey{});
  EXPECT_EQ(server->state.prepared.size(), 1u);
}

TEST_F(RecoveryTest, a_reset_query_that_keeps_prepared_statements_keeps_them_known) {
  server->state.settings.set("search_path", "SET search_path TO a");
  server->state.prepared.insert(PreparedKey{1, 2});
  plan.reset_query = "reset all";
  EXPECT_TRUE(recovered());
  EXPECT_TRUE(server->state.settings.empty());
  EXPECT_EQ(server->state.prepared.size(), 1u);
}

}  // namespace
}  // namespace pgswitch::pool_test
