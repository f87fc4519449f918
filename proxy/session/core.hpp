#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/frame.hpp"
#include "protocol/frontend.hpp"
#include "protocol/sql_error.hpp"
#include "proxy/redshift/server_text.hpp"
#include "proxy/redshift/session.hpp"
#include "proxy/redshift/statements.hpp"
#include "proxy/session/core_work.hpp"
#include "proxy/session/last_route.hpp"
#include "proxy/session/limited.hpp"
#include "proxy/session/writes.hpp"
#include "rules/engine.hpp"

namespace pgswitch {

class CoreLoad;

/// A session as a pure state machine: bytes of the client and of its servers in; bytes for both, and actions, out. No
/// socket, no clock, no randomness. Owned by its shell (Relay, or a test script), one thread.
///
/// The shell gives unconsumed bytes, is told how many were taken, writes to_server() and to_client() (ranges in them point
/// into the bytes it gave, which must stay in place until written) and performs next() until it says need_more.
/// One link (a leased connection) is active at a time and owns the ledger; links with pins may be parked meanwhile.
class SessionCore : private rules::SessionState {
 public:
  SessionCore(CoreOptions options, rules::Facts facts, SessionSettings settings);
  ~SessionCore() override;
  SessionCore(const SessionCore&) = delete;
  SessionCore& operator=(const SessionCore&) = delete;

  /// The rules in force; set before each call that brings bytes (a reload replaces the engine).
  void set_engine(rules::Engine& engine) { engine_ = &engine; }
  /// The shell's time in µs, by the engine's clock; set before each call that brings bytes.
  void set_now(std::int64_t now_us) { now_us_ = now_us; }
  /// Where leases come from and cursors keep their rows; set before the first call that brings bytes, both outlive the session.
  void set_sources(LeaseSource& leases, redshift::SpoolStorage& storage) { leases_ = &leases, storage_ = &storage; }

  // Events.
  std::size_t on_client_bytes(protocol::ByteView in);
  std::size_t on_server_bytes(rules::RouteId route, protocol::ByteView in);
  void on_acquired(rules::RouteId route, ServerState& state);
  /// Severity fatal ends the session, error fails the statement that waited.
  void on_acquire_failed(const protocol::SqlError& error);
  void on_server_lost(rules::RouteId route, const protocol::SqlError& error);
  /// limit_deadline_us() has passed.
  void on_limit_passed();
  /// There is no memory for the frame at the head of the client's bytes, of which some are still to come.
  void on_no_room() { has_no_room_ = true; }
  /// To a client who has said its last and may be gone: something that it knows, if nothing else is on its way to it.
  void repeat_setting();
  /// The client has cancelled a statement that is delayed.
  void cancel_delay(const protocol::SqlError& error);
  void on_cancel_ended();
  /// The proxy ends the session (timeout, shutdown, KILL): FATAL to the client as soon as a frame boundary allows.
  void end(const protocol::SqlError& error);

  Gather& to_client() { return begin_work().to_client; }
  Gather& to_server() { return begin_work().to_server; }
  Action next();

