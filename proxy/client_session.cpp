#include "proxy/client_session.hpp"

#include <boost/asio/co_spawn.hpp>
#include <chrono>
#include <cstdio>
#include <exception>

#include "proxy/cancel_key.hpp"
#include "proxy/client_admission.hpp"
#include "proxy/log.hpp"
#include "proxy/proxy.hpp"
#include "proxy/session/relay.hpp"
#include "proxy/worker.hpp"

namespace pgswitch {
namespace {

std::int64_t unix_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

}  // namespace

ClientSession::ClientSession(Worker& worker, int fd)
    : worker_(worker), stream_(worker.io(), worker.poller(), fd) {
  info_.id = worker.proxy().next_client_id();
  info_.connected_unix_us = unix_us();
  info_.address = address_of_socket(fd, worker.config().listen_port);
  connected_us_ = worker.now_us();
}

ClientSession::~ClientSession() = default;

void ClientSession::start(std::uint32_t slot) {
  slot_ = slot;
  Worker& worker = worker_;
  const auto on_end = [this, &worker, slot, id = info_.id](std::exception_ptr thrown) {
    if (thrown) log_line(LogLevel::error, "client " + std::to_string(id) + ": session ended by an unexpected error");
    if (!relay_ || thrown) worker.remove_session(slot);
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
  if (!worker_.config().log_connections) return;
  log_line(LogLevel::info, log_prefix() + "login attempt: db=" + info_.database + " user=" + info_.user +
                               " tls=" + (info_.tls.empty() ? "no" : info_.tls) + " replication=no");
}

void ClientSession::log_close(std::string_view reason) const {
  if (!worker_.config().log_disconnections) return;
  const std::int64_t age = (worker_.now_us() - connected_us_) / one_second;
  log_line(LogLevel::info,
           log_prefix() + "closing because: " + std::string(reason) + " (age=" + std::to_string(age) + "s)");
}

boost::asio::awaitable<void> ClientSession::run() {
  ClientAdmission admission(*this);
  admission_ = &admission;
  const bool logged_in = co_await admission.log_in();
  admission_ = nullptr;
  if (!logged_in) {
    co_await admission.say_goodbye();
  } else if (rights_ != ConsoleRights::none) {
    co_await console_session(admission);
  } else {
    begin_relay(admission);
  }
  if (!relay_) end();
}

void ClientSession::end() {
  if (phase_ == Phase::closing && !stream_.is_open()) return;
  const CancelKey key{worker_.index(), slot_};
  if (process_id_ != 0 && process_id_ != key.process_id()) worker_.proxy().server_process_ids().remove(process_id_, key);
  phase_ = Phase::closing;
  stream_.close();
}

}  // namespace pgswitch
