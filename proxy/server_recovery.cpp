#include "proxy/server_recovery.hpp"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cctype>

#include "protocol/backend.hpp"
#include "protocol/frontend.hpp"
#include "protocol/writer.hpp"
#include "proxy/alarm.hpp"
#include "proxy/redshift/upkeep.hpp"
#include "proxy/server_query.hpp"

namespace pgswitch {

namespace asio = boost::asio;
namespace backend = protocol::backend;

namespace {

// What the reset query has undone is no longer known of the connection. DISCARD ALL ends everything, RESET ALL the settings;
// what another query does is the administrator's word.
void note_reset(ServerState& state, std::string_view query) {
  using redshift::contains_words;
  const bool discard_all = contains_words(query, "DISCARD ALL");
  if (discard_all || contains_words(query, "RESET ALL")) state.settings.clear();
  if (discard_all || contains_words(query, "DEALLOCATE ALL")) state.prepared.clear();
  state.unknown_settings = false;
  state.session_state = false;
}

/// Name of a portal that cannot exist.
constexpr std::string_view copy_marker = "pgswitch ended a COPY";

/// One cleaning from beginning to end.
class Recovery {
 public:
  Recovery(const ServerHome& home, ServerConn& server, const Leftover& leftover, const RecoveryPlan& plan)
      : home_(home), server_(server), left_(leftover), plan_(plan), grace_end_(home.now_us() + plan.grace_us) {}

  asio::awaitable<bool> run() {
    if (left_.unusable) co_return false;
    bool ok = co_await end_requests();
    if (ok) ok = co_await drain();
    if (ok) ok = co_await wait_for_cancels();
    if (ok && status_ != 'I') ok = co_await query("ROLLBACK");
    if (!ok || status_ != 'I') co_return false;
    if (!plan_.reset_query.empty()) {
      const bool is_redshift = server_.state.kind == ServerKind::redshift;
      if (is_redshift && !redshift::can_reset(server_.state, left_.state_unknown)) {
        reason_ = "Redshift cannot reset what the session left";
        co_return false;
      }
      const std::string_view reset = is_redshift ? redshift::reset_query(plan_.reset_query) : std::string_view(plan_.reset_query);
      reason_ = "reset query failed";
      ok = co_await query(reset);
      if (!ok || status_ != 'I') co_return false;
      note_reset(server_.state, reset);
    }
    co_return server_.in.empty() && server_.stream.is_open();
  }
  std::string_view reason() const { return reason_; }

 private:
  asio::awaitable<bool> query(std::string_view sql) {
    protocol::SqlError error;
    co_return co_await run_query(server_, sql, plan_.deadline_us, error, &status_);
  }

  asio::awaitable<bool> end_requests() {
    status_ = left_.in_transaction ? 'T' : 'I';
    std::string out;
    if (left_.copy_in) protocol::write_copy_fail(out, "client disconnected");
    if (left_.sync_needed) {
      // A Sync alone would commit what the client never asked to be committed: Executing a portal that cannot exist fails it.
      protocol::MessageWriter(out, protocol::frontend::execute).string("pgswitch abandoned").int32(0).finish();
      protocol::write_sync(out);
    }
    const bool written = co_await write_all(server_, out, plan_.deadline_us);
    co_return written;
  }

  asio::awaitable<bool> drain() {
    reason_ = "client disconnected with query in progress";
    if (!co_await skip(left_.skip_bytes)) co_return false;
    std::uint32_t missing = left_.ready_expected;
    while (missing > 0) {
      protocol::FrameHeader header;
      if (!co_await next_header(header)) co_return false;
      const bool wanted = header.type == backend::ready_for_query || header.type == backend::parameter_status ||
                          (header.type == backend::error_response && resynchronises_);
      if (!wanted) {
        if (!co_await pass_over(header)) co_return false;
        continue;
      }
      protocol::Frame frame;
      if (!co_await read_frame(server_, frame, plan_.deadline_us)) co_return false;
      if (!note(frame, missing)) co_return false;
    }
    server_.in.consume(server_.in.outstanding().size());
    co_return true;
  }

  bool note(const protocol::Frame& frame, std::uint32_t& missing) {
    if (frame.type == backend::parameter_status) return note_parameter(server_, frame.body);
    if (frame.type == backend::error_response) {
      if (frame.body.find(copy_marker) == std::string_view::npos) return true;
      resynchronises_ = false;
      missing = 1;
      return true;
    }
    const auto status = backend::read_ready_for_query(frame.body);
    if (!status) return false;
    status_ = *status;
    if (!resynchronises_) --missing;
    return true;
  }

