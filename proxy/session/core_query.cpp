// The simple protocol: a query string runs as one message where it can, as serial segments where its statements route apart.
#include <algorithm>

#include "protocol/frontend.hpp"
#include "protocol/writer.hpp"
#include "proxy/session/core_cursors.hpp"
#include "proxy/session/core_load.hpp"
#include "proxy/session/local_answer.hpp"
#include "rules/route_names.hpp"

namespace pgswitch {

using protocol::ByteView;
using protocol::FrameHeader;
using protocol::Severity;
using protocol::SqlError;
using rules::Decision;
using rules::Effect;
using rules::Kind;
using rules::RouteId;
using rules::ScriptItem;
using rules::ScriptItems;

namespace {

SqlError split_transaction(RouteId wrote_on, RouteId next) {
  return {Severity::error, std::string(protocol::sqlstate::feature_not_supported),
          "statements of one implicit transaction route to different servers",
          "A statement writes on \"" + rules::route_name(wrote_on) + "\", a later one belongs to \"" + rules::route_name(next) + "\".",
          "Send them as separate queries, or in a transaction.", 0};
}

/// What the rules made of a plain query, where they edited it.
const Decision* edited_head(const rules::ScriptPtr& script) {
  const Decision* const decision = script ? script->items.front().decision.get() : nullptr;
  return decision && decision->edits ? decision : nullptr;
}

/// One statement that is as a plain one but for the text that edits have made of it.
bool is_plain_but_edited(const rules::Script& script) {
  if (script.items.size() != 1 || script.oversized) return false;
  const rules::Statement& statement = *script.items.front().statement;
  const Decision& decision = *script.items.front().decision;
  return decision.edits && decision.verb == Decision::Verb::route && !decision.limits.any() && statement.effects == 0 && statement.prepared.empty() &&
         (statement.kind == Kind::select || (statement.kind >= Kind::insert && statement.kind <= Kind::merge));
}

}  // namespace

std::size_t SessionCore::on_query(const FrameHeader& header, ByteView in) {
  if (!complete(header, in)) return 0;
  const std::size_t size = header.frame_size();
  if (skip_until_sync_) {
    work_->head = {};  // decided while it waited
    return size;
  }
  work_->head.waits = true;
  const auto query = protocol::frontend::read_query(in.substr(protocol::frame_header_size, header.body_size));
  if (!query) return fail_query(malformed_message(protocol::frontend::fault(header.type, body_of(header, in)))) ? size : 0;
  if (!work_->head.decided && !names_known()) return 0;
  const rules::ScriptPtr* const decided = work_->head.decided ? nullptr : &decide_head(query->text);
  if (!work_->head.plain) {
    if (!run_script(query->text)) return 0;
    drop_unnamed();
  } else {
    const bool first = work_->ledger.empty() && !batch_open_;
    Link* link = local_abort_ ? nullptr : need_link(work_->head.route);
    // While it waits nobody knows whose it will be.
    if (decided && (!link || link->state->kind != ServerKind::postgres)) work_->head.script = *decided;
    if (local_abort_) return fail_query(transaction_failed()) ? (drop_unnamed(), size) : 0;
    if (!link) return refusal_ && fail_query(*refusal_) ? (drop_unnamed(), size) : 0;
    if (link->state->kind != ServerKind::postgres) {
      // Redshift's is a text, and answers, of its own.
      work_->head.plain = false;
      work_->head.started = first;
      const bool sent = first ? run_on_server(query->text) || (refusal_ && fail_query(*refusal_)) : run_script(query->text);
      if (!sent || !work_->head.script) return sent ? (drop_unnamed(), size) : 0;
      if (work_->head.next < work_->head.script->items.size()) return await_replies(), 0;
      drop_unnamed();
      work_->head = {};
      return size;
    }
    last_route_.sent_to(link->route);
    if (work_->head.script && !work_->head.script->items.front().statement->read_only) note_write(*work_->head.script->items.front().statement);
    const Decision* const edited = edited_head(work_->head.script);
    if (edited)
      work_->to_server.compose([&](std::string& out) { protocol::write_query(out, *edited->rewritten); });
    else
      work_->to_server.add(in.substr(0, size));
    if (edited || (batch_open_ && unnamed_)) {
      Note note;
      note.rewritten = edited != nullptr;
      if (edited) note.script = work_->head.script;
      // It is skipped, and has dropped nothing, if the batch before it fails.
      if (batch_open_ && unnamed_) rename({}, nullptr, note);
      work_->ledger.push(Expect::query, Reply::forward, std::move(note));
    } else {
      work_->ledger.push(Expect::query);
    }
    drop_unnamed();
    copy_expected_ = work_->head.copies;
    link->state->prepared.unnamed = {};
    batch_open_ = batch_wrote_ = false;
  }
  work_->head = {};
  return size;
}

/// What a simple query drops before it is looked at.
void SessionCore::drop_unnamed() {
  unnamed_.reset();
  if (status() != 'E') unnamed_portal_.reset();
  if (spooled_) spooled_->close({});
  if (!batch_open_) work_->ledger.forget_unnamed();
  if (predicted_ == 'I' && status() == 'I') drop_portals();
}

const rules::ScriptPtr& SessionCore::decide_head(std::string_view text) {
  ++counters.queries;
  const rules::ScriptPtr& script = decide(text);
  last_route_.note(*script);
  work_->head.decided = true;
  work_->head.conforming_strings = settings_.facts().conforming_strings;
  const ScriptItem& first = script->items.front();
  const Kind kind = first.statement->kind;
  const bool edited = !script->plain && is_plain_but_edited(*script);
  work_->head.plain = (script->plain || edited) && objects_.empty() && limited_cursors_.empty() && !spooled_ && kind != Kind::empty && kind != Kind::show;
  work_->head.copies = first.statement->kind == Kind::copy_in;
  if (work_->head.plain) work_->head.route = route_of(first);
  work_->head.client_copy = work_->head.copies || kind == Kind::copy_out;
  if (edited || !work_->head.plain || !first.statement->read_only || work_->head.client_copy) work_->head.script = script;
  return script;
}

/// An ERROR for the query at the head, and its ReadyForQuery; false when it must wait for earlier replies. Inside a
/// transaction the transaction has failed by that.
bool SessionCore::fail_query(const SqlError& error) {
  if (batch_open_ && active_ && predicted_ != active_->status && !shows_any(work_->ledger)) {
    // A BEGIN of ours: the transaction that fails here is none before its Sync.
    if (!refusal_) refusal_ = error;
    work_->to_server.compose([](std::string& out) { protocol::write_sync(out); });
    work_->ledger.push(Expect::sync, Reply::swallow);
    batch_open_ = false;
    return stall(Stall::replies), false;
  }
  if (!work_->ledger.empty()) return await_replies(), false;
  write_local_error(error);
  refusal_.reset();
  forget_limited();
  abort_locally();
  end_string(true);
  write_local_ready();
  work_->head = {};
  maybe_release();
  return true;
}

void SessionCore::abort_locally() {
  // While replies are owed, the status is that of an earlier moment.
  if (work_->ledger.empty() ? status() == 'T' : predicted_ == 'T') local_abort_ = true;
}

/// Why the whole string must not run, found before anything of it is sent.
std::optional<SqlError> SessionCore::refuse_script() const {
  for (const ScriptItem& item : work_->head.script->items) {
    if (item.decision->verb == Decision::Verb::reject) return to_error(item.decision->refusal);
    if (item.statement->kind == Kind::begin && options_.mode == CoreOptions::Mode::statement) return no_transaction_blocks();
  }
  if (auto taken = name_taken()) return taken;
  if (auto taken = cursor_taken()) return taken;
  RouteId route = rules::no_route;
  bool wrote = false, counted = false;
  char transaction = status();
  const auto& items = work_->head.script->items;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const ScriptItem& item = items[i];
    transaction = status_after(item.statement->kind, transaction);
    if (transaction != 'I' || item.statement->is_transaction_control()) {
      wrote = counted = false;
      route = rules::no_route;
      continue;
    }
    if (item.decision->verb != Decision::Verb::route || is_neutral(item)) continue;
    const RouteId next = route_of(item);
    if (route != rules::no_route && next != route && wrote) return split_transaction(route, next);
    route = next;
    wrote |= writes(items, i);
    counted |= counts_rows(items, i);
    if (auto refused = refuse_counting(items, i, wrote, counted)) return refused;
  }
  return std::nullopt;
}

