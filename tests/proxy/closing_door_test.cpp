#include "proxy/closing_door.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace pgswitch {
namespace {

class ClosingDoor : public testing::Test {
 protected:
  ClosingDoor() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    EXPECT_EQ(0, bind(listener_, reinterpret_cast<sockaddr*>(&address_), size));
    EXPECT_EQ(0, listen(listener_, 5));
    EXPECT_EQ(0, getsockname(listener_, reinterpret_cast<sockaddr*>(&address_), &size));
  }
  ~ClosingDoor() override { close(listener_); }

  /// A client that begins its handshake; on loopback it is at its end at once when it is answered.
  int knock() const {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    EXPECT_TRUE(connect(fd, reinterpret_cast<const sockaddr*>(&address_), sizeof address_) == 0 || errno == EINPROGRESS);
    return fd;
  }
  static bool is_answered(int client) {
    pollfd waits{client, POLLOUT, 0};
    return poll(&waits, 1, 0) == 1;
  }

  int listener_;
  sockaddr_in address_{};
};

TEST_F(ClosingDoor, lets_in_who_is_in_the_queue_and_answers_nobody_new) {
  const int before = knock();
  EXPECT_TRUE(is_answered(before));
  const bool turned_away = turn_away_new_clients(listener_);
  EXPECT_TRUE(turned_away || errno == EPERM);  // new kernels let only CAP_NET_ADMIN do it; then the door is as open as before
  const int behind = knock();
  EXPECT_NE(is_answered(behind), turned_away);

  const int accepted = accept(listener_, nullptr, nullptr);
  EXPECT_GE(accepted, 0);
  EXPECT_EQ(5, send(before, "hello", 5, 0));
  char said[5];
  EXPECT_EQ(5, recv(accepted, said, sizeof said, MSG_WAITALL));
  const int next = accept(listener_, nullptr, nullptr);
  EXPECT_EQ(next == -1, turned_away);
  for (const int fd : {before, behind, accepted, next}) close(fd);
}

}  // namespace
}  // namespace pgswitch
