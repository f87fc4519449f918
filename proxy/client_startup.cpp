// ClientAdmission before authentication: PROXY header, TLS, start-up packets.
#include <array>
#include <cstring>

#include "protocol/writer.hpp"
#include "proxy/cancel.hpp"
#include "proxy/client_admission.hpp"
#include "proxy/log.hpp"
#include "proxy/proxy.hpp"
#include "proxy/proxy_header.hpp"
#include "proxy/redshift/driver.hpp"
#include "proxy/worker.hpp"

namespace pgswitch {
namespace {

namespace sqlstate = protocol::sqlstate;
constexpr std::size_t length_word = 4;

std::uint32_t packet_size(protocol::ByteView word) {
  std::uint32_t size = 0;
  for (const char octet : word.substr(0, length_word)) size = size << 8 | static_cast<unsigned char>(octet);
  return size;
}

}  // namespace

bool ClientAdmission::expects_proxy_header() const {
  return config->proxy_protocol && is_in_networks(session_.info_->host, config->proxy_protocol_networks);
}

ClientAdmission::Step ClientAdmission::read_proxy_header() {
  std::string seen;
  std::array<char, 256> piece;
  for (;;) {
    // Peeked first: what follows the header must stay in the socket.
    const IoResult peeked = stream_.peek(piece.data(), piece.size());
    if (peeked.status == IoResult::Status::would_block) {
      const bool ready = co_await stream_.wait_readable(login_deadline_us_);
      if (!ready) co_return note(stream_.is_open() ? IoEnd::too_late : IoEnd::closed);
      continue;
    }
    if (peeked.status != IoResult::Status::ok) co_return note(IoEnd::closed);
    const std::size_t before = seen.size();
    seen.append(piece.data(), peeked.bytes);
    const ProxyHeader header = pgswitch::read_proxy_header(seen);
    if (header.status == ProxyHeader::Status::malformed || seen.size() > 2 * max_proxy_header_size) {
      close_reason_ = "bad PROXY header";
      co_return false;
    }
    const bool complete = header.status == ProxyHeader::Status::complete;
    const std::size_t taken = complete ? header.size - before : peeked.bytes;
    const IoEnd end = co_await read_exactly(stream_, piece.data(), taken, login_deadline_us_);
    if (end != IoEnd::done) co_return note(end);
    if (!complete) continue;
    if (header.has_address) {
      session_.info_->host = header.address;
      session_.port_ = header.port;
      session_.is_unix_ = false;
    }
    co_return true;
  }
}

// Refused before anything is read: a flood must not cost TLS handshakes.
bool ClientAdmission::take_place() {
  if (session_.is_unix_) return true;
  place_ = worker_.proxy().login_places().take(session_.info_->host, config->max_login_conn_per_address);
  if (place_) return true;
  return fail(fatal(sqlstate::too_many_connections, "too many clients of this address are logging in (max_login_conn_per_address)"));
}

bool ClientAdmission::may_begin_with_tls() const { return worker_.client_tls() && !session_.is_unix_; }

ClientAdmission::Step ClientAdmission::begin_direct_tls() {
  bool direct = false;
  bool ok = co_await begins_with_tls(direct);
  if (!ok || !direct) co_return ok;
  ok = co_await start_tls();
  if (!ok || stream_.negotiated_alpn_postgresql()) co_return ok;
  // PostgreSQL 17 insists too: without ALPN a client of another protocol could be tricked into this one.
  co_return fail(fatal(sqlstate::protocol_violation, "received direct SSL connection request without ALPN protocol negotiation extension"));
}

ClientAdmission::Step ClientAdmission::begins_with_tls(bool& tls) {
  for (;;) {
    char first = 0;
    const IoResult peeked = stream_.peek(&first, 1);
    if (peeked.status == IoResult::Status::ok) {
      tls = protocol::scan_startup(protocol::ByteView(&first, 1)).kind == protocol::StartupKind::direct_tls;
      co_return true;
    }
    if (peeked.status != IoResult::Status::would_block) co_return note(IoEnd::closed);
    const bool ready = co_await stream_.wait_readable(login_deadline_us_);
    if (!ready) co_return note(stream_.is_open() ? IoEnd::too_late : IoEnd::closed);
  }
}

/// The usual case: the client asks for nothing before, and the kernel has handed it over with its packet (tcp_defer_accept).
bool ClientAdmission::startup_is_here() {
  awaited_ = session_.is_unix_ || !config->tcp_defer_accept;
  if (!receive_now(length_word) || protocol::scan_startup(in_).kind == protocol::StartupKind::need_more) return false;
  return kind_of(protocol::scan_startup(in_)) == protocol::StartupKind::startup;
}

// Up to a start-up packet. A length that cannot be is found after four bytes, before anything is allocated.
ClientAdmission::Step ClientAdmission::read_requests() {
  using protocol::StartupKind;
  for (;;) {
    bool ok = co_await receive(length_word);
    if (ok && protocol::scan_startup(in_).kind == StartupKind::need_more) ok = co_await receive(packet_size(in_));
    if (!ok) co_return false;
    const protocol::StartupPacket packet = protocol::scan_startup(in_);
    const StartupKind kind = kind_of(packet);
    if (kind == StartupKind::startup) co_return true;
    if (kind == StartupKind::cancel_request) {
      ok = co_await forward_cancel(packet.bytes);
      co_return ok;
    }
    if (kind != StartupKind::ssl_request && kind != StartupKind::gss_request) {
      close_reason_ = "bad packet header";
      co_return false;
    }
    consume(packet.bytes.size());
    ok = co_await answer_request(kind);
    if (!ok) co_return false;
  }
}

// What was answered already is not asked again: as in PostgreSQL it is a protocol version then, and refused as one.
protocol::StartupKind ClientAdmission::kind_of(const protocol::StartupPacket& packet) const {
  const bool again = (packet.kind == protocol::StartupKind::ssl_request && (tls_refused_ || stream_.is_tls())) ||
                     (packet.kind == protocol::StartupKind::gss_request && (gss_refused_ || stream_.is_tls()));
  return again ? protocol::StartupKind::startup : packet.kind;
}

bool ClientAdmission::read_startup() {
  const protocol::ByteView packet = protocol::scan_startup(in_).bytes;
  auto unreadable = protocol::read_startup(packet, startup);
  if (unreadable)
    if (auto token_login = redshift::refuse_token_login(startup)) unreadable = std::move(token_login);
  if (unreadable) return fail(std::move(*unreadable));
  is_redshift_driver_ = redshift::is_driver(startup);
  redshift::adapt(startup);
  consume(packet.size());
  session_.info_->user = startup.user;
  session_.info_->database = startup.database;
  auto error = refuse_startup(*config, startup, stream_.is_tls(), session_.is_unix_);
  return error ? fail(std::move(*error)) : true;
}

ClientAdmission::Step ClientAdmission::answer_request(protocol::StartupKind kind) {
  const bool ssl = kind == protocol::StartupKind::ssl_request;
  if (!nothing_behind(ssl ? "SSL request" : "GSSAPI encryption request")) co_return false;
  const bool accepted = ssl && may_begin_with_tls();
  out = accepted ? "S" : "N";
  if (!accepted) (ssl ? tls_refused_ : gss_refused_) = true;
  bool ok = write_now();
  if (!ok) ok = co_await flush();
  if (ok && accepted) ok = co_await start_tls();
  co_return ok;
}

// Bytes that are here before we have answered were not sent by a client that waits for the answer, as it must: somebody
// in the middle put them in front of the encrypted ones (CVE-2021-3935, CVE-2021-23214).
bool ClientAdmission::nothing_behind(std::string_view request) {
  char next = 0;
  if (in_.empty() && (reads_ahead() || stream_.peek(&next, 1).status != IoResult::Status::ok)) return true;
  return fail(fatal(sqlstate::protocol_violation, "received unencrypted data after " + std::string(request)));
}

ClientAdmission::Step ClientAdmission::start_tls() {
  const TlsContextPtr context = worker_.client_tls();
  std::string text;
  const boost::system::error_code error = co_await stream_.tls_accept(*context, login_deadline_us_, text);
  if (error) {
    close_reason_ = "TLS handshake failed: " + text;
    co_return false;
  }
  co_return true;
}

ClientAdmission::Step ClientAdmission::forward_cancel(protocol::ByteView packet) {
  close_reason_ = "cancel request";
  if (const auto request = protocol::read_cancel_request(packet))
    co_await route_cancel(worker_, request->process_id, std::string(request->secret));
  co_return false;
}

}  // namespace pgswitch
