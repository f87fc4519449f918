// What servers answer where their kinds differ: tags as PostgreSQL has them, and the answers to what was never sent.
#include "protocol/backend.hpp"
#include "protocol/writer.hpp"
#include "proxy/copy/client_encoding.hpp"
#include "proxy/redshift/settings.hpp"
#include "proxy/redshift/tags.hpp"
#include "proxy/session/core.hpp"

namespace pgswitch {

namespace backend = protocol::backend;
using protocol::ByteView;
using redshift::Sent;

namespace {

/// The statement that is being answered; nullptr: it is none of the client's.
rules::StatementPtr answered_statement(const Note* note, bool query) {
  if (!note) return nullptr;
  if (!query || !note->script) return note->statement;
  const auto& items = note->script->items;
  return note->next_item < items.size() ? items[note->next_item].statement : nullptr;
}

}  // namespace

/// Whether the server has answered each statement of the query at the ledger's head.
bool SessionCore::is_all_answered() {
  const Note* const note = work_->ledger.head().has_note ? &work_->ledger.head_note() : nullptr;
  return !note || !note->sent || side().part >= note->sent->parts.size();
}

/// A frame that answers the ledger's head, which was translated.
void SessionCore::on_translated(char type, ByteView frame, ByteView body) {
  redshift::Session& mine = side();
  const bool shows = !swallowing();
  const bool ends = type == backend::command_complete || type == backend::empty_query_response;
  mine.rows += type == backend::data_row;
  if (!ends) {
    if (type == backend::portal_suspended) mine.rows = 0;
    if (shows && !holds(type, frame) && (!limited_ || is_within_limits(type))) work_->to_client.add(frame);
    return settle(type, body);
  }
  holds(type, {});
  const bool query = work_->ledger.head().expect == Expect::query;
  const Note* const note = work_->ledger.head().has_note ? &work_->ledger.head_note() : nullptr;
  const std::shared_ptr<const Sent> sent = note ? note->sent : nullptr;
  const std::size_t parts = sent ? sent->parts.size() : 0;
  const rules::StatementPtr statement = answered_statement(note, query);
  const Sent::Part* part = mine.part < parts ? &sent->parts[mine.part] : nullptr;
  const std::string_view said = type == backend::command_complete ? backend::read_command_complete(body).value_or("") : std::string_view();
  const std::uint64_t rows = std::exchange(mine.rows, 0);
  // Answers those of a query for which nothing was sent, up to the next one that was.
  const auto answer_unsent = [&] {
    for (; mine.part < parts && sent->parts[mine.part].nothing; ++mine.part) {
      const Sent::Part& one = sent->parts[mine.part];
      const Note& now = work_->ledger.head_note();
      if (now.script && now.next_item < now.script->items.size()) pretend_settings(*now.script->items[now.next_item].statement, *active_);
      if (shows) work_->to_client.compose([&](std::string& out) {
        if (!one.notice.message.empty()) protocol::write_notice(out, one.notice);
        protocol::write_command_complete(out, one.tag);
      });
      settle(backend::command_complete, one.tag + '\0');
    }
  };
  if (part && part->hidden) {
    mine.hidden_tag = said;
    ++mine.part;
    return answer_unsent();
  }
  const auto show = [&](const Sent::Part* one, std::string_view tag) {
    if (!shows) return;
    if (one && !one->notice.message.empty()) work_->to_client.compose([&](std::string& out) { protocol::write_notice(out, one->notice); });
    if (!limited_ || is_within_limits(backend::command_complete)) work_->to_client.compose([&](std::string& out) { protocol::write_command_complete(out, tag); });
  };
  const bool rolled_back = std::exchange(mine.hidden_tag, {}) == "ROLLBACK" || said == "ROLLBACK";
  const bool own = part && !part->tag.empty() && !(rolled_back && part->tag == "COMMIT");
  const bool empty = type == backend::empty_query_response && !part;
  const std::string tag = own ? part->tag : rolled_back ? "ROLLBACK" : redshift::client_tag(said, rows, statement.get());
  if (statement && shows) pretend_settings(*statement, *active_);
  if (empty && shows)
    work_->to_client.add(frame);
  else
    show(part, tag);
  mine.part += part != nullptr;
  std::string settled = tag;
  settled += '\0';
  // Only a query has several; settle() leaves it in its place.
  const bool more = query && mine.part < parts && sent->parts[mine.part].nothing;
  if (!query) mine.part = 0;
  settle(backend::command_complete, settled);
  if (more) answer_unsent();
}

/// Settings that servers report where they have them, and that this one lacks: the client is told as if it had been reported.
void SessionCore::pretend_settings(const rules::Statement& statement, Link& link) {
  if (link.state->kind != ServerKind::redshift) return;
  for (const rules::VariableChange& change : statement.variables) {
    const Tracked tracked = find_tracked(change.name);
    const redshift::Setting* const setting = tracked == Tracked::count ? nullptr : redshift::find_setting(change.name);
    if (!setting || change.local || change.statement.empty()) continue;
    if (setting->lack == redshift::Lack::in_parts && tracked != Tracked::client_encoding) continue;
    std::string value = change.value.empty() ? std::string(setting->value) : change.value;
    if (tracked == Tracked::client_encoding)
      if (const copy::ClientEncoding* const known = copy::find_client_encoding(value)) value = known->name;
    if (const auto truth = tracked == Tracked::standard_conforming_strings ? redshift::truth_of(value) : std::nullopt) value = *truth ? "on" : "off";
    if (settings_.pretend(*link.state, tracked, value))
      work_->to_client.compose([&](std::string& out) { protocol::write_parameter_status(out, to_string(tracked), value); });
  }
}

}  // namespace pgswitch
