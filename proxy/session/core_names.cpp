// PostgreSQL has one set of names for prepared statements and one for portals, whether SQL or the protocol made them.
// Servers know the statements of the protocol by names of ours; what SQL PREPARE made they know by the client's own.
#include <algorithm>
#include <set>

#include "protocol/utf8.hpp"
#include "proxy/session/core_cursors.hpp"
#include "proxy/session/local_answer.hpp"
#include "rules/misreading.hpp"
#include "rules/prepared_name.hpp"
#include "rules/rewrite.hpp"

namespace pgswitch {

using protocol::SqlError;
using rules::Effect;
using rules::Kind;
using rules::RouteId;
using rules::ScriptItems;
using rules::Statement;

namespace {

/// The server would read other statements than those that were decided.
SqlError strings_changed() {
  SqlError error;
  error.sqlstate = "0A000";
  error.message = "the prepared statement means something else now";
  error.detail = "It has a backslash in its text, standard_conforming_strings has changed, and another server would have to parse it.";
  error.hint = "Prepare it again.";
  return error;
}

/// As server_name() makes them. Others may have prepared a statement of the protocol on the server: no client knows it by that name.
bool is_server_name(std::string_view name) { return name.size() == std::tuple_size_v<ServerName> && name.starts_with("pgs_"); }

}  // namespace

/// Whether it is certain what names mean. False: waits for the replies that tell.
bool SessionCore::names_known() {
  names_in_doubt_ = names_in_doubt_ && !work_->ledger.empty();
  if (names_in_doubt_) await_replies();
  return !names_in_doubt_;
}

/// The same of one name, which a message before a Sync may have changed.
bool SessionCore::surely_means(std::string_view name) {
  if (!names_known()) return false;
  const bool doubtful = work_->ledger.doubts_name(name.substr(0, longest_name));
  if (doubtful) await_replies();
  return !doubtful;
}

/// The same for a message that the server answers as it should also when the name does not mean that in the end: a pipeline
/// may prepare a statement in one batch and use it in the next.
bool SessionCore::means_or_server_tells(std::string_view name, bool& server_tells) {
  server_tells = false;
  name = name.substr(0, longest_name);
  if (!names_known()) return false;
  if (!work_->ledger.doubts_name(name)) return true;
  const PreparedStatementPtr& prepared = find_prepared(name);
  server_tells = prepared && !name.empty() && work_->ledger.server_tells(name, prepared->key);
  if (!server_tells) await_replies();
  return server_tells;
}

/// Expects the answer to a message that names a statement. The name may be gone when the server says that it does not know it.
void SessionCore::push_named(Expect expect, const PreparedStatement& prepared, std::string_view name, bool server_tells) {
  if (!server_tells) return work_->ledger.push(expect, Reply::forward, prepared);
  Note note;
  note.client_name = name;
  work_->ledger.push(expect, Reply::forward, prepared, std::move(note));
}

/// Whether the server has the statement, also if all that was sent before a Sync should fail.
bool SessionCore::surely_prepared(Link& link, const PreparedStatement& prepared, bool unnamed) {
  PreparedSet& there = link.state->prepared;
  return unnamed ? there.unnamed == prepared.key && !work_->ledger.doubts_key(prepared.key) : there.contains(prepared.key);
}

/// Whether it is certain which servers have the statement, and what it names itself. False: waits. (The unnamed statement
/// can be prepared again.)
bool SessionCore::prepared_known(const PreparedStatement& prepared, bool unnamed) {
  const std::string& names = prepared.item().statement->prepared;
  const bool doubtful = (!unnamed && work_->ledger.doubts_key(prepared.key)) || (!names.empty() && work_->ledger.doubts_name(names));
  if (doubtful) await_replies();
  return !doubtful;
}

/// Whether names, what texts mean, or where the tables and cursors are that they name is not known before the statement has been
/// answered.
bool SessionCore::puts_in_doubt(const Statement& statement) const {
  constexpr rules::Effects doubtful = bit(Effect::reset_all) | bit(Effect::unknown_settings) | bit(Effect::temp_table) | bit(Effect::hold_cursor);
  if (changes_names(statement) || (statement.effects & doubtful) != 0) return true;
  if (const rules::StatementPtr run = run_by(statement); run && puts_in_doubt(*run)) return true;
  if (settings_.returns_to_start(statement)) return true;
  const bool asked = engine_->looks_at_sessions();
  const bool returns = settings_.is_unsettled() || (asked && settings_.changed_in_transaction());
  if (returns && ends_failed_transaction(statement.kind)) return true;
  const auto& variables = statement.variables;
  return std::any_of(variables.begin(), variables.end(), [asked](const auto& change) { return asked || SessionSettings::is_parsed_with(change.name); });
}

/// What the session's settings make of a text now. Sessions that have the same ones share it.
const Shared<std::string>& SessionCore::parsed_with() {
  static thread_local Shared<std::string> latest;
  if (parsed_with_ && parsed_with_version_ == settings_.version()) return parsed_with_;
  std::string now = settings_.parsing();
  if (!latest || *latest != now) latest = Shared<std::string>(std::move(now));
  parsed_with_version_ = settings_.version();
  return parsed_with_ = latest;
}

bool SessionCore::is_parsed_alike(const PreparedStatement& prepared) {
  return prepared.settings == parsed_with() || (prepared.settings && *prepared.settings == *parsed_with());
}

/// Whether the session's unnamed statement is the one of that text.
bool SessionCore::is_unnamed(std::string_view text, std::string_view types) {
  return unnamed_ && unnamed_->text == text && unnamed_->parameter_types == types && is_parsed_alike(*unnamed_);
}

/// The statement to use on `link`: where it has to be parsed anew, settings have changed what it means, and so its name there.
/// Where they have changed what its text may be, it must not be: refusal_. Good until it is asked again.
const PreparedStatementPtr& SessionCore::known_to(Link& link, const PreparedStatementPtr& prepared, bool unnamed) {
  if (prepared->by_sql) return prepared;
  const bool translated = !is_for(link, *prepared);
  if (!translated && is_parsed_alike(*prepared)) return prepared;
  PreparedSet& there = link.state->prepared;
  if (!translated && (unnamed ? there.unnamed == prepared->key : there.contains(prepared->key))) return prepared;
  const bool conforming = settings_.facts().conforming_strings;
  if (may_be_misread(prepared->sent_text, conforming)) return refusal_ = to_error(rules::misreading_refusal()), prepared;
  if (conforming != prepared->conforming_strings && prepared->text.find('\\') != std::string::npos) return refusal_ = strings_changed(), prepared;
  if (translated) return work_->renewed = for_kind(link, prepared);
  auto again = std::make_shared<PreparedStatement>(*prepared);
  set_sent_text(*again);
  return work_->renewed = std::move(again);
}

/// A text that was decided in another encoding than the one in which it would be sent.
bool SessionCore::may_be_misread(std::string_view text, bool conforming_strings) {
  return settings_.facts().ascii_in_characters && rules::may_be_misread(text, {conforming_strings});
}

/// Servers know statements by other names, and do not see what is wrong with the client's. False: refusal_.
bool SessionCore::is_valid_name(std::string_view name) {
  if (protocol::is_ascii(name) || settings_.told()[static_cast<std::size_t>(Tracked::client_encoding)] != "UTF8") return true;
  std::string fault = protocol::utf8_fault(name);
  if (fault.empty()) return true;
  refusal_ = SqlError{protocol::Severity::error, "22021", std::move(fault), "", "", 0};
  return false;
}

/// Good until a name is given another meaning.
const PreparedStatementPtr& SessionCore::find_prepared(std::string_view name) const {
  static const PreparedStatementPtr none;
  if (name.empty()) return unnamed_;
  const auto found = prepared_.find(name.substr(0, longest_name));
  return found == prepared_.end() ? none : found->second;
}

/// The statement of the protocol that SQL names: servers know it by another name.
PreparedStatementPtr SessionCore::named_in_sql(const Statement& statement) const {
  if (statement.prepared.empty() || statement.kind == Kind::prepare) return nullptr;
  const auto found = prepared_.find(statement.prepared);
  return found == prepared_.end() || found->second->by_sql ? nullptr : found->second;
}

/// What EXECUTE, or its like, runs; nullptr: nothing, or what the session does not know.
rules::StatementPtr SessionCore::run_by(const Statement& statement) const {
  const auto named = runs_another(statement) ? prepared_.find(statement.prepared) : prepared_.end();
  const rules::StatementPtr run = named == prepared_.end() ? nullptr : named->second->item().statement;
  return run && !runs_another(*run) ? run : nullptr;
}

/// `text` with the servers' name in it, if `statement` names a statement of the protocol; `note` gets how positions move.
std::optional<std::string> SessionCore::with_server_name(std::string_view text, const Statement& statement, Note* note) const {
  const PreparedStatementPtr named = named_in_sql(statement);
  if (!named) return std::nullopt;
  const bool conforming = settings_.told()[static_cast<std::size_t>(Tracked::standard_conforming_strings)] != "off";
  const auto token = rules::find_prepared_name(text, statement.prepared, {conforming});
  if (!token) return std::nullopt;
  const std::string_view name = as_view(named->name);
  if (note) {
    note->shift_from = rules::characters(text.substr(0, token->begin));
    note->position_shift = static_cast<std::int32_t>(rules::characters(text.substr(token->begin, token->size))) - static_cast<std::int32_t>(name.size());
  }
  const rules::Edit edit{token->begin, token->size, name};
  return rules::splice(text, {&edit, 1});
}

/// PREPARE of a name that the protocol has given already: the server cannot know.
std::optional<SqlError> SessionCore::name_taken() const {
  if (prepared_.empty() || status() == 'E') return std::nullopt;
  std::set<std::string_view> freed;
  for (const rules::ScriptItem& item : work_->head.script->items) {
    const Statement& statement = *item.statement;
    if (frees_all_names(statement)) return std::nullopt;
    if (statement.kind == Kind::deallocate) freed.insert(statement.prepared);
    if (statement.kind != Kind::prepare || freed.contains(statement.prepared)) continue;
    const auto found = prepared_.find(statement.prepared);
    if (found != prepared_.end() && !found->second->by_sql) return duplicate_prepared_statement(statement.prepared);
  }
  return std::nullopt;
}

/// A cursor WITH HOLD has the name on another server than the one that would find that out.
std::optional<SqlError> SessionCore::cursor_taken() const {
  if (objects_.empty() || status() == 'E') return std::nullopt;
  for (const rules::ScriptItem& item : work_->head.script->items) {
    const Statement& statement = *item.statement;
    if (has(statement.effects, Effect::close_cursor) || has(statement.effects, Effect::close_all_cursors)) break;
    if (statement.kind != Kind::declare_cursor) continue;
    const auto found = objects_.find("cursor:" + statement.object);
    if (found != objects_.end() && found->second != route_of(item)) return duplicate_portal(statement.object);
  }
  return std::nullopt;
}

/// Undoes what a message changed in advance, now that it will not be answered. `later`: a message that will be, and
/// has changed the same name since.
void SessionCore::take_back(Note& note, Note* later) {
  if (note.key != PreparedKey{} && active_) {
    PreparedSet& there = active_->state->prepared;
    if (note.closes)
      there.stale.push_back(note.key);
    else if (note.unnamed)
      there.unnamed = note.replaced;
    else
      there.erase(note.key);
  }
  if (note.all_previous) prepared_ = std::move(*note.all_previous);
  if (note.previous && note.previous->by_sql)
    if (Link* link = find_link(note.previous->item().decision->route)) link->pins |= bit(Pin::sql_prepare);
  if (note.portal) take_back_portal(*note.portal);
  if (!note.names_client_statement) return;
  if (later)
    later->previous = note.previous;
  else if (note.client_name.empty())
    unnamed_ = note.previous;
  else if (note.previous)
    prepared_[note.client_name] = note.previous;
  else
    prepared_.erase(note.client_name);
}

/// What SQL PREPARE `item` makes of `text`: what the rules said of it is asked again when it is to run.
std::shared_ptr<PreparedStatement> SessionCore::preparing(const rules::ScriptItem& item, std::string_view text) const {
  auto prepared = std::make_shared<PreparedStatement>();
  prepared->script = std::make_shared<const rules::Script>(rules::Script{.items = {item}});
  prepared->text = text;
  prepared->sent_text = item.decision->rewritten.value_or(prepared->text);
  prepared->by_sql = true;
  return prepared;
}

/// PREPARE is being sent.
void SessionCore::note_preparing(const rules::ScriptItem& item, std::string_view text) {
  if (item.statement->kind == Kind::prepare) work_->preparing.push_back(preparing(item, text));
  if (const PreparedStatementPtr run = named_in_sql(*item.statement); run && run->item().statement->kind == Kind::prepare)
    work_->preparing.push_back(preparing(run->item(), run->text));
}

/// Why what EXECUTE, or its like, names must not run, or not any more; nullopt: it may. `before`: what stands in front of it in its query string
/// `text`, which may prepare it, and may change what it means.
std::optional<SqlError> SessionCore::refuse_execute(const Statement& statement, ScriptItems before, std::string_view text) {
  if (statement.prepared.empty() || statement.kind == Kind::prepare) return std::nullopt;
  PreparedStatementPtr named = find_prepared(statement.prepared);
  if (!named && is_server_name(statement.prepared)) return unknown_prepared_statement(statement.prepared);
  if (statement.kind == Kind::deallocate) return std::nullopt;
  // PREPARE of a name that the protocol has given, by EXECUTE: the server cannot know.
  if (named && named->item().statement->kind == Kind::prepare && status() != 'E')
    if (const PreparedStatementPtr taken = find_prepared(named->item().statement->prepared); taken && !taken->by_sql)
      return duplicate_prepared_statement(named->item().statement->prepared);
  rules::Facts facts = facts_now();
  facts.before = before;
  for (const rules::ScriptItem& item : before) {
    step_over(*item.statement, facts);
    if (item.statement->kind == Kind::prepare && item.statement->prepared == statement.prepared)
      named = preparing(item, text.substr(item.begin, item.size));
  }
  return named && (named->by_sql || !before.empty()) ? refuse_prepared(*named, facts) : std::nullopt;
}

/// The rules, or what they look at, may be others than when it was prepared: its server would run it as it was.
std::optional<SqlError> SessionCore::refuse_prepared(const PreparedStatement& prepared, const rules::Facts& facts) {
  if (prepared.text.empty()) return std::nullopt;
  const rules::ScriptPtr script = engine_->decide(prepared.text, facts);
  const rules::Decision& decision = *script->items.front().decision;
  if (decision.verb == rules::Decision::Verb::reject) return to_error(decision.refusal);
  if (decision.rewritten.value_or(prepared.text) == prepared.sent_text) return std::nullopt;
  return SqlError{protocol::Severity::error, std::string(protocol::sqlstate::feature_not_supported),
                  "the statement was prepared when rules made another one of it", "", "DEALLOCATE it and prepare it again.", 0};
}

/// SQL PREPARE has succeeded: the protocol can use the name from now on, on this link. To execute it has what effects its
/// query has.
void SessionCore::prepared_by_sql(const Statement& statement, Link& link) {
  auto query = std::make_shared<Statement>(statement);
  query->kind = Kind::select;
  query->prepared.clear();
  query->object.clear();
  query->effects &= ~bit(Effect::prepare);
  auto decision = std::make_shared<rules::Decision>();
  decision->route = link.route;
  auto script = std::make_shared<rules::Script>();
  script->items.push_back({query, decision});
  auto prepared = std::make_shared<PreparedStatement>();
  prepared->script = script;
  prepared->by_sql = true;
  auto& sent = work_->preparing;
  const auto same = [&](const PreparedStatementPtr& one) { return one->item().statement->prepared == statement.prepared; };
  if (const auto own = std::find_if(sent.begin(), sent.end(), same); own != sent.end()) {
    prepared->text = (*own)->text;
    prepared->sent_text = (*own)->sent_text;
    decision->limits = (*own)->item().decision->limits;
    decision->rule = (*own)->item().decision->rule;
    sent.erase(own);
  }
  prepared_[statement.prepared] = std::move(prepared);
}

/// DEALLOCATE of one name, or its Close (which has taken the name already), has succeeded on the server.
void SessionCore::deallocated_by_sql(const Statement& statement, Link& link) {
  if (const auto found = prepared_.find(statement.prepared); found != prepared_.end()) {
    if (!found->second->by_sql) link.state->prepared.erase(found->second->key);
    prepared_.erase(found);
  }
  const bool more = std::any_of(prepared_.begin(), prepared_.end(), [&](const auto& named) {
    return named.second->by_sql && named.second->item().decision->route == link.route;
  });
  if (!more) link.pins &= ~bit(Pin::sql_prepare);
}

/// CLOSE of one cursor, or of all ("").
void SessionCore::closed_cursor(std::string_view name, Link& link) {
  erase_if(limited_cursors_, [&](const auto& cursor) { return name.empty() || cursor.first == name; });
  if (spooled_) name.empty() ? spooled_->close_all() : spooled_->close(name);
  bool more = false;
  for (auto object = objects_.begin(); object != objects_.end();) {
    const bool held_here = object->second == link.route && object->first.starts_with("cursor:");
    const bool closed = held_here && (name.empty() || object->first.substr(7) == name);
    more |= held_here && !closed;
    object = closed ? objects_.erase(object) : std::next(object);
  }
  if (!more) link.pins &= ~bit(Pin::hold_cursor);
}

}  // namespace pgswitch
