// What most messages are, in short: answers that pass as they are, the Parse of one text again and again, and Binds in a row with what is
// sent behind each.
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
    case Expect::parse: return type == backend::parse_complete;
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

/// Sends a Parse of the unnamed statement that is the session's already, and its server's, and would be decided as it was. Where no Sync is owed
/// it needs no note: skipped it changes nothing, and when it fails neither has an unnamed statement any more (see on_batch_error()). Its bytes,
/// 0 when it waits; nullopt: it is another one.
std::optional<std::size_t> SessionCore::parse_again(const protocol::frontend::Parse& parse, ByteView frame) {
  if (local_abort_ || work_->ledger.ready_expected() > 0 || !is_unnamed(parse.text, parse.parameter_types)) return std::nullopt;
  if (!unnamed_->is_plain() || unnamed_->sent_text != unnamed_->text || !is_current(*unnamed_)) return std::nullopt;
  const Link* const link = link_for(*unnamed_);
  if (!link) return refusal_ ? (fail_batch(*refusal_), frame.size()) : 0;
  const bool there = link->state->kind == ServerKind::postgres && is_for(*link, *unnamed_) && link->state->prepared.unnamed == unnamed_->key;
  if (!there) return std::nullopt;
  ++counters.client_parses, ++counters.server_parses;
  work_->to_server.add(frame);
  work_->ledger.push(Expect::parse, Reply::forward, *unnamed_);
  batch_open_ = work_->parsed = true;
  return frame.size();
}

/// The Bind of that statement that most send behind it: its bytes, if it is at the start of `in` as a whole.
std::size_t SessionCore::follow_parsed(ByteView in) {
  FrameHeader header;
  if (in.empty() || in[0] != protocol::frontend::bind || read_header(in, options_.max_frame_size, header) != HeaderStatus::complete) return 0;
  const std::size_t size = header.frame_size();
  const auto names = size <= in.size() ? protocol::frontend::read_bind_names(body_of(header, in)) : std::nullopt;
  if (!names || !names->portal.empty() || !names->statement.empty() || spooled_ || copy_expected_ || active_->status == 'E') return 0;
  ++counters.binds;
  work_->to_server.add(in.substr(0, size));
  work_->ledger.push(Expect::bind, Reply::forward, *unnamed_);
  if (unnamed_portal_ != unnamed_) unnamed_portal_ = unnamed_;
  note_bound({}, *unnamed_portal_);
  return end_moment(size);
}

/// A Bind to the unnamed portal has been sent. If it was like most, less has to be asked of what follows in the same bytes.
void SessionCore::note_bound(std::string_view name, const PreparedStatement& prepared) {
  if (!prepared.is_plain() || prepared.by_sql || spooled_ || !is_current(prepared)) return;
  work_->bound = &prepared;
  work_->bound_name = name;
}

/// The Describe and the Execute, of all rows, that most send behind a Bind as it was noted: their bytes at the start of `in`.
std::size_t SessionCore::follow_bound(ByteView in) {
  constexpr ByteView describe("D\0\0\0\6P\0", 7), execute("E\0\0\0\11\0\0\0\0\0", 10);
  const PreparedStatement& portal = *work_->bound;
  std::size_t used = 0;
  if (in.starts_with(describe)) {
    work_->ledger.push(Expect::describe, Reply::forward, portal);
    used = describe.size();
  }
  if (in.substr(used).starts_with(execute)) {
    last_route_.note(*portal.script);
    last_route_.sent_to(active_->route);
    ++counters.queries;
    note_executed(portal);
    work_->ledger.push(Expect::execute, Reply::forward, portal);
    used += execute.size();
  }
  if (used > 0) work_->to_server.add(in.substr(0, used));
  return used;
}

/// Whether the prepared statement `name` can be bound to the unnamed portal without more questions: a plain one that would be decided as it was, and
/// is on its server, which is the active link then. Where it is not stall_ or refusal_ may be set.
bool SessionCore::binds_plainly(std::string_view name) {
  if (name.size() > longest_name || names_in_doubt_ || local_abort_) return false;
  const PreparedStatementPtr& named = find_prepared(name);
  if (!named || !named->is_plain() || named->by_sql || !is_current(*named) || !is_parsed_alike(*named)) return false;
  if (work_->ledger.doubts_name(name) || work_->ledger.doubts_key(named->key)) return false;
  Link* const link = link_for(*named);
  if (!link || link->state->kind != ServerKind::postgres || link->status == 'E' || !is_for(*link, *named)) return false;
  if (!link->state->prepared.contains(named->key)) return false;
  if (unnamed_portal_ != named) unnamed_portal_ = named;  // often the same: spares two atomic counts
  work_->bound = named.get();
  work_->bound_name = name;
  return true;
}

/// A Bind of a prepared statement as most are: what of it was used, 0: it waits; nullopt: all has to be asked.
std::optional<std::size_t> SessionCore::bind_plainly(const FrameHeader& header, ByteView in, const protocol::frontend::BindNames& names) {
  if (!names.portal.empty() || names.statement.empty() || spooled_) return std::nullopt;
  if (!(work_->bound && names.statement == work_->bound_name) && !binds_plainly(names.statement)) {
    if (refusal_) return fail_batch(*refusal_), skip_frame(header, in);
    return stall_ == Stall::none ? std::nullopt : std::optional<std::size_t>(0);
  }
  ++counters.binds;
  batch_open_ = true;
  work_->ledger.push(Expect::bind, Reply::forward, *work_->bound);
  return send_bind(header, in, names, *work_->bound);
}

}  // namespace pgswitch