  // Rows can be larger than any buffer: they are passed over in pieces. A COPY that begins only now has nobody to feed it; behind
  // a batch that we have ended it has taken that end for data, and the connection is lost.
  asio::awaitable<bool> pass_over(const protocol::FrameHeader header) {
    if (!co_await skip(header.frame_size())) co_return false;
    if (header.type == backend::copy_both_response) co_return false;
    if (header.type != backend::copy_in_response) co_return true;
    if (left_.sync_needed || resynchronises_) co_return false;
    resynchronises_ = true;
    const std::string out = end_of_copy();
    co_return co_await write_all(server_, out, plan_.deadline_us);
  }

  // A COPY swallows the Syncs that were sent behind it (manual, 55.2.6), so how many replies are owed is not known any more,
  // until the error comes that only a message of ours can bring.
  static std::string end_of_copy() {
    std::string out;
    protocol::write_copy_fail(out, "client disconnected");
    protocol::write_sync(out);
    protocol::MessageWriter(out, protocol::frontend::execute).string(copy_marker).int32(0).finish();
    protocol::write_sync(out);
    return out;
  }

  // Waits for input no longer than the grace period, then cancels once and waits for what that brings.
  asio::awaitable<bool> await_input() {
    if (!cancelled_ && home_.now_us() < grace_end_) {
      const bool in_time = co_await server_.stream.wait_readable(grace_end_);
      if (in_time) co_return true;
    }
    if (!server_.stream.is_open()) co_return false;
    if (!cancelled_) co_await cancel();
    co_return co_await server_.stream.wait_readable(plan_.deadline_us);
  }

  asio::awaitable<void> cancel() {
    cancelled_ = true;
    if (home_.cancel) co_await home_.cancel(server_, plan_.deadline_us);
  }

  // What is left of a large result may come as fast as it is read: others have their turn meanwhile, and the clock goes on.
  asio::awaitable<void> pause() {
    Alarm alarm(home_.io);
    co_await alarm.wait(home_.now_us());
  }

  asio::awaitable<bool> fill() {
    constexpr std::uint32_t reads_a_turn = 8;
    if (++reads_ % reads_a_turn == 0) co_await pause();
    for (;;) {
      if (!cancelled_ && home_.now_us() >= grace_end_) co_await cancel();
      const std::span<char> room = server_.in.prepare();
      if (room.empty()) co_return false;
      const IoResult result = server_.stream.read_some(room.data(), room.size());
      if (result.status == IoResult::Status::ok) {
        server_.in.commit(result.bytes);
        co_return home_.now_us() < plan_.deadline_us;
      }
      if (result.status != IoResult::Status::would_block) co_return false;
      if (!co_await await_input()) co_return false;
    }
  }

  asio::awaitable<bool> next_header(protocol::FrameHeader& header) {
    server_.in.consume(server_.in.outstanding().size());
    for (;;) {
      constexpr std::size_t any_size = std::size_t{1} << 31;
      const auto status = protocol::read_header(server_.in.received(), any_size, header);
      if (status == protocol::HeaderStatus::complete) co_return true;
      if (status == protocol::HeaderStatus::malformed) co_return false;
      const bool more = co_await fill();
      if (!more) co_return false;
    }
  }

  asio::awaitable<bool> skip(std::uint64_t count) {
    server_.in.consume(server_.in.outstanding().size());
    while (count > 0) {
      const std::uint64_t here = std::min<std::uint64_t>(count, server_.in.received().size());
      server_.in.consume(server_.in.parse(here).size());
      count -= here;
      if (count == 0) break;
      const bool more = co_await fill();
      if (!more) co_return false;
    }
    co_return true;
  }

  // A cancel that arrives late would hit the next client's query (pgbouncer #717). The server closes the cancel's
  // connection after it has sent the signal, so once none is in flight an idle server can have none to come.
  asio::awaitable<bool> wait_for_cancels() {
    reason_ = "cancel_wait_timeout";
    Alarm alarm(home_.io);
    while (server_.cancels_in_flight > 0) {
      if (home_.now_us() >= plan_.deadline_us) co_return false;
      co_await alarm.wait(home_.now_us() + 5'000);
    }
    reason_ = "client disconnect while server was not ready";
    co_return true;
  }

  const ServerHome& home_;
  ServerConn& server_;
  const Leftover left_;
  const RecoveryPlan& plan_;
  std::int64_t grace_end_;
  std::uint32_t reads_ = 0;
  std::string_view reason_ = "client disconnect before everything was sent to the server";
  char status_ = 'I';
  bool cancelled_ = false;
  bool resynchronises_ = false;  ///< the replies that are owed end with the error about copy_marker
};

}  // namespace

asio::awaitable<bool> recover(const ServerHome& home, ServerConn& server, const Leftover& leftover,
                              const RecoveryPlan& plan, std::string_view& reason) {
  Recovery recovery(home, server, leftover, plan);
  const bool clean = co_await recovery.run();
  reason = recovery.reason();
  co_return clean;
}

}  // namespace pgswitch