  // Questions.
  /// Client bytes can be used now: nothing is waited for, and the client takes its answers.
  bool wants_client() const { return stall_ == Stall::none && !closing_ && !(work_ && work_->to_client.size() >= Work::most_unread); }
  /// The client gets something more, though it sends nothing more.
  bool owes_answers() const;
  /// Bytes a frame at the start of what was left over needs to be in one piece; 0 = any.
  std::size_t client_bytes_needed() const { return client_needed_; }
  std::size_t server_bytes_needed() const { return server_needed_; }
  LimitPhase limit_phase() const { return limited_ ? limited_->phase : LimitPhase::none; }
  std::int64_t limit_deadline_us() const { return limited_ ? limited_->deadline_us() : 0; }
  /// A cancel request is on its way that Action::Kind::cancel has asked for.
  bool is_cancelling() const { return cancelling_; }
  bool waits_for_lease() const { return stall_ == Stall::lease; }
  /// Route of the link that owns the ledger; no_route when none is held actively.
  rules::RouteId active_route() const { return active_ ? active_->route : rules::no_route; }
  /// Replies are owed: a query is running.
  bool is_busy() const { return work_ && (work_->load || (!work_->ledger.empty() && !is_paused())); }
  /// Bytes of the active server are wanted: not while a portal is suspended whose rows come, or while its file is slow.
  bool wants_server() const;
  /// The cursors whose rows the session keeps; nullptr: none.
  const redshift::Cursors* cursors() const { return spooled_ ? &*spooled_ : nullptr; }
  /// A COPY that the shell has to help with, or nullptr.
  CoreLoad* load() const { return work_ ? work_->load.get() : nullptr; }
  /// An extended batch was begun on a server and not ended: it holds that server as a transaction does.
  bool has_open_batch() const { return batch_open_; }
  bool in_transaction() const { return status() != 'I' || is_paused(); }
  /// BEGIN has been answered, and no server has it yet.
  bool has_deferred() const { return work_ && !work_->deferred.empty() && !local_abort_; }
  /// No transaction, nothing owed, nothing half-received: ending the session now loses nothing.
  bool is_idle() const;
  /// What to_client() holds are answers to an extended batch that is still on its way: as PostgreSQL does, they wait for its
  /// Sync or Flush, or for the server's replies, and go out in one write with them. A release waits for what is written.
  bool holds_replies() const { return holds_replies_ && !closing_ && work_ && work_->releases.empty(); }
  /// False while a frame of the active link is on its way to the client: nothing else may be written in between.
  bool at_frame_boundary() const { return server_rest_ == 0 || server_rest_spools_; }
  /// In what state the lease of `route` is left when the client has gone.
  Leftover leftover(rules::RouteId route) const;
  Pins pins() const, pins(rules::RouteId route) const;
  const rules::Facts& facts() const { return facts_; }
  std::size_t prepared_count() const { return prepared_.size(); }
  CoreCounters counters;
  /// Gives back the memory that only a busy session needs. Only when is_idle().
  void shrink();

 private:
  friend class CoreCursors;  // cursors of Redshift
  friend class CoreLoad;     // COPY on Redshift
  /// limits: a delayed statement, or a cancel request on its way that must not hit another. load: see CoreLoad.
  enum class Stall : std::uint8_t { none, lease, replies, limits, load };
  using Work = SessionWork;
  Work& begin_work() { return work_ ? *work_ : *(work_ = std::make_unique<Work>()); }

  // core_client.cpp: frames of the client
  std::size_t on_client_frame(const protocol::FrameHeader& header, protocol::ByteView in);
  std::size_t end_moment(std::size_t used);
  bool complete(const protocol::FrameHeader& header, protocol::ByteView in);
  void give_up(std::string why);
  std::size_t refuse_frame(const protocol::FrameHeader& header, protocol::ByteView in);
  bool small_is_whole(const protocol::FrameHeader& header, protocol::ByteView in);
  std::size_t stream_to_server(const protocol::FrameHeader& header, protocol::ByteView in);
  std::size_t skip_frame(const protocol::FrameHeader& header, protocol::ByteView in);
  std::size_t on_function_call(const protocol::FrameHeader& header, protocol::ByteView in);
  std::size_t on_sync(const protocol::FrameHeader& header, protocol::ByteView in), on_flush(const protocol::FrameHeader& header, protocol::ByteView in);

  // core_copy.cpp
  bool in_copy() const { return (active_ && active_->copy_in) || work_->load; }
  bool may_follow_copy(const protocol::FrameHeader& header) const;
  std::size_t on_early_copy_frame(const protocol::FrameHeader& header, protocol::ByteView in);
  std::size_t on_copy_frame(const protocol::FrameHeader& header, protocol::ByteView in), skip_copy_sync(const protocol::FrameHeader& header, protocol::ByteView in);
  void end_failed_copy(), break_copy(char type);
  bool on_broken_copy(protocol::ByteView body);

