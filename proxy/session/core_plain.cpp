// What most messages are, in short: answers that pass as they are, and Binds of one statement in a row.
#include "protocol/backend.hpp"
#include "proxy/session/core.hpp"

namespace pgswitch {

namespace backend = protocol::backend;
using protocol::ByteView;
using protocol::FrameHeader;
using protocol::HeaderStatus;

namespace {

/// Whether `type` is the end of the answer to such a message, of those that change nothing.
bool ends_answer(char type, Expect expect) {
  switch (expect) {
    case Expect::bind: return type == backend::bind_complete;
    case Expect::describe: return type == backend::row_description || type == backend::no_data;
    case Expect::execute: return type == backend::command_complete;
    case Expect::close: return type == backend::close_complete;
    default: return false;
  }
}

/// Whether it is a part of the answer that comes before its end.
bool is_part(char type, Expect expect) {
  return (expect == Expect::execute && type == backend::data_row) || (expect == Expect::describe && type == backend::parameter_description);
}

}  // namespace

/// The frames at the start of `in` that are for the client as they are, and change nothing but the ledger. Their bytes: 0 where another
/// frame is first, or one that is not here as a whole.
std::size_t SessionCore::pass_plain(ByteView in) {
  Ledger& ledger = work_->ledger;
  std::size_t passed = 0, added = 0;
  FrameHeader header;
  while (!ledger.empty() && ledger.head().is_plain() && read_header(in.substr(passed), options_.max_frame_size, header) == HeaderStatus::complete &&
         header.frame_size() <= in.size() - passed) {
    const Expect expect = ledger.head().expect;
    const bool ends = ends_answer(header.type, expect);
    if (!ends && !is_part(header.type, expect)) break;
    passed += header.frame_size();
    if (!ends) continue;
    if (expect == Expect::execute) active_->copy_in = warned_ = false, copy_syncs_ = 0;
    ledger.pop();
    if (!ledger.has_insert_at_head()) continue;
    work_->to_client.add(in.substr(added, passed - added));
    added = passed;
    ledger.emit_inserts(work_->to_client);
  }
  work_->to_client.add(in.substr(added, passed - added));
  return passed;
}

/// What makes bind_again() possible: until something else comes than its Describe, its Execute and the next of its kind.
void SessionCore::note_bound(std::string_view name, const PreparedStatement& prepared) {
  const bool alike = prepared.is_plain() && !prepared.by_sql && !spooled_ && is_current(prepared);
  work_->bound = alike ? name : std::string_view();
}

/// Bind, to the unnamed portal, of the statement that the portal has already: all that was asked for the Bind before holds.
std::size_t SessionCore::bind_again(const FrameHeader& header, ByteView in, const protocol::frontend::BindNames& names) {
  ++counters.binds;
  work_->ledger.push(Expect::bind, Reply::forward, *unnamed_portal_);
  return send_bind(header, in, names, *unnamed_portal_);
}

}  // namespace pgswitch
