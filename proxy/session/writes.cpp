#include "proxy/session/writes.hpp"

#include <algorithm>

namespace pgswitch {

using rules::Kind;
using rules::WrittenTable;

namespace {

constexpr std::size_t most_tables = 64;

}  // namespace

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

void Writes::note(const rules::Statement& statement, std::int64_t now_us) {
  last_us_ = now_us;
  is_open_ = true;
  for (const rules::TableName& table : statement.writes) note_table(table, now_us);
}

void Writes::note_table(const rules::TableName& table, std::int64_t now_us) {
  const auto known = std::find_if(tables_.begin(), tables_.end(), [&](const WrittenTable& one) { return one.table == table; });
  if (known != tables_.end()) {
    if (static_cast<std::size_t>(tables_.end() - known) > open_tables_) ++open_tables_;
    std::rotate(known, known + 1, tables_.end());
  } else {
    if (tables_.size() == most_tables) tables_.erase(tables_.begin());
    tables_.push_back({table, 0});
    open_tables_ = std::min(open_tables_ + 1, tables_.size());
  }
  tables_.back().at_us = now_us;
}

void Writes::end(std::int64_t now_us) {
  is_open_ = false;
  last_us_ = now_us;
  for (auto one = tables_.end() - static_cast<std::ptrdiff_t>(open_tables_); one != tables_.end(); ++one) one->at_us = now_us;
  open_tables_ = 0;
}

}  // namespace pgswitch
