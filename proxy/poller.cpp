#include "proxy/poller.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <new>
#include <sys/epoll.h>
#include <system_error>
#include <unistd.h>

#include "proxy/clock.hpp"

namespace pgswitch {
namespace {

int make_set() {
  const int fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  return fd;
}

}  // namespace

Poller::Poller(boost::asio::io_context& io)
    : io_(io), work_(io.get_executor()), clock_(AlarmClock::of(io)), set_(make_set()),
      read_clock_([](void*) { return steady_us(); }), now_us_(steady_us()) {
  add(clock_.bell(), EPOLLIN, bell_);
}

Poller::~Poller() { ::close(set_); }

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
  drop(target);
}

void Poller::drop(Pollable& target) {
  for (int i = 0; i < event_count_; ++i) {
    if (events_[static_cast<std::size_t>(i)].data.ptr == &target) events_[static_cast<std::size_t>(i)].data.ptr = nullptr;
  }
}

void Poller::again(Pollable& target) {
  if (std::find(again_.begin(), again_.end(), &target) == again_.end()) again_.push_back(&target);
}

void Poller::forget(Pollable& target) {
  std::erase(again_, &target);
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
      // Sessions guard themselves; this was something of the process, which is tried again by its next tick.
    }
  }
}

// Posts are run to the end before the wait, so that nothing of this thread can be ready while it sleeps.
void Poller::turn(int longest_ms) {
  io_.poll();
  if (stopped_) return;
  event_count_ = std::max(::epoll_wait(set_, events_.data(), static_cast<int>(events_.size()), patience_ms(longest_ms)), 0);
  now_us_ = read_clock_(clock_argument_);
  tell_ready();
  if (!again_.empty()) tell_again();
  clock_.run_due(now_us_);
}

int Poller::patience_ms(int longest_ms) const {
  if (!again_.empty()) return 0;
  const std::int64_t next_us = clock_.next_us();
  if (next_us == AlarmClock::never) return longest_ms;
  const std::int64_t wait_ms = std::clamp<std::int64_t>((next_us - now_us_ + 999) / 1000, 0, 60'000);
  return longest_ms < 0 ? static_cast<int>(wait_ms) : std::min(longest_ms, static_cast<int>(wait_ms));
}

void Poller::tell_ready() {
  for (const bool first : {true, false}) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(event_count_); ++i) {
      auto* const target = static_cast<Pollable*>(events_[i].data.ptr);
      if (target && target->goes_first_ == first) target->on_ready(events_[i].events);
    }
  }
  event_count_ = 0;
}

void Poller::tell_again() {
  again_now_.swap(again_);
  for (std::size_t i = 0; i < again_now_.size(); ++i) {
    if (again_now_[i]) again_now_[i]->on_ready(EPOLLIN);
  }
  again_now_.clear();
}

}  // namespace pgswitch
