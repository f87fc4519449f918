// What servers are sent where their kinds differ: the one gate to Redshift's lexer, and what stands for statements that one kind lacks.
#include "protocol/frontend.hpp"
#include "protocol/utf8.hpp"
#include "protocol/writer.hpp"
#include "proxy/session/core_cursors.hpp"
#include "proxy/session/core_load.hpp"
#include "proxy/session/local_answer.hpp"

namespace pgswitch {

using protocol::SqlError;
using redshift::Sent;
using redshift::ServerText;
using redshift::Translation;
using rules::Kind;
using rules::ScriptItem;
using How = redshift::Translation::How;

namespace {

Sent::Part part_of(const Translation& made) {
  Sent::Part part{made.tag, false, made.how == How::nothing, {}};
  part.notice = made.error;
  if (part.notice.severity == protocol::Severity::error) part.notice.message.clear();
  return part;
}

void add_parts(Sent& sent, const Translation& made) {
  for (std::size_t i = 0; i < made.before.size(); ++i) sent.parts.push_back({{}, true, false, {}});
  sent.parts.push_back(part_of(made));
}

}  // namespace

redshift::Session& SessionCore::side() {
  if (!redshift_) redshift_ = redshift::Session();
  return *redshift_;
}

redshift::Asker SessionCore::asker_of(const Link& link) const {
  redshift::Asker asker{link.state->kind, &settings_, predicted_ != 'I', link.status == 'E' && predicted_ != 'I', has(link.pins, Pin::temp_table),
                        options_.truncate_commits, {}, options_.server_version ? std::string_view(*options_.server_version) : std::string_view()};
  asker.in_string = work_ && work_->head.script && work_->head.script->items.size() > 1;
  if (!has(link.pins, Pin::sql_prepare)) return asker;
  for (const auto& [name, prepared] : prepared_)
    if (prepared->by_sql && prepared->item().decision->route == link.route) asker.prepared.push_back(name);
  return asker;
}

/// Whatever a server is sent passes here. nullopt: refusal_. `sent` gets how positions move. `conforming`: how its literals are read, when
/// not as the session's settings say.
std::optional<ServerText> SessionCore::server_text(const Link& link, std::string_view text, Sent* sent, std::optional<bool> conforming) {
  SqlError fault;
  if (link.state->kind == ServerKind::redshift && !protocol::is_ascii(text))
    if (auto objects = CoreLoad::object_to_encoding(*this)) return refusal_ = std::move(*objects), std::nullopt;
  const bool reads = conforming.value_or(settings_.facts().conforming_strings);
  std::optional<ServerText> made = ServerText::of(link.state->kind, text, reads, fault, sent ? &sent->positions : nullptr);
  if (!made) refusal_ = fault;
  if (made && sent) sent->is_spelled = made->is_spelled();
  return made;
}

void SessionCore::send_query(Link& link, const ServerText& text) {
  work_->to_server.compose([&](std::string& out) { protocol::write_query(out, text.view()); });
  link.state->prepared.unnamed = {};
}

bool SessionCore::translates(const Link& link, const rules::Statement& statement) const {
  return link.state->kind != ServerKind::postgres || redshift::concerns_postgres(statement);
}

/// The items from `begin` to `end` as one text, which may have to end earlier. nullopt: refusal_.
std::optional<ServerText> SessionCore::translate_run(Link& link, std::size_t begin, std::size_t& end, std::string_view text, Note& note, std::string& joined) {
  const auto& items = work_->head.script->items;
  redshift::Asker asker = asker_of(link);
  redshift::Transaction transaction = side().transaction;
  const auto sent_before = [&](const ScriptItem& item) { return item.decision->verb == rules::Decision::Verb::route && route_of(item) == link.route; };
  if (asker.in_string && !asker.in_block && std::none_of(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(begin), sent_before))
    transaction.begin_string(redshift::default_modes(settings_));
  std::vector<Translation> all;
  bool controls = false, only_nothing = true, as_it_is = true;
  const bool declares = link.state->kind == ServerKind::redshift && items[begin].statement->kind == Kind::declare_cursor;
  for (std::size_t i = begin; i < end; ++i) {
    const rules::Statement& statement = *items[i].statement;
    const ScriptItem named = named_by(statement, rules::ScriptItems(items).first(i));
    const redshift::Transaction before = transaction;
    Translation made = translate(statement, named.statement ? *named.statement : statement, own_text(begin, i, text), asker, transaction);
    const bool may_end_before = i > begin && (controls || !commits_writes(begin, i));
    if (made.how == How::refused && !may_end_before) return refusal_ = made.error, std::nullopt;
    if (made.how == How::nothing && asker.failed && statement.kind != Kind::rollback_to) return refusal_ = transaction_failed(), std::nullopt;
    // What is answered without the server is answered behind what the server answers; what is refused, when that is done.
    if (made.how == How::refused || (i > begin && only_nothing && made.how != How::nothing)) {
      transaction = before;
      end = i;
      break;
    }
    only_nothing &= made.how == How::nothing;
    as_it_is &= made.how == How::as_it_is && made.error.message.empty();
    controls |= statement.is_transaction_control();
    if (controls) asker.in_block = transaction.is_open() || (asker.in_block && !ends_transaction(statement.kind));
    all.push_back(std::move(made));
  }
  auto sent = std::make_shared<Sent>();
  std::string_view whole;
  if (as_it_is) {
    whole = sent_text(begin, end, text, note, joined);
    if (declares && !CoreCursors(*this).declare(*items[begin].statement, whole, asker.in_block || items.size() > 1, note)) return std::nullopt;
  } else {
    const auto add = [&](std::string_view one) {
      if (!joined.empty()) joined += ';';
      joined += one;
    };
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (const std::string& before : all[i].before) add(before);
      if (all[i].how == How::instead) add(all[i].text);
      if (all[i].how == How::as_it_is) add(own_text(begin, begin + i, text));
      add_parts(*sent, all[i]);
    }
    note.no_positions = true;
    whole = joined;
  }
  std::optional<ServerText> made = server_text(link, whole, sent.get(), work_->head.conforming_strings);
  if (!made) return std::nullopt;
  if (link.state->kind == ServerKind::redshift) side().transaction = transaction;
  if (sent->is_spelled || !sent->parts.empty()) note.sent = std::move(sent);
  return made;
}

