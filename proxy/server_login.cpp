#include "proxy/server_login.hpp"

#include <algorithm>
#include <cstring>
#include <netinet/in.h>
#include <openssl/rand.h>
#include <span>

#include "protocol/backend.hpp"
#include "protocol/login.hpp"
#include "protocol/reader.hpp"
#include "protocol/writer.hpp"
#include "proxy/dns.hpp"
#include "proxy/log.hpp"
#include "proxy/redshift/face.hpp"
#include "proxy/server_query.hpp"
#include "proxy/server_secrets.hpp"
#include "proxy/server_socket.hpp"
#include "rules/route_names.hpp"

namespace pgswitch {

namespace asio = boost::asio;
namespace backend = protocol::backend;
using protocol::SqlError;

namespace {

constexpr std::uint32_t protocol_3_0 = 3u << 16;

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)) != 1) bytes.clear();
  return bytes;
}

/// One attempt at one address.
class Attempt {
 public:
  Attempt(const ServerHome& home, const LoginRequest& request, LoginResult& result, std::int64_t deadline_us)
      : home_(home), request_(request), result_(result), deadline_us_(deadline_us) {}

  asio::awaitable<bool> run(const ServerAddress& address) {
    place_ = address.description();
    // One co_await to an expression: g++ 12.2 miscompiles a chain of them.
    bool ok = co_await find_secret(home_, request_, address.host, request_.deadline_us, secret_, result_.error);
    if (!ok) {
      result_.refused = true;
      co_return false;
    }
    ok = co_await connect(address);
    if (ok) ok = co_await start_tls(address);
    if (ok) ok = co_await send_startup();
    if (ok) ok = co_await authenticate();
    if (ok) ok = co_await await_ready();
    if (ok) ok = co_await find_kind();
    if (!ok) {
      result_.server.reset();
      co_return false;
    }
    co_await run_connect_query();
    if (!server().stream.is_open()) {
      result_.server.reset();
      co_return fail("connect_query lost the connection");
    }
    server().in.consume(server().in.outstanding().size());
    server().connected_us = home_.now_us();
    co_return true;
  }

  /// The server has not taken a password that was printed for an earlier login.
  bool is_stale() const {
    const bool wrong = result_.error.sqlstate == protocol::sqlstate::invalid_password || result_.error.sqlstate == protocol::sqlstate::invalid_authorization;
    return result_.refused && secret_.is_printed && wrong && forgotten_ && !secret_.is_fresh;
  }

 private:
  ServerConn& server() { return *result_.server; }

  bool fail(std::string_view what) {
    result_.refused = false;
    result_.error = unreachable(std::string(what) + " (" + place_ + ")");
    return false;
  }

  bool refused(protocol::ByteView body) {
    result_.refused = true;
    result_.error = backend::read_error(body);
    if (result_.error.sqlstate.size() != 5) result_.error.sqlstate = protocol::sqlstate::connection_failure;
    forget_secret();
    return false;
  }

  void forget_secret() {
    const bool wrong = result_.error.sqlstate == protocol::sqlstate::invalid_password || result_.error.sqlstate == protocol::sqlstate::invalid_authorization;
    const auto* const password = std::get_if<protocol::Password>(&secret_.credential);
    if (!secret_.is_printed || !wrong || !password) return;
    home_.password_commands->forget(secret_.question, password->text);
    forgotten_ = true;
  }

  bool lost() {
    return fail(home_.now_us() >= deadline_us_ ? "server_connect_timeout" : "server conn crashed?");
  }

  asio::awaitable<bool> connect(const ServerAddress& address) {
    std::string text;
    const int fd = start_connect(address, *request_.config, text);
    if (fd < 0) co_return fail("cannot connect: " + text);
    result_.server = std::make_unique<ServerConn>(home_.poller, home_.slab, fd);
    server().begin_coroutine();
    server().connected_us = home_.now_us();
    server().route = request_.database->route;
    if (request_.database->kind == ServerKind::redshift) server().state.kind = ServerKind::redshift;
    is_unix_ = address.is_unix;
    if (!request_.database->fallback_route.empty()) server().state.fallback = rules::intern_route(request_.database->fallback_route);
    server().host = address.host;
    server().address = address.text;
    server().port = static_cast<std::uint16_t>(request_.database->port);
    if (!co_await server().stream.wait_writable(deadline_us_)) co_return fail("cannot connect: timeout");
    if (!connect_succeeded(fd, text)) co_return fail("cannot connect: " + text);
    co_return true;
  }

