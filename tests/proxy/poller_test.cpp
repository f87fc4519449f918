#include "proxy/poller.hpp"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace pgswitch {
namespace {

/// One end of a socket pair; its peer writes.
struct End final : Pollable {
  End(Poller& watching, std::vector<std::string>& calls, std::string own_name, bool first)
      : poller(watching), log(calls), name(std::move(own_name)) {
    goes_first_ = first;
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    poller.add(fds[0], EPOLLIN, *this);
  }
  ~End() {
    if (watched) poller.remove(fds[0], *this);
    ::close(fds[0]);
    ::close(fds[1]);
  }
  void on_ready(std::uint32_t) override {
    log.push_back(name);
    stop_watching();
    if (other) other->stop_watching();
  }
  void stop_watching() {
    if (watched) poller.remove(fds[0], *this);
    watched = false;
  }
  void become_readable() { EXPECT_EQ(::write(fds[1], "x", 1), 1); }

  Poller& poller;
  std::vector<std::string>& log;
  std::string name;
  int fds[2];
  bool watched = true;
  End* other = nullptr;
};

struct PollerTest : testing::Test {
  void turn() { poller.turn(0); }
  boost::asio::io_context io{1};
  Poller poller{io};
  std::vector<std::string> calls;
};

TEST_F(PollerTest, tells_those_that_go_first_before_the_others_of_the_same_turn) {
  End client(poller, calls, "client", false), server(poller, calls, "server", true);
  client.become_readable();
  server.become_readable();
  turn();
  EXPECT_EQ(calls, (std::vector<std::string>{"server", "client"}));
}

TEST_F(PollerTest, does_not_call_what_was_removed_in_the_same_turn) {
  End client(poller, calls, "client", false), server(poller, calls, "server", true);
  server.other = &client;
  client.become_readable();
  server.become_readable();
  turn();
  EXPECT_EQ(calls, std::vector<std::string>{"server"});
}

}  // namespace
}  // namespace pgswitch
