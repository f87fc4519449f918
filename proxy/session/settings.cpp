#include "proxy/session/settings.hpp"

#include <algorithm>
#include <array>

#include "protocol/writer.hpp"
#include "proxy/redshift/settings.hpp"
#include "rules/setting_value.hpp"

namespace pgswitch {
namespace {

constexpr std::string_view role = "role";
constexpr std::string_view session_authorization = "session_authorization";
constexpr std::string_view read_only = "default_transaction_read_only";
constexpr unsigned read_only_returns = 1u << tracked_count;  ///< in returning_

/// What rules look at without asking for it.
/// Settings that many set for themselves, and that decide how a statement runs but not what it means. Sorted.
constexpr std::array<std::string_view, 19> not_parsed_with{
    "application_name", "bytea_output", "client_min_messages", "default_transaction_deferrable", "default_transaction_isolation",
    "default_transaction_read_only", "extra_float_digits", "idle_in_transaction_session_timeout", "idle_session_timeout", "jit",
    "lock_timeout", "log_min_duration_statement", "log_statement", "maintenance_work_mem", "plan_cache_mode", "random_page_cost",
    "statement_timeout", "synchronous_commit", "work_mem"};

}  // namespace

SessionSettings::SessionSettings(TrackedCopy tracked, Settings base)
    : told_(tracked), wanted_(tracked), base_tracked_(std::move(tracked)), settings_(base), base_(std::move(base)) {
  told_read_only_ = wanted_read_only();
}

std::optional<bool> SessionSettings::wanted_read_only() const {
  const SessionSetting* const wanted = settings_.find(read_only);
  return wanted ? redshift::truth_of(rules::setting_value(wanted->statement)) : std::nullopt;
}

bool SessionSettings::on_parameter_status(ServerState& server, std::string_view name, std::string_view value, bool own) {
  const Tracked tracked = find_tracked(name);
  if (tracked == Tracked::count) {
    if (own || name != read_only) return !own;
    if ((returning_ & read_only_returns) != 0 && base_.find(name)) return false;
    told_read_only_ = value == "on";
    return true;
  }
  const auto i = static_cast<std::size_t>(tracked);
  const std::string usual = server.kind == ServerKind::redshift ? usual_value(tracked, value) : std::string();
  if (!usual.empty()) value = usual;
  server.reported.set(i, value);
  const bool returns = !own && (returning_ & 1u << i) != 0;  // to what the session began with, which is set next
  const std::string_view seen = returns ? std::string_view(wanted_[i]) : value;
  const bool news = told_[i] != seen;
  told_.set(i, seen);
  if (news) changed();
  if (!own && wanted_[i] != seen) {
    if (!committed_) remember(server);
    wanted_.set(i, seen);
  }
  return news;
}

bool SessionSettings::pretend(const ServerState& server, Tracked setting, std::string_view value) {
  const auto i = static_cast<std::size_t>(setting);
  const bool news = told_[i] != value;
  if (!news && wanted_[i] == value) return false;
  changed();
  if (!committed_) remember(server);
  told_.set(i, value);
  wanted_.set(i, value);
  return news;
}

std::string_view SessionSettings::told_value(std::string_view name, std::string_view reported) const {
  const Tracked tracked = find_tracked(name);
  return tracked == Tracked::count ? reported : std::string_view(told()[static_cast<std::size_t>(tracked)]);
}

/// A RESET goes to what the session began with, which is set when it has been answered.
bool SessionSettings::returns_to_start(const rules::Statement& statement) const {
  return std::any_of(statement.variables.begin(), statement.variables.end(), [this](const rules::VariableChange& change) {
    return change.statement.empty() && (base_.find(change.name) || find_tracked(change.name) != Tracked::count);
  });
}

void SessionSettings::end_cycle() {
  returning_ = 0;
  committed_ = false;
  // The end of the transaction may take back what was set: what is parsed until then is told apart by it.
  if (unsettled_ || !unreported_) return;
  unreported_.reset();
  ++version_;
}

void SessionSettings::unreported(std::string_view statement) {
  changed();
  unreported_.made().append(statement).append(1, '\0');
}

void SessionSettings::changed() {
  ++version_;
  unsettled_ = true;
}

bool SessionSettings::is_parsed_with(std::string_view name) {
  if (name.find('.') != std::string_view::npos || name.starts_with("enable_")) return false;
  if (const redshift::Setting* const known = redshift::find_setting(name); known && known->lack == redshift::Lack::on_postgres) return false;
  return !std::binary_search(not_parsed_with.begin(), not_parsed_with.end(), name);
}

std::string SessionSettings::parsing() const {
  std::string all;
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty() && is_parsed_with(name)) all.append(name).append(1, '=').append(value).append(1, '\0');
  };
  for (std::size_t i = 0; i < tracked_count; ++i) add(to_string(static_cast<Tracked>(i)), told_[i]);
  for (const SessionSetting& setting : settings_) add(setting.name, setting.statement);
  return all += unreported_.value_or({});
}

