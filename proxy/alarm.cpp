#include "proxy/alarm.hpp"

#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>

#include "proxy/clock.hpp"

namespace pgswitch {

namespace asio = boost::asio;

asio::execution_context::id AlarmClock::id;

bool AlarmClock::ByDeadline::operator()(const Alarm& left, const Alarm& right) const {
  return left.deadline_us_ < right.deadline_us_;
}

AlarmClock::AlarmClock(asio::execution_context& context)
    : service(context), alarms_(std::make_unique<Alarms>()), bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (bell_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

AlarmClock::~AlarmClock() { ::close(bell_); }

std::int64_t AlarmClock::next_us() const { return alarms_->empty() ? never : alarms_->begin()->deadline_us_; }

void AlarmClock::run_due(std::int64_t now_us) {
  while (!alarms_->empty() && alarms_->begin()->deadline_us_ <= now_us) alarms_->begin()->ring();
}

void AlarmClock::ring() {
  if (std::this_thread::get_id() == thread_.load(std::memory_order_relaxed) || rung_.exchange(true)) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(bell_, &one, sizeof one);
}

// The bell is silenced before the posts are run, so that none that comes meanwhile is missed.
void AlarmClock::silence() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t size = ::read(bell_, &count, sizeof count);
  rung_.store(false);
}

// The coroutines that sleep are destroyed with what they hold, their alarms included.
void AlarmClock::shutdown() {
  while (!alarms_->empty()) {
    Alarm& alarm = *alarms_->begin();
    alarms_->erase(alarms_->begin());
    const auto sleeper = std::move(alarm.sleeper_);
  }
}

template <class Resume>
struct Alarm::Sleeping final : Sleeper {
  explicit Sleeping(Resume&& what) : resume(std::move(what)) {}
  void go_on() override { asio::post(std::move(resume)); }
  Resume resume;
};

Alarm::~Alarm() = default;

void Alarm::set(std::int64_t deadline_us) {
  deadline_us_ = deadline_us > 0 ? deadline_us : AlarmClock::never;
  clock_.alarms_->insert(*this);
}

asio::awaitable<bool> Alarm::wait(std::int64_t deadline_us) {
  if (!std::exchange(woken_, false)) {
    set(deadline_us);
    const auto sleep = [this](auto&& resume) {
      using Resume = std::decay_t<decltype(resume)>;
      sleeper_ = std::make_unique<Sleeping<Resume>>(std::move(resume));
    };
    asio::use_awaitable_t<> token;
    co_await asio::async_initiate<asio::use_awaitable_t<>, void()>(sleep, token);
    co_return std::exchange(woken_, false);
  }
  co_return true;
}

void Alarm::call_after(std::int64_t delay_us, std::function<void()> call) {
  if (is_linked()) unlink();
  call_ = std::move(call);
  set(steady_us() + delay_us);
}

void Alarm::wake() {
  call_ = nullptr;
  if (!sleeper_ && !is_linked()) {
    woken_ = true;
    return;
  }
  woken_ = sleeper_ != nullptr;
  ring();
}

/// The sleeper goes on from the loop, a call is made now; the alarm may be destroyed by it.
void Alarm::ring() {
  if (is_linked()) unlink();
  if (const auto sleeper = std::move(sleeper_)) return sleeper->go_on();
  if (const auto call = std::exchange(call_, nullptr)) call();
}

asio::awaitable<void> sleep_until_told(asio::io_context& io, std::function<void(std::function<void()>)> begin) {
  const auto alarm = std::make_shared<Alarm>(io);
  begin([alarm, &io] { post_to(io, [alarm] { alarm->wake(); }); });
  co_await alarm->wait(0);
}

}  // namespace pgswitch
