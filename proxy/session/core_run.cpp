// The statements of a query string that go to one server at once: how far they reach, whether they may, and their way there.
#include <algorithm>

#include "protocol/frontend.hpp"
#include "proxy/session/core_cursors.hpp"
#include "proxy/session/core_load.hpp"
#include "proxy/session/local_answer.hpp"

namespace pgswitch {

using protocol::Severity;
using protocol::SqlError;
using rules::Decision;
using rules::Kind;
using rules::RouteId;
using rules::ScriptItem;

namespace {

/// The data of a COPY stands behind the string, which is held until its last segment has been sent.
SqlError copy_not_last() {
  return {Severity::error, std::string(protocol::sqlstate::feature_not_supported),
          "COPY FROM STDIN must be in the last part of a query string that is not answered by one server", "", "Send it as a query of its own.", 0};
}

/// What a part of a string has written is committed by the end of that part, if there is no transaction.
SqlError behind_write(std::string message) {
  return {Severity::error, std::string(protocol::sqlstate::feature_not_supported), std::move(message),
          "The write would be committed before the string has ended.", "Send the statements one by one, or inside BEGIN and COMMIT.", 0};
}

bool is_copy(const ScriptItem& item) { return item.statement->kind == Kind::copy_in || item.statement->kind == Kind::copy_out; }

}  // namespace

/// Where the run that begins at item `begin` ends: the statements that one message can carry to one route.
std::size_t SessionCore::run_end(std::size_t begin, RouteId& route) const {
  const auto& items = work_->head.script->items;
  char transaction = status() != 'I' ? status() : predicted_;
  route = rules::no_route;
  std::size_t end = begin;
  for (; end < items.size(); ++end) {
    const ScriptItem& item = items[end];
    if (item.decision->verb == Decision::Verb::answer || (end > begin && is_cursor_command(item))) break;
    const bool counted = counts_rows(items, end);
    if (counted && end > begin) break;
    transaction = status_after(item.statement->kind, transaction);
    if (counted) return route = route_of(item), end + 1;
    if (is_neutral(item)) continue;
    const RouteId next = route_of(item);
    if (route == rules::no_route) route = next;
    if (next != route && transaction == 'I') break;
  }
  if (route == rules::no_route) route = neutral_route(items[begin].decision->route);
  return end;
}

/// Do items from `begin` to `end` write, outside of a transaction block, so that the end of what is sent commits it? What they set is taken
/// back by the session itself, see may_leave_settings().
bool SessionCore::commits_writes(std::size_t begin, std::size_t end) const {
  const auto& items = work_->head.script->items;
  char transaction = status() != 'I' ? status() : predicted_;
  bool wrote = false;
  for (std::size_t i = begin; i < end; ++i) {
    transaction = status_after(items[i].statement->kind, transaction);
    const bool outside = transaction == 'I' && !items[i].statement->is_transaction_control();
    const bool sets = items[i].statement->kind == Kind::set || items[i].statement->kind == Kind::reset;
    wrote = outside && (wrote || (!sets && writes(items, i)));
  }
  return wrote;
}

/// Whether the items from `begin` to `end` may go to `link`'s server as one message; else refusal_.
bool SessionCore::may_send(Link& link, std::size_t begin, std::size_t end, std::string_view text) {
  const auto& items = work_->head.script->items;
  if (link.state->kind == ServerKind::redshift) {
    // Redshift looks whether it knows a statement, and we whether we do, before anybody looks at the transaction.
    const rules::Statement& first = *items[begin].statement;
    const bool failed = link.status == 'E' && predicted_ != 'I' && work_->ledger.empty();
    if (failed && first.parsed && !ends_failed_transaction(first.kind)) return refusal_ = transaction_failed(), false;
    const bool splits = end < items.size() && items[end].decision->verb == Decision::Verb::route && route_of(items[end]) == link.route;
    if (splits && commits_writes(begin, end))
      return refusal_ = behind_write(is_copy(items[end]) ? "COPY on Redshift cannot stand behind a write in one query string"
                                                         : "a cursor of Redshift cannot be used behind a write in one query string"),
             false;
  }
  for (std::size_t i = begin; i < end && spooled_; ++i)
    if (auto refused = CoreCursors(*this).refuse(*items[i].statement, text_of(items[i], text))) return refusal_ = std::move(*refused), false;
  return true;
}

/// What the items that are being sent change before they are answered.
void SessionCore::note_items(Link& link, std::size_t begin, std::size_t end, std::string_view text, Note& note) {
  const auto& items = work_->head.script->items;
  for (std::size_t i = begin; i < end; ++i) {
    const PreparedStatementPtr named = named_in_sql(*items[i].statement);
    // Should a Parse of ours fail, the server skips what comes behind it.
    if (named && !is_freed(begin, i)) names_in_doubt_ |= ensure_prepared(link, *named, false);
    names_in_doubt_ |= puts_in_doubt(*items[i].statement);
    note_sent(*items[i].statement, link);
    note_preparing(items[i], items.size() == 1 ? text : text_of(items[i], text));
    note_cursor(items[i]);
    if (!items[i].statement->read_only) note_write(*items[i].statement);
    copy_expected_ |= items[i].statement->kind == Kind::copy_in;
    if (ends_transaction(items[i].statement->kind)) drop_portals();
    if (has(items[i].statement->effects, rules::Effect::close_all_cursors)) close_all_portals({}, note);
    if (predicted_ != 'I' && ends_transaction(items[i].statement->kind) && has_chain(text_of(items[i], text)))
      predicted_ = 'T';
    else
      predict(items[i].statement->kind);
  }
}

bool SessionCore::run_on_server(std::string_view text) {
  const auto& items = work_->head.script->items;
  RouteId route = rules::no_route;
  const std::size_t begin = work_->head.next;
  std::size_t end = run_end(begin, route);
  const auto copies = [](const ScriptItem& item) { return item.statement->kind == Kind::copy_in; };
  if (end < items.size() && std::any_of(items.begin() + begin, items.begin() + end, copies)) return refusal_ = copy_not_last(), false;
  Limited limited = limits_of(items, begin, end);
  if (has_to_wait(limited)) return false;
  Link* link = need_link(route);
  if (!link) return false;
  const bool on_redshift = link->state->kind == ServerKind::redshift;
  if (on_redshift) {
    const bool any = std::all_of(items.begin() + begin, items.begin() + end, [](const ScriptItem& item) { return CoreLoad::is_in_any_encoding(*item.statement); });
    if (auto objects = any ? std::nullopt : CoreLoad::object_to_encoding(*this)) return refusal_ = std::move(*objects), false;
    end = CoreCursors::run_end(items, begin, end);
    const std::size_t load = CoreLoad::find(*this, begin, end, text);
    if (load == begin) return CoreLoad::begin_in_string(*this, *link, end, text);
    end = load;
    limited = limits_of(items, begin, end);
  }
  if (!may_send(*link, begin, end, text)) return false;
  if (items.size() == 1 && !limited.decision && asks_watch(*link, items.front())) return false;
  for (std::size_t i = begin; i < end; ++i)
    if (PreparedStatementPtr named = named_in_sql(*items[i].statement)) prepared_[items[i].statement->prepared] = known_to(*link, named, false);
  if (refusal_) return false;

  Note note;
  note.script = work_->head.script;
  note.next_item = static_cast<std::uint32_t>(begin);
  std::string joined;
  const bool translated = std::any_of(items.begin() + begin, items.begin() + end, [&](const ScriptItem& item) { return translates(*link, *item.statement); });
  const auto sent = translated ? translate_run(*link, begin, end, text, note, joined)
                               : server_text(*link, sent_text(begin, end, text, note, joined), nullptr, work_->head.conforming_strings);
  if (!sent) return false;
  for (std::size_t i = begin; i < end; ++i)  // of the names that the server does not see
    if (named_in_sql(*items[i].statement))
      if (const std::string notices = cut_name_notices(text_of(items[i], text), work_->head.conforming_strings); !notices.empty()) local_reply(notices);
  const bool declares = on_redshift && items[begin].statement->kind == Kind::declare_cursor;
  note_items(*link, begin, end, text, note);
  last_route_.sent_to(link->route);
  send_query(*link, *sent);
  work_->ledger.push(Expect::query, end == items.size() ? Reply::forward : Reply::partial, std::move(note));
  if (declares)
    work_->ledger.mark_spooling();
  else if (translated)
    work_->ledger.mark_translated();
  batch_open_ = batch_wrote_ = false;
  work_->head.next = end;
  // An error leaves the transaction open that stands before its end.
  const bool may_stay_open = std::any_of(items.begin() + begin + 1, items.begin() + end, [](const ScriptItem& item) { return ends_transaction(item.statement->kind); });
  if (names_in_doubt_ || declares || may_stay_open) stall(Stall::replies);
  if (limited.decision) run_limited(std::move(limited));
  return true;
}

}  // namespace pgswitch