  // core_query.cpp: simple protocol; core_run.cpp, core_text.cpp: what of a query string goes to a server at once, and as what
  std::size_t on_query(const protocol::FrameHeader& header, protocol::ByteView in);
  const rules::ScriptPtr& decide_head(std::string_view text);
  bool run_script(std::string_view text), run_on_server(std::string_view text);
  bool is_freed(std::size_t begin, std::size_t i) const;
  std::string own_text(std::size_t begin, std::size_t i, std::string_view text) const;
  std::string_view sent_text(std::size_t begin, std::size_t end, std::string_view text, Note& note, std::string& joined);
  std::vector<SentPiece> pieces_of(std::size_t begin, std::size_t end, std::string_view text) const;
  std::size_t run_end(std::size_t begin, rules::RouteId& route) const;
  std::optional<protocol::SqlError> refuse_script() const;
  bool commits_writes(std::size_t begin, std::size_t end) const;
  bool may_send(Link& link, std::size_t begin, std::size_t end, std::string_view text);
  void note_items(Link& link, std::size_t begin, std::size_t end, std::string_view text, Note& note);
  bool answer_locally(const rules::ScriptItem& item, std::string_view text);
  bool fail_query(const protocol::SqlError& error), may_leave_settings() const;
  void end_string(bool failed), drop_unnamed(), abort_locally();

  // core_extended.cpp, core_execute.cpp: extended protocol
  std::size_t on_parse(const protocol::FrameHeader& header, protocol::ByteView in);
  std::size_t take_parse(const protocol::FrameHeader& header, protocol::ByteView in, const protocol::frontend::Parse& parse, PreparedStatementPtr prepared);
  std::size_t on_describe(const protocol::FrameHeader& header, protocol::ByteView in), on_execute(const protocol::FrameHeader& header, protocol::ByteView in);
  std::optional<std::size_t> execute_by_proxy(const protocol::frontend::Execute&, const PreparedStatementPtr& portal, std::size_t size, Limited&);
  PreparedStatementPtr make_prepared(std::string_view text, std::string_view types, bool unnamed);
  bool is_current(const PreparedStatement& prepared) const;
  const PreparedStatementPtr& current(const PreparedStatementPtr& prepared);
  bool is_local(const PreparedStatement& prepared) const, fails_in_transaction(const PreparedStatement& prepared) const;
  bool waits_for_failure(rules::Kind kind) const, may_have_failed(const Link& link) const;
  void send_parse(Link& link, const PreparedStatement& prepared, const protocol::frontend::Parse& parse, protocol::ByteView frame, bool known,
                  Note&& note);
  bool on_name_taken(PreparedStatementPtr prepared, const protocol::frontend::Parse& parse);
  Link* link_for(const PreparedStatement& prepared);
  bool ensure_prepared(Link& link, const PreparedStatement& prepared, bool unnamed);
  void make_room(Link& link);
  void close_on_server(Link& link, const PreparedKey& key);
  void rename(std::string_view name, PreparedStatementPtr prepared, Note& note);
  void set_sent_text(PreparedStatement& prepared), note_executed(const PreparedStatement& portal);
  bool execute_locally(const PreparedStatement& portal, const protocol::frontend::Execute& execute);
  void execute_internally(Link& link, const redshift::ServerText& text, Reply reply, Note note);
  void describe_locally(const PreparedStatement& prepared, bool statement);
  void fail_batch(const protocol::SqlError& error);

  // core_portals.cpp
  std::size_t on_bind(const protocol::FrameHeader& header, protocol::ByteView in);
  std::size_t send_bind(const protocol::FrameHeader& header, protocol::ByteView in, const protocol::frontend::BindNames& names,
                        const PreparedStatement& prepared);
  std::size_t bind_locally(const protocol::FrameHeader& header, protocol::ByteView in, const protocol::frontend::BindNames& names,
                           const PreparedStatementPtr& prepared);
  std::size_t on_close(const protocol::FrameHeader& header, protocol::ByteView in);
  std::size_t close_portal(std::string_view name, protocol::ByteView frame);
  const PreparedStatementPtr& find_portal(std::string_view name) const;
  static const PreparedStatementPtr& spent();
  static bool has_ended(const PreparedStatement& portal) { return portal.script == spent()->script; }
  std::size_t refuse_ended(const PreparedStatement& portal, std::string_view name, std::size_t size);
  void set_portal(std::string_view name, PreparedStatementPtr portal), lose_portals(), drop_portals(), drop_earlier_portals();
  void rename_portal(std::string_view name, PreparedStatementPtr portal, Note& note);
  std::shared_ptr<PortalChange> portal_change(std::string_view name, PreparedStatementPtr before, PreparedStatementPtr now) const;
  void take_back_portal(const PortalChange& change);
  void close_all_portals(std::string_view portal, Note& note);
  void note_answered(const PreparedStatement& portal, std::string_view name, std::size_t rows);
  void spend_portal(std::string_view name, rules::Kind kind);
  bool surely_portal(std::string_view name), is_held_cursor(std::string_view name) const;
  Link* link_of_portal(std::string_view name);

