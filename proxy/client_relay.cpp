// ClientSession after its login: the hand-over to the Relay or the console, and what reaches it from outside.
#include "protocol/crypto.hpp"
#include "protocol/writer.hpp"
#include "proxy/admin/console.hpp"
#include "proxy/cancel_key.hpp"
#include "proxy/client_admission.hpp"
#include "proxy/proxy.hpp"
#include "proxy/replication_session.hpp"
#include "proxy/session/relay.hpp"
#include "proxy/session/start_settings.hpp"
#include "proxy/worker.hpp"

namespace pgswitch {

void ClientSession::begin_relay(ClientAdmission& admission) {
  protocol::SqlError unused;
  const Database& database = *admission.database;
  if (PoolShard* const shard = worker_.router().shard(database.route, admission.credentials, unused)) {
    ++shard->stats.client_login_count;
    if (*shard->credentials() == *admission.credentials) admission.credentials = shard->credentials();
  }
  relay_.reset(new (worker_.relay_memory()) Relay(*this, Relay::Start{std::move(admission.facts), std::move(admission.credentials), database.route,
                                                       std::move(admission.welcome.tracked), start_settings(admission.settings), std::move(admission.welcome.server_version), admission.mode,
                                                       std::move(admission.lease), admission.early()}));
  info_.reset();
  phase_ = Phase::relay;
  relay_->start();
}

void ClientSession::relay_ended() {
  log_close(relay_->end_reason());
  end();
  worker_.post([this, &worker = worker_, slot = slot_] {
    if (worker.session(slot) == this) worker.remove_session(slot);
  });
}

boost::asio::awaitable<void> ClientSession::console_session(ClientAdmission& admission) {
  phase_ = Phase::console;
  admission.make_cancel_key();
  const ConsolePresence presence(worker_.proxy());
  admin::write_parameters(admission.out, *info_, rights_);
  const CancelKey key{worker_.index(), slot_};
  protocol::write_backend_key_data(admission.out, key.process_id(), cancel_secret_);
  protocol::write_ready_for_query(admission.out, 'I');
  const bool welcomed = co_await admission.flush();
  if (!welcomed) co_return;
  log_login();
  std::string early(admission.early());
  co_await admin::run_console(*this, std::move(early));
  log_close("client close request");
}

bool ClientSession::has_cancel_secret(protocol::ByteView secret) const {
  return !cancel_secret_.empty() && protocol::equal_secrets(secret, cancel_secret_);
}

const ServerConn* ClientSession::server() const {
  if (relay_) return relay_->server();
  return replication_ ? replication_->server() : nullptr;
}

const ServerConn* ClientSession::cancel(protocol::ByteView secret) {
  if (!has_cancel_secret(secret)) return nullptr;
  return relay_ ? relay_->cancel() : server();
}

void ClientSession::suspension_changed() {
  if (relay_) relay_->suspension_changed();
}

bool ClientSession::is_flushed() { return !relay_ || relay_->is_flushed(); }

void ClientSession::stop_leasing() {
  if (relay_) relay_->stop_leasing();
}

void ClientSession::shut_down(const protocol::SqlError& reason) {
  if (phase_ == Phase::relay) {
    relay_->shut_down(reason);
  } else if (phase_ == Phase::login || phase_ == Phase::replication) {
    kill(reason);
  }
}

void ClientSession::kill(const protocol::SqlError& reason) {
  if (relay_) {
    relay_->kill(reason);
    return;
  }
  if (replication_) return replication_->kill(reason);
  if (info_->admission) info_->admission->fail(reason);
  std::string text;
  protocol::write_error(text, reason);
  iovec piece{text.data(), text.size()};
  stream_.write_some(&piece, 1);
  stream_.close();
}

void ClientSession::forget(const PoolShard& shard) {
  if (relay_) relay_->forget(shard);
}

void ClientSession::tick(std::int64_t now_us) {
  if (relay_) relay_->tick(now_us);
  if (replication_) replication_->tick();
}

}  // namespace pgswitch
