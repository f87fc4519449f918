// COPY FROM STDIN: the client's data, and what else it sends meanwhile.
#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>

#include "protocol/backend.hpp"
#include "protocol/frontend.hpp"
#include "protocol/reader.hpp"
#include "protocol/writer.hpp"
#include "proxy/session/core.hpp"

namespace pgswitch {

namespace backend = protocol::backend;
namespace frontend = protocol::frontend;
using protocol::ByteView;
using protocol::FrameHeader;

namespace {

/// By this the server's answer to a CopyFail of ours is known.
constexpr std::string_view broken_copy = "pgswitch: the client sent something else than data";

}  // namespace

/// Whether the frame may stand behind a COPY FROM STDIN of which nobody knows yet whether it has begun.
bool SessionCore::may_follow_copy(const FrameHeader& header) const {
  switch (header.type) {
    case frontend::copy_data:
    case frontend::copy_done:
    case frontend::copy_fail: return true;
    case frontend::flush: return header.body_size == 0;
    default: return false;  // also Sync: whether the server ignores it depends on the data in front of it
  }
}

/// A client may send data before it has seen the CopyInResponse. Without a COPY the server ignores it.
std::size_t SessionCore::on_early_copy_frame(const FrameHeader& header, ByteView in) {
  if (!active_ || work_->ledger.empty() || skip_until_sync_) return skip_frame(header, in);
  if (!small_is_whole(header, in)) return 0;
  if (header.type != frontend::copy_data) {
    work_->ledger.push(Expect::copy_end);
    copy_expected_ = false;  // behind the end of the data all is as ever
  }
  return stream_to_server(header, in);
}

/// COPY FROM STDIN is running: data, its end, and Flush and Sync, which the server ignores meanwhile (manual, 55.2.6).
std::size_t SessionCore::on_copy_frame(const FrameHeader& header, ByteView in) {
  switch (header.type) {
    case frontend::copy_data:
      if (!small_is_whole(header, in)) return 0;
      copy_syncs_ = 0;
      if (const std::size_t run = protocol::run_of(header.type, in, options_.max_frame_size); run > 0) return work_->to_server.add(in.substr(0, run)), run;
      return stream_to_server(header, in);
    case frontend::copy_done:
    case frontend::copy_fail:
      if (!small_is_whole(header, in) || (copy_syncs_ > 0 && !complete(header, in))) return 0;
      active_->copy_in = false;
      stream_to_server(header, in);
      // Syncs that may be owed are answered before anything behind the end of the data is.
      if (copy_syncs_ > 0) await_replies();
      return std::min(header.frame_size(), in.size());
    case frontend::flush: return skip_frame(header, in);
    case frontend::sync: return skip_copy_sync(header, in);
    default: return break_copy(header.type), 0;
  }
}

/// Sync inside a COPY. It is owed if the data in front of it are at fault.
std::size_t SessionCore::skip_copy_sync(const FrameHeader& header, ByteView in) {
  if (copy_syncs_ == std::numeric_limits<std::uint8_t>::max()) return give_up("too many Sync messages in a COPY"), 0;
  ++copy_syncs_;
  return skip_frame(header, in);
}

/// The server's COPY has failed; where it has not read Syncs of the client that were taken for some inside it, they are owed.
void SessionCore::end_failed_copy() {
  for (; copy_syncs_ > 0; --copy_syncs_) {
    work_->to_server.compose([](std::string& out) { protocol::write_sync(out); });
    work_->ledger.push(Expect::sync);
    batch_open_ = skip_until_sync_ = false;
  }
}

/// The client sends what PostgreSQL ends the session for. Where in the data that is, the server alone can tell: it does so
/// when its COPY is made to fail, and stays fit for others.
void SessionCore::break_copy(char type) {
  copy_broken_by_ = type;
  copy_broken_ = true;
  active_->copy_in = false;
  work_->to_server.compose([](std::string& out) { protocol::MessageWriter(out, frontend::copy_fail).string(broken_copy); });
  await_replies();
}

/// An error has ended the COPY that break_copy() broke. True: the client was told, and must go. False: the error is another
/// one, which came before; then the client's message stood behind the COPY.
bool SessionCore::on_broken_copy(ByteView body) {
  if (!std::exchange(copy_broken_, false) || body.find(broken_copy) == ByteView::npos) return false;
  std::array<char, 3> type{};
  std::snprintf(type.data(), type.size(), "%02X", static_cast<unsigned char>(copy_broken_by_));
  work_->to_client.compose([&](std::string& out) {
    protocol::MessageWriter message(out, backend::error_response);
    protocol::BodyReader fields(body);
    while (const char field = static_cast<char>(fields.byte())) {
      std::string text(fields.string());
      if (field == 'C') text = protocol::sqlstate::protocol_violation;
      if (field == 'M') text = std::string("unexpected message type 0x") + type.data() + " during COPY from stdin";
      message.byte(field).string(text);
    }
    message.byte('\0');
  });
  return true;
}

}  // namespace pgswitch
