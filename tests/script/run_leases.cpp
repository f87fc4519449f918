// Leases of a run: which are there at once, and in what state they are given back.
#include "run.hpp"
#include "rules/route_names.hpp"

namespace pgswitch::script {

ServerState* Run::lease_now(rules::RouteId route) {
  const std::string name = rules::route_name(route);
  if (how_.lends == Lends::never || losing_ || lent_ || server(name).is_leased) return nullptr;
  if (how_.lends == Lends::expected) {
    if (!next_ || next_->kind != Step::Kind::acquire || next_->route != name) return nullptr;
    lent_ = true;
  }
  return &lend(name);
}

ServerState& Run::lend(const std::string& route) {
  Server& lent = server(route);
  lent.is_leased = true;
  return lent.state;
}

void Run::released(const Action& action) {
  const std::string route = rules::route_name(action.route);
  Server& given = server(route);
  if (!given.is_leased) return fail("gives back " + route + ", which it does not hold");
  given.is_leased = false;
  releases_.emplace_back(route, action.leftover);
  if (action.leftover.unusable) return renew(route);
  check_leftover(route, action.leftover);
  if (!action.leftover.is_clean()) return renew(route);
  check_unnamed(route);
}

/// What the proxy takes for the server's unnamed statement is the one: the next client may be told that it is there.
void Run::check_unnamed(const std::string& route) {
  const ServerModel& model = server(route).model;
  const PreparedKey said = server(route).state.prepared.unnamed;
  if (said == PreparedKey{} || nonsense_) return;
  if (!model.unnamed()) return fail("takes " + route + " for one with an unnamed statement");
  for (const std::string& parsed : model.parsed_unnamed())
    if (said == key_of_parse(parsed) && parsed != *model.unnamed()) return fail("takes the unnamed statement of " + route + " for another: " + parsed);
}

void Run::check_leftover(const std::string& route, const Leftover& left) {
  const ServerModel& model = server(route).model;
  if (left.unusable != model.half_sent() && !nonsense_) fail("leftover of " + route + ": unusable is wrong");
  if (left.unusable || nonsense_) return;
  const auto equal = [&](const char* what, std::uint64_t said, std::uint64_t is) {
    if (said != is) fail("leftover of " + route + ": " + what + " says " + std::to_string(said) + " but is " + std::to_string(is));
  };
  equal("skip_bytes", left.skip_bytes, model.rest_said());
  equal("copy_in", left.copy_in, model.copying());
  equal("sync_needed", left.sync_needed, model.open());
  equal("ready_expected", left.ready_expected, model.ready_expected() + model.open());
  if (model.status() != 'I' && model.ready_expected() == 0) equal("in_transaction", left.in_transaction, true);
}

}  // namespace pgswitch::script
