// A server connection is lost: what the client is told, and whether it can stay.
#include "protocol/backend.hpp"
#include "protocol/writer.hpp"
#include "proxy/session/core_cursors.hpp"
#include "proxy/session/core_load.hpp"

namespace pgswitch {

using protocol::Severity;
using protocol::SqlError;

namespace {

/// Whether a COMMIT was among what is owed: then nobody knows if it happened.
bool commit_owed(const Ledger& ledger, bool predicted_idle, char status) {
  return !ledger.empty() && status == 'T' && predicted_idle;
}

/// Whether the client waits for an answer to something that was sent.
bool answer_owed(const Ledger& ledger) {
  for (std::size_t i = 0; i < ledger.size(); ++i)
    if (ledger[i].reply != Reply::swallow && ledger[i].expect != Expect::copy_end) return true;
  return false;
}

}  // namespace

/// `why` is what the shell knows ("server closed the connection unexpectedly"); a FATAL the server sent first says more, and
/// is the last that a client sees whose session ends.
/// The client stays where only work that it can be told of is lost: the failed statement, its transaction. It goes where
/// its session lived on that server (pins), or where half a message has been forwarded.
void SessionCore::on_server_lost(rules::RouteId route, const SqlError& why) {
  Link* link = find_link(route);
  if (!link) return;
  begin_work();
  holds_replies_ = false;
  const std::string last_words = fatal_from_server_.value_or({});
  fatal_from_server_.reset();
  SqlError error = last_words.empty() ? why : protocol::backend::read_error(protocol::ByteView(last_words).substr(protocol::frame_header_size));
  error.severity = Severity::error;
  error.position = 0;
  const bool was_active = link == active_;
  const Pins pins = link->pins;
  const char status = link->status;
  const bool in_doubt = was_active && commit_owed(work_->ledger, predicted_ == 'I', status);
  if (in_doubt)
    error = {Severity::error, std::string(protocol::sqlstate::transaction_resolution_unknown),
             "connection to the server was lost during COMMIT", "The transaction may or may not have been committed. " + error.message, "", 0};
  const bool torn = was_active && (!at_frame_boundary() || (client_rest_ > 0 && client_rest_forward_));
  const bool stays = !torn && !pins && !closing_;
  if (was_active) {
    lose_transaction(stays);
    forget_limited();
    if (writes_ && writes_->is_open()) writes_->end(now_us_);
    if (stays) answer_for_lost(error, status);
    work_->ledger.drop_all([this](Note& note) { take_back(note); });
    work_->to_server.clear();
    if (at_frame_boundary()) server_rest_ = 0;
    if (redshift_) redshift_->rows = redshift_->part = 0, redshift_->hidden_tag.clear();
    server_rest_spools_ = batch_open_ = false;
    failed_ = false;
    setting_up_ = false;
    opening_ = false;
    names_in_doubt_ = false;
    copy_expected_ = false;
    copy_broken_ = false;
    predicted_ = 'I';
    end_wait();
    if (const auto load = std::exchange(work_->load, nullptr); load && stays) load->on_lost(error, status != 'I');
  }
  release(*link, false);
  if (!torn && !pins) return;
  if (last_words.empty() || in_doubt)
    fatal(error);
  else
    fatal(last_words);
}

/// What the transaction set is as before it, and a client that stays is told so, as a server would have.
void SessionCore::lose_transaction(bool stays) {
  settings_.rollback_lost();
  if (spooled_) {
    spooled_->close_unheld();
    CoreCursors(*this).end_transaction(false);
  }
  if (work_->wish) settings_.return_to(std::move(*work_->wish));
  work_->wish.reset();
  if (stays) tell_settings();
}

/// One error for what was running, ReadyForQuery for everything that awaited one.
void SessionCore::answer_for_lost(const SqlError& error, char status_then) {
  const bool in_transaction_then = status_then != 'I' || predicted_ != 'I';
  if (!answer_owed(work_->ledger) && (!batch_open_ || work_->head.waits)) {
    // The query that waits is told, or what comes next in the transaction.
    local_abort_ |= in_transaction_then;
    if (in_transaction_then)
      lost_in_transaction_ = error;
    else if (setting_up_ || batch_open_)
      refusal_ = error;
    return;
  }
  std::string bytes;
  if (in_transaction_then && error.sqlstate != protocol::sqlstate::transaction_resolution_unknown) local_abort_ = true;
  const char shown = local_abort_ ? 'E' : 'I';
  // An error skips what stands behind it to the next Sync, queries too.
  bool skips = work_->ledger.empty() && skip_until_sync_;
  bool told = failed_;  // the first of them has had its error
  if (is_watched()) told &= !std::exchange(redshift_->watch.retry, false), redshift_->watch.held.clear(), redshift_->watch.shown = true;
  for (std::size_t i = 0; i < work_->ledger.size(); ++i) {
    const Entry& entry = work_->ledger[i];
    const bool query = entry.expect == Expect::query || entry.expect == Expect::function_call;
    const bool sync = entry.expect == Expect::sync;
    if (entry.reply == Reply::swallow || entry.expect == Expect::copy_end || (skips && !sync)) continue;
    if (!skips && !told) protocol::write_error(bytes, error);
    told = false;
    skips = !query && !sync;
    if (entry.reply == Reply::partial)
      work_->head.failed = true;
    else if (!skips)
      protocol::write_ready_for_query(bytes, shown);
  }
  if (batch_open_ && !skips) protocol::write_error(bytes, error);
  // As with an error in a COPY, the Syncs behind the last of the data are answered, if they have no end.
  if (!active_->copy_in && !copy_broken_) copy_syncs_ = 0;
  const bool synced = copy_syncs_ > 0;
  for (; copy_syncs_ > 0; --copy_syncs_) protocol::write_ready_for_query(bytes, shown);
  work_->to_client.append(bytes);
  skip_until_sync_ = (skip_until_sync_ || skips || batch_open_) && !synced;
}

}  // namespace pgswitch
