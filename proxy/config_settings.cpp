#include <algorithm>
#include <array>

#include "proxy/config_table.hpp"

// The table of all settings and nothing else. Order, names and default texts are those of pgbouncer's SHOW CONFIG.
namespace pgswitch {
namespace {

using C = Config;
constexpr auto yes = Reload::yes;
constexpr auto no = Reload::no;
constexpr auto int_max = std::numeric_limits<std::int32_t>::max();

/// A setting of a platform or library that is not used here.
constexpr Setting foreign(Setting setting) {
  setting.effect = SettingEffect::foreign;
  return setting;
}
constexpr Setting bounded(std::int64_t min, std::int64_t max, Setting setting) {
  setting.min = min;
  setting.max = max;
  return setting;
}
constexpr Setting file(Setting setting) {
  setting.path = PathBase::working_directory;
  return setting;
}

constexpr const char* auth_query_text =
    "SELECT rolname, CASE WHEN rolvaliduntil < now() THEN NULL ELSE rolpassword END "
    "FROM pg_authid WHERE rolname=$1 AND rolcanlogin";

constexpr std::array all = {
    Setting{"admin_users", &C::admin_users, "", yes, "Users with full rights on the console, comma-separated."},
    Setting{"application_name_add_host", &C::application_name_add_host, "0", yes, "1: append the client's host and port to application_name at login."},
    Setting{"auth_dbname", &C::auth_dbname, nullptr, yes, "Database entry in which auth_query runs."},
    file({"auth_file", &C::auth_file, nullptr, yes, "File of users and secrets (userlist.txt)."}),
    file({"auth_hba_file", &C::auth_hba_file, "", yes, "Rules of who may come in and how, for auth_type = hba."}),
    file({"auth_ident_file", &C::auth_ident_file, nullptr, yes, "Name maps for the HBA methods cert and peer (map=)."}),
    Setting{"auth_ldap_options", &C::auth_ldap_options, nullptr, yes, "Options of auth_type = ldap, written as in an HBA line."},
    Setting{"auth_query", &C::auth_query, auth_query_text, yes, "Query that returns the name and secret of the user $1."},
    Setting{"auth_type", &C::auth_type, "md5", yes, "How clients prove who they are."},
    Setting{"auth_user", &C::auth_user, nullptr, yes, "User that runs auth_query for users absent from auth_file."},
    Setting{"autodb_idle_timeout", &C::autodb_idle_timeout, "3600", yes, "Forget a database made from \"*\" after this idle time."},
    Setting{"cancel_wait_timeout", &C::cancel_wait_timeout, "10", yes, "Longest wait of a cancel request. 0: no limit."},
    Setting{"client_idle_timeout", &C::client_idle_timeout, "0", yes, "Disconnect a client idle for longer. 0: off."},
    Setting{"client_login_timeout", &C::client_login_timeout, "60", yes, "Limit of the whole login. 0: off."},
    Setting{"client_tls13_ciphers", &C::client_tls13_ciphers, nullptr, yes, "TLS 1.3 cipher suites towards clients."},
    file({"client_tls_ca_file", &C::client_tls_ca_file, "", yes, "Authorities that sign client certificates."}),
    file({"client_tls_cert_file", &C::client_tls_cert_file, "", yes, "Certificate shown to clients."}),
    Setting{"client_tls_ciphers", &C::client_tls_ciphers, "default", yes, "OpenSSL cipher list, or default, secure, fast, normal, all."},
    Setting{"client_tls_dheparams", &C::client_tls_dheparams, "auto", yes, "DHE key exchange: none, auto or legacy."},
    Setting{"client_tls_ecdhcurve", &C::client_tls_ecdhcurve, "auto", yes, "ECDH curve: none, auto or a name."},
    file({"client_tls_key_file", &C::client_tls_key_file, "", yes, "Private key of client_tls_cert_file."}),
    Setting{"client_tls_protocols", &C::client_tls_protocols, "secure", yes, "tlsv1.0 to tlsv1.3, comma-separated, or secure, all, legacy."},
    Setting{"client_tls_sslmode", &C::client_tls_sslmode, "disable", yes, "TLS towards clients; never on Unix sockets."},
    file({"conffile", &C::conffile, nullptr, yes, "File that the next RELOAD reads instead of this one."}),
    Setting{"default_pool_size", &C::default_pool_size, "20", yes, "Server connections of each (database, user). 0: no limit."},
    Setting{"disable_pqexec", &C::disable_pqexec, "0", no, "1: refuse simple queries, which may hold several statements."},
    Setting{"dns_max_ttl", &C::dns_max_ttl, "15", yes, "Lifetime of DNS answers."},
    Setting{"dns_nxdomain_ttl", &C::dns_nxdomain_ttl, "15", yes, "Lifetime of DNS failures."},
    foreign({"dns_zone_check_period", &C::dns_zone_check_period, "0", yes, "Period of zone serial checks of the c-ares library; the system's resolver is asked here, again after dns_max_ttl."}),
    Setting{"idle_transaction_timeout", &C::idle_transaction_timeout, "0", yes, "Disconnect a client idle in a transaction for longer. 0: off."},
    Setting{"ignore_startup_parameters", &C::ignore_startup_parameters, "", yes, "Startup parameters to accept and drop, comma-separated; options: those in it that are not tracked."},
    foreign({"job_name", &C::job_name, "pgbouncer", no, "Alias of service_name."}),
    Setting{"listen_addr", &C::listen_addr, "", no, "Addresses to listen on, comma-separated; \"*\" is all. Empty: Unix socket only."},
    bounded(1, int_max, {"listen_backlog", &C::listen_backlog, "128", no, "Backlog of listen(2)."}),
    bounded(0, 65535, {"listen_port", &C::listen_port, "6432", no, "TCP port, also in the name of the Unix socket."}),
    Setting{"log_connections", &C::log_connections, "1", yes, "Log logins."},
    Setting{"log_disconnections", &C::log_disconnections, "1", yes, "Log why connections end."},
    Setting{"log_pooler_errors", &C::log_pooler_errors, "1", yes, "Log the errors sent to clients."},
    Setting{"log_stats", &C::log_stats, "1", yes, "Log a line of averages every stats_period."},
    Setting{"logfile", &C::logfile, "", yes, "File to append the log to; reopened at SIGHUP."},
    Setting{"login_notify_message", &C::login_notify_message, "", yes, "Notice sent to each client after login."},
    Setting{"max_client_conn", &C::max_client_conn, "100", yes, "Clients at one time; the console is exempt."},
    Setting{"max_db_client_connections", &C::max_db_client_connections, "0", yes, "Clients of each database. 0: no limit."},
    Setting{"max_db_connections", &C::max_db_connections, "0", yes, "Server connections of each database over all users. 0: no limit."},
    bounded(0, 4294967295, {"max_packet_size", &C::max_packet_size, "2147483647", yes, "Largest message accepted, bytes."}),
    Setting{"max_prepared_statements", &C::max_prepared_statements, "200", yes, "Prepared statements kept on each server connection. 0: not tracked."},
    Setting{"max_user_client_connections", &C::max_user_client_connections, "0", yes, "Clients of each user. 0: no limit."},
    Setting{"max_user_connections", &C::max_user_connections, "0", yes, "Server connections of each user over all databases. 0: no limit."},
    Setting{"min_pool_size", &C::min_pool_size, "0", yes, "Server connections kept open in a pool that is in use."},
    bounded(0, 65535, {"peer_id", &C::peer_id, "0", yes, "This process among [peers], at most 16383 where pgbouncer is one of them. 0: off."}),
    Setting{"pidfile", &C::pidfile, "", no, "File with the process id; needed for -d."},
    bounded(256, 64 * 1024 * 1024, {"pkt_buf", &C::pkt_buf, "4096", no, "Size of a connection's buffer, bytes."}),
    Setting{"pool_mode", &C::pool_mode, "session", yes, "When a server connection may be reused: session, transaction, statement."},
    Setting{"pool_idle_timeout", &C::pool_idle_timeout, "0", yes, "Forget a pool without servers, and its statistics, when no client has needed one for this time. 0: off."},
    Setting{"query_timeout", &C::query_timeout, "0", yes, "Disconnect when one query runs longer. 0: off."},
    Setting{"query_wait_notify", &C::query_wait_notify, "5", yes, "Seconds in the queue after which a client gets a notice. 0: off."},
    Setting{"query_wait_timeout", &C::query_wait_timeout, "120", yes, "Longest wait for a server connection. 0: no limit."},
    Setting{"reserve_pool_size", &C::reserve_pool_size, "0", yes, "Extra server connections after reserve_pool_timeout."},
    Setting{"reserve_pool_timeout", &C::reserve_pool_timeout, "5", yes, "Wait before the reserve is used. 0: no reserve."},
    foreign({"resolv_conf", &C::resolv_conf, "", no, "resolv.conf of the c-ares library; the system's resolver is asked here, as its own files say."}),
    foreign({"sbuf_loopcnt", &C::sbuf_loopcnt, "5", yes, "Reads from one socket before others have their turn; here it is always one."}),
    bounded(1, int_max, {"scram_iterations", &C::scram_iterations, "4096", yes, "PBKDF2 iterations for SCRAM secrets made from plaintext passwords."}),
    Setting{"server_check_delay", &C::server_check_delay, "30", yes, "Idle time after which server_check_query runs before reuse. 0: always."},
    Setting{"server_check_query", &C::server_check_query, "<empty>", yes, "Query that checks an idle server. Empty: no check; <empty>: an empty query."},
    Setting{"server_connect_timeout", &C::server_connect_timeout, "15", yes, "Limit of connecting and logging in at a server. 0: off."},
    Setting{"server_fast_close", &C::server_fast_close, "0", yes, "Session mode: close an outdated server at the end of the transaction."},
    Setting{"server_idle_timeout", &C::server_idle_timeout, "600", yes, "Close a server idle for longer. 0: off."},
    Setting{"server_lifetime", &C::server_lifetime, "3600", yes, "Close an unused server older than this. 0: each is used once."},
    Setting{"server_login_retry", &C::server_login_retry, "15", yes, "Wait after a failed login at a server."},
    Setting{"server_reset_query", &C::server_reset_query, "DISCARD ALL", yes, "Run when a client leaves a server, session mode only. Empty: none."},
    Setting{"server_reset_query_always", &C::server_reset_query_always, "0", yes, "1: run server_reset_query in every pool mode."},
    Setting{"server_round_robin", &C::server_round_robin, "0", yes, "1: use servers in turn; 0: the last used first."},
    Setting{"server_tls13_ciphers", &C::server_tls13_ciphers, nullptr, yes, "TLS 1.3 cipher suites towards servers."},
    file({"server_tls_ca_file", &C::server_tls_ca_file, "", yes, "Authorities that sign server certificates."}),
    file({"server_tls_cert_file", &C::server_tls_cert_file, "", yes, "Certificate shown to servers."}),
    Setting{"server_tls_ciphers", &C::server_tls_ciphers, "default", yes, "As client_tls_ciphers."},
    file({"server_tls_key_file", &C::server_tls_key_file, "", yes, "Private key of server_tls_cert_file."}),
    Setting{"server_tls_protocols", &C::server_tls_protocols, "secure", yes, "As client_tls_protocols."},
    Setting{"server_tls_sslmode", &C::server_tls_sslmode, "prefer", yes, "TLS towards servers; allow is the same as prefer."},
    foreign({"service_name", &C::service_name, nullptr, no, "Name of the Windows service."}),
    Setting{"so_reuseport", &C::so_reuseport, "0", no, "1: several processes may listen on the port, each with its own Unix socket and pidfile."},
    bounded(1, int_max, {"stats_period", &C::stats_period, "60", yes, "Seconds over which SHOW STATS and the log take averages."}),
    Setting{"stats_users", &C::stats_users, "", yes, "Users who may use SHOW on the console, comma-separated."},
    Setting{"suspend_timeout", &C::suspend_timeout, "10", yes, "Longest wait of SUSPEND; who still has bytes to write then is dropped."},
    Setting{"syslog", &C::syslog, "0", yes, "1: log to syslog."},
    Setting{"syslog_facility", &C::syslog_facility, "daemon", yes, "Syslog facility."},
    Setting{"syslog_ident", &C::syslog_ident, "pgbouncer", yes, "Syslog identity."},
    Setting{"tcp_defer_accept", &C::tcp_defer_accept, "1", yes, "TCP_DEFER_ACCEPT on listeners."},
    Setting{"tcp_keepalive", &C::tcp_keepalive, "1", yes, "SO_KEEPALIVE on TCP connections."},
    Setting{"tcp_keepcnt", &C::tcp_keepcnt, "0", yes, "TCP_KEEPCNT. 0: the system's."},
    Setting{"tcp_keepidle", &C::tcp_keepidle, "0", yes, "TCP_KEEPIDLE, seconds. 0: the system's."},
    Setting{"tcp_keepintvl", &C::tcp_keepintvl, "0", yes, "TCP_KEEPINTVL, seconds. 0: the system's."},
    Setting{"tcp_socket_buffer", &C::tcp_socket_buffer, "0", yes, "SO_RCVBUF and SO_SNDBUF, bytes. 0: the system's."},
    Setting{"tcp_user_timeout", &C::tcp_user_timeout, "0", yes, "TCP_USER_TIMEOUT, milliseconds. 0: the system's."},
    Setting{"track_extra_parameters", &C::track_extra_parameters, "IntervalStyle", no, "Further parameters to keep for each client; every parameter that a client sets is kept here, named or not."},
    Setting{"transaction_timeout", &C::transaction_timeout, "0", yes, "Disconnect when a transaction lasts longer. 0: off."},
    Setting{"unix_socket_dir", &C::unix_socket_dir, "/tmp", no, "Folder of the Unix socket; @ is the abstract namespace. Empty: none."},
    Setting{"unix_socket_group", &C::unix_socket_group, "", no, "Group of the Unix socket."},
    bounded(0, 07777, {"unix_socket_mode", &C::unix_socket_mode, "0777", no, "Mode of the Unix socket."}),
    Setting{"user", &C::user, nullptr, no, "User to become after a start as root."},
    bounded(0, 3, {"verbose", &C::verbose, nullptr, yes, "0 to 3: how much is logged."}),

    bounded(1, 64, {"workers", &C::workers, "1", no, "Threads that serve clients."}),
    Setting{"rules_file", &C::rules_file, "", yes, "Lua file of the routing and rewriting rules.", 0, int_max, SettingEffect::full, PathBase::ini_folder},
    Setting{"rules_on_error", &C::rules_on_error, "reject", yes, "A rule fails: refuse the statement, or send it unchanged to the client's database."},
    Setting{"rules_mode", &C::rules_mode, "enforce", yes, "Rules decide, or it is only counted and logged what they would have decided."},
    Setting{"rules_autoreload", &C::rules_autoreload, "0", yes, "1: load the rules again when their file or one of its modules has changed."},
    Setting{"route_users", &C::route_users, "", yes, "Users who may choose a route themselves, by a comment or pgswitch.route; * stands for any characters."},
    bounded(256 * 1024, std::int64_t{1} << 40, {"rules_memory", &C::rules_memory, "16777216", yes, "Memory of the rules in each worker."}),
    bounded(1000, 4294967295, {"rules_instructions", &C::rules_instructions, "100000", yes, "Lua instructions of one rule call."}),
    bounded(0, int_max, {"parse_max_bytes", &C::parse_max_bytes, "65536", yes, "Longest statement that is parsed; longer ones are decided by their tokens."}),
    bounded(1024, int_max, {"query_max_bytes", &C::query_max_bytes, "16777216", yes, "Longest Query or Parse message accepted."}),
    bounded(0, 4294967295, {"query_total_bytes", &C::query_total_bytes, "536870912", yes, "Memory for the long messages of all clients while they come. 0: no limit."}),
    bounded(64 * 1024, std::int64_t{1} << 40, {"statement_cache_bytes", &C::statement_cache_bytes, "16777216", yes, "Memory of the statement cache of each worker."}),
    Setting{"transaction_route_conflict", &C::transaction_route_conflict, "pin", yes, "A rule wants another route inside a transaction: stay, or refuse the statement."},
    Setting{"defer_begin", &C::defer_begin, "1", yes, "Answer BEGIN at once and send it with the first statement that needs a server."},
    bounded(0, std::int64_t{1} << 40, {"cursor_memory", &C::cursor_memory, "1048576", yes, "Bytes of a Redshift cursor's rows in memory; beyond them they go to a file."}),
    bounded(1, std::int64_t{1} << 60, {"cursor_spool_max", &C::cursor_spool_max, "10737418240", yes, "Bytes of rows that a Redshift cursor may have."}),
    bounded(1, std::int64_t{1} << 60, {"cursor_spool_total", &C::cursor_spool_total, "42949672960", yes, "Bytes of rows of all Redshift cursors."}),
    Setting{"cursor_spool_dir", &C::cursor_spool_dir, "", yes, "Folder for the rows of Redshift cursors. Empty: that for temporary files."},
    Setting{"password_command", &C::password_command, "", yes, "Program that prints the password with which servers are logged in to, as text or JSON, where the [databases] line has neither a password nor a program of its own; %u, %h, %p and %d stand for user, host, port and database."},
    Setting{"password_command_timeout", &C::password_command_timeout, "10", yes, "Longest run of a password_command; it is killed then."},
    Setting{"password_command_lifetime", &C::password_command_lifetime, "600", yes, "How long a printed password is used that does not say when it ends."},
    Setting{"redshift_truncate_commits", &C::redshift_truncate_commits, "0", yes, "1: TRUNCATE in a transaction block of Redshift, which commits what the transaction has done, is sent, and the client warned; 0: it is refused."},
    Setting{"face_database", &C::face_database, "", yes, "Database of kind postgres whose parameters clients of Redshift databases are told at login. Empty: the only one there is, if there is a rules_file; else Redshift's own."},
    Setting{"redshift_server_version", &C::redshift_server_version, "", yes, "server_version that clients are told where Redshift's own parameters are. Empty: Redshift's."},
    bounded(0, int_max, {"max_login_conn_per_address", &C::max_login_conn_per_address, "0", yes, "Clients of one address that may be logging in at one time, on TCP. 0: no limit."}),
    Setting{"proxy_protocol", &C::proxy_protocol, "0", yes, "1: accept PROXY protocol headers from proxy_protocol_networks."},
    Setting{"proxy_protocol_networks", &C::proxy_protocol_networks, "", yes, "Networks whose PROXY headers are believed, CIDR, comma-separated."},
};

}  // namespace

std::span<const Setting> settings() { return all; }

const Setting* find_setting(std::string_view key) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Setting& setting) { return setting.key == key; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace pgswitch
