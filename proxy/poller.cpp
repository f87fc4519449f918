#include "proxy/poller.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <new>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "proxy/clock.hpp"

namespace pgswitch {
namespace {

int make_set() {
  const int fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  return fd;
}

int make_timer() {
  const int fd = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "timerfd_create");
  return fd;
}

}  // namespace

Poller::Poller(boost::asio::io_context& io)
    : io_(io), work_(io.get_executor()), clock_(AlarmClock::of(io)), set_(make_set()),
      read_clock_([](void*) { return steady_us(); }) {
  add(clock_.bell(), EPOLLIN, bell_);
  timer_.fd = make_timer();
  add(timer_.fd, EPOLLIN | static_cast<std::uint32_t>(EPOLLET), timer_);
}

Poller::~Poller() {
  ::close(timer_.fd);
  ::close(set_);
}

void Poller::control(int operation, int fd, std::uint32_t events, Pollable& target) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &target;
  if (::epoll_ctl(set_, operation, fd, &event) != 0)
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
}

void Poller::add(int fd, std::uint32_t events, Pollable& target) { control(EPOLL_CTL_ADD, fd, events, target); }

void Poller::modify(int fd, std::uint32_t events, Pollable& target) { control(EPOLL_CTL_MOD, fd, events, target); }

void Poller::remove(int fd, Pollable& target) {
  epoll_event unused{};
  [[maybe_unused]] const int result = ::epoll_ctl(set_, EPOLL_CTL_DEL, fd, &unused);
  assert(result == 0);
  for (int i = 0; i < event_count_; ++i) {
    if (events_[static_cast<std::size_t>(i)].data.ptr == &target) events_[static_cast<std::size_t>(i)].data.ptr = nullptr;
  }
}

void Poller::again(Pollable& target) {
  if (!std::exchange(target.again_, true)) again_.push_back(&target);
}

void Poller::forget(Pollable& target) {
  if (std::exchange(target.again_, false)) std::erase(again_, &target);
  std::replace(again_now_.begin(), again_now_.end(), &target, static_cast<Pollable*>(nullptr));
}

void Poller::set_clock(std::int64_t (*read)(void*), void* argument) {
  read_clock_ = read;
  clock_argument_ = argument;
}

void Poller::run() {
  clock_.adopt_thread();
  while (!stopped_) {
    try {
      turn(-1);
    } catch (const std::bad_alloc&) {
      // As in tell(): a post or an alarm.
    }
  }
}

// Posts are run to the end before the wait, so that nothing of this thread can be ready while it sleeps.
void Poller::turn(int longest_ms) {
  io_.poll();
  if (stopped_) return;
  set_timer();
  const int patience_ms = again_.empty() ? longest_ms : 0;
  event_count_ = std::max(::epoll_wait(set_, events_.data(), static_cast<int>(events_.size()), patience_ms), 0);
  const std::int64_t now_us = read_clock_(clock_argument_);
  tell_ready();
  if (!again_.empty()) tell_again();
  clock_.run_due(now_us);
}

// An alarm that is put off or taken back does not touch it: once too often is cheaper than a system call for each.
void Poller::set_timer() {
  const std::int64_t next_us = clock_.next_us();
  if (next_us >= timer_.set_us) return;
  const std::int64_t left_us = std::max<std::int64_t>(next_us - read_clock_(clock_argument_), 1);  // 0 would switch it off
  itimerspec left{};
  left.it_value.tv_sec = left_us / 1'000'000;
  left.it_value.tv_nsec = left_us % 1'000'000 * 1000;
  if (::timerfd_settime(timer_.fd, 0, &left, nullptr) == 0) timer_.set_us = next_us;
}

void Poller::tell_ready() {
  for (const bool first : {true, false}) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(event_count_); ++i) {
      auto* const target = static_cast<Pollable*>(events_[i].data.ptr);
      if (target && target->goes_first_ == first) tell(*target, events_[i].events);
    }
  }
  event_count_ = 0;
}

// Most events come once: one that finds no memory must not cost the others theirs.
void Poller::tell(Pollable& target, std::uint32_t events) {
  try {
    target.on_ready(events);
  } catch (const std::bad_alloc&) {
    // Sessions guard themselves; this was something of the process, which is tried again by its next tick.
  }
}

void Poller::tell_again() {
  again_now_.swap(again_);
  for (Pollable* const target : again_now_) target->again_ = false;
  for (std::size_t i = 0; i < again_now_.size(); ++i) {
    if (again_now_[i]) tell(*again_now_[i], EPOLLIN);
  }
  again_now_.clear();
}

}  // namespace pgswitch
