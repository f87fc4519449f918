#include "proxy/client_admission.hpp"

#include "protocol/backend.hpp"
#include "protocol/writer.hpp"
#include "proxy/cancel_key.hpp"
#include "proxy/cancel_peer.hpp"
#include "proxy/lease_wait.hpp"
#include "proxy/log.hpp"
#include "proxy/pool_limits.hpp"
#include "proxy/proxy.hpp"
#include "proxy/worker.hpp"

namespace pgswitch {
namespace {

namespace sqlstate = protocol::sqlstate;

protocol::SqlError fatal_of(const rules::Refusal& refusal) {
  protocol::SqlError error = fatal(refusal.sqlstate, refusal.message);
  error.detail = refusal.detail;
  error.hint = refusal.hint;
  return error;
}

/// A welcome of PostgreSQL's has some 400 bytes.
constexpr std::size_t usual_output = 600;
/// How long a client may take to read the reason for which it is dismissed.
constexpr std::int64_t goodbye_us = 5 * one_second;

/// What rules see of a session that has set and written nothing yet.
class SettingsOfLogin final : public rules::SessionState {
 public:
  SettingsOfLogin(const protocol::Settings& settings, protocol::Replication replication) : settings_(settings), replication_(replication) {}
  std::optional<std::string> setting(std::string_view name) const override {
    if (name == "replication" && replication_ != protocol::Replication::none) return replication_ == protocol::Replication::logical ? "database" : "true";
    const std::string_view value = find_setting(settings_, name);
    return value.empty() ? std::nullopt : std::optional(std::string(value));
  }
  const std::vector<rules::WrittenTable>& written() const override { return written_; }
  std::int64_t last_write_us() const override { return 0; }
  std::string pinned_by() const override { return {}; }