/// Whether the text that the statement has is what the link's server is sent, now and ever.
bool SessionCore::is_for(const Link& link, const PreparedStatement& prepared) const {
  if (prepared.by_sql) return true;
  return prepared.kind == ServerKind::postgres && !prepared.sent && !translates(link, *prepared.item().statement);
}

/// The statement as servers of the link's kind are sent it. refusal_: it cannot be.
PreparedStatementPtr SessionCore::for_kind(Link& link, PreparedStatementPtr prepared) {
  const rules::Statement& statement = *prepared->item().statement;
  if (const PreparedStatementPtr named = named_in_sql(statement); named && named != prepared && named->item().statement->prepared.empty())
    prepared_[statement.prepared] = for_kind(link, named);
  auto again = std::make_shared<PreparedStatement>(*prepared);
  again->kind = link.state->kind;
  again->sent = nullptr;
  set_sent_text(*again);
  if (again->script->items.size() != 1) return again;
  if (again->kind == ServerKind::redshift) CoreCursors(*this).keep_query(*again);
  auto sent = std::make_shared<Sent>();
  sent->unspelled = again->sent_text;
  const Translation made = translate_unrun(statement, again->sent_text, asker_of(link), side().transaction);
  if (made.how == How::refused) return refusal_ = made.error, prepared;
  if (made.how != How::as_it_is) sent->unspelled = made.text;
  sent->is_translated = made.how != How::as_it_is;
  if (sent->is_translated) sent->parts.push_back(part_of(made));
  const std::optional<ServerText> spelled = server_text(link, sent->unspelled, sent.get());
  if (!spelled) return prepared;
  again->sent_text = spelled->view();
  if (sent->is_translated || sent->is_spelled) again->sent = std::move(sent);
  std::string settings = *again->settings;
  if (again->kind == ServerKind::redshift) {
    settings += "redshift";
    for (const std::string_view name : {"enable_case_sensitive_identifier", "downcase_delimited_identifier"}) settings += settings_.value(name).value_or("") + ",";
  }
  again->set_key(settings);
  return again;
}

/// Whether the portal may run in its transaction, which hears of it; else refusal_.
bool SessionCore::may_run(Link& link, const PreparedStatement& portal) {
  if (link.state->kind != ServerKind::redshift || portal.script == nullptr) return true;
  const rules::Statement& statement = *portal.item().statement;
  const ScriptItem named = named_by(statement, {});
  redshift::Transaction transaction = side().transaction;
  const Translation made = translate(statement, named.statement ? *named.statement : statement, portal.text, asker_of(link), transaction);
  if (made.how == How::refused) return refusal_ = made.error, false;
  side().transaction = transaction;
  return true;
}

/// Runs a statement without parameters and results as the link's kind has it. False: refusal_.
bool SessionCore::execute_translated(Link& link, const rules::StatementPtr& statement, std::string_view text, Reply reply, Note note) {
  redshift::Transaction transaction = side().transaction;
  const Translation made = translates(link, *statement) ? translate(*statement, *statement, text, asker_of(link), transaction) : Translation();
  if (made.how == How::refused) return refusal_ = made.error, false;
  if (made.how == How::nothing && link.status == 'E' && predicted_ != 'I' && statement->kind != Kind::rollback_to)
    return refusal_ = transaction_failed(), false;
  const std::optional<ServerText> own = server_text(link, made.how == How::as_it_is ? text : std::string_view(made.text));
  if (!own) return false;
  for (const std::string& before : made.before) {
    const std::optional<ServerText> first = server_text(link, before);
    if (!first) return false;
    execute_internally(link, *first, Reply::swallow, {});
  }
  if (made.how != How::as_it_is) {
    auto sent = std::make_shared<Sent>();
    sent->parts.push_back(part_of(made));
    note.sent = std::move(sent);
  }
  if (link.state->kind == ServerKind::redshift) side().transaction = transaction;
  execute_internally(link, *own, reply, std::move(note));
  return true;
}

}  // namespace pgswitch
