#include "proxy/poller.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cassert>
#include <cerrno>
#include <sys/epoll.h>
#include <system_error>

namespace pgswitch {
namespace {

int make_set() {
  const int fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  return fd;
}

}  // namespace

Poller::Poller(boost::asio::io_context& io) : io_(io), set_(io, make_set()) {}

Poller::~Poller() = default;

void Poller::start() {
  stopped_ = false;
  arm();
}

void Poller::stop() {
  stopped_ = true;
  boost::system::error_code ignored;
  set_.cancel(ignored);
}

void Poller::control(int operation, int fd, std::uint32_t events, Pollable& target) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &target;
  if (::epoll_ctl(set_.native_handle(), operation, fd, &event) != 0)
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
}

void Poller::add(int fd, std::uint32_t events, Pollable& target) { control(EPOLL_CTL_ADD, fd, events, target); }

void Poller::modify(int fd, std::uint32_t events, Pollable& target) { control(EPOLL_CTL_MOD, fd, events, target); }

void Poller::remove(int fd, Pollable& target) {
  epoll_event unused{};
  [[maybe_unused]] const int result = ::epoll_ctl(set_.native_handle(), EPOLL_CTL_DEL, fd, &unused);
  assert(result == 0);
  for (int i = 0; i < event_count_; ++i) {
    if (events_[static_cast<std::size_t>(i)].data.ptr == &target) events_[static_cast<std::size_t>(i)].data.ptr = nullptr;
  }
}

void Poller::again(Pollable& target) {
  if (std::find(again_.begin(), again_.end(), &target) == again_.end()) again_.push_back(&target);
  if (again_posted_) return;
  again_posted_ = true;
  boost::asio::post(io_, [this] { turn_again(); });
}

void Poller::forget(Pollable& target) {
  std::erase(again_, &target);
  std::replace(again_now_.begin(), again_now_.end(), &target, static_cast<Pollable*>(nullptr));
}

void Poller::set_turn_hook(void (*hook)(void*), void* argument) {
  turn_hook_ = hook;
  turn_argument_ = argument;
}

// Asio re-checks the level whenever a wait is started (EPOLL_CTL_MOD), so events left over in the set are not lost.
void Poller::arm() {
  set_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
    if (error || stopped_) return;
    turn();
    if (!stopped_) arm();
  });
}

// One batch, then back to Asio: timers and posted work get their share however busy the sockets are.
void Poller::turn() {
  if (turn_hook_) turn_hook_(turn_argument_);
  event_count_ = std::max(::epoll_wait(set_.native_handle(), events_.data(), static_cast<int>(events_.size()), 0), 0);
  for (const bool first : {true, false}) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(event_count_); ++i) {
      auto* const target = static_cast<Pollable*>(events_[i].data.ptr);
      if (target && target->goes_first_ == first) target->on_ready(events_[i].events);
    }
  }
  event_count_ = 0;
}

void Poller::turn_again() {
  again_posted_ = false;
  if (stopped_) return;
  if (turn_hook_) turn_hook_(turn_argument_);
  again_now_.swap(again_);
  for (std::size_t i = 0; i < again_now_.size(); ++i) {
    if (again_now_[i]) again_now_[i]->on_ready(EPOLLIN);
  }
  again_now_.clear();
}

}  // namespace pgswitch
