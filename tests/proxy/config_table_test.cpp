#include "proxy/config_table.hpp"

#include <gtest/gtest.h>

#include <set>

#include "proxy/config_values.hpp"

namespace pgswitch {
namespace {

struct Known {
  const char* key;
  const char* default_text;  ///< nullptr is NULL
  bool changeable;
};

/// pgbouncer 1.25.2's SHOW CONFIG with an empty configuration: key, default, changeable, in its order.
constexpr Known pgbouncer_settings[] = {
    {"admin_users", "", true},
    {"application_name_add_host", "0", true},
    {"auth_dbname", nullptr, true},
    {"auth_file", nullptr, true},
    {"auth_hba_file", "", true},
    {"auth_ident_file", nullptr, true},
    {"auth_ldap_options", nullptr, true},
    {"auth_query", "SELECT rolname, CASE WHEN rolvaliduntil < now() "
     "THEN NULL ELSE rolpassword END FROM pg_authid WHERE rolname=$1 AND rolcanlogin", true},
    {"auth_type", "md5", true},
    {"auth_user", nullptr, true},
    {"autodb_idle_timeout", "3600", true},
    {"cancel_wait_timeout", "10", true},
    {"client_idle_timeout", "0", true},
    {"client_login_timeout", "60", true},
    {"client_tls13_ciphers", nullptr, true},
    {"client_tls_ca_file", "", true},
    {"client_tls_cert_file", "", true},
    {"client_tls_ciphers", "default", true},
    {"client_tls_dheparams", "auto", true},
    {"client_tls_ecdhcurve", "auto", true},
    {"client_tls_key_file", "", true},
    {"client_tls_protocols", "secure", true},
    {"client_tls_sslmode", "disable", true},
    {"conffile", nullptr, true},
    {"default_pool_size", "20", true},
    {"disable_pqexec", "0", false},
    {"dns_max_ttl", "15", true},
    {"dns_nxdomain_ttl", "15", true},
    {"dns_zone_check_period", "0", true},
    {"idle_transaction_timeout", "0", true},
    {"ignore_startup_parameters", "", true},
    {"job_name", "pgbouncer", false},
    {"listen_addr", "", false},
    {"listen_backlog", "128", false},
    {"listen_port", "6432", false},
    {"log_connections", "1", true},
    {"log_disconnections", "1", true},
    {"log_pooler_errors", "1", true},
    {"log_stats", "1", true},
    {"logfile", "", true},
    {"login_notify_message", "", true},
    {"max_client_conn", "100", true},
    {"max_db_client_connections", "0", true},
    {"max_db_connections", "0", true},
    {"max_packet_size", "2147483647", true},
    {"max_prepared_statements", "200", true},
    {"max_user_client_connections", "0", true},
    {"max_user_connections", "0", true},
    {"min_pool_size", "0", true},
    {"peer_id", "0", true},
    {"pidfile", "", false},
    {"pkt_buf", "4096", false},
    {"pool_mode", "session", true},
    {"pool_idle_timeout", "0", true},
    {"query_timeout", "0", true},
    {"query_wait_notify", "5", true},
    {"query_wait_timeout", "120", true},
    {"reserve_pool_size", "0", true},
    {"reserve_pool_timeout", "5", true},
    {"resolv_conf", "", false},
    {"sbuf_loopcnt", "5", true},
    {"scram_iterations", "4096", true},
    {"server_check_delay", "30", true},
    {"server_check_query", "<empty>", true},
    {"server_connect_timeout", "15", true},
    {"server_fast_close", "0", true},
    {"server_idle_timeout", "600", true},
    {"server_lifetime", "3600", true},
    {"server_login_retry", "15", true},
    {"server_reset_query", "DISCARD ALL", true},
    {"server_reset_query_always", "0", true},
    {"server_round_robin", "0", true},
    {"server_tls13_ciphers", nullptr, true},
    {"server_tls_ca_file", "", true},
    {"server_tls_cert_file", "", true},
    {"server_tls_ciphers", "default", true},
    {"server_tls_key_file", "", true},
    {"server_tls_protocols", "secure", true},
    {"server_tls_sslmode", "prefer", true},
    {"service_name", nullptr, false},
    {"so_reuseport", "0", false},
    {"stats_period", "60", true},
    {"stats_users", "", true},
    {"suspend_timeout", "10", true},
    {"syslog", "0", true},
    {"syslog_facility", "daemon", true},
    {"syslog_ident", "pgbouncer", true},
    {"tcp_defer_accept", "1", true},
    {"tcp_keepalive", "1", true},
    {"tcp_keepcnt", "0", true},
    {"tcp_keepidle", "0", true},
    {"tcp_keepintvl", "0", true},
    {"tcp_socket_buffer", "0", true},
    {"tcp_user_timeout", "0", true},
    {"track_extra_parameters", "IntervalStyle", false},
    {"transaction_timeout", "0", true},
    {"unix_socket_dir", "/tmp", false},
    {"unix_socket_group", "", false},
    {"unix_socket_mode", "0777", false},
    {"user", nullptr, false},
    {"verbose", nullptr, true},
};
constexpr std::size_t pgbouncer_count = std::size(pgbouncer_settings);

TEST(Settings, begin_with_those_of_pgbouncer_in_its_order) {
  ASSERT_EQ(pgbouncer_count, 101u);
  ASSERT_GE(settings().size(), pgbouncer_count);
  for (std::size_t i = 0; i < pgbouncer_count; ++i) {
    const Known& known = pgbouncer_settings[i];
    const Setting& setting = settings()[i];
    EXPECT_EQ(setting.key, known.key);
    EXPECT_STREQ(setting.default_text, known.default_text);
    EXPECT_EQ(setting.reload == Reload::yes, known.changeable) << known.key;
  }
}

TEST(Settings, the_default_text_is_the_value_of_a_new_config) {
  const Config config;
  for (const Setting& setting : settings()) {
    if (!setting.default_text) continue;
    Config parsed;
    ASSERT_EQ(assign(setting, setting.default_text, parsed), std::nullopt) << setting.key;
    EXPECT_TRUE(same_value(setting, parsed, config)) << setting.key;
  }
}

TEST(Settings, are_shown_as_their_default_until_they_are_set) {
  const auto rows = show_config(Config());
  ASSERT_EQ(rows.size(), settings().size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    // These two are printed unlike their defaults by pgbouncer, too.
    std::optional<std::string> expected = rows[i].default_value;
    if (rows[i].key == "unix_socket_mode") expected = "511";
    if (rows[i].key == "verbose") expected = "0";
    EXPECT_EQ(rows[i].value, expected) << rows[i].key;
  }
}

TEST(Settings, have_unique_keys_and_are_found_by_them) {
  std::set<std::string_view> keys;
  for (const Setting& setting : settings()) {
    EXPECT_TRUE(keys.insert(setting.key).second) << setting.key;
    EXPECT_EQ(find_setting(setting.key), &setting);
    EXPECT_FALSE(setting.help.empty()) << setting.key;
  }
  EXPECT_EQ(find_setting("no_such_setting"), nullptr);
  EXPECT_EQ(find_setting("LISTEN_PORT"), nullptr);
}

TEST(Settings, are_all_documented) {
  const std::string table = settings_markdown();
  for (const Setting& setting : settings())
    EXPECT_NE(table.find("| `" + std::string(setting.key) + "` |"), std::string::npos) << setting.key;
  EXPECT_NE(table.find("| `listen_port` | integer 0..65535 | `6432` | no |"), std::string::npos);
}

struct ValueCase {
  const char* key;
  const char* text;
  const char* shown;  ///< by SHOW CONFIG; nullptr: refused
};

TEST(Settings, parse_and_show_values_of_every_type) {
  const ValueCase cases[] = {
      {"listen_port", "0x10", "16"},       {"listen_port", "010", "8"},        {"listen_port", "+5", "5"},
      {"listen_port", "65535", "65535"},   {"listen_port", "65536", nullptr},  {"listen_port", "-1", nullptr},
      {"listen_port", "5x", nullptr},      {"listen_port", "", nullptr},       {"listen_port", "09", nullptr},
      {"listen_port", "1 2", nullptr},     {"listen_port", "99999999999999999999", nullptr},
      {"default_pool_size", "2147483647", "2147483647"}, {"default_pool_size", "2147483648", nullptr},
      {"default_pool_size", "0", "0"},     {"default_pool_size", "-1", nullptr},
      {"max_packet_size", "4294967295", "4294967295"}, {"max_packet_size", "4294967296", nullptr},
      {"unix_socket_mode", "0700", "448"}, {"unix_socket_mode", "010000", nullptr},
      {"verbose", "3", "3"},               {"verbose", "4", nullptr},
      {"query_timeout", "1.5", "1.5"},     {"query_timeout", "0.000001", "0.000001"}, {"query_timeout", "10", "10"},
      {"query_timeout", "-1", nullptr},    {"query_timeout", "nan", nullptr},  {"query_timeout", "inf", nullptr},
      {"query_timeout", "1s", nullptr},    {"query_timeout", "", nullptr},     {"query_timeout", "1e12", nullptr},
      {"tcp_defer_accept", "0", "0"},      {"tcp_defer_accept", "On", "1"},    {"tcp_defer_accept", "no", "0"},
      {"defer_begin", "yes", "1"},         {"defer_begin", "2", nullptr},      {"defer_begin", "", nullptr},
      {"auth_type", "SCRAM-SHA-256", "scram-sha-256"}, {"auth_type", "trust", "trust"}, {"auth_type", "scram", nullptr},
      {"pool_mode", "Transaction", "transaction"}, {"pool_mode", "", nullptr},
      {"client_tls_sslmode", "verify-full", "verify-full"}, {"client_tls_sslmode", "verify_full", nullptr},
      {"rules_on_error", "default", "default"}, {"rules_on_error", "allow", nullptr},
      {"transaction_route_conflict", "error", "error"}, {"transaction_route_conflict", "x", nullptr},
      {"parse_max_bytes", "64kB", "65536"}, {"query_max_bytes", "1 mb", "1048576"}, {"query_max_bytes", "1GB", "1073741824"},
      {"query_max_bytes", "4096", "4096"}, {"query_max_bytes", "1TB", nullptr}, {"query_max_bytes", "10", nullptr},
      {"query_max_bytes", "99999999999999999999", nullptr}, {"query_max_bytes", "17179869184GB", nullptr},
      {"query_max_bytes", "kB", nullptr},  {"query_max_bytes", "-5", nullptr},
      {"workers", "64", "64"},             {"workers", "65", nullptr},         {"workers", "0", nullptr},
      {"admin_users", " a , b,,c ", " a , b,,c "}, {"server_check_query", "", ""}, {"server_reset_query", "a 'b' ;", "a 'b' ;"},
  };
  for (const ValueCase& c : cases) {
    Config config;
    const Setting* setting = find_setting(c.key);
    ASSERT_NE(setting, nullptr) << c.key;
    const auto wrong = assign(*setting, c.text, config);
    EXPECT_EQ(wrong.has_value(), c.shown == nullptr) << c.key << " = " << c.text;
    const auto expected = c.shown ? std::optional<std::string>(c.shown) : text_of(*setting, Config());
    EXPECT_EQ(text_of(*setting, config), expected) << c.key << " = " << c.text;
  }
}

TEST(Settings, say_what_was_expected) {
  const ValueCase cases[] = {
      {"listen_port", "x", "invalid value \"x\" for listen_port: expected integer 0..65535"},
      {"query_timeout", "x", "invalid value \"x\" for query_timeout: expected seconds"},
      {"pool_mode", "x", "invalid value \"x\" for pool_mode: expected session, transaction or statement"},
      {"defer_begin", "x", "invalid value \"x\" for defer_begin: expected 0 or 1"},
      {"query_max_bytes", "x", "invalid value \"x\" for query_max_bytes: expected bytes (kB, MB, GB allowed) 1024..2147483647"},
  };
  Config config;
  for (const ValueCase& c : cases) EXPECT_EQ(assign(*find_setting(c.key), c.text, config), c.shown);
}

TEST(Settings, a_changed_setting_that_needs_a_restart_is_named) {
  Config now, next;
  next.listen_port = 1;
  next.workers = 2;
  next.pool_mode = PoolMode::statement;
  next.unix_socket_dir = "/run";
  EXPECT_EQ(keep_fixed_settings(now, next), (std::vector<std::string>{"listen_port", "unix_socket_dir", "workers"}));
  EXPECT_EQ(next.unix_socket_dir, now.unix_socket_dir);
  EXPECT_EQ(next.pool_mode, PoolMode::statement) << "what can change has changed";
  EXPECT_TRUE(keep_fixed_settings(now, next).empty());
}

TEST(Values, networks) {
  for (const char* good : {"10.0.0.0/8", "10.0.0.1", "0.0.0.0/0", "10.0.0.1/32", "::1", "::/0", "fe80::/128"})
    EXPECT_TRUE(is_network(good)) << good;
  for (const char* bad : {"", "/8", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "::/129", "host"})
    EXPECT_FALSE(is_network(bad)) << bad;
}

TEST(Values, every_name_of_an_enum_is_read_back) {
  for (const auto& [name, value] : names_of(AuthType{})) EXPECT_EQ(to_string(value), name);
  for (const auto& [name, value] : names_of(SslMode{})) EXPECT_EQ(to_string(value), name);
  for (const auto& [name, value] : names_of(PoolMode{})) EXPECT_EQ(to_string(value), name);
  for (const auto& [name, value] : names_of(LoadBalanceHosts{})) EXPECT_EQ(to_string(value), name);
  for (const auto& [name, value] : names_of(ServerKind{})) EXPECT_EQ(to_string(value), name);
  for (const auto& [name, value] : names_of(RouteConflict{})) EXPECT_EQ(to_string(value), name);
  for (const auto& [name, value] : names_of(rules::OnError{})) EXPECT_EQ(to_string(value), name);
  for (const auto& [name, value] : names_of(rules::RulesMode{})) EXPECT_EQ(to_string(value), name);
}

}  // namespace
}  // namespace pgswitch
