// What rules may know of the session.
#include <algorithm>

#include "proxy/session/core.hpp"

namespace pgswitch {

using rules::Kind;
using rules::WrittenTable;

namespace {

constexpr std::size_t most_tables = 64;

/// What is not known to leave everything as it was, and is more than the session's own affair.
bool may_write(const rules::Statement& statement) {
  if (statement.read_only || rules::goes_anywhere(statement.kind)) return false;
  switch (statement.kind) {
    case Kind::prepare:
    case Kind::declare_cursor:
    case Kind::listen:
    case Kind::unlisten:
    case Kind::notify:
    case Kind::lock: return false;
    default: return true;
  }
}

}  // namespace

const rules::Facts& SessionCore::facts_now() {
  const SessionSettings::Facts& now = settings_.facts();
  facts_.in_transaction = in_transaction();
  facts_.standard_conforming_strings = now.conforming_strings;
  facts_.ascii_in_characters = now.ascii_in_characters;
  if (facts_.search_path != now.search_path || facts_.wished_route != now.wished_route) {
    facts_.search_path = now.search_path;
    facts_.wished_route = now.wished_route;
    facts_.identity = rules::next_identity();
  }
  return facts_;
}

/// It is being sent. Until its transaction has ended it counts as written now.
void SessionCore::note_write(const rules::Statement& statement) {
  if (!may_write(statement)) return;
  if (!writes_) writes_ = Writes{};
  Writes& all = *writes_;
  all.last_us = now_us_;
  all.is_open = true;
  for (const rules::TableName& table : statement.writes) {
    const auto known = std::find_if(all.tables.begin(), all.tables.end(), [&](const WrittenTable& one) { return one.table == table; });
    if (known != all.tables.end()) {
      if (static_cast<std::size_t>(all.tables.end() - known) > all.open) ++all.open;
      std::rotate(known, known + 1, all.tables.end());
    } else {
      if (all.tables.size() == most_tables) all.tables.erase(all.tables.begin());
      all.tables.push_back({table, 0});
      ++all.open;
    }
    all.tables.back().at_us = now_us_;
  }
  all.open = std::min(all.open, all.tables.size());
}

/// The transaction has ended: what it has written is there for others from now on.
void SessionCore::note_write_ended() {
  Writes& all = *writes_;
  all.is_open = false;
  all.last_us = now_us_;
  for (auto one = all.tables.end() - static_cast<std::ptrdiff_t>(all.open); one != all.tables.end(); ++one) one->at_us = now_us_;
  all.open = 0;
}

std::optional<std::string> SessionCore::setting(std::string_view name) const { return settings_.value(name); }

const std::vector<WrittenTable>& SessionCore::written() const {
  static const std::vector<WrittenTable> none;
  return writes_ ? writes_->tables : none;
}

std::int64_t SessionCore::last_write_us() const { return writes_ ? writes_->last_us : 0; }

std::string SessionCore::pinned_by() const { return describe_pins(pins()); }

}  // namespace pgswitch
