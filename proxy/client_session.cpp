#include "proxy/client_session.hpp"

#include <boost/asio/co_spawn.hpp>
#include <array>
#include <charconv>
#include <exception>

#include "proxy/cancel_key.hpp"
#include "proxy/client_admission.hpp"
#include "proxy/clock.hpp"
#include "proxy/log.hpp"
#include "proxy/proxy.hpp"
#include "proxy/replication_session.hpp"
#include "proxy/session/relay.hpp"
#include "proxy/worker.hpp"

namespace pgswitch {
namespace {

/// As pgbouncer logs it.
std::string_view to_text(protocol::Replication replication) {
  switch (replication) {
    case protocol::Replication::none: return "no";
    case protocol::Replication::physical: return "yes";
    case protocol::Replication::logical: return "database";
  }
  return "";
}

/// The beginning of a line, with room for the rest.
std::string line_about(const ClientSession& session) {
  std::string text;
  text.reserve(240);
  session.append_log_prefix(text);
  return text;
}

}  // namespace

ClientSession::ClientSession(Worker& worker, int fd, ClientAddress address)
    : worker_(worker), stream_(worker.poller(), fd) {
  info_ = std::make_unique<ClientInfo>();
  info_->host = std::move(address.host);
  info_->connected_us = worker.now_us();
  id_ = worker.proxy().next_client_id();
  connected_unix_us_ = unix_us();
  peer_pid_ = address.pid;
  peer_uid_ = address.uid;
  port_ = address.port;
  is_unix_ = address.is_unix;
}

ClientSession::~ClientSession() = default;

void ClientSession::start(std::uint32_t slot) {
  slot_ = slot;
  Worker& worker = worker_;
  const auto on_end = [this, &worker, slot, id = id_](std::exception_ptr thrown) {
    if (thrown) log_line(LogLevel::error, "client " + std::to_string(id) + ": session ended by an unexpected error");
    if ((!relay_ && !replication_) || thrown) worker.remove_session(slot);
  };
  boost::asio::co_spawn(worker_.io(), run(), on_end);
}

const std::string& ClientSession::user() const { return info_ ? info_->user : relay_->core().facts().user; }
const std::string& ClientSession::database() const { return info_ ? info_->database : relay_->core().facts().database; }
const std::string& ClientSession::application_name() const { return info_ ? info_->application_name : relay_->core().facts().application_name; }
const std::string& ClientSession::host() const { return info_ ? info_->host : relay_->core().facts().client_address; }
std::int64_t ClientSession::connected_us() const { return info_ ? info_->connected_us : relay_->core().facts().began_us; }

ClientAddress ClientSession::address() const {
  ClientAddress address;
  address.host = host();
  address.port = port_;
  address.is_unix = is_unix_;
  address.pid = peer_pid_;
  address.uid = peer_uid_;
  return address;
}

std::string ClientSession::log_prefix() const {
  std::string text;
  append_log_prefix(text);
  return text;
}

void ClientSession::append_log_prefix(std::string& out) const {
  std::array<char, 16> digits;
  const auto number = reinterpret_cast<std::uintptr_t>(this);
  out += "C-0x";
  out.append(digits.data(), std::to_chars(digits.begin(), digits.end(), number, 16).ptr);
  out.append(": ").append(database().empty() ? "(nodb)" : database());
  out.append("/").append(user().empty() ? "(nouser)" : user()).append("@");
  address().append_to(out);
  out += ' ';
}

void ClientSession::log_login() const {
  if (!worker_.config().log_connections) return;
  std::string text = line_about(*this);
  text.append("login attempt: db=").append(database()).append(" user=").append(user());
  text.append(" tls=").append(stream_.is_tls() ? stream_.tls_description() : "no");
  text.append(" replication=").append(to_text(info_ && info_->admission ? info_->admission->startup.replication : protocol::Replication::none));
  log_line(LogLevel::info, text);
}

void ClientSession::log_close(std::string_view reason) const {
  if (!worker_.config().log_disconnections) return;
  std::string text = line_about(*this);
  text.append("closing because: ").append(reason).append(" (age=");
  text.append(std::to_string((worker_.now_us() - connected_us()) / one_second)).append("s)");
  log_line(LogLevel::info, text);
}

boost::asio::awaitable<void> ClientSession::run() {
  ClientAdmission admission(*this);
  info_->admission = &admission;
  const bool logged_in = co_await admission.log_in();
  info_->admission = nullptr;
  if (!logged_in) {
    co_await admission.say_goodbye();
  } else if (rights_ != ConsoleRights::none) {
    co_await console_session(admission);
  } else if (admission.is_replication()) {
    begin_replication(admission);
  } else {
    begin_relay(admission);
  }
  if (!relay_ && !replication_) end();
}

void ClientSession::end() {
  if (phase_ == Phase::closing && !stream_.is_open()) return;
  const CancelKey key{worker_.index(), slot_};
  if (process_id_ != 0 && process_id_ != key.process_id()) worker_.proxy().server_process_ids().remove(process_id_, key);
  phase_ = Phase::closing;
  stream_.close();
}

}  // namespace pgswitch