  // core_names.cpp: SQL and the protocol share the names of prepared statements and of portals
  bool names_known();
  bool surely_means(std::string_view name);
  bool means_or_server_tells(std::string_view name, bool& server_tells);
  bool surely_prepared(Link& link, const PreparedStatement& prepared, bool unnamed);
  bool prepared_known(const PreparedStatement& prepared, bool unnamed);
  void push_named(Expect expect, const PreparedStatement& prepared, std::string_view name, bool server_tells);
  bool puts_in_doubt(const rules::Statement& statement) const;
  const Shared<std::string>& parsed_with();
  bool is_parsed_alike(const PreparedStatement& prepared), is_unnamed(std::string_view text, std::string_view types);
  bool may_be_misread(std::string_view text, bool conforming_strings);
  const PreparedStatementPtr& known_to(Link& link, const PreparedStatementPtr& prepared, bool unnamed);
  bool is_valid_name(std::string_view name);
  const PreparedStatementPtr& find_prepared(std::string_view name) const;
  PreparedStatementPtr named_in_sql(const rules::Statement& statement) const;
  rules::StatementPtr run_by(const rules::Statement& statement) const;
  std::optional<std::string> with_server_name(std::string_view text, const rules::Statement& statement, Note* note) const;
  std::optional<protocol::SqlError> name_taken() const;
  std::optional<protocol::SqlError> cursor_taken() const;
  void take_back(Note& note, Note* later = nullptr);
  void prepared_by_sql(const rules::Statement& statement, Link& link);
  std::shared_ptr<PreparedStatement> preparing(const rules::ScriptItem& item, std::string_view text) const;
  void note_preparing(const rules::ScriptItem& item, std::string_view text);
  std::optional<protocol::SqlError> refuse_execute(const rules::Statement& statement, rules::ScriptItems before, std::string_view text);
  std::optional<protocol::SqlError> refuse_prepared(const PreparedStatement& prepared, const rules::Facts& facts);
  void deallocated_by_sql(const rules::Statement& statement, Link& link);
  void closed_cursor(std::string_view name, Link& link);
  std::string client_name(std::string_view server_name) const;
  std::string with_client_names(std::string_view text) const;

  // core_redshift.cpp, core_redshift_answers.cpp, core_fallback.cpp: where the kinds of servers differ
  redshift::Session& side();
  redshift::Asker asker_of(const Link& link) const;
  std::optional<redshift::ServerText> server_text(const Link& link, std::string_view text, redshift::Sent* sent = nullptr,
                                                  std::optional<bool> conforming = {});
  void send_query(Link& link, const redshift::ServerText& text);
  bool translates(const Link& link, const rules::Statement& statement) const;
  std::optional<redshift::ServerText> translate_run(Link& link, std::size_t begin, std::size_t& end, std::string_view text, Note& note, std::string& joined);
  bool is_for(const Link& link, const PreparedStatement& prepared) const;
  PreparedStatementPtr for_kind(Link& link, PreparedStatementPtr prepared);
  bool may_run(Link& link, const PreparedStatement& portal);
  bool execute_translated(Link& link, const rules::StatementPtr& statement, std::string_view text, Reply reply, Note note);
  void on_translated(char type, protocol::ByteView frame, protocol::ByteView body);
  bool asks_watch(const Link& link, const rules::ScriptItem& item);
  bool is_watched() const { return redshift_ && redshift_->watch.phase != redshift::Watch::Phase::none; }
  std::size_t go_on_watched(protocol::ByteView rest, bool& stops);
  bool holds(char type, protocol::ByteView frame), is_all_answered();
  void pretend_settings(const rules::Statement& statement, Link& link);

  // core_spool.cpp: cursors of Redshift, as far as the core asks itself (the rest is CoreCursors)
  bool head_spools() const { return work_ && !work_->ledger.empty() && work_->ledger.head().spools; }
  bool is_paused() const { return spooled_ && is_head_paused(); }  // few have such cursors
  bool is_head_paused() const, is_cursor_command(const rules::ScriptItem& item) const;
  redshift::Cursor* find_spooled(std::string_view name) const { return spooled_ ? spooled_->find(name) : nullptr; }

