// COPY on Redshift in a query string: what stands before it is sent and answered first, and what stands behind it goes out when the load
// is done. Nobody sees the difference but the transaction that such a string is, so only what stands in a transaction block may be divided
// behind a write.
#include <algorithm>

#include "proxy/copy/copy_statement.hpp"
#include "proxy/session/core_cursors.hpp"
#include "proxy/session/core_load.hpp"
#include "proxy/session/local_answer.hpp"
#include "rules/tokens.hpp"

namespace pgswitch {

using protocol::Severity;
using protocol::SqlError;
using rules::Kind;
using rules::RouteId;
using rules::ScriptItem;

namespace {

bool is_copy(const ScriptItem& item) { return item.statement->kind == Kind::copy_in || item.statement->kind == Kind::copy_out; }

SqlError not_behind_copy(std::string detail) {
  return {Severity::error, std::string(protocol::sqlstate::feature_not_supported),
          "COPY on Redshift cannot be followed by these statements in one query string", std::move(detail),
          "Send them as a query of their own.", 0};
}

}  // namespace

std::size_t CoreLoad::find(const SessionCore& core, std::size_t begin, std::size_t end, std::string_view text) {
  const QueryHead& head = core.work_->head;
  const auto is_client_copy = [&](const ScriptItem& item) {
    return is_copy(item) && copy::is_client_copy(text_of(item, text), head.conforming_strings);
  };
  while (begin < end && !is_client_copy(head.script->items[begin])) ++begin;
  return begin;
}

/// Why what stands behind the COPY cannot run there.
std::optional<SqlError> CoreLoad::refuse_rest(const SessionCore& core, std::size_t end, std::string_view text) {
  const auto& items = core.work_->head.script->items;
  const std::size_t load = core.work_->head.next, rest = load + 1;
  if (rest == items.size()) return std::nullopt;
  if (items[load].statement->kind == Kind::copy_in && core.status() == 'I')
    return not_behind_copy("The loaded rows would be committed before the string has ended.");
  RouteId route = rules::no_route;
  const bool whole = end == items.size() && core.run_end(rest, route) == end && CoreCursors::run_end(items, rest, end) == end;
  if (!whole || find(core, rest, end, text) < end) return not_behind_copy("They are not answered by one message to the server.");
  if (core.limits_of(items, rest, end).decision) return not_behind_copy("A rule limits them.");
  return std::nullopt;
}

bool CoreLoad::begin_in_string(SessionCore& core, const Link& link, std::size_t end, std::string_view text) {
  QueryHead& head = core.work_->head;
  const auto& items = head.script->items;
  const std::size_t load = head.next;
  if (auto refused = refuse_rest(core, end, text)) return core.refusal_ = std::move(*refused), false;
  Note note;
  std::string joined;
  const std::string_view own = core.sent_text(load, load + 1, text, note, joined);
  const std::size_t before = items.size() == 1 ? 0 : static_cast<std::size_t>(text_of(items[load], text).data() - text.data());
  const Begun begun = begin(core, link, own, items[load], false, static_cast<std::uint32_t>(rules::characters(text.substr(0, before))));
  if (begun == Begun::not_ours) core.refusal_ = not_behind_copy("A rule has made another statement of COPY.");
  if (begun != Begun::yes) return false;
  head.next = load + 1;
  if (head.next < items.size()) core.work_->load->rest_ = std::make_unique<Rest>(Rest{head, std::string(text)});
  head.next = items.size();
  return true;
}

/// The COPY is done: the rest of its string, one message.
void CoreLoad::run_rest(SessionCore& core, Rest rest) {
  core.work_->head = std::move(rest.head);
  const std::size_t all = core.work_->head.script->items.size();
  if (core.run_on_server(rest.text) && core.work_->head.next == all) return void(core.work_->head = {});
  const SqlError error = core.refusal_ ? *core.refusal_ : not_behind_copy("They would have to wait for the server.");
  core.fail_query(error);
}

}  // namespace pgswitch
