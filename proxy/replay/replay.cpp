#include "proxy/replay/replay.hpp"

#include <algorithm>

#include "proxy/command_check.hpp"
#include "proxy/config_rules.hpp"
#include "rules/route_names.hpp"

namespace pgswitch::replay {

using rules::Decision;

bool Judge::load(const std::string& ini_path, const std::string& user, const std::string& database, std::ostream& err) {
  config_ = load_for_command(ini_path, err);
  if (!config_) return false;
  const auto session = session_facts(*config_, user, database);
  if (!session) return err << ini_path << ": no such database: " << database << '\n', false;
  session_ = facts_ = *session;
  rules::EngineOptions options = command_engine_options(*config_, err);
  options.mode = rules::RulesMode::enforce;
  std::string error;
  engine_ = rules::Engine::create(std::move(options), 1, error);
  if (!engine_) err << error << '\n';
  return engine_ != nullptr;
}

// A log has the name that the server knows. It is that of a route where the configuration has one of that name.
void Judge::set_database(std::string_view database) {
  if (database == facts_.database) return;
  facts_.database = session_.database;
  facts_.default_route = session_.default_route;
  const Database* const entry = config_->database_entry(database);
  if (entry == nullptr || entry->name != database) return;
  facts_.database = database;
  facts_.default_route = entry->route;
}

const rules::Script& Judge::decide(const LoggedStatement& statement, bool in_transaction) {
  facts_.user = statement.user.empty() ? std::string_view(session_.user) : statement.user;
  facts_.application_name = statement.application_name;
  facts_.client_address = statement.client_address.empty() ? std::string_view(session_.client_address) : statement.client_address;
  facts_.in_transaction = in_transaction;
  set_database(statement.database);
  script_ = engine_->decide(statement.text, facts_);
  return *script_;
}

Verdict Judge::verdict_of(const rules::ScriptItem& item) const {
  Verdict verdict{item.decision, {}};
  if (item.decision->verb == Decision::Verb::route) verdict.route = item.decision->route != rules::no_route ? rules::route_name(item.decision->route) : facts_.database;
  return verdict;
}

void Replay::add(const LoggedStatement& statement) {
  bool* in_transaction = nullptr;
  bool none = false;
  if (statement.session != 0) {
    if (in_transaction_.size() == most_sessions && !in_transaction_.contains(statement.session)) in_transaction_.clear();
    in_transaction = &in_transaction_[statement.session];
  }
  if (in_transaction == nullptr) in_transaction = &none;
  const rules::Script& script = judge_.decide(statement, *in_transaction);
  const rules::Script* const other = against_ != nullptr ? &against_->decide(statement, *in_transaction) : nullptr;
  const std::size_t count = other != nullptr ? std::min(script.items.size(), other->items.size()) : script.items.size();
  for (std::size_t i = 0; i < count; ++i) {
    const rules::ScriptItem& item = script.items[i];
    if (item.statement->kind == rules::Kind::empty) continue;
    statements_ += statement.count;
    *in_transaction = rules::transaction_after(*item.statement, *in_transaction);
    const Verdict verdict = judge_.verdict_of(item);
    const Verdict against = other != nullptr ? against_->verdict_of(other->items[i]) : Verdict();
    if (other != nullptr && is_same(verdict, against)) continue;
    const std::string_view text = statement.text.substr(std::min<std::size_t>(item.begin, statement.text.size()), item.size);
    shapes_.add(item.fingerprint, text, statement.count, verdict, against);
  }
}

}  // namespace pgswitch::replay
