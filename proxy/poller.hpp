#pragma once
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <sys/epoll.h>
#include <vector>

namespace pgswitch {

/// Something with a descriptor that wants to know when it can be read or written.
class Pollable {
 public:
  /// `events`: EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP, EPOLLRDHUP. Called on the worker's thread from the poller's loop only.
  virtual void on_ready(std::uint32_t events) = 0;

 protected:
  ~Pollable() = default;
  bool goes_first_ = false;  ///< told before the others of its turn

 private:
  friend class Poller;
};

/// A level-triggered epoll set of our own, its descriptor waited for by Asio: it saves the failing recv that Asio's reactor
/// pays on every hop (6.1 system calls per round trip become 4.3, see README). One per worker, its thread only.
class Poller {
 public:
  explicit Poller(boost::asio::io_context& io);
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  /// Starts waiting; until stop() the io_context has work.
  void start();
  void stop();

  /// A descriptor is added once and removed before it is closed.
  void add(int fd, std::uint32_t events, Pollable& target);
  void modify(int fd, std::uint32_t events, Pollable& target);
  /// Afterwards `target` is not called any more, not even for events already fetched.
  void remove(int fd, Pollable& target);
  /// Calls target.on_ready(EPOLLIN) in the next turn although the kernel has nothing: TLS keeps decrypted bytes of its own.
  void again(Pollable& target);
  /// Takes back again().
  void forget(Pollable& target);

  /// Called once before each batch of events (the worker refreshes its clock there).
  void set_turn_hook(void (*hook)(void*), void* argument);

 private:
  void arm();
  void turn();
  void turn_again();
  void control(int operation, int fd, std::uint32_t events, Pollable& target);

  boost::asio::io_context& io_;
  boost::asio::posix::stream_descriptor set_;
  std::array<epoll_event, 128> events_{};
  int event_count_ = 0;
  std::vector<Pollable*> again_;      ///< for the next turn
  std::vector<Pollable*> again_now_;  ///< of the turn that runs
  void (*turn_hook_)(void*) = nullptr;
  void* turn_argument_ = nullptr;
  bool again_posted_ = false;
  bool stopped_ = true;
};

}  // namespace pgswitch
