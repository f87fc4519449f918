// The extended protocol: names of prepared statements are the client's, what servers hold is content-addressed.
#include <algorithm>
#include <utility>

#include "protocol/backend.hpp"
#include "protocol/frontend.hpp"
#include "protocol/writer.hpp"
#include "proxy/copy/copy_statement.hpp"
#include "proxy/session/core_cursors.hpp"
#include "proxy/session/core_load.hpp"
#include "proxy/session/local_answer.hpp"

namespace pgswitch {

namespace frontend = protocol::frontend;
using protocol::ByteView;
using protocol::FrameHeader;
using protocol::SqlError;
using rules::Decision;
using rules::Kind;
using rules::ScriptItem;

namespace {

bool is_momentary(const PreparedStatement& prepared) { return has(prepared.item().decision->depends_on, rules::Dependency::volatile_); }

bool is_copy(Kind kind) { return kind == Kind::copy_in || kind == Kind::copy_out; }

bool is_control(Kind kind) { return kind >= Kind::begin && kind <= Kind::prepare_transaction; }

/// What its columns are depends on what a name means when it is parsed, so that nobody can use it who parses it later.
bool names_another(const rules::Statement& statement) { return statement.kind == Kind::execute || statement.kind == Kind::fetch; }

/// Is the sent text made by a rule's edits, and by nothing else?
bool is_edited(const PreparedStatement& prepared) {
  if (!prepared.script || prepared.script->items.size() != 1) return false;
  const Decision& decision = *prepared.item().decision;
  return decision.edits && (prepared.sent ? prepared.sent->unspelled : prepared.sent_text) == *decision.rewritten;
}

}  // namespace

/// Answered without a server whenever that is possible: transaction control (deferred, or run by us), DEALLOCATE, answers of
/// rules and the empty statement. None of them has parameters.
bool SessionCore::is_local(const PreparedStatement& prepared) const {
  if (prepared.is_plain() || prepared.script->items.size() != 1) return false;
  const ScriptItem& item = prepared.item();
  const Kind kind = item.statement->kind;
  return prepared.client_copy || item.decision->verb == Decision::Verb::answer || is_control(kind) || kind == Kind::set_transaction ||
         kind == Kind::empty || kind == Kind::deallocate || is_cursor_command(item);
}

PreparedStatementPtr SessionCore::make_prepared(std::string_view text, std::string_view types, bool unnamed) {
  if (unnamed && is_unnamed(text, types)) return current(unnamed_);
  auto prepared = std::make_shared<PreparedStatement>();
  prepared->serial = ++last_serial_;
  prepared->script = decide(text);
  prepared->text = text;
  prepared->parameter_types = types;
  set_sent_text(*prepared);
  return prepared;
}

void SessionCore::set_sent_text(PreparedStatement& prepared) {
  const auto& items = prepared.script->items;
  const auto& rewritten = items.front().decision->rewritten;
  prepared.skipped = 0;
  prepared.sent_text = items.size() == 1 && rewritten ? *rewritten : prepared.text;
  if (items.size() == 1)
    if (auto named = with_server_name(prepared.sent_text, *items.front().statement, nullptr)) prepared.sent_text = std::move(*named);
  prepared.settings = parsed_with();
  prepared.conforming_strings = settings_.facts().conforming_strings;
  prepared.set_key(*prepared.settings);
}

/// Whether the rules now in force, and the session's state, can only decide the statement as it was decided.
bool SessionCore::is_current(const PreparedStatement& prepared) const {
  constexpr rules::Dependencies changing = rules::bit(rules::Dependency::in_transaction) |
                                           rules::bit(rules::Dependency::application_name) |
                                           rules::bit(rules::Dependency::search_path) | rules::bit(rules::Dependency::wished_route) |
                                           rules::bit(rules::Dependency::volatile_);
  if (prepared.by_sql) return true;
  const ScriptItem& item = prepared.item();
  return item.statement->prepared.empty() && prepared.script->generation == engine_->generation() && (item.decision->depends_on & changing) == 0;
}

/// The statement as the rules now in force, and the session's state, decide it. Good until it is asked again.
const PreparedStatementPtr& SessionCore::current(const PreparedStatementPtr& prepared) {
  if (is_current(*prepared)) return prepared;
  if (momentary_ && momentary_->asked == prepared) return momentary_->answer;
  const rules::ScriptPtr& script = decide(prepared->text);
  if (prepared->item().statement->prepared.empty() && script == prepared->script) return prepared;
  auto again = std::make_shared<PreparedStatement>(*prepared);
  again->script = script;
  set_sent_text(*again);
  if (is_momentary(*again)) momentary_ = MomentaryDecision{prepared, again, nullptr};
  return work_->renewed = std::move(again);
}

/// An error in the middle of a batch: shown in its place, the rest of the batch is skipped. What the batch (or its
/// transaction) has done so far must not be committed by the Sync to come: the server is made to fail too.
void SessionCore::fail_batch(const SqlError& error) {
  std::string bytes;
  protocol::write_error(bytes, error);
  refusal_.reset();
  forget_limited();
  skip_until_sync_ = true;
  work_->bound = nullptr;
  if (active_ && (batch_open_ || predicted_ != 'I')) {
    // Executing a portal that cannot exist.
    work_->to_server.compose([](std::string& out) {
      protocol::MessageWriter(out, frontend::execute).string("pgswitch refused").int32(0);
    });
    work_->ledger.push_substitute(Expect::execute, bytes);
    batch_open_ = true;
    return;
  }
  local_reply(bytes);
  holds_replies_ = false;  // errors do not wait
  abort_locally();
}

/// Whether the client's transaction has failed so that the statement must not be parsed or bound, and no server will tell.
bool SessionCore::fails_in_transaction(const PreparedStatement& prepared) const {
  const bool running = !work_->ledger.empty() || batch_open_;
  const bool over = running && predicted_ == 'I';  // its end is on its way
  if (over || ends_failed_transaction(prepared.item().statement->kind)) return false;
  return local_abort_ || ((running ? predicted_ : status()) == 'E' && is_local(prepared));
}

/// What is answered without a server, and does not end the transaction: whether it may be is known only when everything
/// before it has been answered.
bool SessionCore::waits_for_failure(Kind kind) const {
  // In a batch that has been begun on the server a failure skips all that follows.
  return !work_->ledger.empty() && !batch_open_ && !ends_failed_transaction(kind) && (predicted_ != 'I' || status() != 'I');
}

/// Whether something that is on its way may have failed the transaction, or mended it, so that nobody knows how a Parse fares.
bool SessionCore::may_have_failed(const Link& link) const {
  return predicted_ != 'I' && !work_->ledger.empty() && (link.status == 'E' || !batch_open_);
}

/// Parse of a name that is taken. What is wrong with the text comes first: the server is asked to prepare it, and
/// made to fail if it can. False: it waits.
bool SessionCore::on_name_taken(PreparedStatementPtr prepared, const frontend::Parse& parse) {
  const bool asks = !is_local(*prepared) && prepared->script->items.size() == 1;
  Link* link = asks ? link_for(*prepared) : nullptr;
  if (link && !is_for(*link, *prepared)) prepared = for_kind(*link, std::move(prepared));
  if (asks && (!link || refusal_)) {
    if (refusal_) fail_batch(*refusal_);
    return stall_ == Stall::none;
  }
  if (asks && !prepared_known(*prepared, false)) return false;
  if (asks && surely_prepared(*link, *prepared, false)) {
    if (may_have_failed(*link)) return await_replies(), false;
    if (link->status == 'E' && predicted_ != 'I') return fail_batch(transaction_failed()), true;
  }
  if (asks) ensure_prepared(*link, *prepared, false);
  fail_batch(prepared->script->items.size() > 1 ? several_commands() : duplicate_prepared_statement(parse.statement));
  return true;
}

Link* SessionCore::link_for(const PreparedStatement& prepared) {
  const ScriptItem& item = prepared.item();
  return need_link(route_of(item));
}

std::size_t SessionCore::on_parse(const FrameHeader& header, ByteView in) {
  if (!complete(header, in)) return 0;
  const std::size_t size = header.frame_size();
  if (skip_until_sync_) return momentary_.reset(), size;
  const auto parse = frontend::read_parse(body_of(header, in));
  if (!parse) return fail_batch(malformed_message(frontend::fault(header.type, body_of(header, in)))), size;
  if (!is_valid_name(parse->statement)) return fail_batch(*refusal_), size;
  const bool unnamed = parse->statement.empty();
  if (unnamed ? !names_known() : !surely_means(parse->statement)) return 0;
  if (const auto used = unnamed ? parse_again(*parse, in.substr(0, size)) : std::nullopt) return *used;
  PreparedStatementPtr prepared = momentary_ && momentary_->parsing ? std::exchange(momentary_->parsing, nullptr) : make_prepared(parse->text, parse->parameter_types, unnamed);
  const PreparedStatementPtr made = is_momentary(*prepared) ? prepared : nullptr;
  const std::size_t used = take_parse(header, in, *parse, std::move(prepared));
  if (!made) return used;
  momentary_ = used == 0 ? MomentaryDecision{nullptr, nullptr, made} : MomentaryDecision{made, made, nullptr};
  return used;
}

/// A Parse whose statement has been decided.
std::size_t SessionCore::take_parse(const FrameHeader& header, ByteView in, const frontend::Parse& parse, PreparedStatementPtr prepared) {
  const std::size_t size = header.frame_size();
  const bool unnamed = parse.statement.empty();
  const ScriptItem& item = prepared->item();
  if (item.decision->verb == Decision::Verb::reject) last_route_.note(*prepared->script);
  if (item.decision->verb == Decision::Verb::reject) return fail_batch(to_error(item.decision->refusal)), size;
  if (is_copy(item.statement->kind) && !prepared->client_copy && prepared->script->items.size() == 1 && !local_abort_) {
    const Link* const link = link_for(*prepared);
    if (!link) return refusal_ ? (fail_batch(*refusal_), size) : 0;
    if (link->state->kind == ServerKind::redshift && copy::is_client_copy(prepared->sent_text, prepared->conforming_strings)) {
      auto marked = std::make_shared<PreparedStatement>(*prepared);
      marked->client_copy = true;
      prepared = std::move(marked);
    }
  }
  if (is_local(*prepared) && item.statement->kind != Kind::empty && waits_for_failure(item.statement->kind)) return await_replies(), 0;
  if (item.statement->kind != Kind::empty && fails_in_transaction(*prepared)) {
    if (unnamed) unnamed_.reset();  // it goes before the text is looked at
    return fail_batch(transaction_failed()), size;
  }
  if (!unnamed && find_prepared(parse.statement)) return on_name_taken(prepared, parse) ? size : 0;

  Note note;
  if (is_local(*prepared)) {
    ++counters.client_parses;
    if (const std::string notices = cut_name_notices(parse.text, prepared->conforming_strings); !notices.empty()) local_reply(notices);
    rename(parse.statement, std::move(prepared), note);
    local_reply(std::string_view("1\0\0\0\4", 5), std::move(note));
    return size;
  }
  if (!prepared_known(*prepared, unnamed)) return 0;
  Link* link = link_for(*prepared);
  if (!link) return refusal_ ? (fail_batch(*refusal_), size) : 0;
  if (link->state->kind == ServerKind::redshift && !CoreLoad::is_in_any_encoding(*item.statement))
    if (const auto objects = CoreLoad::object_to_encoding(*this)) return fail_batch(*objects), size;
  if (!is_for(*link, *prepared)) {
    if (asks_watch(*link, item)) return 0;
    prepared = for_kind(*link, std::move(prepared));
    if (refusal_) return fail_batch(*refusal_), size;
    if (!prepared_known(*prepared, unnamed)) return 0;
  }
  // The unnamed statement is parsed anew each time, as PostgreSQL does: it sees what DDL has changed since.
  bool known = !unnamed && surely_prepared(*link, *prepared, unnamed);
  if (known && may_have_failed(*link)) return await_replies(), 0;
  // A server looks at its transaction before it looks whether the name is taken.
  const bool fails = link->status == 'E' && predicted_ != 'I';
  if (known && !fails && names_another(*prepared->item().statement)) {
    close_on_server(*link, prepared->key);
    known = false;
  }
  ++counters.client_parses;
  const PreparedStatement& parsed = *prepared;
  rename(parse.statement, std::move(prepared), note);
  if (known && !fails) {
    // Known there: the client gets its ParseComplete in its place, the server is not asked.
    local_reply(std::string_view("1\0\0\0\4", 5), std::move(note));
    return size;
  }
  send_parse(*link, parsed, parse, in.substr(0, size), known, std::move(note));
  return size;
}

/// `known`: the server has the statement, and keeps it when it refuses the Parse.
void SessionCore::send_parse(Link& link, const PreparedStatement& prepared, const frontend::Parse& parse, ByteView frame, bool known, Note&& note) {
  PreparedSet& there = link.state->prepared;
  const bool unnamed = parse.statement.empty();
  if (!known || unnamed) note.key = prepared.key;
  note.unnamed = unnamed;
  note_text(prepared, parse.text, note);
  if (named_in_sql(*prepared.item().statement))
    if (const std::string notices = cut_name_notices(parse.text, prepared.conforming_strings); !notices.empty()) local_reply(notices);
  if (note.rewritten && is_edited(prepared)) note.pieces.push_back({0, 0, prepared.item().decision});
  if (unnamed && prepared.sent_text == parse.text) {
    work_->to_server.add(frame);
  } else {
    if (!unnamed && !known) make_room(link);
    work_->to_server.compose([&](std::string& out) {
      protocol::write_parse(out, unnamed ? std::string_view{} : as_view(prepared.name), prepared.sent_text, prepared.parameter_types);
    });
  }
  if (unnamed)
    note.replaced = std::exchange(there.unnamed, prepared.key);
  else if (!known)
    there.insert(prepared.key);
  ++counters.server_parses;
  work_->ledger.push(Expect::parse, Reply::forward, std::move(note));
  batch_open_ = true;
}

/// What the client's name means from now on (nullptr: nothing); `note` gets what takes it back.
void SessionCore::rename(std::string_view name, PreparedStatementPtr prepared, Note& note) {
  note.names_client_statement = true;
  note.client_name = name;
  if (name.empty()) {
    note.previous = std::exchange(unnamed_, std::move(prepared));
    return;
  }
  note.client_name.resize(std::min(note.client_name.size(), longest_name));
  PreparedStatementPtr& named = prepared_[note.client_name];
  note.previous = std::exchange(named, std::move(prepared));
  if (!named) prepared_.erase(note.client_name);
}

void SessionCore::close_on_server(Link& link, const PreparedKey& key) {
  const ServerName name = server_name(key);
  work_->to_server.compose([&](std::string& out) { protocol::write_close(out, 'S', as_view(name)); });
  Note note;
  note.key = key;
  note.closes = true;
  link.state->prepared.erase(note.key);
  work_->ledger.push(Expect::close, Reply::swallow, std::move(note));
  batch_open_ = true;
}

/// Before a statement is prepared on the server: closes what is in the way of its name or of the limit.
void SessionCore::make_room(Link& link) {
  PreparedSet& there = link.state->prepared;
  for (const PreparedKey& key : std::exchange(there.stale, {})) close_on_server(link, key);
  if (there.size() >= options_.max_prepared_statements && there.size() > 0) close_on_server(link, there.oldest());
}

/// Makes sure that the server holds the statement: a Parse of ours, its reply swallowed, if it does not. True: it was sent.
bool SessionCore::ensure_prepared(Link& link, const PreparedStatement& prepared, bool unnamed) {
  if (prepared.by_sql) return false;
  if (prepared.script)
    if (const PreparedStatementPtr named = named_in_sql(*prepared.item().statement))
      if (const rules::Statement& run = *named->item().statement; (run.prepared.empty() || run.kind == Kind::prepare) && named->kind == prepared.kind)
        ensure_prepared(link, *named, false);
  PreparedSet& there = link.state->prepared;
  if (surely_prepared(link, prepared, unnamed)) return false;
  // The server will say that it does not know it.
  if (prepared.settings && !is_parsed_alike(prepared) && may_be_misread(prepared.sent_text, settings_.facts().conforming_strings)) return false;
  if (!unnamed) make_room(link);
  work_->to_server.compose([&](std::string& out) {
    protocol::write_parse(out, unnamed ? std::string_view{} : as_view(prepared.name), prepared.sent_text, prepared.parameter_types);
  });
  Note note;
  note.key = prepared.key;
  note.unnamed = unnamed;
  note_text(prepared, prepared.text, note);
  if (unnamed)
    note.replaced = std::exchange(there.unnamed, prepared.key);
  else
    there.insert(prepared.key);
  ++counters.server_parses;
  ++counters.inserted_parses;
  work_->ledger.push(Expect::parse, Reply::swallow, std::move(note));
  return batch_open_ = true;
}

std::size_t SessionCore::on_describe(const FrameHeader& header, ByteView in) {
  if (!complete(header, in)) return 0;
  const std::size_t size = header.frame_size();
  if (skip_until_sync_) return size;
  const auto target = frontend::read_describe(body_of(header, in));
  if (!target) return fail_batch(malformed_message(frontend::fault(header.type, body_of(header, in)))), size;
  if (!is_valid_name(target->name)) return fail_batch(*refusal_), size;

  if (target->target == 'P') {
    const PreparedStatementPtr& portal = find_portal(target->name);
    const redshift::Cursor* const cursor = find_spooled(target->name);
    if (cursor && !cursor->description.empty() && status() != 'E') return local_reply(cursor->description), size;
    if (portal && is_local(*portal) && !surely_portal(target->name)) return 0;
    if (portal && has_ended(*portal) && !portal->text.empty()) return refuse_ended(*portal, target->name, size);
    if (portal && is_local(*portal)) return describe_locally(*portal, false), size;
    if (portal && local_abort_ && fails_in_transaction(*portal)) return fail_batch(transaction_failed()), size;
    if (!link_of_portal(target->name)) {
      if (refusal_) return fail_batch(*refusal_), size;
      return stall_ == Stall::none ? (fail_batch(unknown_portal(target->name)), size) : 0;
    }
    work_->to_server.add(in.substr(0, size));
    if (portal)
      work_->ledger.push(Expect::describe, Reply::forward, *portal);
    else
      work_->ledger.push(Expect::describe);
    if (portal && portal->skipped > 0) work_->ledger.mark_spooling();
    batch_open_ = true;
    return size;
  }

  work_->bound = nullptr;
  bool server_tells = false;
  if (!means_or_server_tells(target->name, server_tells)) return 0;
  const PreparedStatementPtr& named = find_prepared(target->name);
  if (!named) return fail_batch(unknown_prepared_statement(target->name)), size;
  const PreparedStatementPtr& decided = current(named);
  server_tells = server_tells && decided->key == named->key;
  if (decided->item().decision->verb == Decision::Verb::reject)
    return fail_batch(to_error(decided->item().decision->refusal)), size;
  if (is_local(*decided)) return describe_locally(*decided, true), size;
  if (local_abort_) return fail_batch(transaction_failed()), size;
  if (!server_tells && !prepared_known(*decided, target->name.empty())) return 0;
  Link* link = link_for(*decided);
  if (!link) return refusal_ ? (fail_batch(*refusal_), size) : 0;
  const PreparedStatementPtr& prepared = known_to(*link, decided, target->name.empty());
  if (refusal_) return fail_batch(*refusal_), size;
  if (!server_tells && !prepared_known(*prepared, target->name.empty())) return 0;
  ensure_prepared(*link, *prepared, target->name.empty());
  if (target->name.empty() || prepared->by_sql) {
    work_->to_server.add(in.substr(0, size));
  } else {
    work_->to_server.compose([&](std::string& out) {
      protocol::MessageWriter(out, frontend::describe).byte('S').string(as_view(prepared->name));
    });
  }
  push_named(Expect::describe, *prepared, target->name, server_tells);
  if (prepared->skipped > 0) work_->ledger.mark_spooling();
  batch_open_ = true;
  return size;
}

}  // namespace pgswitch
