#include "proxy/config_entries.hpp"

#include <gtest/gtest.h>

#include "rules/route_names.hpp"

namespace pgswitch {
namespace {

std::string flat(const std::optional<ConnectionPairs>& pairs) {
  if (!pairs) return "error";
  std::string text;
  for (const auto& [key, value] : *pairs) text += key + "=" + value + "|";
  return text;
}

TEST(ConnectionString, splits_as_pgbouncer_does) {
  const std::pair<const char*, const char*> cases[] = {
      {"", ""},
      {"   ", ""},
      {"host=a port=1", "host=a|port=1|"},
      {"  host  =  a   port\t=\t1 ", "host=a|port=1|"},
      {"password='a b'", "password=a b|"},
      {"password='it''s' port=1", "password=it's|port=1|"},
      {"password='' port=1", "password=|port=1|"},
      {"password=''''", "password='|"},
      {"password=a'b", "password=a'b|"},
      {"connect_query='select 1; set x = ''y'''", "connect_query=select 1; set x = 'y'|"},
      {"host=a,b,/tmp", "host=a,b,/tmp|"},
      {"password=a=b", "password=a=b|"},
      {"host", "error"},
      {"host=", "error"},
      {"host= ", "error"},
      {"host a=1", "error"},
      {"=a", "error"},
      {"host='a", "error"},
      {"host='a'b", "error"},
      {"host='a''", "error"},
  };
  for (const auto& [text, pairs] : cases) EXPECT_EQ(flat(split_connection_string(text)), pairs) << text;
}

TEST(DatabaseEntry, reads_every_key) {
  Database d;
  d.name = "app";
  const EntryReport report = parse_database(
      "dbname=real host=h1,/run,@abstract port=7777 user=u password='p w' auth_user=au auth_query='select $1' auth_dbname=ad "
      "pool_size=7 min_pool_size=2 reserve_pool_size=3 pool_mode=statement max_db_connections=9 max_db_client_connections=11 "
      "server_lifetime=60 query_wait_timeout=5 load_balance_hosts=disable connect_query='set x = 1' client_encoding=UTF8 "
      "datestyle=ISO timezone=UTC application_name=pgs",
      d);
  ASSERT_EQ(report.error, std::nullopt);
  EXPECT_EQ(d.route, rules::intern_route("app"));
  EXPECT_EQ(d.dbname, "real");
  EXPECT_EQ(d.hosts, (std::vector<std::string>{"h1", "/run", "@abstract"}));
  EXPECT_EQ(d.port, 7777);
  EXPECT_EQ(d.user, "u");
  EXPECT_EQ(d.password, "p w");
  EXPECT_EQ(d.auth_user, "au");
  EXPECT_EQ(d.auth_query, "select $1");
  EXPECT_EQ(d.auth_dbname, "ad");
  EXPECT_EQ(d.pool_size, 7);
  EXPECT_EQ(d.min_pool_size, 2);
  EXPECT_EQ(d.reserve_pool_size, 3);
  EXPECT_EQ(d.pool_mode, PoolMode::statement);
  EXPECT_EQ(d.max_db_connections, 9);
  EXPECT_EQ(d.max_db_client_connections, 11);
  EXPECT_EQ(d.server_lifetime, 60 * one_second);
  EXPECT_EQ(d.query_wait_timeout, 5 * one_second);
  EXPECT_EQ(d.load_balance_hosts, LoadBalanceHosts::disable);
  EXPECT_EQ(d.connect_query, "set x = 1");
  EXPECT_EQ(d.client_encoding, "UTF8");
  EXPECT_EQ(d.datestyle, "ISO");
  EXPECT_EQ(d.timezone, "UTC");
  EXPECT_EQ(d.application_name, "pgs");
}

TEST(DatabaseEntry, an_empty_one_takes_everything_from_the_globals) {
  Database d;
  d.name = "app";
  EXPECT_EQ(parse_database("", d).error, std::nullopt);
  EXPECT_EQ(d.dbname, "app");
  EXPECT_TRUE(d.hosts.empty());
  EXPECT_EQ(d.port, 5432);
  EXPECT_EQ(d.pool_size, std::nullopt);
  EXPECT_EQ(d.pool_mode, std::nullopt);
}

TEST(DatabaseEntry, the_fallback_template_has_no_route_and_no_dbname) {
  Database d;
  d.name = "*";
  EXPECT_EQ(parse_database("host=h", d).error, std::nullopt);
  EXPECT_EQ(d.route, rules::no_route);
  EXPECT_EQ(d.dbname, "");
}

TEST(DatabaseEntry, values_that_mean_not_set) {
  Database d;
  d.name = "app";
  ASSERT_EQ(parse_database("pool_size=-1 min_pool_size=-1 reserve_pool=-1 max_db_connections=0 server_lifetime=0 query_wait_timeout=-1", d).error, std::nullopt);
  EXPECT_EQ(d.pool_size, std::nullopt);
  EXPECT_EQ(d.min_pool_size, std::nullopt);
  EXPECT_EQ(d.reserve_pool_size, std::nullopt);
  EXPECT_EQ(d.max_db_connections, std::nullopt);
  EXPECT_EQ(d.server_lifetime, std::nullopt);
  EXPECT_EQ(d.query_wait_timeout, std::nullopt);
  ASSERT_EQ(parse_database("pool_size=0 min_pool_size=0 query_wait_timeout=0", d).error, std::nullopt);
  EXPECT_EQ(d.pool_size, 0);
  EXPECT_EQ(d.min_pool_size, 0);
  EXPECT_EQ(d.query_wait_timeout, 0);
}

TEST(DatabaseEntry, errors_name_the_parameter_and_never_a_value) {
  const std::pair<const char*, const char*> cases[] = {
      {"colour=hush", "unrecognized connection parameter: colour"},
      {"password=my hush=1", "unrecognized connection parameter after password (put a password with blanks into single quotes)"},
      {"password='hush", "syntax error in connection string"},
      {"password=my hush", "syntax error in connection string"},
      {"port=hush", "invalid value for port: expected integer 1..65535"},
      {"port=0", "invalid value for port: expected integer 1..65535"},
      {"port=65536", "invalid value for port: expected integer 1..65535"},
      {"pool_size=hush", "invalid value for pool_size: expected integer"},
      {"pool_size=2147483648", "invalid value for pool_size: expected integer"},
      {"pool_mode=hush", "invalid value for pool_mode: expected session, transaction or statement"},
      {"server_lifetime=hush", "invalid value for server_lifetime: expected seconds"},
      {"query_wait_timeout=1x", "invalid value for query_wait_timeout: expected seconds"},
      {"load_balance_hosts=hush", "invalid value for load_balance_hosts: expected disable or round-robin"},
      {"translate=hush", "invalid value for translate: expected off, auto or drop_locks"},
      {"kind=hush", "invalid value for kind: expected postgres, redshift or auto"},
      {"password_command='cat \"x'", "password_command: a quote is not closed"},
      {"password_command='cat %x'", "password_command: of placeholders there are %u, %h, %p, %d, and %% for a percent sign"},
      {"idp_token_command=%q", "idp_token_command: of placeholders there are %u, %h, %p, %d, and %% for a percent sign"},
      {"user=u password=p password_command=cat", "password and password_command: there can be only one"},
      {"idp_token_file=f idp_token_command=cat", "idp_token_file and idp_token_command: there can be only one"},
  };
  for (const auto& [text, error] : cases) {
    Database d;
    d.name = "app";
    EXPECT_EQ(parse_database(text, d).error, error) << text;
  }
}

TEST(DatabaseEntry, warns_of_what_has_no_effect) {
  Database d;
  d.name = "app";
  EXPECT_EQ(parse_database("kind=redshift", d).warnings.size(), 0u);
  EXPECT_EQ(d.kind, ServerKind::redshift);
  d.kind = ServerKind::postgres;
  EXPECT_EQ(parse_database("kind=postgres host=h pool_size=3", d).warnings.size(), 0u);
}

TEST(UserEntry, reads_every_key) {
  User u;
  ASSERT_EQ(parse_user("pool_mode=transaction pool_size=1 reserve_pool_size=2 max_user_connections=3 max_user_client_connections=4 "
                       "query_timeout=5 query_wait_timeout=6 idle_transaction_timeout=7 transaction_timeout=8 client_idle_timeout=9",
                       u).error, std::nullopt);
  EXPECT_EQ(u.pool_mode, PoolMode::transaction);
  EXPECT_EQ(u.pool_size, 1);
  EXPECT_EQ(u.reserve_pool_size, 2);
  EXPECT_EQ(u.max_user_connections, 3);
  EXPECT_EQ(u.max_user_client_connections, 4);
  EXPECT_EQ(u.query_timeout, 5 * one_second);
  EXPECT_EQ(u.query_wait_timeout, 6 * one_second);
  EXPECT_EQ(u.idle_transaction_timeout, 7 * one_second);
  EXPECT_EQ(u.transaction_timeout, 8 * one_second);
  EXPECT_EQ(u.client_idle_timeout, 9 * one_second);
  EXPECT_EQ(u.secret, std::nullopt);
}

TEST(UserEntry, zero_timeouts_leave_the_global_ones) {
  User u;
  ASSERT_EQ(parse_user("query_timeout=0 client_idle_timeout=0 max_user_connections=0 query_wait_timeout=-1", u).error, std::nullopt);
  EXPECT_EQ(u.query_timeout, std::nullopt);
  EXPECT_EQ(u.client_idle_timeout, std::nullopt);
  EXPECT_EQ(u.max_user_connections, std::nullopt);
  EXPECT_EQ(u.query_wait_timeout, std::nullopt);
  EXPECT_EQ(parse_user("password=x", u).error, "unrecognized user parameter: password");
}

TEST(PeerEntry, needs_a_host) {
  Peer p;
  p.id = 3;
  EXPECT_EQ(parse_peer("port=1", p).error, "host was not provided for peer 3");
  EXPECT_EQ(parse_peer("host=h port=1 pool_size=2", p).error, std::nullopt);
  EXPECT_EQ(p.host, "h");
  EXPECT_EQ(p.pool_size, 2);
}

}  // namespace
}  // namespace pgswitch
