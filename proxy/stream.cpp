#include "proxy/stream.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <climits>
#include <new>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace pgswitch {
namespace {

constexpr std::uint32_t end_events = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
constexpr std::uint32_t readable_events = EPOLLIN | end_events;
constexpr std::uint32_t writable_events = EPOLLOUT | EPOLLHUP | EPOLLERR;

// recv(2) and send(2) without glibc's cancellation points, which every thread of a process with several pays for.
ssize_t receive(int fd, char* data, std::size_t size, int flags) {
  return ::syscall(SYS_recvfrom, fd, data, size, flags, nullptr, nullptr);
}

ssize_t transmit(int fd, const void* data, std::size_t size) {
  return ::syscall(SYS_sendto, fd, data, size, MSG_NOSIGNAL, nullptr, 0);
}

boost::system::error_code system_error(int number) { return {number, boost::system::system_category()}; }

IoResult failure(int number) {
  IoResult result;
  if (number == EAGAIN || number == EWOULDBLOCK || number == EINTR) {
    result.status = IoResult::Status::would_block;
  } else if (number == ECONNRESET || number == EPIPE) {
    result.status = IoResult::Status::closed;
    result.error = system_error(number);
  } else {
    result.status = IoResult::Status::failed;
    result.error = system_error(number);
  }
  return result;
}

IoResult end_of_stream() {
  IoResult result;
  result.status = IoResult::Status::closed;
  return result;
}

IoResult received(ssize_t count) {
  if (count < 0) return failure(errno);
  if (count == 0) return end_of_stream();
  IoResult result;
  result.bytes = static_cast<std::size_t>(count);
  return result;
}

}  // namespace

/// A coroutine that waits.
struct Stream::Wait {
  explicit Wait(boost::asio::io_context& io) : alarm(io) {}
  Alarm alarm;
  bool read = false;
  bool write = false;
};

Stream::Stream(Poller& poller, int fd) : fd_(fd), poller_(&poller) {}

Stream::~Stream() {
  close();
  if (destroyed_) *destroyed_ = true;
}

IoResult Stream::read_some(char* data, std::size_t size) {
  if (fd_ < 0) return end_of_stream();
  if (tls_) return read_tls(data, size);
  return note_unread(received(receive(fd_, data, size, 0)), size);
}

IoResult Stream::peek(char* data, std::size_t size) {
  assert(!tls_);
  if (fd_ < 0) return end_of_stream();
  return note_unread(received(receive(fd_, data, size, MSG_PEEK)), size);
}

// A read that was given less than it had room for has emptied the socket (epoll(7)), but for the end of the stream.
IoResult Stream::note_unread(IoResult result, std::size_t asked) {
  unread_ = result.status == IoResult::Status::ok ? result.bytes == asked || ended_ : result.status != IoResult::Status::would_block;
  return result;
}

IoResult Stream::write_some(const iovec* pieces, int count) {
  if (fd_ < 0) return end_of_stream();
  return tls_ ? write_tls(pieces, count) : write_plain(pieces, count);
}

IoResult Stream::write_plain(const iovec* pieces, int count) {
  std::size_t offered = 0;
  for (int i = 0; i < count; ++i) offered += pieces[i].iov_len;
  ssize_t sent = 0;
  if (count == 1) {  // the usual case: cheaper in the kernel than a list of one
    sent = transmit(fd_, pieces[0].iov_base, offered);
  } else {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(pieces);
    message.msg_iovlen = static_cast<std::size_t>(std::min(count, IOV_MAX));
    sent = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
  }
  if (sent < 0) return failure(errno);
  IoResult result;
  result.bytes = static_cast<std::size_t>(sent);
  if (result.bytes < offered) result.status = IoResult::Status::would_block;
  return result;
}

bool Stream::is_refused() const {
  pollfd asked{fd_, 0, 0};
  return ::poll(&asked, 1, 0) > 0 && (asked.revents & (POLLERR | POLLHUP)) != 0;
}

void Stream::set_owner(StreamOwner* owner) {
  if (owner && !owner_) watch_read_ = true;
  if (owner) wait_.reset();  // an idle client should hold no memory that only its login needs
  if (!owner) watch_read_ = watch_write_ = false;
  owner_ = owner;
  if (owner) refresh();  // nobody: mostly it is closed next, or a coroutine waits; else the next event unsubscribes
  if (watch_read_ && has_unread()) poller_->again(*this);
}

void Stream::watch(bool read, bool write) {
  if (read == watch_read_ && write == watch_write_ && !tls_) return;
  const bool starts_reading = read && !watch_read_;
  watch_read_ = read;
  watch_write_ = write;
  refresh();
  if (starts_reading && has_unread()) poller_->again(*this);
}

bool Stream::has_unread() const { return tls_ ? has_decrypted_bytes() : unread_ && is_open(); }

