#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/session/server_kind.hpp"
#include "rules/decision.hpp"
#include "rules/engine.hpp"

namespace pgswitch {

/// The console's databases: our own name, and pgbouncer's for the tools that know it.
bool is_console(std::string_view database);
/// Bytes of the name of a user.
inline constexpr std::size_t longest_user_name = 127;

class Hba;
class IdentMaps;
struct LdapOptions;

enum class AuthType : std::uint8_t { any, trust, plain, md5, cert, hba, ldap, pam, scram_sha_256, peer };
enum class PoolMode : std::uint8_t { session, transaction, statement };
enum class SslMode : std::uint8_t { disable, allow, prefer, require, verify_ca, verify_full };
enum class LoadBalanceHosts : std::uint8_t { disable, round_robin };
/// What happens when a rule wants another route inside a transaction that has one: stay, or refuse the statement.
enum class RouteConflict : std::uint8_t { pin, error };

/// The ini file's spelling: "scram-sha-256", "verify-ca", "round-robin", "auto", ...
std::string_view to_string(AuthType value);
std::string_view to_string(PoolMode value);
std::string_view to_string(SslMode value);
std::string_view to_string(LoadBalanceHosts value);
std::string_view to_string(ServerKind value);
std::string_view to_string(RouteConflict value);
std::string_view to_string(rules::OnError value);
std::string_view to_string(rules::RulesMode value);

/// Durations are microseconds everywhere in the configuration; 0 mostly means "off", see each setting.
using Microseconds = std::int64_t;
inline constexpr Microseconds one_second = 1'000'000;
/// A limit that is switched off: pgbouncer's pool_size = 0 and the like.
inline constexpr int unlimited = 0;

/// A comma-separated list: the text as written (SHOW CONFIG prints it) and its trimmed, non-empty items.
struct CommaList {
  std::string text;
  std::vector<std::string> items;

  CommaList() = default;
  explicit CommaList(std::string list);
  bool contains(std::string_view item) const;
  bool empty() const { return items.empty(); }
  auto begin() const { return items.begin(); }
  auto end() const { return items.end(); }
  bool operator==(const CommaList& other) const { return text == other.text; }
};

/// A [databases] entry: a route and where its servers are. Immutable inside a Config. Empty strings and nullopt mean
/// "not set": the *_of() functions of Config apply the global value.
struct Database {
  std::string name;                       ///< key of the entry; "*" for the fallback template itself
  rules::RouteId route = rules::no_route; ///< interned name; no_route for the "*" template
  bool automatic = false;                 ///< made from the "*" template by find_database()
  std::string dbname;                     ///< on the server; never empty except in the "*" template
  std::vector<std::string> hosts;         ///< names, addresses, "/dir" or "@abstract"; empty: Config::unix_socket_dir
  int port = 5432;                        ///< of all hosts; also names the Unix socket .s.PGSQL.<port>
  std::string user;                       ///< forced user: one pool for all clients; empty: the client's own
  std::string password;                   ///< of the forced user; empty: see Config::server_secret()
  std::string auth_user;
  std::string auth_query;
  std::string auth_dbname;
  std::optional<int> pool_size;
  std::optional<int> min_pool_size;
  std::optional<int> reserve_pool_size;
  std::optional<PoolMode> pool_mode;
  std::optional<int> max_db_connections;
  std::optional<int> max_db_client_connections;
  std::optional<Microseconds> server_lifetime;
  std::optional<Microseconds> query_wait_timeout;
  LoadBalanceHosts load_balance_hosts = LoadBalanceHosts::round_robin;
  std::string connect_query;              ///< run after login, before first use
  std::string client_encoding;            ///< these four go into the server's StartupMessage
  std::string datestyle;
  std::string timezone;
  std::string application_name;
  ServerKind kind = ServerKind::postgres;
  std::string password_command;           ///< program that prints the password; empty: see Config::password_command_of()
  std::string fallback_route;             ///< database that is asked what Redshift's leader node refuses; empty: none
  std::string idp_token_file;             ///< token of an identity provider, for a server that asks for one; read at each login
  std::string idp_token_command;          ///< program that prints it
  std::string copy_bucket;                ///< of S3, for COPY FROM STDIN into Redshift; empty: there is none
  std::string copy_prefix;                ///< what the keys of objects begin with
  std::string copy_region;                ///< of the bucket; empty: that of the environment or the profile
  std::string copy_iam_role;              ///< with which Redshift reads them; empty: the keys that pgswitch itself has
  std::string copy_s3_endpoint;           ///< of an S3-compatible server; empty: Amazon's
  std::optional<int> copy_part_size;      ///< MB of a part of an upload
  std::optional<int> copy_parallel;       ///< parts on their way at once
  std::string copy_compression;           ///< "gzip" (also when empty) or "none"
  rules::redshift::Translate translate = rules::redshift::Translate::off;  ///< of statements that go there