/// Goes on with the script at the head; true when it is done and answered. False: it waits.
bool SessionCore::run_script(std::string_view text) {
  const auto& items = work_->head.script->items;
  if (!work_->head.started) {
    if (refusal_) return fail_query(*refusal_);
    if (const auto refused = refuse_script()) return fail_query(*refused);
    for (std::size_t i = 0; i < items.size(); ++i)
      if (const auto refused = refuse_execute(*items[i].statement, ScriptItems(items).first(i), text)) return fail_query(*refused);
    if (!work_->ledger.empty()) return await_replies(), false;
    work_->head.started = true;
    if (may_leave_settings()) work_->wish = settings_.wish();
  }
  while (work_->head.next < items.size() && !work_->head.failed) {
    if (!work_->ledger.empty()) return await_replies(), false;
    if (is_cursor_command(items[work_->head.next])) {
      if (auto objects = CoreLoad::object_to_encoding(*this)) {
        refusal_ = std::move(*objects);
        break;
      }
      if (CoreCursors(*this).run(items[work_->head.next], text_of(items[work_->head.next], text))) {
        ++work_->head.next;
        continue;
      }
      if (refusal_) break;
      return false;
    }
    if (answer_locally(items[work_->head.next], text)) {
      ++work_->head.next;
      continue;
    }
    if (refusal_) break;
    const std::size_t before = work_->head.next;
    if (!run_on_server(text)) {
      if (refusal_) break;
      return false;
    }
    if (work_->head.next == items.size()) return true;  // its ReadyForQuery is the string's
    if (work_->head.next != before) return await_replies(), false;
  }
  if (!work_->ledger.empty()) return await_replies(), false;
  if (refusal_) return fail_query(*refusal_);
  if (work_->head.failed) abort_locally();
  end_string(work_->head.failed);
  write_local_ready();
  maybe_release();
  return true;
}