SessionSettings::Snapshot SessionSettings::snapshot(std::string_view savepoint, const ServerState& server) const {
  return {std::string(savepoint), settings_, server.settings, local_, wanted_};
}

void SessionSettings::remember(const ServerState& server) {
  if (!undo_) undo_.made().push_back(snapshot("", server));
}

void SessionSettings::set(std::string_view name, const std::string& statement, ServerState& server) {
  if (const Tracked tracked = find_tracked(name); tracked != Tracked::count) {
    returning_ &= ~(1u << static_cast<unsigned>(tracked));  // its ParameterStatus tells
    unreported(statement);
    return;
  }
  remember(server);
  changed();
  if (name == read_only) returning_ &= ~read_only_returns;
  local_.erase(name);
  if (hidden_) hidden_->emplace(name);
  const SharedText text = statement;
  const bool shared = settings_.shares(server.settings);
  settings_.set(name, text);
  if (shared)
    server.settings = settings_;
  else
    server.settings.set(name, text);
}

/// Until the transaction ends.
void SessionSettings::set_local(std::string_view name, const std::string& statement, const ServerState& server) {
  remember(server);
  ++version_;
  local_.set(name, statement);
}

void SessionSettings::reset(std::string_view name, ServerState& server) {
  remember(server);
  const Tracked tracked = find_tracked(name);
  if (tracked != Tracked::count) {
    const auto i = static_cast<std::size_t>(tracked);
    wanted_.set(i, base_tracked_[i]);
    returning_ |= 1u << static_cast<unsigned>(tracked);
    untold_ = true;
    unreported(name);
    return;
  }
  changed();
  if (name == read_only) returning_ |= read_only_returns, untold_ = true;
  local_.erase(name);
  if (hidden_) hidden_->emplace(name);
  server.settings.erase(name);
  if (const SessionSetting* base = base_.find(name))
    settings_.set(name, base->statement);
  else
    settings_.erase(name);
}

void SessionSettings::reset_all(ServerState& server, bool role_too) {
  remember(server);
  changed();
  local_.clear();
  hidden_.reset();
  local_hidden_ = false;
  Settings wanted = base_;
  Settings on_server;
  if (!role_too) {
    for (const std::string_view name : {role, session_authorization}) {
      if (const SessionSetting* kept = settings_.find(name)) wanted.set(name, kept->statement);
      if (const SessionSetting* kept = server.settings.find(name)) on_server.set(name, kept->statement);
    }
  }
  settings_ = std::move(wanted);
  server.settings = std::move(on_server);
  wanted_ = base_tracked_;
  returning_ = ~0u;
  untold_ = true;
  unreported("all");
}

