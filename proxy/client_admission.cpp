// ClientSession from authentication to the first ReadyForQuery.
#include <functional>
#include <unistd.h>

#include "protocol/backend.hpp"
#include "protocol/crypto.hpp"
#include "protocol/writer.hpp"
#include "proxy/cancel_key.hpp"
#include "proxy/client_session.hpp"
#include "proxy/log.hpp"
#include "proxy/pool_limits.hpp"
#include "proxy/proxy.hpp"
#include "proxy/worker.hpp"

namespace pgswitch {
namespace {

namespace sqlstate = protocol::sqlstate;

protocol::ServerLogin::Options exchange_options(Worker& worker, const std::string& user, LoginPlan plan, std::string binding) {
  protocol::ServerLogin::Options options;
  options.method = plan.method;
  options.user = user;
  options.credential = std::move(plan.credential);
  options.random = random_secret(protocol::ServerLogin::random_bytes);
  options.process_secret = worker.proxy().process_secret();
  options.channel_binding = std::move(binding);
  options.scram_iterations = static_cast<std::uint32_t>(worker.config().scram_iterations);
  options.cache = &worker.proxy().scram_keys();
  return options;
}

protocol::SqlError fatal_of(const rules::Refusal& refusal) {
  protocol::SqlError error = fatal(refusal.sqlstate, refusal.message);
  error.detail = refusal.detail;
  error.hint = refusal.hint;
  return error;
}

}  // namespace

ClientSession::Step ClientSession::authenticate() {
  const bool console = is_console(startup_.database);
  LoginPlan plan = plan_login(*config_, startup_.user);
  if (console && is_local_owner(info_.address, startup_.user, getuid())) {
    plan = LoginPlan();
    plan.method = protocol::LoginMethod::trust;
    rights_ = ConsoleRights::admin;
    if (config_->log_connections) log_line(LogLevel::info, log_prefix() + "pgswitch access from unix socket");
  }
  if (plan.refused) co_return fail(std::move(*plan.refused));
  if (startup_.must_negotiate())
    protocol::write_negotiate_protocol_version(out_, startup_.minor, startup_.unknown_extensions);
  protocol::ServerLogin login(exchange_options(worker_, startup_.user, std::move(plan), stream_.channel_binding()));
  protocol::LoginStatus status = protocol::LoginStatus::need_more;
  protocol::Frame frame;
  std::function<void()> step = [&] { status = login.start(out_); };
  for (;;) {
    if (login.is_costly()) {
      co_await worker_.proxy().side_thread().run(worker_.io(), step);
    } else {
      step();
    }
    protocol::cleanse(in_);
    if (status != protocol::LoginStatus::need_more) break;
    const bool sent = co_await flush();
    if (!sent) co_return false;
    const bool received = co_await read_login_frame(frame);
    if (!received) co_return false;
    step = [&] { status = login.on_message(frame, out_); };
  }
  if (status == protocol::LoginStatus::failed) co_return fail(login.error());
  credentials_ = credentials_of(startup_.user, login.proven_credential());
  co_return true;
}

ClientSession::Step ClientSession::read_login_frame(protocol::Frame& frame) {
  in_.assign(protocol::frame_header_size, '\0');
  const bool ok = co_await read(in_.data(), in_.size());
  if (!ok) co_return false;
  protocol::FrameHeader header;
  if (protocol::read_header(in_, protocol::max_password_frame_size, header) != protocol::HeaderStatus::complete)
    co_return fail(fatal(sqlstate::protocol_violation, "invalid message length"));
  in_.resize(header.frame_size());
  const bool complete = co_await read(in_.data() + protocol::frame_header_size, header.body_size);
  if (!complete) co_return false;
  frame.type = header.type;
  frame.body = protocol::ByteView(in_).substr(protocol::frame_header_size);
  co_return true;
}

bool ClientSession::admit() {
  settings_ = startup_settings(*config_, startup_, info_.address);
  info_.application_name = find_setting(settings_, "application_name");
  return is_console(startup_.database) ? admit_to_console() : admit_to_database();
}

// The console is exempt from every limit: it is where one goes when a limit is reached.
bool ClientSession::admit_to_console() {
  if (rights_ == ConsoleRights::none) rights_ = pgswitch::console_rights(*config_, startup_.user);
  if (rights_ == ConsoleRights::none) return fail(fatal(sqlstate::insufficient_privilege, "not allowed"));
  return true;
}

bool ClientSession::admit_to_database() {
  if (worker_.is_draining()) return fail(fatal(sqlstate::cannot_connect_now, "pooler is shutting down"));
  database_ = config_->find_database(startup_.database);
  if (!database_) return fail(fatal(sqlstate::undefined_database, "no such database: " + startup_.database));
  if (PoolLimits::of_process().is_disabled(database_->route))
    return fail(fatal(sqlstate::cannot_connect_now, "database \"" + startup_.database + "\" is disabled"));
  if (config_->auth_type == AuthType::any && database_->user.empty())
    return fail(fatal(sqlstate::invalid_authorization, "auth_type=any requires a forced user in the database's line"));
  const std::string limit = worker_.proxy().client_limits().take(*config_, *database_, startup_.user, permits_);
  if (!limit.empty()) return fail(fatal(sqlstate::too_many_connections, limit));
  return ask_rules();
}

bool ClientSession::ask_rules() {
  facts_.user = startup_.user;
  facts_.database = startup_.database;
  facts_.application_name = info_.application_name;
  facts_.client_address = info_.address.host;
  facts_.default_route = database_->route;
  facts_.identity = rules::next_identity();
  if (const rules::Refusal* const refusal = worker_.engine().connect(facts_)) return fail(fatal_of(*refusal));
  return true;
}

ClientSession::Step ClientSession::welcome() {
  protocol::SqlError error;
  const bool ok = co_await worker_.router().welcome(database_->route, credentials_, settings_, login_deadline_us_, welcome_, error);
  if (!ok) {
    error.severity = protocol::Severity::fatal;
    co_return fail(std::move(error));
  }
  make_cancel_key();
  if (cancel_secret_.empty()) co_return fail(fatal(sqlstate::internal_error, "could not generate random cancel key"));
  for (const auto& [name, value] : welcome_.parameters) protocol::write_parameter_status(out_, name, value);
  const CancelKey key{worker_.index(), slot_};
  protocol::write_backend_key_data(out_, key.process_id(), cancel_secret_);
  if (!config_->login_notify_message.empty()) {
    protocol::SqlError notice;
    notice.severity = protocol::Severity::notice;
    notice.sqlstate = "00000";
    notice.message = config_->login_notify_message;
    protocol::write_notice(out_, notice);
  }
  protocol::write_ready_for_query(out_, 'I');
  log_login();
  const bool sent = co_await flush();
  co_return sent;
}

void ClientSession::make_cancel_key() {
  cancel_secret_ = random_secret(startup_.minor >= 2 ? long_cancel_secret : short_cancel_secret);
}

}  // namespace pgswitch
