// How a run ends: the client, a server or the session goes, or nothing may be left over.
#include <utility>

#include "rules/route_names.hpp"
#include "run.hpp"

namespace pgswitch::script {

void Run::lose_client() {
  for (const std::string& route : leased()) check_leftover(route, core_.leftover(rules::intern_route(route)));
}

void Run::lose_server(const std::string& route) {
  server(route).received.clear();
  const std::size_t released_before = releases_.size();
  core_.on_server_lost(rules::intern_route(route), {protocol::Severity::error, "08006", "the server is gone", "", "", 0});
  pump();
  // What waited may have another one already.
  if (server(route).is_leased && releases_.size() == released_before) fail("keeps the lease of " + route + ", which is lost");
}

void Run::lose_everything(const std::string& first) {
  losing_ = true;
  if (closed_) return lose_client();
  if (wanted_ && !core_.waits_for_lease()) fail("waits for no lease but has asked for one");
  if (std::exchange(wanted_, std::nullopt)) core_.on_acquire_failed({protocol::Severity::error, "53300", "none left", "", "", 0});
  std::string next = first;
  for (int turn = 0; turn < 100 && !next.empty() && !closed_ && failure_.empty(); ++turn) {
    lose_server(next);
    const std::vector<std::string> rest = leased();
    next = rest.empty() ? "" : rest.front();
  }
  if (closed_) return lose_client();
  if (!next.empty()) fail("never gives up " + next);
  // A client that stays must be able to go on: its batch ends, its transaction ends, and every request is answered.
  if (closed_ || !client_unread_.empty() || request_rest_ > 0) return;
  client_unread_ = sync() + query("rollback") + query("select 1");
  ask(client_unread_);
  pump();
  if (!closed_ && !client_unread_.empty()) fail("takes no more requests");
  check_replies(true);
  check_all_answered();
  if (!closed_ && core_.in_transaction()) fail("is in a transaction after ROLLBACK, to the client:\n" + show(client_received_));
}

void Run::end_session() {
  const bool boundary = core_.at_frame_boundary();
  const bool had_closed = closed_;
  core_.end({protocol::Severity::fatal, "57P01", "terminating", "", "", 0});
  pump();
  if (!closed_) fail("does not close");
  const std::vector<Bytes> told = split(client_received_);
  if (boundary && !had_closed && (told.empty() || !same(any_fatal("57P01"), told.back()))) fail("the client is not told of its end");
  lose_client();
}

void Run::finish() {
  if (!failure_.empty()) return;
  for (auto& [route, held] : servers_) {
    if (!held.received.empty()) fail("not expected to " + route + ":\n" + show(held.received));
    if (!held.unread.empty() && !closed_) fail("bytes of " + route + " were left");
  }
  if (!client_received_.empty()) fail("not expected to the client:\n" + show(client_received_));
  if (wanted_) fail("acquire of " + *wanted_ + " was not expected");
  if (!releases_.empty()) fail("release of " + releases_.front().first + " was not expected");
  if (cancels_ > 0) fail("a cancel request was not expected");
  if (!client_unread_.empty() && !closed_) fail("bytes of the client were left:\n" + show(client_unread_));
  if (!closed_ && !client_frames_.empty()) fail("half a message for the client");
  if (!core_.cursors() && storage_.used > 0 && core_.is_idle()) fail("a closed cursor keeps its rows");
  check_replies(true);
  lose_client();
}

}  // namespace pgswitch::script
