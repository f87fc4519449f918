// What a server is sent of the statements of a query string, and how positions in it are those of the client's.
#include <algorithm>

#include "proxy/session/core.hpp"
#include "proxy/session/local_answer.hpp"
#include "rules/rewrite.hpp"

namespace pgswitch {

using rules::Kind;
using rules::ScriptItem;

/// Whether an item since `begin` takes the name that item `i` uses from the statement that has it now.
bool SessionCore::is_freed(std::size_t begin, std::size_t i) const {
  const auto& items = work_->head.script->items;
  return std::any_of(items.begin() + static_cast<std::ptrdiff_t>(begin), items.begin() + static_cast<std::ptrdiff_t>(i), [&](const ScriptItem& item) {
    return frees_all_names(*item.statement) || (item.statement->kind == Kind::deallocate && item.statement->prepared == items[i].statement->prepared);
  });
}

/// Where the items of a joined text stand in the client's.
std::vector<SentPiece> SessionCore::pieces_of(std::size_t begin, std::size_t end, std::string_view text) const {
  const auto& items = work_->head.script->items;
  std::vector<SentPiece> pieces;
  std::uint32_t at = 0;
  for (std::size_t i = begin; i < end; ++i) {
    const rules::DecisionPtr& decision = items[i].decision;
    const std::size_t from = items.size() == 1 ? 0 : items[i].begin;
    pieces.push_back({at, rules::characters(text.substr(0, from)), decision});
    at += rules::characters(decision->rewritten ? std::string_view(*decision->rewritten) : text_of(items[i], text)) + 1;
  }
  return pieces;
}

/// What a server is sent of one of the items that run together from `begin` on.
std::string SessionCore::own_text(std::size_t begin, std::size_t i, std::string_view text) const {
  const ScriptItem& item = work_->head.script->items[i];
  std::string own(item.decision->rewritten ? std::string_view(*item.decision->rewritten) : text_of(item, text));
  // A transaction that failed here is still open there: COMMIT must not commit it.
  if (local_abort_ && i == begin) own = ending_failed(*item.statement, own);
  auto named = is_freed(begin, i) ? std::nullopt : with_server_name(own, *item.statement, nullptr);
  return named ? std::move(*named) : own;
}

/// What a server is sent of the items: the client's own text where it can be, or that of a rule, else `joined`.
std::string_view SessionCore::sent_text(std::size_t begin, std::size_t end, std::string_view text, Note& note, std::string& joined) {
  const auto& items = work_->head.script->items;
  note.rewritten = items.size() == 1 && items.front().decision->edits && items.front().statement->prepared.empty() && !local_abort_;
  if (note.rewritten) return *items.front().decision->rewritten;
  bool as_it_is = true, known = true;
  for (std::size_t i = begin; i < end; ++i) {
    const auto& rewritten = items[i].decision->rewritten;
    std::string_view own = rewritten ? std::string_view(*rewritten) : text_of(items[i], text);
    // A transaction that failed here is still open there: COMMIT must not commit it.
    const std::string ending = local_abort_ && i == begin ? ending_failed(*items[i].statement, own) : std::string();
    const bool ends = !ending.empty() && ending != own;
    if (ends) own = ending;
    const auto named = is_freed(begin, i) ? std::nullopt : with_server_name(own, *items[i].statement, items.size() == 1 ? &note : nullptr);
    note.rewritten |= rewritten.has_value();
    as_it_is &= !rewritten && !named && !ends;
    known &= !named && !ends;
    if (i > begin) joined += ';';
    joined += named ? std::string_view(*named) : own;
  }
  if (!as_it_is) {
    note.no_positions = note.rewritten || items.size() > 1;
    if (known && note.rewritten) note.pieces = pieces_of(begin, end, text);
    return joined;
  }
  const std::size_t from = begin == 0 ? 0 : items[begin].begin;
  const std::size_t to = end == items.size() ? text.size() : items[end - 1].begin + std::size_t{items[end - 1].size};
  note.position_shift = static_cast<std::int32_t>(rules::characters(text.substr(0, from)));
  return text.substr(from, to - from);
}

}  // namespace pgswitch
