#include "proxy/client_session.hpp"

#include <boost/asio/co_spawn.hpp>
#include <chrono>
#include <cstdio>
#include <exception>

#include "protocol/crypto.hpp"
#include "protocol/writer.hpp"
#include "proxy/log.hpp"
#include "proxy/proxy.hpp"
#include "proxy/worker.hpp"

namespace pgswitch {
namespace {

std::int64_t unix_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

/// How long a client may take to read the reason for which it is dismissed.
constexpr std::int64_t goodbye_us = 5 * one_second;

}  // namespace

ClientSession::ClientSession(Worker& worker, int fd)
    : worker_(worker), stream_(worker.io(), worker.poller(), fd), config_(worker.config_ptr()) {
  info_.id = worker.proxy().next_client_id();
  info_.connected_unix_us = unix_us();
  info_.address = address_of_socket(fd, config_->listen_port);
  connected_us_ = worker.now_us();
}

ClientSession::~ClientSession() { protocol::cleanse(in_); }

void ClientSession::start(std::uint32_t slot) {
  slot_ = slot;
  Worker& worker = worker_;
  const auto on_end = [&worker, slot, id = info_.id](std::exception_ptr thrown) {
    if (thrown) log_line(LogLevel::error, "client " + std::to_string(id) + ": session ended by an unexpected error");
    worker.remove_session(slot);
  };
  boost::asio::co_spawn(worker_.io(), run(), on_end);
}

std::string ClientSession::log_prefix() const {
  char pointer[32];
  std::snprintf(pointer, sizeof pointer, "C-%p: ", static_cast<const void*>(this));
  const std::string database = info_.database.empty() ? "(nodb)" : info_.database;
  const std::string user = info_.user.empty() ? "(nouser)" : info_.user;
  return pointer + database + "/" + user + "@" + info_.address.to_string() + " ";
}

void ClientSession::log_login() const {
  if (!config_->log_connections) return;
  log_line(LogLevel::info, log_prefix() + "login attempt: db=" + info_.database + " user=" + info_.user +
                               " tls=" + (info_.tls.empty() ? "no" : info_.tls) + " replication=no");
}

void ClientSession::log_close(std::string_view reason) const {
  if (!config_->log_disconnections) return;
  const std::int64_t age = (worker_.now_us() - connected_us_) / one_second;
  log_line(LogLevel::info,
           log_prefix() + "closing because: " + std::string(reason) + " (age=" + std::to_string(age) + "s)");
}

boost::asio::awaitable<void> ClientSession::run() {
  if (config_->client_login_timeout > 0) login_deadline_us_ = worker_.now_us() + config_->client_login_timeout;
  const bool logged_in = co_await log_in();
  if (!logged_in) {
    co_await say_goodbye();
    co_return;
  }
  if (rights_ != ConsoleRights::none) {
    co_await console_session();
  } else {
    co_await relay_session();
  }
  phase_ = Phase::closing;
  stream_.close();
}

ClientSession::Step ClientSession::log_in() {
  bool ok = co_await read_proxy_header();
  if (ok) ok = co_await read_startup_packets();
  if (ok) ok = co_await authenticate();
  if (ok) ok = admit();
  if (ok && rights_ == ConsoleRights::none) ok = co_await welcome();
  protocol::cleanse(in_);
  co_return ok;
}

// `out_` may hold AuthenticationOk already: an error after it is a FATAL like PostgreSQL's "database does not exist".
boost::asio::awaitable<void> ClientSession::say_goodbye() {
  phase_ = Phase::closing;
  if (failure_) {
    if (config_->log_pooler_errors) log_line(LogLevel::warning, log_prefix() + "pooler error: " + failure_->message);
    protocol::write_error(out_, *failure_);
    login_deadline_us_ = worker_.now_us() + goodbye_us;
    co_await flush();
    log_close(failure_->message);
  } else if (!close_reason_.empty()) {
    log_close(close_reason_);
  }
  stream_.close();
}

bool ClientSession::fail(protocol::SqlError error) {
  if (!failure_) failure_ = std::move(error);
  return false;
}

bool ClientSession::note(IoEnd end) {
  if (end == IoEnd::done) return true;
  if (failure_) return false;
  if (end == IoEnd::too_late) return fail(fatal(protocol::sqlstate::protocol_violation, "client_login_timeout"));
  if (close_reason_.empty()) close_reason_ = "client unexpected eof";
  return false;
}

ClientSession::Step ClientSession::read(char* data, std::size_t size) {
  const IoEnd end = co_await read_exactly(stream_, data, size, login_deadline_us_);
  co_return note(end);
}

ClientSession::Step ClientSession::flush() {
  const IoEnd end = co_await write_fully(stream_, out_, login_deadline_us_);
  out_.clear();
  co_return note(end);
}

}  // namespace pgswitch