  // core_local.cpp: what needs no server
  bool local_transaction_control(const rules::StatementPtr& statement, std::string_view text, std::string& tag);
  bool roll_back_deferred(std::string_view savepoint);
  bool local_deallocate(const rules::Statement& statement, std::string& tag, Note& note);
  void local_reply(std::string_view bytes, Note note = {});
  void write_local_ready(), begin_again();
  char status() const;

  // core_links.cpp: leases
  Link* need_link(rules::RouteId route);
  Link* set_up(Link& link);
  bool has_lease_now(rules::RouteId route), replay_settings(Link& link);
  void send_deferred(Link& link);
  void release(Link& link, bool clean);
  void leave_active(), maybe_release(), end_segment();
  rules::RouteId home_of(const rules::Statement& statement) const;
  rules::RouteId route_of(const rules::ScriptItem& item) const;
  bool is_neutral(const rules::ScriptItem& item) const;
  rules::RouteId neutral_route(rules::RouteId wish = rules::no_route) const;
  Link* find_link(rules::RouteId route) const;
  void remove_link(Link* link);
  void predict(rules::Kind kind);

  // core_plain.cpp: answers, and messages of a batch, as most are
  std::size_t pass_plain(protocol::ByteView in), follow_parsed(protocol::ByteView in), follow_bound(protocol::ByteView in);
  std::optional<std::size_t> parse_again(const protocol::frontend::Parse& parse, protocol::ByteView frame);
  void note_bound(std::string_view name, const PreparedStatement& prepared);
  bool binds_plainly(std::string_view name);
  std::optional<std::size_t> bind_plainly(const protocol::FrameHeader& header, protocol::ByteView in, const protocol::frontend::BindNames& names);

  // core_server.cpp: frames of the servers
  std::size_t on_server_frame(const protocol::FrameHeader& header, protocol::ByteView in);
  void settle(char type, protocol::ByteView body), desynchronised(char type);
  void on_command_complete(protocol::ByteView body), note_application_name(std::string_view name);
  bool on_ready(protocol::ByteView body), swallowing() const;
  void on_parameter_status(protocol::ByteView frame, protocol::ByteView body);
  void on_redshift_parameter(std::string_view name, std::string_view value, bool own);
  void on_parked_bytes(Link& link, char type, protocol::ByteView frame, protocol::ByteView body);

  // core_errors.cpp
  bool on_error(protocol::ByteView frame, protocol::ByteView body);
  void on_batch_error(protocol::ByteView frame, std::string_view sqlstate, bool opening);
  void on_queries_skipped(protocol::ByteView error, std::size_t queries, Reply last, bool batch_behind, bool sync_follows);
  void forward_report(char type, protocol::ByteView frame, protocol::ByteView body);

  // core_effects.cpp: what a statement that succeeded leaves behind
  void apply(const rules::Statement& statement, Link& link, bool rolled_back);
  void roll_back(Link& link);
  void apply_pins(const rules::Statement& statement, Link& link);
  void leave_parked(Pins pins);
  void apply_locks(const rules::Statement& statement, Link& link);
  void note_sent(const rules::Statement& statement, Link& link);
  void tell_settings();

  // core_facts.cpp: what rules may know of the session
  const rules::Facts& facts_now();
  bool will_be_in_transaction() const;
  void note_write(const rules::Statement& statement);
  std::optional<std::string> setting(std::string_view name) const override;
  const std::vector<rules::WrittenTable>& written() const override;
  std::int64_t last_write_us() const override;
  std::string pinned_by() const override;

  // core_limits.cpp
  void add_limits(Limited& all, const rules::ScriptItem& item, rules::ScriptItems before) const;
  Limited limits_of(rules::ScriptItems items, std::size_t begin, std::size_t end) const;
  rules::ScriptItem named_by(const rules::Statement& statement, rules::ScriptItems before) const;
  bool counts_rows(rules::ScriptItems items, std::size_t i) const;
  bool writes(rules::ScriptItems items, std::size_t i) const;
  std::optional<protocol::SqlError> refuse_counting(rules::ScriptItems items, std::size_t i, bool wrote, bool counted) const;
  void note_cursor(const rules::ScriptItem& item);
  bool has_to_wait(const Limited& what);
  void run_limited(Limited what), forget_limited(), cancel_limited();
  bool is_within_limits(char type);
  void end_limited(bool extended, bool suspended = false);