void SessionSettings::apply(const rules::Statement& statement, ServerState& server) {
  using rules::Effect;
  const rules::Effects effects = statement.effects;
  if (has(effects, Effect::set_variable)) {
    for (const rules::VariableChange& change : statement.variables) {
      if (change.local) continue;
      // RESET ROLE's counterpart: changing the session's user forgets the role.
      if (change.name == session_authorization) reset(role, server);
      if (change.statement.empty())
        reset(change.name, server);
      else
        set(change.name, change.statement, server);
    }
  }
  if (has(effects, Effect::set_local)) {
    for (const rules::VariableChange& change : statement.variables) {
      if (change.local && is_parsed_with(change.name)) unreported(change.statement);
      if (change.local) set_local(change.name, change.statement, server);
    }
  }
  if (has(effects, Effect::reset_all)) reset_all(server, false);
  if (has(effects, Effect::discard_all)) {
    reset_all(server, true);
    undo_.reset();  // it is committed at once
  }
  if (has(effects, Effect::unknown_settings)) {
    remember(server);
    server.unknown_settings = true;
  }
  if (rules::hides_settings(statement)) {
    changed();
    if (has(effects, Effect::unknown_settings))
      hidden_ = std::set<std::string>();
    else
      local_hidden_ = true;
  }
}

void SessionSettings::savepoint(std::string_view name, const ServerState& server) {
  remember(server);
  undo_.made().push_back(snapshot(name, server));
}

void SessionSettings::release_savepoint(std::string_view name) {
  for (std::size_t i = undo_ ? undo_->size() : 0; i-- > 1;) {
    if ((*undo_)[i].savepoint != name) continue;
    undo_->erase(undo_->begin() + static_cast<std::ptrdiff_t>(i), undo_->end());
    return;
  }
}

void SessionSettings::rollback_to(std::string_view name, ServerState& server) {
  for (std::size_t i = undo_ ? undo_->size() : 0; i-- > 1;) {
    if ((*undo_)[i].savepoint != name) continue;
    unreported("rollback to");
    settings_ = (*undo_)[i].wanted;
    server.settings = (*undo_)[i].on_server;
    local_ = (*undo_)[i].local;
    wanted_ = (*undo_)[i].tracked;
    returning_ = 0;
    untold_ = true;
    undo_->erase(undo_->begin() + static_cast<std::ptrdiff_t>(i) + 1, undo_->end());
    return;
  }
}

void SessionSettings::commit() {
  end_local();
  undo_.reset();
  committed_ = unsettled_;
  if (unsettled_) unreported("commit");
  unsettled_ = false;
}

/// What SET LOCAL has set is over.
void SessionSettings::end_local() {
  if (local_.empty() && !local_hidden_) return;
  local_.clear();
  local_hidden_ = false;
  ++version_;
}

void SessionSettings::rollback(ServerState& server) {
  end_local();
  if (unsettled_) unreported("rollback");
  unsettled_ = false;
  if (!undo_) return;
  settings_ = std::move(undo_->front().wanted);
  server.settings = std::move(undo_->front().on_server);
  wanted_ = std::move(undo_->front().tracked);
  returning_ = 0;
  untold_ = true;
  undo_.reset();
}

void SessionSettings::rollback_lost() {
  returning_ = 0;
  committed_ = false;
  unsettled_ = false;
  end_local();
  unreported_.reset();
  ++version_;
  if (!undo_) return;
  settings_ = std::move(undo_->front().wanted);
  wanted_ = std::move(undo_->front().tracked);
  undo_.reset();
}

void SessionSettings::return_to(Wish wish) {
  settings_ = std::move(wish.settings);
  wanted_ = std::move(wish.tracked);
  untold_ = true;
  ++version_;
}

void SessionSettings::tell_wanted(std::string& out) {
  untold_ = false;
  for (std::size_t i = 0; i < tracked_count; ++i) {
    if (!differs(i, wanted_[i], told_[i])) continue;
    protocol::write_parameter_status(out, to_string(static_cast<Tracked>(i)), wanted_[i]);
    told_.set(i, wanted_[i]);
    ++version_;
  }
  const std::optional<bool> on = wanted_read_only();
  if (!on || !told_read_only_ || *on == *told_read_only_) return;
  protocol::write_parameter_status(out, read_only, *on ? "on" : "off");
  told_read_only_ = on;
}

}  // namespace pgswitch
