#include <gtest/gtest.h>

#include "proxy/passwords/printed_password.hpp"

namespace pgswitch {
namespace {

constexpr std::int64_t now = 1'700'000'000'000'000;  // 2023-11-14 22:13:20 UTC
constexpr std::int64_t second = 1'000'000;

struct Printed {
  const char* name;
  std::string output;
  const char* password;
  const char* user;
  std::optional<std::int64_t> life_s;
};

TEST(PrintedPassword, is_read_from_what_programs_print) {
  const Printed table[] = {
      {"aws rds generate-db-auth-token", "db.example.com:5432/?Action=connect&DBUser=u&X-Amz-Expires=900\n",
       "db.example.com:5432/?Action=connect&DBUser=u&X-Amz-Expires=900", "", std::nullopt},
      {"blanks belong to a password", " pass word \r\n", " pass word ", "", std::nullopt},
      {"aws redshift get-cluster-credentials",
       R"({"DbUser": "IAM:alice", "DbPassword": "AMAFUyyuros/QjxPTtgzcsuQ", "Expiration": "2023-11-14T22:28:20+00:00"})", "AMAFUyyuros/QjxPTtgzcsuQ",
       "IAM:alice", 900},
      {"aws redshift get-cluster-credentials-with-iam",
       R"({"DbUser": "IAMR:r", "DbPassword": "p", "Expiration": "2023-11-14T23:13:20.123000+01:00", "NextRefreshTime": "2023-11-14T23:00:00+01:00"})", "p", "IAMR:r", 0},
      {"aws redshift-serverless get-credentials", R"({"dbPassword": "p", "dbUser": "IAM:u", "expiration": "2023-11-14T22:23:20Z"})", "p", "IAM:u", 600},
      {"numbers as aws --output json prints them", R"({"dbPassword": "p", "expiration": 1700000900.5})", "p", "", 900},
      {"an ExecCredential plug-in",
       R"({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "t", "expirationTimestamp": "2023-11-14T22:14:20Z"}})",
       "t", "", 60},
      {"az account get-access-token", R"({"accessToken": "eyJ", "expiresOn": "2023-11-14 23:13:20.000000", "expires_on": 1700003600, "tokenType": "Bearer"})",
       "eyJ", "", 3600},
      {"Vault", R"({"lease_duration": 3600, "data": {"username": "v-root", "password": "p"}})", "p", "v-root", 3600},
      {"a Vault secret without an end", R"({"lease_duration": 0, "data": {"password": "p"}})", "p", "", std::nullopt},
      {"aws secretsmanager get-secret-value", R"({"SecretString": "{\"username\":\"u\",\"password\":\"p\"}"})", "p", "u", std::nullopt},
      {"a secret that is a text", R"({"SecretString": "p"})", "p", "", std::nullopt},
      {"gcloud", R"({"access_token": "t", "expires_in": 3599})", "t", "", 3599},
      {"the plainest object", R"(  {"password": "p", "expiration": 30}  )", "p", "", 30},
  };
  for (const Printed& row : table) {
    std::string error;
    const auto read = read_printed_password(row.output, now, error);
    ASSERT_TRUE(read) << row.name << ": " << error;
    EXPECT_EQ(read->password.text(), row.password) << row.name;
    EXPECT_EQ(read->user, row.user) << row.name;
    const auto expires = row.life_s ? std::optional(now + *row.life_s * second) : std::nullopt;
    EXPECT_EQ(read->expires_unix_us, expires) << row.name;
  }
}

TEST(PrintedPassword, what_is_none_is_refused_without_being_told) {
  for (const std::string output : {"", "\n", "topsecret\ntopsecret\n", R"({"password": "topsecret")", R"({"user": "topsecret"})", R"({"password": ""})",
                                   R"({"password": 17})", R"({"password": "topsecret", "expiration": "tomorrow"})",
                                   R"({"password": "topsecret", "expiration": "2023-11-14T22:28:20"})", R"({"Version": 1, "AccessKeyId": "topsecret"})"}) {
    std::string error;
    EXPECT_FALSE(read_printed_password(output, now, error)) << output;
    EXPECT_FALSE(error.empty());
    EXPECT_EQ(error.find("topsecret"), std::string::npos) << error;
  }
  std::string error;
  EXPECT_FALSE(read_printed_password(std::string("a\0b", 3), now, error));
}

TEST(PrintedPassword, times_are_those_of_rfc_3339) {
  EXPECT_EQ(parse_time("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parse_time("2023-11-14T22:13:20z"), now);
  EXPECT_EQ(parse_time("2023-11-14 22:13:20.999+00:00"), now);
  EXPECT_EQ(parse_time("2023-11-14T17:13:20-05:00"), now);
  EXPECT_EQ(parse_time("2024-02-29T00:00:00+0000"), 1709164800 * second);
  for (const char* text : {"", "2023-11-14", "2023-11-14T22:13:20", "2023-02-29T00:00:00Z", "2023-13-01T00:00:00Z", "2023-11-14T24:00:00Z", "2023-11-14T22:13:20Zx",
                           "-023-11-14T22:13:20Z", "2023-11-14T22:13:20+24:00"})
    EXPECT_FALSE(parse_time(text)) << text;
}

}  // namespace
}  // namespace pgswitch