 private:
  const protocol::Settings& settings_;
  protocol::Replication replication_;
  std::vector<rules::WrittenTable> written_;
};

}  // namespace

ClientAdmission::ClientAdmission(ClientSession& session)
    : config(session.worker().config_ptr()), session_(session), worker_(session.worker()), stream_(session.stream()) {
  worker_.login_begins();
  out.reserve(usual_output);
  if (config->client_login_timeout > 0) login_deadline_us_ = worker_.now_us() + config->client_login_timeout;
}

// Steps that seldom have to wait are coroutines only where they do: this is what a storm of logins runs through.
ClientAdmission::Step ClientAdmission::log_in() {
  bool ok = true;
  if (expects_proxy_header()) ok = co_await read_proxy_header();
  if (ok && config->max_login_conn_per_address > 0) ok = take_place();
  if (ok && may_begin_with_tls()) ok = co_await begin_direct_tls();
  if (ok && !startup_is_here()) ok = co_await read_requests();
  if (ok) ok = read_startup() && choose_rule();
  if (ok && needs_lookup()) ok = co_await look_up_user();
  if (ok && (rule_.method == AuthMethod::cert || rule_.method == AuthMethod::peer)) ok = co_await check_identity();
  if (ok) ok = begin_authentication();
  if (ok && login_status_ == protocol::LoginStatus::need_more) ok = co_await exchange();
  if (ok && (rule_.method == AuthMethod::pam || rule_.method == AuthMethod::ldap)) ok = co_await check_password();
  if (ok) ok = end_authentication() && admit();
  if (ok && session_.rights_ == ConsoleRights::none && is_replication()) {
    ok = co_await open_replication();
    if (ok) ok = welcome_client();
    if (ok && !write_now()) ok = co_await flush();
  } else if (ok && session_.rights_ == ConsoleRights::none) {
    if (!worker_.router().recall_welcome(database->route, credentials, settings, welcome)) ok = co_await ask_welcome();
    if (ok && mode == PoolMode::session) co_await take_server();
    if (ok) ok = welcome_client();
    if (ok && !write_now()) ok = co_await flush();
  }
  co_return ok;
}

// `out` may hold AuthenticationOk already: an error after it is a FATAL like PostgreSQL's "database does not exist".
boost::asio::awaitable<void> ClientAdmission::say_goodbye() {
  session_.phase_ = ClientSession::Phase::closing;
  if (failure_) {
    if (config->log_connections && !session_.user().empty())
      log_line(LogLevel::info, session_.log_prefix() + "login failed: db=" + session_.database() + " user=" + session_.user());
    if (config->log_pooler_errors) log_line(LogLevel::warning, session_.log_prefix() + "pooler error: " + failure_->message);
    if (startup.predates_v3())
      protocol::write_error_before_v3(out, *failure_);
    else
      protocol::write_error(out, *failure_);
    login_deadline_us_ = worker_.now_us() + goodbye_us;
    co_await flush();
    session_.log_close(failure_->message);
  } else if (!close_reason_.empty()) {
    session_.log_close(close_reason_);
  }
}

bool ClientAdmission::fail(protocol::SqlError error) {
  if (!failure_) failure_ = std::move(error);
  return false;
}

bool ClientAdmission::admit() {
  settings = startup_settings(*config, startup, session_.address());
  session_.info_->application_name = find_setting(settings, "application_name");
  const bool admitted = is_console(startup.database) ? admit_to_console() : admit_to_database();
  if (admitted && startup.options_error) return fail(*startup.options_error);
  return admitted;
}

// The console is exempt from every limit: it is where one goes when a limit is reached.
bool ClientAdmission::admit_to_console() {
  if (session_.rights_ == ConsoleRights::none) session_.rights_ = pgswitch::console_rights(*config, startup.user);
  if (session_.rights_ == ConsoleRights::none) return fail(fatal(sqlstate::insufficient_privilege, "not allowed"));
  return true;
}

bool ClientAdmission::admit_to_database() {
  if (worker_.refuses(session_.connected_us())) return fail(fatal(sqlstate::cannot_connect_now, "pooler is shutting down"));
  database = config->find_database(startup.database);
  if (!database) return fail(fatal(sqlstate::undefined_database, "no such database: " + startup.database));
  if (PoolLimits::of_process().is_disabled(database->route))
    return fail(fatal(sqlstate::cannot_connect_now, "database \"" + startup.database + "\" is disabled"));
  if (config->auth_type == AuthType::any && database->user.empty()) {
    log(LogLevel::error, "auth_type=any requires a forced user in the database's line");
    return fail(fatal(sqlstate::config_file_error, "bouncer config error"));
  }
  const std::string limit = worker_.proxy().client_limits().take(*config, *database, startup.user, session_.permits_);
  if (!limit.empty()) return fail(fatal(sqlstate::too_many_connections, limit));
  return ask_rules();
}

bool ClientAdmission::ask_rules() {
  facts.user = startup.user;
  facts.database = startup.database;
  facts.application_name = session_.info_->application_name;
  facts.client_address = session_.info_->host;
  facts.tls = stream_.is_tls();
  facts.certificate = stream_.peer_common_name();
  facts.began_us = session_.connected_us();
  facts.search_path = find_setting(settings, "search_path");
  facts.wished_route = find_setting(settings, "pgswitch.route");
  facts.default_route = database->route;
  facts.identity = rules::next_identity();
  const std::string& pool_user = database->user.empty() ? startup.user : database->user;
  mode = config->pool_mode_of(*database, config->find_user(pool_user));
  const SettingsOfLogin state(settings, startup.replication);
  facts.state = &state;
  const rules::Refusal* const refusal = worker_.engine().connect(facts);
  facts.state = nullptr;
  return refusal == nullptr || fail(fatal_of(*refusal));
}

ClientAdmission::Step ClientAdmission::ask_welcome() {
  protocol::SqlError error;
  Lease* const keep = mode == PoolMode::session ? &lease : nullptr;
  const bool ok = co_await worker_.router().ask_welcome(database->route, credentials, settings, login_deadline_us_, welcome, keep, error);
  if (ok) co_return true;
  error.severity = protocol::Severity::fatal;
  co_return fail(std::move(error));
}

bool ClientAdmission::welcome_client() {
  make_cancel_key();
  if (session_.cancel_secret_.empty()) return fail(fatal(sqlstate::internal_error, "could not generate random cancel key"));
  write_welcome();
  session_.log_login();
  return true;
}

void ClientAdmission::write_welcome() {
  out += *welcome.frames;
  tell_cancel_key();
  if (!config->login_notify_message.empty()) {
    protocol::SqlError notice;
    notice.severity = protocol::Severity::notice;
    notice.sqlstate = "00000";
    notice.message = config->login_notify_message;
    protocol::write_notice(out, notice);
  }
  protocol::write_ready_for_query(out, 'I');
}

// In session mode the process id is that of the client's server, so that pg_terminate_backend() and notifications mean what
// the driver thinks. A client for which there is no server at once logs in without: it waits when it has something to ask.
boost::asio::awaitable<void> ClientAdmission::take_server() {
  protocol::SqlError unused;
  PoolShard* const shard = worker_.router().shard(database->route, credentials, unused);
  if (!lease && shard && shard->has_room())
    lease = co_await wait_for_lease(worker_.io(), *shard, credentials->user, worker_.now_us() + one_second, unused);
  if (lease) lease->begin_coroutine();
}

void ClientAdmission::tell_cancel_key() {
  const CancelKey key{worker_.index(), session_.slot_};
  session_.process_id_ = lease ? lease->process_id : key.process_id();
  if (config->peer_id != 0) {
    // Not even of its server: peers must see whose client it is.
    session_.process_id_ = PeerKey::make_process_id(config->peer_id).value_or(key.process_id());
    session_.cancel_secret_ = PeerKey::at_home(std::move(session_.cancel_secret_));
  }
  if (session_.process_id_ != key.process_id()) worker_.proxy().server_process_ids().add(session_.process_id_, key);
  protocol::write_backend_key_data(out, session_.process_id_, session_.cancel_secret_);
}

void ClientAdmission::make_cancel_key() {
  session_.cancel_secret_ = random_secret(startup.minor >= 2 ? long_cancel_secret : short_cancel_secret);
}

}  // namespace pgswitch
