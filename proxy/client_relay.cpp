// ClientSession after its login: the hand-over to the Relay or the console, and what reaches it from outside.
#include "protocol/crypto.hpp"
#include "protocol/writer.hpp"
#include "proxy/admin/console.hpp"
#include "proxy/cancel_key.hpp"
#include "proxy/client_session.hpp"
#include "proxy/proxy.hpp"
#include "proxy/session/relay.hpp"
#include "proxy/worker.hpp"

namespace pgswitch {

boost::asio::awaitable<void> ClientSession::relay_session() {
  protocol::SqlError unused;
  if (PoolShard* const shard = worker_.router().shard(database_->route, credentials_, unused)) ++shard->stats.client_login_count;
  const User* const pool_user = config_->find_user(database_->user.empty() ? startup_.user : database_->user);
  Relay::Start start{stream_,   std::move(facts_),    std::move(credentials_),
                     database_->route, std::move(welcome_), std::move(settings_),
                     config_->pool_mode_of(*database_, pool_user), info_.id, log_prefix()};
  Relay relay(worker_, std::move(start));
  relay_ = &relay;
  phase_ = Phase::relay;
  co_await relay.run();
  relay_ = nullptr;
  log_close(relay.end_reason());
}

boost::asio::awaitable<void> ClientSession::console_session() {
  phase_ = Phase::console;
  make_cancel_key();
  admin::write_parameters(out_, info_, rights_);
  const CancelKey key{worker_.index(), slot_};
  protocol::write_backend_key_data(out_, key.process_id(), cancel_secret_);
  protocol::write_ready_for_query(out_, 'I');
  const bool welcomed = co_await flush();
  if (!welcomed) co_return;
  log_login();
  co_await admin::run_console(*this);
  log_close("client close request");
}

void ClientSession::cancel(protocol::ByteView secret) {
  if (cancel_secret_.empty() || !protocol::equal_secrets(secret, cancel_secret_)) return;
  if (relay_) relay_->cancel();
}

void ClientSession::shut_down(const protocol::SqlError& reason) {
  if (relay_) {
    relay_->shut_down(reason);
  } else if (phase_ == Phase::login) {
    kill(reason);
  }
}

void ClientSession::kill(const protocol::SqlError& reason) {
  if (relay_) {
    relay_->kill(reason);
    return;
  }
  if (phase_ == Phase::login) fail(reason);
  std::string text;
  protocol::write_error(text, reason);
  iovec piece{text.data(), text.size()};
  stream_.write_some(&piece, 1);
  stream_.close();
}

void ClientSession::tick(std::int64_t now_us) {
  if (relay_) relay_->tick(now_us);
}

}  // namespace pgswitch
