#pragma once
#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <sys/epoll.h>
#include <vector>

#include "proxy/alarm.hpp"

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
  bool again_ = false;       ///< in the list of the poller's next turn
};

/// The loop of a worker's thread: what was posted to its io_context is run, then it waits in an epoll set of
/// our own for sockets, alarms and the posts of other threads. Asio is the run queue and the coroutines only: its reactor
/// would pay a failing recv on every hop and an epoll set of its own in every turn (see README).
class Poller {
 public:
  explicit Poller(boost::asio::io_context& io);
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  boost::asio::io_context& io() { return io_; }

  /// Turns until stop().
  void run();
  /// One turn; waits at most `longest_ms`, -1 = until something happens. Tests turn by themselves.
  void turn(int longest_ms);
  void stop() { stopped_ = true; }

  /// A descriptor is added once and removed before it is closed.
  void add(int fd, std::uint32_t events, Pollable& target);
  void modify(int fd, std::uint32_t events, Pollable& target);
  /// Afterwards `target` is not called any more, not even for events already fetched.
  void remove(int fd, Pollable& target);
  /// Calls target.on_ready(EPOLLIN) in the next turn although no event will tell of it: a read left bytes behind, or TLS keeps
  /// decrypted ones of its own.
  void again(Pollable& target);
  /// Takes back again().
  void forget(Pollable& target);

  /// Called once before each batch of events (the worker refreshes its clock there). It returns the clock, in µs.
  void set_clock(std::int64_t (*read)(void*), void* argument);

 private:
  struct Bell final : Pollable {
    explicit Bell(AlarmClock& owner) : clock(owner) {}
    void on_ready(std::uint32_t) override { clock.silence(); }
    AlarmClock& clock;
  };
  /// Alarms as a descriptor: a wait with a time of its own would set up a timer of the kernel in every turn.
  struct Timer final : Pollable {
    void on_ready(std::uint32_t) override { set_us = AlarmClock::never; }
    int fd = -1;
    std::int64_t set_us = AlarmClock::never;  ///< when it will go off
  };
  void set_timer();
  void tell_ready();
  static void tell(Pollable& target, std::uint32_t events);
  void tell_again();
  void control(int operation, int fd, std::uint32_t events, Pollable& target);

  boost::asio::io_context& io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;  ///< keeps io_ from stopping when it has none
  AlarmClock& clock_;
  Bell bell_{clock_};
  Timer timer_;
  int set_ = -1;
  std::array<epoll_event, 128> events_{};
  int event_count_ = 0;
  std::vector<Pollable*> again_;      ///< for the next turn
  std::vector<Pollable*> again_now_;  ///< of the turn that runs
  std::int64_t (*read_clock_)(void*);
  void* clock_argument_ = nullptr;
  bool stopped_ = false;
};

}  // namespace pgswitch
