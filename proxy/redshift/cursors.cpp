#include "proxy/redshift/cursors.hpp"

#include <algorithm>

namespace pgswitch::redshift {

namespace {

protocol::SqlError forward_only() {
  return {protocol::Severity::error, "55000", "cursor can only scan forward", "", "Declare it with SCROLL option to enable backward scan.", 0};
}

/// `count` rows at most, from behind `position` on.
Sending forward(Cursor& cursor, std::uint64_t count) {
  const std::uint64_t rows = cursor.rows.rows(), position = cursor.position;
  Sending sending;
  sending.next = position;
  sending.left = position >= rows ? 0 : std::min(count, rows - position);
  cursor.position = sending.left < count ? rows + 1 : position + count;
  return sending;
}

Sending backward(Cursor& cursor, std::uint64_t count) {
  const std::uint64_t before = cursor.position == 0 ? 0 : cursor.position - 1;
  Sending sending;
  sending.backward = true;
  sending.left = std::min(count, before);
  sending.next = before == 0 ? 0 : before - 1;
  cursor.position = sending.left < count ? 0 : cursor.position - count;
  return sending;
}

/// The one row there, if there is one.
Sending go_to(Cursor& cursor, std::int64_t position) {
  const auto rows = static_cast<std::int64_t>(cursor.rows.rows());
  const bool on_row = position >= 1 && position <= rows;
  cursor.position = static_cast<std::uint64_t>(std::clamp<std::int64_t>(position, 0, rows + 1));
  Sending sending;
  sending.next = on_row ? cursor.position - 1 : 0;
  sending.left = on_row;
  return sending;
}

}  // namespace

std::optional<Sending> run_fetch(const CursorPtr& cursor, const Fetch& fetch, protocol::SqlError& error) {
  using Direction = Fetch::Direction;
  Direction direction = fetch.direction;
  std::int64_t count = fetch.count;
  if (count < 0 && (direction == Direction::forward || direction == Direction::backward)) {
    direction = direction == Direction::forward ? Direction::backward : Direction::forward;
    count = -count;
  }
  const auto rows = static_cast<std::int64_t>(cursor->rows.rows()), position = static_cast<std::int64_t>(cursor->position);
  std::int64_t target = position;
  if (direction == Direction::absolute) target = count < 0 ? std::max<std::int64_t>(rows + 1 + count, 0) : count;
  if (direction == Direction::relative) target = position + count;
  const bool steps = direction == Direction::forward || direction == Direction::backward;
  const bool stays = count == 0 && direction != Direction::absolute;
  const bool on_row = position >= 1 && position <= rows;
  const bool goes_back = stays ? on_row && !fetch.moves : steps ? direction == Direction::backward : target <= position && position > 0;
  if (goes_back && cursor->no_scroll) return error = forward_only(), std::nullopt;
  Sending sending = stays || !steps                    ? go_to(*cursor, target)
                    : direction == Direction::forward ? forward(*cursor, static_cast<std::uint64_t>(count))
                                                      : backward(*cursor, static_cast<std::uint64_t>(count));
  sending.cursor = cursor;
  sending.count = sending.left;
  sending.verb = fetch.moves ? "MOVE" : "FETCH";
  if (fetch.moves) sending.left = 0;
  return sending;
}

Cursor* Cursors::find(std::string_view name) const {
  const auto found = cursors_.find(name);
  return found == cursors_.end() ? nullptr : found->second.get();
}

CursorPtr Cursors::get(std::string_view name) const {
  const auto found = cursors_.find(name);
  return found == cursors_.end() ? nullptr : found->second;
}

void Cursors::add(CursorPtr cursor) {
  close(cursor->name);
  cursor->serial = ++last_serial_;
  cursors_[cursor->name] = std::move(cursor);
}

/// The rows go at once, whoever else still knows the cursor.
template <class Test>
void Cursors::close_if(Test test) {
  std::erase_if(cursors_, [&](const auto& named) {
    if (!test(*named.second)) return false;
    named.second->closed = true;
    named.second->rows.clear();
    return true;
  });
}

void Cursors::close(std::string_view name) {
  close_if([&](const Cursor& cursor) { return cursor.name == name; });
}

void Cursors::close_all() {
  close_if([](const Cursor&) { return true; });
}

std::size_t Cursors::find_savepoint(std::string_view name) const {
  std::size_t i = savepoints_.size();
  while (i > 0 && savepoints_[i - 1].name != name) --i;
  return i;
}

void Cursors::release(std::string_view savepoint) {
  if (const std::size_t behind = find_savepoint(savepoint); behind > 0) savepoints_.resize(behind - 1);
}

void Cursors::roll_back_to(std::string_view savepoint) {
  const std::size_t behind = find_savepoint(savepoint);
  const std::uint32_t serial = behind > 0 ? savepoints_[behind - 1].serial : 0;
  close_if([&](const Cursor& cursor) { return !cursor.committed && cursor.serial > serial; });
  savepoints_.resize(behind);
}

void Cursors::close_unheld() {
  close_if([](const Cursor& cursor) { return !cursor.hold; });
}

void Cursors::end_transaction(bool committed) {
  savepoints_.clear();
  close_if([&](const Cursor& cursor) { return !committed && !cursor.committed; });
  for (const auto& [name, cursor] : cursors_) cursor->committed = true;
}

}  // namespace pgswitch::redshift