  bool operator==(const Database&) const = default;
};
using DatabasePtr = std::shared_ptr<const Database>;

/// A user of userlist.txt, of [users], or of both. Immutable inside a Config.
struct User {
  std::string name;
  /// Plaintext, "md5" + 32 hex, "SCRAM-SHA-256$...", or "sha256|...|...": see protocol::parse_credential(). nullopt: no password login.
  std::optional<std::string> secret;
  bool in_auth_file = false;  ///< auth_query is not asked about it
  std::optional<PoolMode> pool_mode;
  std::optional<int> pool_size;
  std::optional<int> reserve_pool_size;
  std::optional<int> max_user_connections;
  std::optional<int> max_user_client_connections;
  std::optional<Microseconds> query_timeout;
  std::optional<Microseconds> query_wait_timeout;
  std::optional<Microseconds> idle_transaction_timeout;
  std::optional<Microseconds> transaction_timeout;
  std::optional<Microseconds> client_idle_timeout;
};

/// A [peers] entry.
struct Peer {
  int id = 0;
  std::string host;
  int port = 6432;
  std::optional<int> pool_size;
};

/// A whole configuration: ini file, its includes and userlist. Read-only after load_config(); shared by all threads as
/// ConfigPtr; a reload makes a new one. Each member of the first part is the ini key of the same name with pgbouncer's
/// default; `settings` in config_table.hpp has the types, bounds and documentation.
struct Config {
  CommaList admin_users;
  int application_name_add_host = 0;
  std::string auth_dbname;
  std::string auth_file;
  std::string auth_hba_file;
  std::string auth_ident_file;
  std::string auth_ldap_options;
  std::string auth_query =
      "SELECT rolname, CASE WHEN rolvaliduntil < now() THEN NULL ELSE rolpassword END "
      "FROM pg_authid WHERE rolname=$1 AND rolcanlogin";
  AuthType auth_type = AuthType::md5;
  std::string auth_user;
  Microseconds autodb_idle_timeout = 3600 * one_second;
  Microseconds cancel_wait_timeout = 10 * one_second;
  Microseconds client_idle_timeout = 0;
  Microseconds client_login_timeout = 60 * one_second;
  std::string client_tls13_ciphers;
  std::string client_tls_ca_file;
  std::string client_tls_cert_file;
  std::string client_tls_ciphers = "default";
  std::string client_tls_dheparams = "auto";
  std::string client_tls_ecdhcurve = "auto";
  std::string client_tls_key_file;
  std::string client_tls_protocols = "secure";
  SslMode client_tls_sslmode = SslMode::disable;
  std::string conffile;
  int default_pool_size = 20;
  int disable_pqexec = 0;
  Microseconds dns_max_ttl = 15 * one_second;
  Microseconds dns_nxdomain_ttl = 15 * one_second;
  Microseconds dns_zone_check_period = 0;
  Microseconds idle_transaction_timeout = 0;
  CommaList ignore_startup_parameters;
  std::string job_name = "pgbouncer";
  CommaList listen_addr;
  int listen_backlog = 128;
  int listen_port = 6432;
  int log_connections = 1;
  int log_disconnections = 1;
  int log_pooler_errors = 1;
  int log_stats = 1;
  std::string logfile;
  std::string login_notify_message;
  int max_client_conn = 100;
  int max_db_client_connections = 0;
  int max_login_conn_per_address = 0;
  int max_db_connections = 0;
  std::uint32_t max_packet_size = 2147483647;
  int max_prepared_statements = 200;
  int max_user_client_connections = 0;
  int max_user_connections = 0;
  int min_pool_size = 0;
  int peer_id = 0;
  std::string pidfile;
  int pkt_buf = 4096;
  PoolMode pool_mode = PoolMode::session;
  Microseconds pool_idle_timeout = 0;
  Microseconds query_timeout = 0;
  int query_wait_notify = 5;  ///< seconds, as pgbouncer has it
  Microseconds query_wait_timeout = 120 * one_second;
  int reserve_pool_size = 0;
  Microseconds reserve_pool_timeout = 5 * one_second;
  std::string resolv_conf;
  int sbuf_loopcnt = 5;
  int scram_iterations = 4096;
  Microseconds server_check_delay = 30 * one_second;
  std::string server_check_query = "<empty>";
  Microseconds server_connect_timeout = 15 * one_second;
  int server_fast_close = 0;
  Microseconds server_idle_timeout = 600 * one_second;
  Microseconds server_lifetime = 3600 * one_second;
  Microseconds server_login_retry = 15 * one_second;
  std::string server_reset_query = "DISCARD ALL";
  int server_reset_query_always = 0;
  int server_round_robin = 0;
  std::string server_tls13_ciphers;
  std::string server_tls_ca_file;
  std::string server_tls_cert_file;
  std::string server_tls_ciphers = "default";
  std::string server_tls_key_file;
  std::string server_tls_protocols = "secure";
  SslMode server_tls_sslmode = SslMode::prefer;
  std::string service_name;
  int so_reuseport = 0;
  int stats_period = 60;  ///< seconds
  CommaList stats_users;
  Microseconds suspend_timeout = 10 * one_second;
  int syslog = 0;
  std::string syslog_facility = "daemon";
  std::string syslog_ident = "pgbouncer";
  bool tcp_defer_accept = true;
  int tcp_keepalive = 1;
  int tcp_keepcnt = 0;
  int tcp_keepidle = 0;
  int tcp_keepintvl = 0;
  int tcp_socket_buffer = 0;
  int tcp_user_timeout = 0;  ///< milliseconds
  CommaList track_extra_parameters{"IntervalStyle"};
  Microseconds transaction_timeout = 0;
  std::string unix_socket_dir = "/tmp";
  std::string unix_socket_group;
  int unix_socket_mode = 0777;
  std::string user;
  int verbose = 0;