  // core_loss.cpp
  void lose_transaction(bool stays);
  void answer_for_lost(const protocol::SqlError& error, char status_then);

  // core.cpp
  const rules::ScriptPtr& decide(std::string_view text);
  void await_replies(), end_wait();
  protocol::SqlError transaction_failed();
  void stall(Stall why) { stall_ = why; }
  void fatal(const protocol::SqlError& error);
  void fatal(protocol::ByteView frame);
  void write_local_error(const protocol::SqlError& error);

  // In an order that leaves no holes.
  CoreOptions options_;
  rules::Facts facts_;
  rules::Engine* engine_ = nullptr;
  redshift::SpoolStorage* storage_ = nullptr;
  LeaseSource* leases_ = nullptr;
  LastRoute last_route_;
  SessionSettings settings_;
  Boxed<Writes> writes_;
  Boxed<redshift::Session> redshift_;
  std::int64_t now_us_ = 0;
  std::unique_ptr<Work> work_;
  std::vector<std::unique_ptr<Link>> links_;
  Link* active_ = nullptr;
  Boxed<protocol::SqlError> refusal_;   ///< why the statement at the head cannot run
  Boxed<protocol::SqlError> lost_in_transaction_;  ///< why, when its server went away; told once
  Boxed<std::string> fatal_from_server_;  ///< the frame
  Boxed<Limited> limited_;
  LimitedCursors limited_cursors_;
  Boxed<redshift::Cursors> spooled_;
  PreparedNames prepared_, portals_;
  Boxed<MomentaryDecision> momentary_;
  PreparedStatementPtr unnamed_, unnamed_portal_;
  RareMap<std::string, rules::RouteId> objects_;  ///< "table:x", "cursor:x" -> where it lives
  Shared<std::string> parsed_with_;  ///< settings_.parsing() of parsed_with_version_
  unsigned parsed_with_version_ = 0, facts_version_ = ~0u;  ///< of the settings in parsed_with_, in facts_
  std::uint32_t last_serial_ = 0, transactions_ = 0;  ///< of statements; whose portals are gone
  std::uint32_t client_rest_ = 0, server_rest_ = 0;  ///< bytes of a large frame still to come
  std::uint32_t client_needed_ = 0, server_needed_ = 0;
  rules::RouteId wanted_route_ = rules::no_route;
  Stall stall_ = Stall::none;
  bool client_rest_forward_ = false, server_rest_forward_ = false, server_rest_spools_ = false, holds_replies_ = false;
  char server_rest_type_ = 0, copy_broken_by_ = 0;
  bool has_no_room_ = false;  ///< see on_no_room()
  bool asked_ = false, closing_ = false;        ///< the acquire action is out; the session ends
  bool cancel_due_ = false, cancelling_ = false;  ///< its cancel request has to be sent; is on its way
  bool release_due_ = false;                    ///< as soon as to_server_ is written
  bool setting_up_ = false;                     ///< the ledger's head is our own replay of settings
  // Extended batch, from the first message after a Sync to the next.
  bool batch_open_ = false;       ///< the active link was sent something that a Sync must end
  bool batch_wrote_ = false, skip_until_sync_ = false;
  bool copy_expected_ = false;    ///< a COPY FROM STDIN was sent, its CopyInResponse or its end has not come
  std::uint8_t copy_syncs_ = 0;   ///< Syncs that the client has sent inside its COPY, behind the last data
  bool copy_broken_ = false;      ///< the client sent something else than data, the server's COPY was made to fail
  /// PREPARE, DISCARD ALL, SET ... is out: what names, or texts, mean is known when it has been answered.
  bool names_in_doubt_ = false;
  char predicted_ = 'I';          ///< transaction status once everything sent has been answered
  bool failed_ = false;           ///< an error since the last ReadyForQuery
  bool local_abort_ = false;      ///< the client's transaction has failed, whatever the server thinks
  bool warned_ = false;           ///< a notice came since the last CommandComplete
  bool opening_ = false;          ///< a deferred BEGIN was sent, the server has not confirmed it
};

}  // namespace pgswitch
