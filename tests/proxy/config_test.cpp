#include "proxy/config.hpp"

#include <gtest/gtest.h>

#include "proxy/config_table.hpp"
#include "proxy/ini.hpp"
#include "rules/route_names.hpp"
#include "tests/proxy/temporary_folder.hpp"

namespace pgswitch {
namespace {

std::string lines(const std::vector<Diagnostic>& list) {
  std::string text;
  for (const Diagnostic& one : list) text += one.to_string() + "|";
  return text;
}

/// Loads `text` as main.ini of a folder of its own; complaints come with the bare file name.
class ConfigFile : public testing::Test {
 protected:
  LoadResult load(const std::string& text) {
    LoadResult result = load_config(folder.write("main.ini", text));
    for (auto* list : {&result.errors, &result.warnings})
      for (Diagnostic& one : *list) one.file = one.file.substr(one.file.rfind('/') + 1);
    return result;
  }
  std::string errors_of(const std::string& text) {
    const LoadResult result = load(text);
    EXPECT_EQ(result.config == nullptr, !result.errors.empty());
    return lines(result.errors);
  }
  std::string warnings_of(const std::string& text) {
    const LoadResult result = load(text);
    EXPECT_EQ(lines(result.errors), "");
    return lines(result.warnings);
  }

  tests::TemporaryFolder folder;
};

/// The repository's conf/, found from this source.
std::filesystem::path conf_folder() { return std::filesystem::path(__FILE__).parent_path() / ".." / ".." / "conf"; }

TEST(ConfFolder, every_ini_file_uses_known_settings_only) {
  std::size_t files = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(conf_folder())) {
    if (file.path().extension() != ".ini") continue;
    const Ini ini = read_ini(file.path().string());
    EXPECT_EQ(lines(ini.errors), "");
    for (const IniEntry& entry : ini.entries)
      if (entry.section == "pgbouncer" || entry.section == "pgswitch") {
        EXPECT_NE(find_setting(entry.key), nullptr) << file.path() << ":" << entry.line << ": " << entry.key;
      }
    ++files;
  }
  EXPECT_GE(files, 1u);
}

TEST_F(ConfigFile, a_fallback_route_is_another_database) {
  const auto with = [this](const std::string& route) {
    return errors_of("[databases]\na = host=h\nb = host=h kind=redshift fallback_route=" + route + "\n[pgbouncer]\nlisten_addr = 127.0.0.1\nauth_type = any\n");
  };
  EXPECT_EQ(with("a"), "");
  EXPECT_NE(with("x").find("fallback_route \"x\" of database \"b\" is no other [databases] entry"), std::string::npos);
  EXPECT_NE(with("b").find("fallback_route \"b\""), std::string::npos);
}

TEST_F(ConfigFile, a_whole_file_loads) {
  folder.write("users.txt", "\"app\" \"secret\"\n\"nobody\" \"\"\n");
  const LoadResult result = load(
      "[databases]\napp = host=127.0.0.1 port=5433 dbname=real\n* = host=fallback\n"
      "[users]\napp = pool_size=3\nother = pool_mode=session\n"
      "[pgbouncer]\nlisten_port = 7000\npool_mode = transaction\nauth_file = users.txt\nadmin_users = a, b\n"
      "[pgswitch]\nworkers = 2\nrules_file = rules.lua\n");
  ASSERT_EQ(lines(result.errors), "");
  EXPECT_EQ(lines(result.warnings), "");
  const Config& config = *result.config;
  EXPECT_EQ(config.listen_port, 7000);
  EXPECT_EQ(config.pool_mode, PoolMode::transaction);
  EXPECT_TRUE(config.admin_users.contains("b"));
  EXPECT_FALSE(config.admin_users.contains("a, b"));
  EXPECT_EQ(config.workers, 2);
  EXPECT_EQ(config.rules_file, folder.path("rules.lua"));
  EXPECT_EQ(config.conffile, folder.path("main.ini"));
  EXPECT_EQ(config.users.at("app").secret, "secret");
  EXPECT_EQ(config.users.at("app").pool_size, 3);
  EXPECT_EQ(config.users.at("other").secret, std::nullopt);
  EXPECT_EQ(config.users.at("nobody").secret, std::nullopt);
  EXPECT_EQ(config.databases.size(), 2u);
}

TEST_F(ConfigFile, every_error_has_its_file_and_line) {
  const std::pair<const char*, const char*> cases[] = {
      {"[databases]\n", "main.ini: main section missing from config file: [pgbouncer] or [pgswitch]|"},
      {"[pgbouncer]\n[other]\n", "main.ini: unknown section [other]|"},
      {"[pgbouncer]\nlisten_prot = 1\n", "main.ini:2: unknown setting \"listen_prot\"|"},
      {"[pgbouncer]\nlisten_port = x\npool_mode = y\n",
       "main.ini:2: invalid value \"x\" for listen_port: expected integer 0..65535|"
       "main.ini:3: invalid value \"y\" for pool_mode: expected session, transaction or statement|"},
      {"[pgbouncer]\n[databases]\nx = port=0\n", "main.ini:3: [databases] x: invalid value for port: expected integer 1..65535|"},
      {"[pgbouncer]\n[databases]\npgbouncer = \n", "main.ini:3: database name \"pgbouncer\" is reserved for the console|"},
      {"[pgbouncer]\n[databases]\npgswitch = \n", "main.ini:3: database name \"pgswitch\" is reserved for the console|"},
      {"[pgbouncer]\n[users]\nx = y=1\n", "main.ini:3: [users] x: unrecognized user parameter: y|"},
      {"[pgbouncer]\n[peers]\nx = host=h\n", "main.ini:3: peer id must be an integer 1..65535|"},
      {"[pgbouncer]\n[peers]\n1 = port=1\n", "main.ini:3: [peers] 1: host was not provided for peer 1|"},
      {"[pgbouncer]\nauth_type = hba\n", "main.ini:2: auth_type hba needs auth_hba_file|"},
      {"[pgbouncer]\nauth_type = hba\nauth_hba_file = absent\n", "absent: cannot read auth_hba_file: No such file or directory|"},
      {"[pgbouncer]\nauth_type = ldap\n", "main.ini:2: auth_ldap_options is null|"},
      {"[pgbouncer]\nauth_type = ldap\nauth_ldap_options = ldapserver=a ldaport=1\n",
       "main.ini:3: auth_ldap_options: unsupported parameter ldaport|"},
      {"[pgbouncer]\nunix_socket_dir =\n", "main.ini:2: nowhere to listen on: listen_addr and unix_socket_dir are both empty|"},
      {"[pgbouncer]\nproxy_protocol_networks = 10.0.0.0/8, x\n", "main.ini:2: \"x\" is not an address or CIDR network|"},
      {"[pgbouncer]\nclient_tls_sslmode = require\n",
       "main.ini:2: client_tls_sslmode needs client_tls_cert_file|main.ini:2: client_tls_sslmode needs client_tls_key_file|"},
      {"[pgbouncer]\nserver_tls_ca_file = absent\n",
       "main.ini:2: server_tls_ca_file: cannot read \"absent\": No such file or directory|"},
      {"[pgbouncer]\nauth_file = absent\n", "absent: cannot read auth_file: No such file or directory|"},
      {"[pgbouncer]\nlisten_port\n", "main.ini:2: syntax error: expected key = value|"},
  };
  for (const auto& [text, errors] : cases) EXPECT_EQ(errors_of(text), errors) << text;
}

TEST_F(ConfigFile, database_names_may_have_63_bytes) {
  const std::string name(63, 'n');
  EXPECT_EQ(errors_of("[pgbouncer]\n[databases]\n" + name + " =\n"), "");
  EXPECT_EQ(errors_of("[pgbouncer]\n[databases]\n" + name + "n =\n"), "main.ini:3: database name must have 1 to 63 bytes|");
}

TEST_F(ConfigFile, a_broken_line_of_the_userlist_fails_the_load) {
  folder.write("users.txt", "\"a\" \"1\"\nbroken\n");
  EXPECT_EQ(errors_of("[pgbouncer]\nauth_file = users.txt\n"),
            "users.txt:2: broken auth file: expected \"user\" \"secret\": no user in double quotes|");
}

TEST_F(ConfigFile, a_bad_line_of_the_hba_file_or_of_the_name_maps_fails_the_load) {
  folder.write("hba", "local all all peer map=m\nhost all all 10.0.0.0/8 rejectt\nhost all all all trust\n");
  folder.write("ident", "m root\n");
  const std::string text = "[pgbouncer]\nauth_type = hba\nauth_hba_file = hba\nauth_ident_file = ident\n";
  EXPECT_EQ(errors_of(text),
            "ident:1: broken ident map line: expected map, system user and database user|"
            "hba:2: could not parse hba config line: unsupported method rejectt|hba:1: map \"m\" is not in auth_ident_file|");
  folder.write("hba", "local all all peer map=m\n");
  folder.write("ident", "m root app\n");
  EXPECT_EQ(errors_of(text), "");
  EXPECT_EQ(errors_of("[pgbouncer]\nauth_type = any\nauth_hba_file = absent\n"), "") << "read with auth_type = hba only";
}

TEST_F(ConfigFile, what_no_user_can_be_looked_up_with_is_told) {
  folder.write("users.txt", "\"app\" \"secret\"\n\"weak\" \"\"\n");
  const std::string start = "[databases]\nd =\n[pgbouncer]\nauth_file = users.txt\n";
  EXPECT_EQ(warnings_of(start + "auth_user = app\nauth_dbname = d\n"), "");
  EXPECT_EQ(warnings_of(start + "auth_user = weak\nauth_dbname = e\n"),
            "main.ini:5: auth_user \"weak\" has no secret in auth_file: it logs in to servers without one|"
            "main.ini:5: auth_dbname \"e\" is no [databases] entry|");
  EXPECT_EQ(warnings_of("[databases]\nd = auth_user=app auth_dbname=pgbouncer\n[pgbouncer]\nauth_file = users.txt\nauth_type = pam\n"),
            "main.ini: [databases] d: auth_dbname \"pgbouncer\" is no [databases] entry|"
            "main.ini: [databases] d: auth_user cannot be used with auth_type = pam|");
  EXPECT_EQ(warnings_of(start + "auth_hba_file = x\nauth_ident_file = y\nauth_ldap_options = z\n"),
            "main.ini:5: auth_hba_file is used with auth_type = hba only|main.ini:6: auth_ident_file is used with auth_type = hba only|"
            "main.ini:7: auth_ldap_options is used with auth_type = ldap only: lines of the HBA file have their own|");
  EXPECT_EQ(warnings_of("[databases]\n* =\n[pgbouncer]\nauth_file = users.txt\nauth_user = app\nauth_dbname = e\n"), "");
}

TEST_F(ConfigFile, no_setting_is_ignored_silently) {
  const std::string start = "[pgbouncer]\nauth_type = any\n";
  const std::string end = "[databases]\nd =\n";
  EXPECT_EQ(warnings_of(start + end), "");
  EXPECT_EQ(warnings_of(start + "job_name = pgbouncer\n" + end), "");
  EXPECT_EQ(warnings_of(start + "job_name = other\n" + end), "main.ini:3: job_name is accepted but has no meaning here|");
  EXPECT_EQ(warnings_of(start + "proxy_protocol = 1\n" + end),
            "main.ini:3: proxy_protocol is on but proxy_protocol_networks is empty: no header will be believed|");
  EXPECT_EQ(warnings_of(start + end + "d =\n"), "main.ini:5: database \"d\" is listed twice: the later line counts|");
  EXPECT_EQ(warnings_of(start), "main.ini: no [databases] entry: no client can connect to anything but the console|");
  EXPECT_EQ(warnings_of("[pgbouncer]\nauth_type = trust\n" + end),
            "main.ini:2: no user is known (auth_file is not set or empty): no client can log in|");
}

TEST_F(ConfigFile, a_second_pgbouncer_section_resets_as_in_pgbouncer_and_says_so) {
  const LoadResult result = load(
      "[pgbouncer]\nauth_type = any\nlisten_port = 1\n[databases]\nd =\n[pgbouncer]\nauth_type = any\n");
  ASSERT_EQ(lines(result.errors), "");
  EXPECT_EQ(result.config->listen_port, 6432);
  EXPECT_EQ(lines(result.warnings), "main.ini:7: section [pgbouncer] is repeated: all settings before it are back at their defaults|");
}

TEST_F(ConfigFile, a_pgswitch_section_adds_to_the_other) {
  const LoadResult result =
      load("[pgbouncer]\nlisten_port = 1\n[pgswitch]\nworkers = 2\n[pgswitch]\nrules_on_error = default\nrules_mode = Observe\nrules_autoreload = 1\n");
  ASSERT_EQ(lines(result.errors), "");
  EXPECT_EQ(result.config->listen_port, 1);
  EXPECT_EQ(result.config->workers, 2);
  EXPECT_EQ(result.config->rules_on_error, rules::OnError::use_default);
  EXPECT_EQ(result.config->rules_mode, rules::RulesMode::observe);
  EXPECT_TRUE(result.config->rules_autoreload);
}

TEST(ConfigLookup, falls_back_to_the_template_under_the_clients_name) {
  Config config;
  auto named = std::make_shared<Database>();
  named->name = "app";
  named->dbname = "real";
  named->route = rules::intern_route("app");
  auto fallback = std::make_shared<Database>();
  fallback->name = "*";
  fallback->hosts = {"h"};
  config.databases = {{"app", named}, {"*", fallback}};

  EXPECT_EQ(config.find_database("app"), named);
  EXPECT_EQ(config.find_database(named->route), named);
  EXPECT_EQ(config.database_entry("app"), named.get());
  EXPECT_EQ(config.database_entry("other"), fallback.get());
  const DatabasePtr other = config.find_database("other");
  ASSERT_NE(other, nullptr);
  EXPECT_EQ(other->name, "other");
  EXPECT_EQ(other->dbname, "other");
  EXPECT_EQ(other->hosts, fallback->hosts);
  EXPECT_EQ(other->route, rules::intern_route("other"));
  EXPECT_TRUE(other->automatic);
  EXPECT_EQ(config.find_database(other->route)->name, "other");
  EXPECT_EQ(config.find_database(rules::no_route), nullptr);
  EXPECT_EQ(config.find_database(""), nullptr);
  EXPECT_EQ(config.find_database(std::string(64, 'x')), nullptr);
  EXPECT_EQ(config.routes(), (std::vector<std::pair<std::string, rules::RouteId>>{{"app", named->route}}));

  fallback->dbname = "fixed";
  EXPECT_EQ(config.find_database("other")->dbname, "fixed");
}

TEST(ConfigLookup, an_unknown_name_without_template_is_nothing) {
  const Config config;
  EXPECT_EQ(config.find_database("x"), nullptr);
  EXPECT_EQ(config.database_entry("x"), nullptr);
  EXPECT_EQ(config.find_user("x"), nullptr);
}

/// Each row sets a value at some of the three levels; the first that is set counts, in the order the level names say.
TEST(Precedence, user_then_database_then_global) {
  struct Case {
    std::optional<int> user, database;
    int global, effective;
  };
  const Case cases[] = {{1, 2, 3, 1}, {std::nullopt, 2, 3, 2}, {std::nullopt, std::nullopt, 3, 3}, {0, 2, 3, 0}, {1, std::nullopt, 3, 1}};
  for (const Case& c : cases) {
    Config config;
    Database database;
    User user;
    config.default_pool_size = config.reserve_pool_size = c.global;
    config.query_wait_timeout = c.global;
    database.pool_size = database.reserve_pool_size = c.database;
    user.pool_size = user.reserve_pool_size = c.user;
    if (c.database) database.query_wait_timeout = *c.database;
    if (c.user) user.query_wait_timeout = *c.user;
    EXPECT_EQ(config.pool_size_of(database, &user), c.effective);
    EXPECT_EQ(config.reserve_pool_size_of(database, &user), c.effective);
    EXPECT_EQ(config.query_wait_timeout_of(database, &user), c.effective);
    EXPECT_EQ(config.pool_size_of(database, nullptr), c.database.value_or(c.global));
  }
}

TEST(Precedence, pool_mode) {
  Config config;
  config.pool_mode = PoolMode::session;
  Database database;
  User user;
  EXPECT_EQ(config.pool_mode_of(database, nullptr), PoolMode::session);
  database.pool_mode = PoolMode::transaction;
  EXPECT_EQ(config.pool_mode_of(database, &user), PoolMode::transaction);
  user.pool_mode = PoolMode::statement;
  EXPECT_EQ(config.pool_mode_of(database, &user), PoolMode::statement);
}

TEST(Precedence, database_then_global) {
  Config config;
  config.min_pool_size = 1;
  config.max_db_connections = 2;
  config.max_db_client_connections = 3;
  config.server_lifetime = 4;
  config.auth_user = "g";
  Database database;
  EXPECT_EQ(config.min_pool_size_of(database, nullptr), 1);
  EXPECT_EQ(config.max_db_connections_of(database), 2);
  EXPECT_EQ(config.max_db_client_connections_of(database), 3);
  EXPECT_EQ(config.server_lifetime_of(database), 4);
  EXPECT_EQ(config.auth_user_of(database), "g");
  database.min_pool_size = 5;
  database.max_db_connections = 6;
  database.max_db_client_connections = 7;
  database.server_lifetime = 8;
  database.auth_user = "d";
  EXPECT_EQ(config.min_pool_size_of(database, nullptr), 5);
  EXPECT_EQ(config.max_db_connections_of(database), 6);
  EXPECT_EQ(config.max_db_client_connections_of(database), 7);
  EXPECT_EQ(config.server_lifetime_of(database), 8);
  EXPECT_EQ(config.auth_user_of(database), "d");
}

TEST(Precedence, min_pool_size_never_exceeds_the_pool) {
  Config config;
  config.min_pool_size = 50;
  Database database;
  EXPECT_EQ(config.min_pool_size_of(database, nullptr), 20);
  config.default_pool_size = unlimited;
  EXPECT_EQ(config.min_pool_size_of(database, nullptr), 50);
}

TEST(Precedence, user_then_global_and_an_override_of_one_user_leaves_the_others_alone) {
  Config config;
  User user;
  user.client_idle_timeout = 1;
  user.query_timeout = 2;
  user.idle_transaction_timeout = 3;
  user.transaction_timeout = 4;
  user.max_user_connections = 5;
  user.max_user_client_connections = 6;
  EXPECT_EQ(config.client_idle_timeout_of(&user), 1);
  EXPECT_EQ(config.query_timeout_of(&user), 2);
  EXPECT_EQ(config.idle_transaction_timeout_of(&user), 3);
  EXPECT_EQ(config.transaction_timeout_of(&user), 4);
  EXPECT_EQ(config.max_user_connections_of(&user), 5);
  EXPECT_EQ(config.max_user_client_connections_of(&user), 6);
  const User other;
  EXPECT_EQ(config.client_idle_timeout_of(&other), 0);
  EXPECT_EQ(config.client_idle_timeout_of(nullptr), 0);
  EXPECT_EQ(config.max_user_connections_of(nullptr), 0);
}

TEST(ServerSecret, is_the_databases_own_for_its_forced_user_else_the_userlists) {
  Config config;
  config.users["u"].secret = "list";
  Database database;
  EXPECT_EQ(*config.server_secret(database, "u"), "list");
  EXPECT_EQ(config.server_secret(database, "v"), nullptr);
  database.user = "u";
  EXPECT_EQ(*config.server_secret(database, "u"), "list");
  database.password = "own";
  EXPECT_EQ(*config.server_secret(database, "u"), "own");
  EXPECT_EQ(config.server_secret(database, "v"), nullptr);
}

TEST_F(ConfigFile, settings_of_pgbouncers_relatives_are_refused_with_what_to_use_instead) {
  const std::string refused = errors_of("[pgbouncer]\nrouting_rules_py_module_file = /a.py\nrewrite_query_py_module_file = /b.py\n");
  EXPECT_NE(refused.find("main.ini:2: setting \"routing_rules_py_module_file\""), std::string::npos) << refused;
  EXPECT_NE(refused.find("main.ini:3: setting \"rewrite_query_py_module_file\""), std::string::npos) << refused;
  EXPECT_NE(refused.find("rules_file"), std::string::npos) << refused;
  EXPECT_EQ(errors_of("[pgbouncer]\nauth_type = any\nrouting_rules_py_module_file = not_enabled\n"), "");
  EXPECT_NE(errors_of("[pgbouncer]\n[databases]\na = host=b topology_query=c\n").find("topology_query of pgbouncer's relatives"),
            std::string::npos);
}

}  // namespace
}  // namespace pgswitch
