// A replication client (startup parameter `replication`): from its login to its end.
#include "protocol/writer.hpp"
#include "proxy/client_admission.hpp"
#include "proxy/replication_session.hpp"
#include "proxy/worker.hpp"

namespace pgswitch {
namespace {

StartupParameters walsender_parameters(const ClientAdmission& admission) {
  const protocol::StartupMessage& startup = admission.startup;
  StartupParameters parameters;
  parameters.emplace_back("replication", startup.replication == protocol::Replication::logical ? "database" : "true");
  for (const auto& setting : admission.settings) parameters.push_back(setting);
  if (!startup.options.empty()) parameters.emplace_back("options", startup.options);
  return parameters;
}

std::shared_ptr<const std::string> frames_of(const ParameterList& parameters) {
  std::string frames;
  for (const auto& [name, value] : parameters) protocol::write_parameter_status(frames, name, value);
  return std::make_shared<const std::string>(std::move(frames));
}

}  // namespace

// A server of its own at once: what the client is told at its login is what that one has said.
ClientAdmission::Step ClientAdmission::open_replication() {
  protocol::SqlError error;
  PoolShard* const shard = worker_.router().shard(database->route, credentials, error);
  StartupParameters parameters = walsender_parameters(*this);
  if (shard) {
    const Microseconds patience = shard->query_wait_timeout_of(credentials->user);
    lease = co_await shard->open_apart(std::move(parameters), patience, login_deadline_us_, error);
  }
  if (!lease) {
    error.severity = protocol::Severity::fatal;
    co_return fail(std::move(error));
  }
  lease->replication = startup.replication;
  welcome.frames = frames_of(lease->parameters);
  co_return true;
}

void ClientSession::begin_replication(ClientAdmission& admission) {
  if (PoolShard* const shard = admission.lease->shard) ++shard->stats.client_login_count;
  replication_ = std::make_unique<ReplicationSession>(stream_, std::move(admission.lease), [this] { replication_ended(); });
  phase_ = Phase::replication;
  replication_->start(admission.early());
}

// Not destroyed at once: it is in the middle of a call.
void ClientSession::replication_ended() {
  log_close(replication_->end_reason());
  end();
  worker_.post([this, &worker = worker_, slot = slot_] {
    if (worker.session(slot) == this) worker.remove_session(slot);
  });
}

}  // namespace pgswitch
