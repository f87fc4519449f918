// How a login reads and writes.
#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

#include "proxy/client_admission.hpp"
#include "proxy/worker.hpp"

namespace pgswitch {
namespace {

/// More than most start-up packets and all answers of SCRAM have.
constexpr std::size_t read_ahead = 512;

/// Only what was received: behind it stand zeros.
void overwrite(std::string& text) { OPENSSL_cleanse(text.data(), text.size()); }

/// `text` with room for `size`, and no copy left behind.
void make_room(std::string& text, std::size_t size) {
  if (text.capacity() >= size) return;
  std::string larger;
  larger.reserve(size);
  larger = text;
  overwrite(text);
  text.swap(larger);
}

}  // namespace

// Bytes of a TLS handshake must stay in the socket, from which OpenSSL reads.
bool ClientAdmission::reads_ahead() const {
  return stream_.is_tls() || session_.is_unix_ || !worker_.client_tls();
}

/// What can be had without waiting. True: so much is in in_.
bool ClientAdmission::receive_now(std::size_t size) {
  if (!awaited_ && in_.size() < size) read_some(size);
  return in_.size() >= size;
}

// Until so much is in in_.
ClientAdmission::Step ClientAdmission::receive(std::size_t size) {
  while (in_.size() < size) {
    if (std::exchange(awaited_, false)) {
      const bool ready = co_await stream_.wait_readable(login_deadline_us_);
      if (!ready) co_return note(stream_.is_open() ? IoEnd::too_late : IoEnd::closed);
    }
    const IoResult result = read_some(size);
    if (result.status == IoResult::Status::closed || result.status == IoResult::Status::failed) co_return note(IoEnd::closed);
  }
  co_return true;
}

IoResult ClientAdmission::read_some(std::size_t wanted) {
  const std::size_t size = reads_ahead() ? std::max(wanted, read_ahead) : wanted;
  const std::size_t before = in_.size();
  make_room(in_, size);
  in_.resize(size);
  const IoResult result = stream_.read_some(in_.data() + before, size - before);
  in_.resize(before + result.bytes);
  awaited_ = in_.size() < size;  // the socket is empty: another read would only fail
  return result;
}

void ClientAdmission::consume(std::size_t size) {
  const std::string rest = in_.substr(size);
  overwrite(in_);
  in_ = rest;
}

ClientAdmission::~ClientAdmission() {
  overwrite(in_);
  worker_.login_ends();
}

/// False: not all of `out` could be written, flush() must go on.
bool ClientAdmission::write_now() {
  const iovec piece{out.data(), out.size()};
  const IoResult result = stream_.write_some(&piece, 1);
  out.erase(0, result.bytes);
  awaited_ = true;
  return out.empty();
}

ClientAdmission::Step ClientAdmission::flush() {
  const IoEnd end = co_await write_fully(stream_, out, login_deadline_us_);
  out.clear();
  awaited_ = true;
  co_return note(end);
}

bool ClientAdmission::note(IoEnd end) {
  if (end == IoEnd::done) return true;
  if (failure_) return false;
  if (end == IoEnd::too_late) return fail(fatal(protocol::sqlstate::protocol_violation, "client_login_timeout"));
  if (close_reason_.empty()) close_reason_ = "client unexpected eof";
  return false;
}

}  // namespace pgswitch
