// ClientAdmission's authentication: how the client must prove who it is, who it says it is, and the proof.
#include <unistd.h>

#include <atomic>

#include "protocol/writer.hpp"
#include "proxy/auth/hba.hpp"
#include "proxy/auth/ident_map.hpp"
#include "proxy/auth/outside_check.hpp"
#include "proxy/cancel_key.hpp"
#include "proxy/client_admission.hpp"
#include "proxy/log.hpp"
#include "proxy/pool_limits.hpp"
#include "proxy/proxy.hpp"
#include "proxy/worker.hpp"
#include "rules/route_names.hpp"

namespace pgswitch {
namespace {

namespace sqlstate = protocol::sqlstate;

/// Names of databases are kept for the life of the process, and a client who has proved nothing can make up as many as it
/// likes where "*" takes all. So many are let in.
constexpr std::size_t most_unproven_names = 10'000;
/// An LDAP server that does not answer, where a login may take as long as it likes.
constexpr std::int64_t longest_step_us = 60 * one_second;

bool may_keep_name(const std::string& database) {
  static std::atomic<std::size_t> kept{0};
  return rules::is_route(database) || kept.fetch_add(1, std::memory_order_relaxed) < most_unproven_names;
}

protocol::ServerLogin::Options exchange_options(Worker& worker, const std::string& user, LoginPlan& plan, std::string binding) {
  protocol::ServerLogin::Options options;
  options.method = plan.method;
  options.user = user;
  options.credential = std::move(plan.credential);
  if (plan.method != protocol::LoginMethod::trust) options.random = random_secret(protocol::ServerLogin::random_bytes);
  options.process_secret = worker.proxy().process_secret();
  options.channel_binding = std::move(binding);
  options.scram_iterations = static_cast<std::uint32_t>(worker.config().scram_iterations);
  options.cache = &worker.proxy().scram_keys();
  return options;
}

/// The [databases] entry that a client asks for. nullptr: there is none, or it asks for the console.
const Database* entry_of(const Config& config, const std::string& database) {
  return is_console(database) ? nullptr : config.database_entry(database);
}

/// The console has what is said for all.
std::string_view auth_user_of(const Config& config, const Database* entry) {
  return entry ? config.auth_user_of(*entry) : std::string_view(config.auth_user);
}

protocol::SqlError config_error() { return fatal(sqlstate::config_file_error, "bouncer config error"); }

}  // namespace

void ClientAdmission::log(LogLevel level, std::string_view text) const { log_line(level, session_.log_prefix() + std::string(text)); }

bool ClientAdmission::choose_rule() {
  if (is_console(startup.database) && is_local_owner(session_.address(), startup.user, getuid())) {
    rule_.method = AuthMethod::any;
    session_.rights_ = ConsoleRights::admin;
    if (config->log_connections) log(LogLevel::info, "pgswitch access from unix socket");
    return true;
  }
  if (startup.user.size() > longest_user_name) return fail(fatal(sqlstate::invalid_authorization, "username too long"));
  return find_rule();
}

/// What startup.user has to do.
bool ClientAdmission::find_rule() {
  const ClientAddress address = session_.address();
  HbaRequest request;
  request.is_unix = address.is_unix;
  request.is_tls = stream_.is_tls();
  request.host = address.host;
  request.is_replication = startup.replication == protocol::Replication::physical;
  request.database = is_console(startup.database) ? hba_console : std::string_view(startup.database);
  request.user = startup.user;
  const std::optional<AuthRule> rule = auth_rule(*config, request);
  if (!rule) return fail(fatal(sqlstate::invalid_authorization, "no authentication method is found"));
  rule_ = *rule;
  if (rule_.method == AuthMethod::reject) return fail(fatal(sqlstate::invalid_authorization, "login rejected"));
  const Database* const entry = entry_of(*config, startup.database);
  const bool outside = rule_.method == AuthMethod::pam || rule_.method == AuthMethod::ldap;
  if (outside && entry && !entry->auth_user.empty()) {
    const std::string_view name = rule_.method == AuthMethod::pam ? "PAM" : "LDAP";
    log(LogLevel::error, std::string(name) + " can't be used together with database authentication");
    return fail(config_error());
  }
  claimant_ = claimant_of(*config, startup.user);
  return true;
}

// Whom auth_file does not know, auth_query may. A database that does not exist is not told before the password: nobody is
// looked up for it, and no password is right.
bool ClientAdmission::needs_lookup() {
  if (!needs_user(rule_.method) || claimant_.in_auth_file) return false;
  const Database* const entry = entry_of(*config, startup.database);
  return (entry || is_console(startup.database)) && !auth_user_of(*config, entry).empty();
}

/// Where and what auth_query asks. False: failure_ says why not, or nobody can be looked up.
bool ClientAdmission::plan_lookup(AuthQuery& query) {
  const Database* const entry = entry_of(*config, startup.database);
  const std::string place(entry ? config->auth_dbname_of(*entry) : std::string_view(config->auth_dbname));
  query.auth_user = auth_user_of(*config, entry);
  query.query = entry ? config->auth_query_of(*entry) : std::string_view(config->auth_query);
  query.user = startup.user;
  const std::string& name = place.empty() ? startup.database : place;
  if (is_console(name)) {
    log(LogLevel::error, "cannot use the reserved \"" + name + "\" database as an auth_dbname");
    return fail(config_error());
  }
  if (place.empty() && !config->databases.contains(name) && !may_keep_name(name)) {
    static LogThrottle throttle(one_second);
    const std::string text = "too many names of databases were made up: no auth_query for \"" + name + "\"";
    log_throttled(throttle, worker_.now_us(), LogLevel::warning, text);
    return false;
  }
  query.database = config->find_database(name);
  if (!query.database && place.empty()) return false;  // its name is too long for one
  if (!query.database) {
    log(LogLevel::error, "authentication database \"" + name + "\" is not configured.");
    return fail(config_error());
  }
  if (PoolLimits::of_process().is_disabled(query.database->route))
    return fail(fatal(sqlstate::cannot_connect_now, "authentication database \"" + name + "\" is disabled"));
  return true;
}

ClientAdmission::Step ClientAdmission::look_up_user() {
  AuthQuery query;
  claimant_.known = false;  // an entry in [users] is not enough
  if (!plan_lookup(query)) co_return !failure_;
  std::optional<FoundUser> found;
  protocol::SqlError error;
  const bool ok = co_await worker_.router().look_up_user(query, login_deadline_us_, found, error);
  if (!ok) co_return fail(std::move(error));
  if (!found) co_return true;
  if (startup.user != found->name) {  // that user's rule counts
    startup.user = found->name;
    session_.info_->user = found->name;
    if (!find_rule()) co_return false;
  }
  claimant_.known = claimant_.looked_up = true;
  claimant_.secret = protocol::SecretText(found->secret);
  protocol::cleanse(found->secret);
  co_return true;
}

bool ClientAdmission::is_allowed_as(std::string_view system_user) const {
  if (system_user.empty()) return false;
  if (rule_.map.empty()) return system_user == startup.user;
  return config->ident_maps && config->ident_maps->allows(rule_.map, system_user, startup.user);
}

/// Methods cert and peer: somebody else vouches for the client.
ClientAdmission::Step ClientAdmission::check_identity() {
  if (rule_.method == AuthMethod::cert) {
    const std::string name = stream_.peer_common_name();
    if (claimant_.known && is_allowed_as(name)) co_return true;
    const char* const wrong = !stream_.is_tls() ? "TLS connection required"
                              : name.empty()    ? "TLS client certificate required"
                                                : "TLS certificate name mismatch";
    log(LogLevel::warning, wrong);
    co_return fail(fatal(sqlstate::invalid_authorization, "certificate authentication failed"));
  }
  const auto peer = std::make_shared<SystemUser>();
  if (session_.is_unix_) {
    peer->uid = session_.peer_uid_;
    const std::function<void()> work = [peer] { peer->run(); };
    const bool in_time = co_await worker_.proxy().login_threads().run(worker_.io(), login_deadline_us_, work);
    if (!in_time) co_return note(IoEnd::too_late);
  }
  if (claimant_.known && is_allowed_as(peer->name)) co_return true;
  log(LogLevel::warning, session_.is_unix_ ? "unix socket peer is system user \"" + peer->name + "\"" : "not a unix socket");
  co_return fail(fatal(sqlstate::invalid_authorization, "unix socket login rejected"));
}

bool ClientAdmission::begin_authentication() {
  LoginPlan plan = plan_login(rule_.method, claimant_);
  const bool may_send_password = stream_.is_tls() || session_.is_unix_;
  adapt_login(plan, startup.user, is_redshift_driver_, may_send_password);
  if (!claimant_.known && needs_user(rule_.method) && config->log_connections) log(LogLevel::info, "no such user: " + startup.user);
  if (plan.refused) return fail(std::move(*plan.refused));
  if (startup.must_negotiate())
    protocol::write_negotiate_protocol_version(out, startup.minor, startup.unknown_extensions);
  login_.emplace(exchange_options(worker_, startup.user, plan, stream_.channel_binding()));
  login_begun_ = !login_->is_costly();
  if (login_begun_) login_status_ = login_->start(out);
  return true;
}

ClientAdmission::Step ClientAdmission::exchange() {
  const std::function<void()> start = [this] { login_status_ = login_->start(out); };
  if (!login_begun_) co_await worker_.proxy().cpu_threads().run(worker_.io(), 0, start);
  while (login_status_ == protocol::LoginStatus::need_more) {
    bool ok = write_now();
    if (!ok) ok = co_await flush();
    if (ok) ok = co_await receive(protocol::frame_header_size);
    protocol::FrameHeader header;
    if (ok) ok = read_login_header(header);
    if (ok && in_.size() < header.frame_size()) ok = co_await receive(header.frame_size());
    if (!ok) co_return false;
    protocol::Frame answer;
    answer.type = header.type;
    answer.body = protocol::ByteView(in_).substr(protocol::frame_header_size, header.body_size);
    if (login_->is_costly()) {
      const std::function<void()> go_on = [this, answer] { login_status_ = login_->on_message(answer, out); };
      co_await worker_.proxy().cpu_threads().run(worker_.io(), 0, go_on);
    } else {
      login_status_ = login_->on_message(answer, out);
    }
    consume(header.frame_size());
  }
  co_return true;
}

bool ClientAdmission::read_login_header(protocol::FrameHeader& header) {
  if (protocol::read_header(in_, protocol::max_password_frame_size, header) == protocol::HeaderStatus::complete) return true;
  return fail(fatal(sqlstate::protocol_violation, "invalid message length"));
}

/// Methods pam and ldap: the password that the client sent is checked elsewhere.
ClientAdmission::Step ClientAdmission::check_password() {
  const auto* const sent = std::get_if<protocol::Password>(&login_->proven_credential());
  if (login_status_ == protocol::LoginStatus::failed) co_return true;  // end_authentication() says why
  if (!sent) co_return fail(fatal(sqlstate::internal_error, "no password to check"));
  const auto check = std::make_shared<PasswordCheck>();
  check->rule = rule_;
  check->user = startup.user;
  check->host = session_.info_->host;
  check->password = sent->text;
  check->limit_us = login_deadline_us_ > 0 ? login_deadline_us_ - worker_.now_us() : longest_step_us;
  if (check->limit_us <= 0) co_return note(IoEnd::too_late);
  const std::function<void()> work = [check] { check->run(); };
  const bool in_time = co_await worker_.proxy().login_threads().run(worker_.io(), login_deadline_us_, work);
  if (!in_time) co_return note(IoEnd::too_late);
  const bool pam = rule_.method == AuthMethod::pam;
  if (!check->right) {
    log(LogLevel::warning, (pam ? "PAM: " : "LDAP: ") + check->error);
    co_return fail(fatal(sqlstate::invalid_authorization, pam ? "PAM authentication failed" : "LDAP authentication failed"));
  }
  protocol::write_authentication(out, protocol::authentication_code::ok);
  co_return true;
}

bool ClientAdmission::end_authentication() {
  if (login_status_ == protocol::LoginStatus::failed) return fail(login_->error());
  credentials = credentials_of(startup.user, login_->proven_credential(), claimant_);
  login_.reset();
  return true;
}

}  // namespace pgswitch
