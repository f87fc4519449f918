// ClientSession before authentication: PROXY header, TLS, start-up packets. Reads take exactly what they need, so that no
// byte of what follows (a TLS handshake, a pipelined query) lies in a buffer of this phase.
#include <array>
#include <cstring>

#include "protocol/writer.hpp"
#include "proxy/cancel.hpp"
#include "proxy/client_admission.hpp"
#include "proxy/log.hpp"
#include "proxy/proxy_header.hpp"
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

ClientAdmission::Step ClientAdmission::read_proxy_header() {
  const bool expected = config->proxy_protocol && is_in_networks(session_.info_.address.host, config->proxy_protocol_networks);
  if (!expected) co_return true;
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
    const bool ok = co_await read(piece.data(), taken);
    if (!ok) co_return false;
    if (!complete) continue;
    if (header.has_address) {
      session_.info_.address.host = header.address;
      session_.info_.address.port = header.port;
      session_.info_.address.is_unix = false;
    }
    co_return true;
  }
}

ClientAdmission::Step ClientAdmission::begins_with_tls(bool& tls) {
  tls = false;
  if (!worker_.client_tls() || session_.info_.address.is_unix) co_return true;
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

ClientAdmission::Step ClientAdmission::read_startup_packets() {
  bool direct = false;
  bool ok = co_await begins_with_tls(direct);
  if (ok && direct) {
    ok = co_await start_tls();
    if (ok && !stream_.negotiated_alpn_postgresql()) {
      // PostgreSQL 17 insists too: without ALPN a client of another protocol could be tricked into this one.
      ok = fail(fatal(sqlstate::protocol_violation, "received direct SSL connection request without ALPN protocol negotiation extension"));
    }
  }
  for (bool finished = false; ok && !finished;) {
    ok = co_await read_packet();
    if (!ok) break;
    const protocol::StartupPacket packet = protocol::scan_startup(in_);
    ok = co_await take_packet(packet, finished);
  }
  co_return ok;
}

// One packet into in_. A length that cannot be is found after four bytes, before anything is allocated.
ClientAdmission::Step ClientAdmission::read_packet() {
  in_.assign(length_word, '\0');
  const bool ok = co_await read(in_.data(), in_.size());
  if (!ok) co_return false;
  if (protocol::scan_startup(in_).kind != protocol::StartupKind::need_more) co_return true;
  in_.resize(packet_size(in_));
  const bool complete = co_await read(in_.data() + length_word, in_.size() - length_word);
  co_return complete;
}

ClientAdmission::Step ClientAdmission::take_packet(const protocol::StartupPacket& packet, bool& finished) {
  using protocol::StartupKind;
  // What was answered already is not asked again: as in PostgreSQL it is a protocol version then, and refused as one.
  const bool again = (packet.kind == StartupKind::ssl_request && (tls_refused_ || stream_.is_tls())) ||
                     (packet.kind == StartupKind::gss_request && (gss_refused_ || stream_.is_tls()));
  switch (again ? StartupKind::startup : packet.kind) {
    case StartupKind::ssl_request: {
      const bool ok = co_await answer_tls_request();
      co_return ok;
    }
    case StartupKind::gss_request: {
      if (!nothing_behind("GSSAPI encryption request")) co_return false;
      gss_refused_ = true;
      const bool ok = co_await refuse_encryption();
      co_return ok;
    }
    case StartupKind::cancel_request:
      forward_cancel(packet.bytes);
      co_return false;
    case StartupKind::startup:
      finished = true;
      break;
    case StartupKind::need_more:
    case StartupKind::malformed:
    case StartupKind::direct_tls:
      close_reason_ = "bad packet header";
      co_return false;
  }
  if (auto error = protocol::read_startup(packet.bytes, startup)) co_return fail(std::move(*error));
  session_.info_.user = startup.user;
  session_.info_.database = startup.database;
  if (auto error = refuse_startup(*config, startup, stream_.is_tls(), session_.info_.address.is_unix)) co_return fail(std::move(*error));
  co_return true;
}

ClientAdmission::Step ClientAdmission::answer_tls_request() {
  if (!nothing_behind("SSL request")) co_return false;
  if (!worker_.client_tls() || session_.info_.address.is_unix) {
    tls_refused_ = true;
    const bool refused = co_await refuse_encryption();
    co_return refused;
  }
  out = "S";
  bool ok = co_await flush();
  if (ok) ok = co_await start_tls();
  co_return ok;
}

ClientAdmission::Step ClientAdmission::refuse_encryption() {
  out = "N";
  const bool ok = co_await flush();
  co_return ok;
}

// Bytes that are here before we have answered were not sent by a client that waits for the answer, as it must: somebody
// in the middle put them in front of the encrypted ones (CVE-2021-3935, CVE-2021-23214).
bool ClientAdmission::nothing_behind(std::string_view request) {
  char next = 0;
  if (stream_.peek(&next, 1).status != IoResult::Status::ok) return true;
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
  session_.info_.tls = stream_.tls_description();
  co_return true;
}

void ClientAdmission::forward_cancel(protocol::ByteView packet) {
  close_reason_ = "cancel request";
  if (const auto request = protocol::read_cancel_request(packet)) route_cancel(worker_, request->process_id, request->secret);
}

}  // namespace pgswitch