  // Our own settings.
  int workers = 1;
  std::string rules_file;  ///< resolved against the ini file's folder; empty: no rules
  rules::OnError rules_on_error = rules::OnError::reject;
  rules::RulesMode rules_mode = rules::RulesMode::enforce;
  bool rules_autoreload = false;
  CommaList route_users;  ///< globs: who may choose a route by a comment or by pgswitch.route
  std::size_t rules_memory = 16 * 1024 * 1024;         ///< bytes of each worker's Lua state
  std::uint32_t rules_instructions = 100'000;          ///< of one hook call
  std::uint32_t query_total_bytes = 512 * 1024 * 1024; ///< of all clients' long messages, as far as they have come; 0 = unlimited
  std::size_t parse_max_bytes = 64 * 1024;             ///< larger statements are decided by their tokens
  std::size_t query_max_bytes = 16 * 1024 * 1024;      ///< largest Query or Parse message accepted
  std::size_t statement_cache_bytes = 16 * 1024 * 1024;///< of each worker
  RouteConflict transaction_route_conflict = RouteConflict::pin;
  bool defer_begin = true;
  std::size_t cursor_memory = 1024 * 1024;             ///< bytes of a cursor of Redshift in memory
  std::size_t cursor_spool_max = 10ull << 30;          ///< of one in all
  std::size_t cursor_spool_total = 40ull << 30;        ///< of all cursors of the process
  std::string cursor_spool_dir;                        ///< empty: the system's folder for temporary files
  std::string password_command;
  Microseconds password_command_timeout = 10 * one_second;
  Microseconds password_command_lifetime = 600 * one_second;
  std::string face_database;
  int redshift_truncate_commits = 0;
  std::string redshift_server_version;
  bool proxy_protocol = false;
  CommaList proxy_protocol_networks;  ///< CIDR blocks that may send a PROXY header, checked when loaded

  // The other sections. Keys are the names.
  std::string config_file;  ///< the ini file this was loaded from
  std::map<std::string, DatabasePtr, std::less<>> databases;  ///< "*" included
  std::map<std::string, User, std::less<>> users;             ///< userlist.txt merged with [users]
  std::map<int, Peer> peers;
  std::shared_ptr<const Hba> hba;               ///< auth_hba_file; set exactly with auth_type = hba
  std::shared_ptr<const IdentMaps> ident_maps;  ///< auth_ident_file; nullptr: there is none
  std::shared_ptr<const LdapOptions> ldap;      ///< auth_ldap_options; set exactly with auth_type = ldap

