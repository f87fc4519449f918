// What rules may know of the session.
#include "proxy/session/core.hpp"

namespace pgswitch {

const rules::Facts& SessionCore::facts_now() {
  const SessionSettings::Facts& now = settings_.facts();
  facts_.in_transaction = will_be_in_transaction();
  facts_.standard_conforming_strings = now.conforming_strings;
  facts_.ascii_in_characters = now.ascii_in_characters;
  if (facts_version_ == settings_.version()) return facts_;
  facts_version_ = settings_.version();
  const std::string path = settings_.search_path();
  const std::string route = settings_.chosen_route();
  if (facts_.search_path == path && facts_.wished_route == route) return facts_;
  facts_.search_path = path;
  facts_.wished_route = route;
  facts_.identity = rules::next_identity();
  return facts_;
}

/// When all that has been sent has been done as it should.
bool SessionCore::will_be_in_transaction() const {
  const bool owed = batch_open_ || (work_ && !work_->ledger.empty());
  return owed && work_->deferred.empty() ? predicted_ != 'I' : in_transaction();
}

void SessionCore::note_write(const rules::Statement& statement) {
  if (!may_write(statement)) return;
  if (!writes_) writes_ = Writes();
  const rules::ScriptItem named = named_by(statement, {});
  writes_->note(named.statement ? *named.statement : statement, now_us_);
}

std::optional<std::string> SessionCore::setting(std::string_view name) const { return settings_.value(name); }

const std::vector<rules::WrittenTable>& SessionCore::written() const {
  static const std::vector<rules::WrittenTable> none;
  return writes_ ? writes_->tables() : none;
}

std::int64_t SessionCore::last_write_us() const { return writes_ ? writes_->last_us() : 0; }

std::string SessionCore::pinned_by() const { return describe_pins(pins()); }

}  // namespace pgswitch
