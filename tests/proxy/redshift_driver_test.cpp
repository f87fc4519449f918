#include "proxy/redshift/driver.hpp"

#include <gtest/gtest.h>

#include "protocol/writer.hpp"
#include "proxy/client_login.hpp"

namespace pgswitch::redshift {
namespace {

using protocol::LoginMethod;

protocol::StartupMessage startup(protocol::Settings parameters, std::uint32_t version = 3u << 16, std::optional<protocol::SqlError>* error = nullptr) {
  std::string packet;
  protocol::write_startup(packet, version, parameters);
  protocol::StartupMessage message;
  auto unreadable = protocol::read_startup(packet, message);
  if (error) *error = std::move(unreadable);
  return message;
}

/// Everything that one of the drivers sends when all is configured.
protocol::Settings everything() {
  return {{"user", "alice"}, {"database", "dev"}, {"application_name", "report"}, {"client_encoding", "UTF8"}, {"DateStyle", "ISO"},
          {"extra_float_digits", "2"}, {"client_protocol_version", "3"}, {"driver_version", "Redshift JDBC Driver 2.2.6"}, {"os_version", "Linux"},
          {"driver_discovery_version", "1"}, {"plugin_name", "com.amazon.redshift.plugin.IdpTokenAuthPlugin"}, {"idp_type", "AwsIdc"},
          {"provider_name", "p"}, {"token_type", "ACCESS_TOKEN"}, {"identity_namespace", "n"}, {"idc_client_display_name", "d"},
          {"_pq_.compression", "lz4:1"}, {"search_path", "a"}};
}

TEST(RedshiftDriver, keeps_of_its_start_up_what_is_for_a_postgresql) {
  protocol::StartupMessage message = startup(everything());
  EXPECT_TRUE(message.must_negotiate());
  ASSERT_TRUE(is_driver(message));
  adapt(message);
  const protocol::Settings left{{"application_name", "report"}, {"client_encoding", "UTF8"}, {"DateStyle", "ISO"}, {"extra_float_digits", "2"}, {"search_path", "a"}};
  EXPECT_EQ(message.parameters, left);
  EXPECT_FALSE(message.must_negotiate()) << "JDBC takes no NegotiateProtocolVersion";
  EXPECT_EQ(message.minor, 0u) << "nor a cancel key of more than four bytes";
}

TEST(RedshiftDriver, is_told_from_others) {
  EXPECT_TRUE(is_driver(startup({{"user", "a"}, {"client_protocol_version", "2"}})));
  EXPECT_TRUE(is_driver(startup({{"user", "a"}, {"driver_version", "x"}})));
  EXPECT_FALSE(is_driver(startup({{"user", "a"}, {"application_name", "driver_version"}})));
  protocol::StartupMessage modern = startup({{"user", "a"}, {"os_version", "b"}, {"_pq_.command_tag_format", "c"}}, 3u << 16 | 2);
  adapt(modern);
  EXPECT_TRUE(modern.must_negotiate()) << "libpq of another kind";
  EXPECT_EQ(modern.minor, 2u);
  EXPECT_TRUE(modern.parameters.empty()) << "which no PostgreSQL knows either";
}

TEST(RedshiftDriver, without_a_user_wants_to_show_a_token) {
  std::optional<protocol::SqlError> error;
  const std::vector<protocol::Settings> table{{{"database", "dev"}, {"idp_type", "AwsIdc"}}, {{"database", "dev"}, {"client_protocol_version", "2"}},
                                              {{"user", ""}, {"database", "dev"}, {"client_protocol_version", "2"}}};
  for (const protocol::Settings& parameters : table) {
    const protocol::StartupMessage message = startup(parameters, 3u << 16, &error);
    ASSERT_TRUE(error);
    const auto refused = refuse_token_login(message);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->sqlstate, "28000");
    EXPECT_NE(refused->message.find("token"), std::string::npos);
  }
  EXPECT_FALSE(refuse_token_login(startup({{"database", "dev"}}, 3u << 16, &error)));
  EXPECT_TRUE(error) << "PostgreSQL's own";
  EXPECT_FALSE(refuse_token_login(startup(everything(), 3u << 16, &error))) << "a user beside a token: the password decides";
}

const std::string md5_secret = "md5" + std::string(32, 'a');
const std::string scram_secret =
    "SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0c2FsdA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const std::string digest_secret = "sha256|" + std::string(64, 'a') + "|aabb";

struct Row {
  AuthMethod method;
  std::string secret;
  bool driver;
  bool safe;  ///< TLS
  std::optional<LoginMethod> asked;  ///< nullopt: refused
};

TEST(LoginPlan, asks_each_client_for_what_it_can_answer) {
  const Row table[] = {
      {AuthMethod::scram_sha_256, "secret", true, false, LoginMethod::redshift_digest},
      {AuthMethod::md5, "secret", true, false, LoginMethod::redshift_digest},
      {AuthMethod::scram_sha_256, digest_secret, true, false, LoginMethod::redshift_digest},
      {AuthMethod::scram_sha_256, md5_secret, true, false, LoginMethod::md5},
      {AuthMethod::md5, md5_secret, true, true, LoginMethod::md5},
      {AuthMethod::scram_sha_256, scram_secret, true, true, LoginMethod::password},
      {AuthMethod::scram_sha_256, scram_secret, true, false, std::nullopt},
      {AuthMethod::md5, scram_secret, true, false, std::nullopt},
      {AuthMethod::scram_sha_256, "", true, false, LoginMethod::redshift_digest},
      {AuthMethod::password, "secret", true, false, LoginMethod::password},
      {AuthMethod::trust, "secret", true, false, LoginMethod::trust},
      {AuthMethod::pam, "secret", true, false, LoginMethod::handed_over},
      {AuthMethod::scram_sha_256, "secret", false, false, LoginMethod::scram_sha_256},
      {AuthMethod::scram_sha_256, scram_secret, false, false, LoginMethod::scram_sha_256},
      {AuthMethod::md5, md5_secret, false, false, LoginMethod::md5},
      {AuthMethod::scram_sha_256, digest_secret, false, true, LoginMethod::password},
      {AuthMethod::md5, digest_secret, false, false, std::nullopt},
  };
  for (const Row& row : table) {
    SCOPED_TRACE(row.secret + " " + std::to_string(static_cast<int>(row.method)) + (row.driver ? " driver" : "") + (row.safe ? " TLS" : ""));
    Claimant claimant;
    claimant.known = true;
    claimant.secret = protocol::SecretText(row.secret);
    LoginPlan plan = plan_login(row.method, claimant);
    adapt_login(plan, "alice", row.driver, row.safe);
    ASSERT_EQ(plan.refused.has_value(), !row.asked);
    if (row.asked) {
      EXPECT_EQ(plan.method, *row.asked);
      continue;
    }
    EXPECT_EQ(plan.refused->sqlstate, "28000");
    EXPECT_EQ(plan.refused->hint, "Connect with TLS.");
  }
}

}  // namespace
}  // namespace pgswitch::redshift
