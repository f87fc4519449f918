#include "proxy/client_login.hpp"

#include <gtest/gtest.h>

#include "proxy/auth/hba.hpp"

namespace pgswitch {
namespace {

using protocol::LoginMethod;

const std::string md5_secret = "md5" + std::string(32, 'a');
const std::string scram_secret =
    "SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0c2FsdA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

Config config_with(AuthType type) {
  Config config;
  config.auth_type = type;
  for (const auto& [name, secret] : {std::pair<std::string, std::string>{"plain", "secret"}, {"md5", md5_secret}, {"scram", scram_secret}}) {
    config.users[name].name = name;
    config.users[name].secret = secret;
    config.users[name].in_auth_file = true;
  }
  config.users["nothing"].name = "nothing";
  return config;
}

struct Plan {
  AuthType type;
  const char* user;
  std::optional<LoginMethod> method;  ///< nullopt: refused at once
  std::size_t credential;             ///< index in protocol::Credential
};

TEST(LoginPlan, follows_the_method_and_the_form_of_the_secret) {
  const Plan table[] = {
      {AuthType::any, "whoever", LoginMethod::trust, 0},
      {AuthType::trust, "plain", LoginMethod::trust, 0},
      {AuthType::trust, "whoever", std::nullopt, 0},
      {AuthType::trust, "nothing", LoginMethod::trust, 0},
      {AuthType::plain, "plain", LoginMethod::password, 1},
      {AuthType::plain, "scram", LoginMethod::password, 3},
      {AuthType::plain, "whoever", LoginMethod::password, 0},
      {AuthType::md5, "plain", LoginMethod::md5, 1},
      {AuthType::md5, "md5", LoginMethod::md5, 2},
      {AuthType::md5, "nothing", LoginMethod::md5, 0},
      {AuthType::scram_sha_256, "plain", LoginMethod::scram_sha_256, 1},
      {AuthType::scram_sha_256, "scram", LoginMethod::scram_sha_256, 3},
      {AuthType::scram_sha_256, "whoever", LoginMethod::scram_sha_256, 0},
      {AuthType::cert, "plain", LoginMethod::trust, 0},
      {AuthType::peer, "whoever", std::nullopt, 0},
      {AuthType::ldap, "whoever", LoginMethod::handed_over, 0},
      {AuthType::pam, "plain", LoginMethod::handed_over, 0},
  };
  for (const Plan& row : table) {
    SCOPED_TRACE(std::string(to_string(row.type)) + " " + row.user);
    const Config config = config_with(row.type);
    const std::optional<AuthRule> rule = auth_rule(config, HbaRequest());
    ASSERT_TRUE(rule);
    const LoginPlan plan = plan_login(rule->method, claimant_of(config, row.user));
    EXPECT_EQ(plan.refused.has_value(), !row.method);
    EXPECT_EQ(plan.refused ? plan.refused->sqlstate : "28000", "28000");
    EXPECT_EQ(plan.method, row.method.value_or(plan.method));
    EXPECT_EQ(plan.credential.index(), row.credential);
  }
}

TEST(LoginPlan, a_user_who_is_not_known_goes_through_the_whole_exchange_and_fails) {
  LoginPlan plan = plan_login(AuthMethod::md5, claimant_of(config_with(AuthType::md5), "whoever"));
  protocol::ServerLogin::Options options;
  options.method = plan.method;
  options.user = "whoever";
  options.credential = plan.credential;
  options.random = std::string(protocol::ServerLogin::random_bytes, 'r');
  options.process_secret = "process";
  protocol::ServerLogin login(std::move(options));
  std::string out;
  ASSERT_EQ(login.start(out), protocol::LoginStatus::need_more);
  const std::string answer = md5_secret + std::string(1, '\0');
  EXPECT_EQ(login.on_password_message(answer, out), protocol::LoginStatus::failed);
  EXPECT_EQ(login.error().sqlstate, "28P01");
}

TEST(LoginPlan, hba_without_a_line_about_the_client_has_no_method) {
  Config config = config_with(AuthType::hba);
  std::vector<Diagnostic> errors;
  config.hba = std::make_shared<const Hba>(Hba::parse("local all plain trust\nlocal all all reject\n", "hba", errors));
  ASSERT_TRUE(errors.empty());
  HbaRequest request;
  request.host = "127.0.0.1";
  request.user = "plain";
  EXPECT_FALSE(auth_rule(config, request));
  request.is_unix = true;
  EXPECT_EQ(auth_rule(config, request)->method, AuthMethod::trust);
  request.user = "md5";
  EXPECT_EQ(plan_login(auth_rule(config, request)->method, Claimant()).refused->message, "login rejected");
  config.hba.reset();
  EXPECT_FALSE(auth_rule(config, request));
}

TEST(LoginPlan, a_claimant_is_who_the_configuration_knows) {
  Config config = config_with(AuthType::md5);
  EXPECT_TRUE(claimant_of(config, "plain").in_auth_file);
  EXPECT_EQ(claimant_of(config, "plain").secret.text(), "secret");
  EXPECT_TRUE(claimant_of(config, "nothing").known);
  EXPECT_FALSE(claimant_of(config, "nothing").in_auth_file) << "auth_query may know its secret";
  EXPECT_FALSE(claimant_of(config, "whoever").known);
}

TEST(Console, belongs_to_those_who_are_listed) {
  Config config;
  config.admin_users = CommaList("root, boss");
  config.stats_users = CommaList("watcher");
  EXPECT_EQ(console_rights(config, "boss"), ConsoleRights::admin);
  EXPECT_EQ(console_rights(config, "watcher"), ConsoleRights::stats);
  EXPECT_EQ(console_rights(config, "whoever"), ConsoleRights::none);
  config.auth_type = AuthType::any;
  EXPECT_EQ(console_rights(config, "whoever"), ConsoleRights::stats);
  EXPECT_TRUE(is_console("pgbouncer"));
  EXPECT_TRUE(is_console("pgswitch"));
  EXPECT_FALSE(is_console("PGSWITCH"));
}

TEST(Console, needs_no_password_of_the_system_user_the_process_runs_as) {
  ClientAddress address;
  address.is_unix = true;
  address.uid = 1000;
  EXPECT_TRUE(is_local_owner(address, "pgbouncer", 1000));
  EXPECT_FALSE(is_local_owner(address, "pgbouncer", 1001));
  EXPECT_FALSE(is_local_owner(address, "admin", 1000));
  address.is_unix = false;
  EXPECT_FALSE(is_local_owner(address, "pgbouncer", 1000));
}

TEST(Startup, tls_is_demanded_where_it_can_be_had) {
  protocol::StartupMessage message;
  Config config;
  config.client_tls_sslmode = SslMode::require;
  EXPECT_EQ(refuse_startup(config, message, false, false)->message, "SSL required");
  EXPECT_FALSE(refuse_startup(config, message, true, false));
  EXPECT_FALSE(refuse_startup(config, message, false, true)) << "a Unix socket has none";
  config.client_tls_sslmode = SslMode::prefer;
  EXPECT_FALSE(refuse_startup(config, message, false, false));
  message.replication = protocol::Replication::physical;
  EXPECT_FALSE(refuse_startup(config, message, true, false)) << "replication is let through";
}

TEST(Startup, parameters_win_over_options_and_ignored_ones_are_dropped) {
  Config config;
  config.ignore_startup_parameters = CommaList("extra_float_digits");
  protocol::StartupMessage message;
  message.option_settings = {{"work_mem", "1MB"}, {"search_path", "a"}};
  message.parameters = {{"Search_Path", "b"}, {"EXTRA_FLOAT_DIGITS", "3"}, {"application_name", "psql"}};
  ClientAddress address;
  const protocol::Settings settings = startup_settings(config, message, address);
  EXPECT_EQ(find_setting(settings, "search_path"), "b");
  EXPECT_EQ(find_setting(settings, "WORK_MEM"), "1MB");
  EXPECT_EQ(find_setting(settings, "extra_float_digits"), "");
  EXPECT_EQ(settings.size(), 4u);
  config.application_name_add_host = 1;
  const protocol::Settings named = startup_settings(config, message, address);
  EXPECT_EQ(find_setting(named, "application_name"), "psql - " + address.to_string());
}

TEST(Startup, of_ignored_options_what_is_tracked_stays) {
  Config config;
  config.ignore_startup_parameters = CommaList("options");
  config.track_extra_parameters = CommaList("search_path");
  protocol::StartupMessage message;
  message.option_settings = {{"nosuch", "1"}, {"work_mem", "1MB"}, {"datestyle", "German"}, {"Search_Path", "a"}, {"pgswitch.route", "b"}};
  message.parameters = {{"work_mem", "2MB"}};
  const protocol::Settings expected{{"datestyle", "German"}, {"Search_Path", "a"}, {"pgswitch.route", "b"}, {"work_mem", "2MB"}};
  EXPECT_EQ(startup_settings(config, message, ClientAddress()), expected);
}

TEST(Startup, what_is_given_twice_is_set_twice) {
  protocol::StartupMessage message;
  message.option_settings = {{"DateStyle", "German"}};
  message.parameters = {{"datestyle", "ISO"}, {"application_name", "a"}, {"application_name", "b"}};
  const protocol::Settings settings = startup_settings(Config(), message, ClientAddress());
  const protocol::Settings expected{{"DateStyle", "German"}, {"datestyle", "ISO"}, {"application_name", "a"}, {"application_name", "b"}};
  EXPECT_EQ(settings, expected);
  EXPECT_EQ(find_setting(settings, "DateStyle"), "ISO");
  EXPECT_EQ(find_setting(settings, "application_name"), "b");
}

TEST(Startup, credentials_are_what_a_server_can_be_shown) {
  Claimant claimant;
  EXPECT_EQ(credentials_of("u", protocol::Password{protocol::SecretText("secret")}, claimant)->password, "secret");
  protocol::ScramKeys keys = protocol::derive_scram_keys("secret", "salt", 1);
  EXPECT_EQ(credentials_of("u", keys, claimant)->client_key.size(), 32u);
  keys.has_client_key = false;
  EXPECT_TRUE(credentials_of("u", keys, claimant)->client_key.empty());
  EXPECT_TRUE(credentials_of("u", protocol::Credential(), claimant)->password.empty());
  claimant.secret = protocol::SecretText(md5_secret);
  EXPECT_TRUE(credentials_of("u", protocol::Credential(), claimant)->secret.empty()) << "auth_file is looked at when it is needed";
  claimant.looked_up = true;
  EXPECT_EQ(credentials_of("u", protocol::Credential(), claimant)->secret, md5_secret);
}

}  // namespace
}  // namespace pgswitch