  /// The entry of that name, or the "*" template, or nullptr. Allocates nothing: for use before a client is authenticated.
  const Database* database_entry(std::string_view name) const;
  /// The entry of that name, else a copy of the "*" template with that name (and its own route), else nullptr. The name
  /// is interned for the life of the process: call it for authenticated clients and for routes only.
  DatabasePtr find_database(std::string_view name) const;
  /// The database behind a route; nullptr when a reload has removed it.
  DatabasePtr find_database(rules::RouteId route) const;
  /// nullptr for a user that neither userlist.txt nor [users] knows.
  const User* find_user(std::string_view name) const;
  /// Every configured (name, route), "*" excluded: what rules may name.
  std::vector<std::pair<std::string, rules::RouteId>> routes() const;

  // Effective values. The pool user (forced user, or the client's) counts for pool_mode, pool_size, server limits and the timeouts of
  // queries and transactions, the login user for client limits, waiting and idling; nullptr is allowed. 0 is "unlimited" or "off" unless
  // said otherwise.
  PoolMode pool_mode_of(const Database& database, const User* pool_user) const;
  int pool_size_of(const Database& database, const User* pool_user) const;
  int reserve_pool_size_of(const Database& database, const User* pool_user) const;
  int min_pool_size_of(const Database& database, const User* pool_user) const;  ///< never above the pool's size
  int max_db_connections_of(const Database& database) const;
  int max_db_client_connections_of(const Database& database) const;
  int max_user_connections_of(const User* pool_user) const;
  int max_user_client_connections_of(const User* login_user) const;
  Microseconds server_lifetime_of(const Database& database) const;  ///< 0: a server is used once
  Microseconds query_wait_timeout_of(const Database& database, const User* login_user) const;
  Microseconds query_timeout_of(const User* pool_user) const;
  Microseconds idle_transaction_timeout_of(const User* pool_user) const;
  Microseconds transaction_timeout_of(const User* pool_user) const;
  Microseconds client_idle_timeout_of(const User* login_user) const;
  std::string_view auth_user_of(const Database& database) const;
  std::string_view auth_query_of(const Database& database) const;
  std::string_view auth_dbname_of(const Database& database) const;
  /// What prints the password of `database`; empty: nothing does. A line with a password has no use for the global one.
  std::string_view password_command_of(const Database& database) const;
  /// The database of kind postgres whose servers say what clients of `database`, which is of kind redshift, are told at their login:
  /// face_database, else the only one there is where rules may lead to it. nullptr: its own servers do.
  DatabasePtr face_of(const Database& database) const;
  /// The secret with which `pool_user` logs in at the server: the database's own password for its forced user, else the
  /// userlist's. nullptr: none is known.
  const std::string* server_secret(const Database& database, std::string_view pool_user) const;
};
using ConfigPtr = std::shared_ptr<const Config>;

/// One complaint about a configuration file. Never contains a secret.
struct Diagnostic {
  std::string file;
  int line = 0;  ///< from 1; 0: the file as a whole
  std::string message;
  std::string to_string() const;  ///< "pgswitch.ini:12: message"
};

/// What load_config() found. `config` is null exactly when there are errors.
struct LoadResult {
  ConfigPtr config;
  std::vector<Diagnostic> errors;
  std::vector<Diagnostic> warnings;
};

/// Reads the ini file, its includes and the userlist, and validates all of it. Touches nothing outside the files, so a
/// failed reload leaves everything as it is. Blocking file reads; any thread.
LoadResult load_config(const std::string& path);

/// One row of SHOW CONFIG. nullopt is NULL.
struct ConfigRow {
  std::string key;
  std::optional<std::string> value;
  std::optional<std::string> default_value;
  bool changeable = false;
};
/// All settings in SHOW CONFIG order: pgbouncer's, then our own.
std::vector<ConfigRow> show_config(const Config& config);

/// Settings that take effect at a start only keep their running values in `next`. Names of those that it had changed.
std::vector<std::string> keep_fixed_settings(const Config& running, Config& next);

}  // namespace pgswitch
