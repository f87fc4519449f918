// Errors of servers in the words of the client: names and positions are those of the text that it sent.
#include <charconv>

#include "protocol/backend.hpp"
#include "protocol/reader.hpp"
#include "protocol/writer.hpp"
#include "proxy/session/core.hpp"

namespace pgswitch {

namespace backend = protocol::backend;
using protocol::ByteView;
using rules::Statement;

namespace {

constexpr std::string_view name_begin = "\"pgs_";

/// Where that is in the client's text; "": nowhere.
std::string client_position(const Note& note, std::string_view text) {
  std::uint32_t position = 0;
  std::from_chars(text.data(), text.data() + text.size(), position);
  if (note.rewritten || note.no_positions || position == 0) return {};
  if (position > note.shift_from) position += static_cast<std::uint32_t>(note.position_shift);
  return std::to_string(position);
}

}  // namespace

void SessionCore::forward_error(ByteView frame, ByteView body) {
  const Note* note = work_->ledger.head().has_note ? &work_->ledger.head_note() : nullptr;
  const bool moved = note && (note->rewritten || note->no_positions || note->position_shift != 0) && !backend::error_field(body, 'P').empty();
  if (!moved && body.find(name_begin) == ByteView::npos) {
    work_->to_client.add(frame);
    return;
  }
  work_->to_client.compose([&](std::string& out) {
    protocol::MessageWriter message(out, backend::error_response);
    protocol::BodyReader fields(body);
    while (const char field = static_cast<char>(fields.byte())) {
      std::string text(fields.string());
      if (moved && field == 'P') text = client_position(*note, text);
      if (field == 'M' || field == 'D') text = with_client_names(text);
      if (!text.empty()) message.byte(field).string(text);
    }
    if (moved && note->rewritten && backend::error_field(body, 'H').empty())
      message.byte('H').string("The statement was rewritten by a rule of pgswitch.");
    message.byte('\0');
  });
}

/// What the client calls the statement that the ledger's head is about.
std::string SessionCore::client_name(std::string_view server) const {
  if (const Note* note = work_->ledger.empty() || !work_->ledger.head().has_note ? nullptr : &work_->ledger.head_note()) {
    const Statement* statement = note->statement.get();
    if (note->script && note->next_item < note->script->items.size()) statement = note->script->items[note->next_item].statement.get();
    if (statement && !statement->prepared.empty()) return statement->prepared;
    if (!note->client_name.empty()) return note->client_name;
  }
  const std::uint32_t serial = work_->ledger.empty() ? 0 : work_->ledger.head().serial;
  for (const auto& [name, prepared] : prepared_)
    if (serial != 0 && prepared->serial == serial) return name;
  if (const std::string_view former = serial == 0 ? std::string_view() : work_->ledger.former_name(serial); !former.empty()) return std::string(former);
  for (const auto& [name, prepared] : prepared_)
    if (!prepared->by_sql && server == as_view(server_name(prepared->key))) return name;
  return std::string(server);
}

/// The text of an error with the client's names in it.
std::string SessionCore::with_client_names(std::string_view text) const {
  std::string result;
  constexpr std::size_t size = std::tuple_size_v<ServerName>;
  for (std::size_t at; (at = text.find(name_begin)) != std::string_view::npos && text.size() > at + size + 1;) {
    result.append(text.substr(0, at + 1));
    const std::string_view name = text.substr(at + 1, size);
    result += text[at + 1 + size] == '"' ? client_name(name) : std::string(name);
    text.remove_prefix(at + 1 + size);
  }
  return result.append(text);
}

}  // namespace pgswitch