  asio::awaitable<bool> start_tls(const ServerAddress& address) {
    const SslMode mode = request_.config->server_tls_sslmode;
    if (address.is_unix || mode == SslMode::disable) co_return true;
    const bool required = mode != SslMode::allow && mode != SslMode::prefer;
    const TlsContextPtr context = home_.tls ? home_.tls() : nullptr;
    if (!context) co_return !required || fail("TLS is required, but server_tls_* cannot be used");
    std::string out;
    protocol::write_ssl_request(out);
    const bool written = co_await write_all(server(), out, deadline_us_);
    if (!written) co_return lost();
    // CVE-2021-23222: what a man in the middle appends to the answer must not be read as if it came through TLS.
    std::array<char, 64> answer{};
    std::size_t size = 0;
    while (size == 0) {
      const IoResult read = server().stream.read_some(answer.data(), answer.size());
      if (read.status == IoResult::Status::ok) size = read.bytes;
      bool goes_on = size > 0;
      if (read.status == IoResult::Status::would_block) goes_on = co_await server().stream.wait_readable(deadline_us_);
      if (!goes_on) co_return lost();
    }
    if (answer[0] == 'N') {
      if (size > 1) co_return fail("bad sslreq answer");
      co_return !required || fail("server refused SSL");
    }
    if (answer[0] != 'S') co_return fail("bad sslreq answer");
    if (size > 1) co_return fail("received unencrypted data after SSL response");
    std::string text;
    const auto error = co_await server().stream.tls_connect(*context, address.host, deadline_us_, text);
    co_return !error || fail("TLS startup failed: " + text);
  }

  asio::awaitable<bool> send_startup() {
    const Database& database = *request_.database;
    std::vector<std::pair<std::string, std::string>> parameters;
    const auto add = [&](const char* name, const std::string& value) {
      if (!value.empty()) parameters.emplace_back(name, value);
    };
    add("user", secret_.user);
    add("database", database.dbname.empty() ? database.name : database.dbname);
    // Redshift says UNICODE, which drivers do not know, to whoever does not ask for UTF8.
    const bool is_redshift = database.kind == ServerKind::redshift;
    add("client_encoding", database.client_encoding.empty() && is_redshift ? "UTF8" : database.client_encoding);
    add("datestyle", database.datestyle);
    add("timezone", database.timezone);
    add("application_name", database.application_name);
    parameters.insert(parameters.end(), request_.parameters.begin(), request_.parameters.end());
    std::string out;
    protocol::write_startup(out, protocol_3_0, parameters);
    const bool written = co_await write_all(server(), out, deadline_us_);
    co_return written || lost();
  }

  protocol::ClientLogin::Options login_options() {
    protocol::ClientLogin::Options options;
    options.user = secret_.user;
    options.credential = secret_.credential;
    options.random = random_bytes(protocol::ClientLogin::random_bytes);
    // As pgbouncer and libpq do. Whoever does not trust the network sets server_tls_sslmode=verify-full. What Redshift, or a program, has
    // given is for Redshift alone.
    const bool anywhere = request_.database->kind == ServerKind::postgres && !secret_.is_printed;
    options.allow_cleartext = anywhere || is_unix_ || server().stream.is_tls();
    options.scram.channel_binding = server().stream.channel_binding();
    options.cache = home_.scram_keys;
    return options;
  }

  asio::awaitable<bool> authenticate() {
    protocol::ClientLogin login(login_options());
    protocol::Frame frame;
    while (co_await read_frame(server(), frame, deadline_us_, protocol::max_password_frame_size)) {
      if (frame.type == backend::error_response) co_return refused(frame.body);
      if (frame.type == backend::notice_response || frame.type == backend::negotiate_protocol_version) continue;
      if (frame.type != 'R') co_return fail("unknown pkt from server");
      if (asks_for_token(frame.body)) {
        protocol::SecretText token;
        const bool found = co_await find_token(home_, request_, server().host, request_.deadline_us, token, result_.error);
        if (!found) {
          result_.refused = true;
          co_return false;
        }
        login.set_token(token);
      }
      std::string out;
      protocol::LoginStatus status = protocol::LoginStatus::failed;
      const auto answer = [&] { status = login.on_authentication(frame.body, out); };
      if (home_.run_aside && login.is_costly(frame.body)) {
        co_await home_.run_aside(answer);
      } else {
        answer();
      }
      const bool written = co_await write_all(server(), out, deadline_us_);
      protocol::cleanse(out);
      if (!written) co_return lost();
      if (status == protocol::LoginStatus::done) co_return true;
      if (status == protocol::LoginStatus::failed) {
        result_.refused = true;
        result_.error = login.error();
        co_return false;
      }
    }
    co_return lost();
  }

  static bool asks_for_token(protocol::ByteView body) { return protocol::BodyReader(body).int32() == protocol::authentication_code::redshift_idp; }