/// Whether the string at the head is one transaction of its own that sets something, which routes may make several.
bool SessionCore::may_leave_settings() const {
  constexpr rules::Effects sets = bit(Effect::set_variable) | bit(Effect::reset_all);
  const auto& items = work_->head.script->items;
  const auto any = [&](auto test) { return std::any_of(items.begin(), items.end(), test); };
  return items.size() > 1 && status() == 'I' && any([](const ScriptItem& item) { return (item.statement->effects & sets) != 0; }) &&
         !any([](const ScriptItem& item) { return item.statement->is_transaction_control(); });
}

/// A query string has been answered. One that failed has set nothing, whatever a part of it has had committed by another server.
void SessionCore::end_string(bool failed) {
  if (!work_->wish) return;
  if (failed) {
    settings_.return_to(std::move(*work_->wish));
    tell_settings();
  }
  work_->wish.reset();
}

/// Whether the item needs no server; its answer, without ReadyForQuery, goes to the client. Called with an empty ledger.
bool SessionCore::answer_locally(const ScriptItem& item, std::string_view text) {
  const rules::Statement& statement = *item.statement;
  const bool alone = work_->head.script->items.size() == 1;
  std::string tag;
  if (statement.kind == Kind::empty && alone) {
    work_->to_client.compose([](std::string& out) { protocol::write_empty(out, 'I'); });
    return true;
  }
  const bool may_end = local_abort_ && ends_failed_transaction(statement.kind);
  if ((alone || may_end) && local_transaction_control(item.statement, text_of(item, text), tag)) {
  } else if (refusal_) {
    return false;
  } else if (local_abort_) {
    if (!ends_failed_transaction(statement.kind)) refusal_ = transaction_failed();
    return false;
  } else if (item.decision->verb == Decision::Verb::answer) {
    if (status() == 'E') return refusal_ = transaction_failed(), false;
    work_->to_client.compose([&](std::string& out) {
      write_answer_description(out, item.decision->answer);
      write_answer_rows(out, item.decision->answer);
    });
    return true;
  } else if (Note unused; !alone || !local_deallocate(statement, tag, unused)) {
    return false;
  }
  const std::string notices = cut_name_notices(text_of(item, text), work_->head.conforming_strings);
  if (!notices.empty()) work_->to_client.append(notices);
  work_->to_client.compose([&](std::string& out) { protocol::write_command_complete(out, tag); });
  return true;
}

}  // namespace pgswitch