// Events come once (EPOLLET), which spares the kernel a second look at each socket that had one and us most changes of what is
// asked. OpenSSL does not tell whether it has emptied the socket, so with TLS they come until it has; and TLS may need the other
// direction: while a read waits for room to write, readability would only spin, and the reverse.
std::uint32_t Stream::interest() const {
  const bool read = watch_read_ || (wait_ && wait_->read);
  const bool write = watch_write_ || (wait_ && wait_->write);
  if (!tls_) {
    if (!read && !write && registered_ == 0) return 0;
    return (write ? EPOLLOUT : 0u) | EPOLLIN | EPOLLRDHUP | static_cast<std::uint32_t>(EPOLLET);
  }
  std::uint32_t events = 0;
  if (read) events |= static_cast<std::uint32_t>(tls_read_wants_write_ ? EPOLLOUT : EPOLLIN);
  if (write) events |= static_cast<std::uint32_t>(tls_write_wants_read_ ? EPOLLIN : EPOLLOUT);
  return events;
}

void Stream::refresh() {
  if (fd_ < 0 || !poller_) return;
  const std::uint32_t events = interest();
  const auto told = static_cast<std::uint16_t>(events);
  if (told == registered_) return;
  if (registered_ == 0) {
    poller_->add(fd_, events, *this);
  } else if (events == 0) {
    poller_->remove(fd_, *this);  // a socket that nobody watches would still report EPOLLHUP in every turn
  } else {
    poller_->modify(fd_, events, *this);
  }
  registered_ = told;
}

void Stream::on_ready(std::uint32_t events) {
  bool readable = (events & readable_events) != 0;
  bool writable = (events & writable_events) != 0;
  ended_ |= (events & end_events) != 0;
  unread_ |= readable;
  const bool read_can_go_on = tls_read_wants_write_ ? writable : readable;
  const bool write_can_go_on = tls_write_wants_read_ ? readable : writable;
  bool destroyed = false;
  destroyed_ = &destroyed;
  const bool woken = wait_ && wake(read_can_go_on, write_can_go_on);
  try {
    if (owner_ && read_can_go_on && watch_read_) owner_->on_readable(*this);
    if (!destroyed && owner_ && write_can_go_on && watch_write_) owner_->on_writable(*this);
    if (!destroyed && owner_ && watch_read_ && !tls_ && has_unread()) poller_->again(*this);
  } catch (const std::bad_alloc&) {
    if (!destroyed && owner_) owner_->on_out_of_memory(*this);
  }
  if (destroyed) return;
  destroyed_ = nullptr;
  // A coroutine that was woken will mostly wait again. Should it not, the next event finds nobody and is unsubscribed here.
  if (!woken && (tls_ || wait_)) refresh();
}

bool Stream::wake(bool readable, bool writable) {
  const bool wanted = (wait_->read && readable) || (wait_->write && writable);
  if (!wanted) return false;
  wait_->read = wait_->write = false;
  wait_->alarm.wake();
  return true;
}

awaitable<bool> Stream::wait_readable(std::int64_t deadline_us) { return wait(&Wait::read, deadline_us); }

awaitable<bool> Stream::wait_writable(std::int64_t deadline_us) { return wait(&Wait::write, deadline_us); }

awaitable<bool> Stream::wait(bool Wait::*what, std::int64_t deadline_us) {
  if (fd_ < 0) co_return false;
  if (what == &Wait::read && has_unread()) co_return true;
  if (!wait_) wait_ = std::make_unique<Wait>(poller_->io());
  (*wait_).*what = true;
  refresh();
  const bool woken = co_await wait_->alarm.wait(deadline_us);
  (*wait_).*what = false;
  co_return woken && fd_ >= 0;
}

void Stream::close() {
  if (fd_ < 0) return;
  if (tls_) close_tls();
  if (poller_) {
    if (registered_ != 0) poller_->remove(fd_, *this);
    poller_->forget(*this);
  }
  registered_ = 0;
  ::close(fd_);
  fd_ = -1;
  if (wait_ && (wait_->read || wait_->write)) wait_->alarm.wake();
}

void Stream::detach() {
  assert(!wait_ || (!wait_->read && !wait_->write));
  wait_.reset();
  if (fd_ >= 0 && registered_ != 0) poller_->remove(fd_, *this);
  poller_->forget(*this);
  registered_ = 0;
  poller_ = nullptr;
  // Another thread may have the stream from now on: an on_ready() that is still on this stack must not look at it again.
  if (destroyed_) *destroyed_ = true;
  destroyed_ = nullptr;
}

void Stream::attach(Poller& poller) {
  poller_ = &poller;
  if (tls_) share_bio();
  refresh();
  if (watch_read_ && has_unread()) poller_->again(*this);
}

}  // namespace pgswitch