  /// kind = auto: each connection asks, for the hosts of one line may differ. A walsender may know no SQL.
  asio::awaitable<bool> find_kind() {
    if (request_.database->kind != ServerKind::automatic || !request_.parameters.empty()) co_return true;
    SqlError error;
    std::string version;
    const bool ok = co_await run_query(server(), "SELECT version()", deadline_us_, error, nullptr, &version);
    if (!ok) co_return fail("kind = auto: version() failed: " + error.message);
    if (redshift::is_redshift(version)) server().state.kind = ServerKind::redshift;
    co_return true;
  }

  asio::awaitable<bool> await_ready() {
    protocol::Frame frame;
    while (co_await read_frame(server(), frame, deadline_us_, protocol::max_password_frame_size)) {
      switch (frame.type) {
        case backend::error_response: co_return refused(frame.body);
        case backend::notice_response: break;
        case backend::parameter_status:
          if (!note_parameter(server(), frame.body)) co_return fail("broken ParameterStatus packet");
          break;
        case backend::backend_key_data: {
          const auto key = backend::read_backend_key_data(frame.body);
          if (!key) co_return fail("bad cancel key");
          server().process_id = key->process_id;
          server().cancel_secret = key->secret;
          break;
        }
        case backend::ready_for_query:
          if (backend::read_ready_for_query(frame.body) != 'I') co_return fail("unknown pkt from server");
          co_return true;
        default: co_return fail("unknown pkt from server");
      }
    }
    co_return lost();
  }

  asio::awaitable<void> run_connect_query() {
    const std::string& query = request_.database->connect_query;
    if (query.empty() || !request_.parameters.empty()) co_return;  // a walsender may know no SQL
    SqlError error;
    char status = 'I';
    const bool ok = co_await run_query(server(), query, deadline_us_, error, &status);
    if (!ok) log_line(LogLevel::warning, place_ + ": exec_on_connect query failed: " + error.message);
    if (status != 'I') server().stream.close();
  }

  const ServerHome& home_;
  const LoginRequest& request_;
  LoginResult& result_;
  std::int64_t deadline_us_;
  std::string place_;
  ServerSecret secret_;
  bool is_unix_ = false;
  bool forgotten_ = false;  ///< secret_ was, after the server had refused it
};

asio::awaitable<bool> find_addresses(const ServerHome& home, const LoginRequest& request, const std::string& host,
                                     std::vector<ServerAddress>& addresses, SqlError& error) {
  const auto port = static_cast<std::uint16_t>(request.database->port);
  if (is_unix_host(host)) {
    addresses.push_back(unix_address(host, port));
    co_return true;
  }
  DnsCache::Addresses found;
  boost::system::error_code failure;
  const DnsCache::Lifetimes lifetimes(request.config->dns_max_ttl, request.config->dns_nxdomain_ttl);
  const bool ok =
      co_await home.dns.resolve(host, lifetimes, home.now_us(), request.deadline_us, found, failure);
  if (!ok) error = unreachable("server DNS lookup failed: " + failure.message() + " (" + host + ")");
  for (const auto& address : found) addresses.push_back(ip_address(host, address, port));
  co_return ok;
}

// Nobody else is asked when a server has answered, unless it says that it is not ready to: of several hosts another may be.
bool is_final(const LoginResult& result) {
  return result.refused && result.error.sqlstate != protocol::sqlstate::cannot_connect_now;
}

}  // namespace

SqlError unreachable(std::string message) {
  SqlError error;
  error.severity = protocol::Severity::fatal;
  error.sqlstate = protocol::sqlstate::cannot_connect;
  error.message = std::move(message);
  return error;
}

asio::awaitable<bool> log_in_to_server(const ServerHome& home, const LoginRequest& request, LoginResult& result) {
  std::vector<std::string> hosts = request.database->hosts;
  if (hosts.empty()) hosts.push_back(request.config->unix_socket_dir);
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    result.host = (request.first_host + i) % hosts.size();
    std::vector<ServerAddress> addresses;
    if (!co_await find_addresses(home, request, hosts[result.host], addresses, result.error)) continue;
    for (std::size_t a = 0; a < addresses.size(); ++a) {
      // A silent address must leave the later ones a share of the time.
      const auto candidates = static_cast<std::int64_t>((hosts.size() - i - 1) + (addresses.size() - a));
      const std::int64_t now = home.now_us();
      const std::int64_t share = now + std::max<std::int64_t>(request.deadline_us - now, 0) / candidates;
      Attempt attempt(home, request, result, request.deadline_us == 0 ? 0 : share);
      if (co_await attempt.run(addresses[a])) co_return true;
      if (attempt.is_stale()) {
        Attempt again(home, request, result, request.deadline_us == 0 ? 0 : share);
        if (co_await again.run(addresses[a])) co_return true;
      }
      if (is_final(result)) co_return false;
    }
  }
  co_return false;
}

}  // namespace pgswitch
