#pragma once
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/intrusive/set.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

namespace pgswitch {

class Alarm;

/// What the Poller's loop waits for beside its sockets: alarms, and the bell that other threads ring when they have posted
/// something. A service of the io_context, so that whoever has that finds it. Its loop's thread only, except ring().
class AlarmClock : public boost::asio::execution_context::service {
 public:
  using key_type = AlarmClock;
  static boost::asio::execution_context::id id;

  explicit AlarmClock(boost::asio::execution_context& context);
  ~AlarmClock() override;
  static AlarmClock& of(boost::asio::io_context& io) { return boost::asio::use_service<AlarmClock>(io); }

  /// µs of the steady clock at which the next alarm is due; `never` when none is set.
  std::int64_t next_us() const;
  /// Wakes who waits for an alarm that is due.
  void run_due(std::int64_t now_us);

  /// The calling thread runs the loop from now on.
  void adopt_thread() { thread_ = std::this_thread::get_id(); }
  /// Ends the loop's wait; nothing when called on its own thread. Any thread.
  void ring();
  /// Readable after ring().
  int bell() const { return bell_; }
  void silence();

  static constexpr std::int64_t never = INT64_MAX;

 private:
  friend class Alarm;
  struct ByDeadline {
    bool operator()(const Alarm& left, const Alarm& right) const;
  };
  using Hook = boost::intrusive::set_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
  using Alarms = boost::intrusive::multiset<Alarm, boost::intrusive::compare<ByDeadline>, boost::intrusive::constant_time_size<false>>;

  void shutdown() override;

  std::unique_ptr<Alarms> alarms_;  ///< that somebody waits for, earliest first
  std::atomic<std::thread::id> thread_{};
  std::atomic<bool> rung_{false};
  int bell_ = -1;  ///< eventfd
};

/// Runs `step` on the loop of `io`, later. Any thread.
template <class Step>
void post_to(boost::asio::io_context& io, Step&& step) {
  boost::asio::post(io, std::forward<Step>(step));
  AlarmClock::of(io).ring();
}

/// Where one coroutine sleeps until it is woken or its time has come, or a function that is called at a time. One at once.
/// Asio's timers do the same, but with a descriptor and a set of their own that the loop would have to wait for too.
/// An alarm that dies takes the coroutine that sleeps in it along. The thread of the loop only.
class Alarm : public AlarmClock::Hook {
 public:
  explicit Alarm(boost::asio::io_context& io) : clock_(AlarmClock::of(io)) {}
  ~Alarm();
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  /// Sleeps until `deadline_us` of the steady clock, 0 = for ever. True when wake() came first, or before the call.
  boost::asio::awaitable<bool> wait(std::int64_t deadline_us);
  /// Calls `call` after `delay_us`, unless wake() comes first or the alarm dies.
  void call_after(std::int64_t delay_us, std::function<void()> call);
  /// Ends wait(), now or the next one; forgets a call.
  void wake();

 private:
  friend class AlarmClock;
  struct Sleeper {
    virtual ~Sleeper() = default;
    virtual void go_on() = 0;
  };
  template <class Resume>
  struct Sleeping;
  void ring();
  void set(std::int64_t deadline_us);

  AlarmClock& clock_;
  std::int64_t deadline_us_ = 0;
  std::unique_ptr<Sleeper> sleeper_;
  std::function<void()> call_;
  bool woken_ = false;
};

/// Calls `begin` with a function that ends the sleep, and sleeps until that is called: once, by any thread.
boost::asio::awaitable<void> sleep_until_told(boost::asio::io_context& io, std::function<void(std::function<void()> tell)> begin);

}  // namespace pgswitch
