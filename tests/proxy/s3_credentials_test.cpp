#include "proxy/s3/credentials.hpp"

#include <gtest/gtest.h>
#include <map>

#include "tests/proxy/fake_http.hpp"

namespace pgswitch::s3 {
namespace {

constexpr std::int64_t now = 1'700'000'000;

struct Credential : testing::Test {
  std::map<std::string, std::string> environment{{"HOME", "/h"}}, files;
  std::map<std::string, std::string> commands;
  std::int64_t clock = now;
  FakeHttp http;
  std::string error;

  Credentials chain() {
    Surroundings in;
    const auto find = [](const std::map<std::string, std::string>& all, const std::string& name) {
      const auto found = all.find(name);
      return found == all.end() ? std::nullopt : std::optional(found->second);
    };
    in.environment = [this, find](const char* name) { return find(environment, name); };
    in.read_file = [this, find](const std::string& path) { return find(files, path); };
    in.run = [this, find](const std::string& command) { return find(commands, command); };
    in.now = [this] { return clock; };
    in.http = &http;
    return Credentials(std::move(in));
  }
  std::string found() {
    Credentials all = chain();
    const Keys keys = all.get(false, error);
    return keys.access_key + ' ' + keys.secret_key + ' ' + keys.session_token;
  }
};

std::string json_keys(const char* id, const char* token_name, const char* expiration = "2099-01-01T00:00:00Z") {
  return std::string("{\"Code\":\"Success\",\"Version\":1,\"AccessKeyId\":\"") + id + "\",\"SecretAccessKey\":\"s\",\"" + token_name +
         "\":\"t\",\"Expiration\":\"" + expiration + "\"}";
}
std::string sts_keys(const char* id) {
  return std::string("<R><Credentials><AccessKeyId>") + id +
         "</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
         "<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></R>";
}

TEST_F(Credential, of_the_environment_comes_first) {
  environment.insert({{"AWS_ACCESS_KEY_ID", "env"}, {"AWS_SECRET_ACCESS_KEY", "s"}, {"AWS_SESSION_TOKEN", "t"}});
  files["/h/.aws/credentials"] = "[default]\naws_access_key_id = file\naws_secret_access_key = s\n";
  EXPECT_EQ(found(), "env s t");
}

TEST_F(Credential, of_the_files) {
  files["/h/.aws/credentials"] =
      "# mine\n[default]\naws_access_key_id = a\naws_secret_access_key=b/c+d=\n\n[other]\naws_access_key_id=o\naws_secret_access_key = p\n"
      "aws_session_token = q\n";
  files["/h/.aws/config"] =
      "[default]\nregion = eu-west-1\naws_access_key_id = overruled\n[profile third]\naws_access_key_id = t1\naws_secret_access_key = "
      "t2\nregion=us-east-2 # there\n";
  EXPECT_EQ(found(), "a b/c+d= ");
  EXPECT_EQ(chain().region(), "eu-west-1");
  environment["AWS_PROFILE"] = "other";
  EXPECT_EQ(found(), "o p q");
  environment["AWS_PROFILE"] = "third";
  EXPECT_EQ(found(), "t1 t2 ");
  EXPECT_EQ(chain().region(), "us-east-2");
  environment["AWS_REGION"] = "sa-east-1";
  EXPECT_EQ(chain().region(), "sa-east-1");
}

TEST_F(Credential, of_files_elsewhere) {
  environment["AWS_SHARED_CREDENTIALS_FILE"] = "/etc/keys";
  files["/etc/keys"] = "[default]\naws_access_key_id = a\naws_secret_access_key = b\n";
  EXPECT_EQ(found(), "a b ");
}

TEST_F(Credential, of_a_process) {
  environment["AWS_CONFIG_FILE"] = "~/config";
  files["/h/config"] = "[default]\ncredential_process = /bin/keys --now\n";
  commands["/bin/keys --now"] = json_keys("p", "SessionToken");
  EXPECT_EQ(found(), "p s t");
  commands.clear();
  EXPECT_EQ(found(), "  ");
  EXPECT_EQ(error, "credential_process has failed");
}

TEST_F(Credential, of_a_role) {
  files["/h/.aws/config"] =
      "[default]\nrole_arn = arn:aws:iam::1:role/load\nsource_profile = base\nexternal_id = x y\nrole_session_name = me\n";
  files["/h/.aws/credentials"] = "[base]\naws_access_key_id = a\naws_secret_access_key = b\n";
  http.answers = {{200, sts_keys("role")}};
  EXPECT_EQ(found(), "role s t");
  ASSERT_EQ(http.seen.size(), 1u);
  EXPECT_EQ(http.seen[0].line(), "POST https://sts.us-east-1.amazonaws.com/");
  EXPECT_EQ(http.seen[0].body,
            "Action=AssumeRole&ExternalId=x%20y&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fload&RoleSessionName=me&Version=2011-06-15");
  EXPECT_TRUE(http.seen[0].header("authorization").starts_with("AWS4-HMAC-SHA256 Credential=a/20231114/us-east-1/sts/"));
}

TEST_F(Credential, of_a_role_without_a_source) {
  files["/h/.aws/config"] = "[default]\nrole_arn = r\nsource_profile = default\n";
  EXPECT_EQ(found(), "  ");
  EXPECT_EQ(error, "profile \"default\" has no keys");
  files["/h/.aws/config"] =
      "[default]\nrole_arn = r\nsource_profile = a\n[profile a]\nrole_arn = r\nsource_profile = b\n[profile b]\nrole_arn = "
      "r\nsource_profile = a\n";
  EXPECT_EQ(found(), "  ");
  EXPECT_EQ(error, "the profiles of ~/.aws/config lead in a circle");
}

TEST_F(Credential, of_a_web_identity) {
  environment.insert({{"AWS_WEB_IDENTITY_TOKEN_FILE", "/token"},
                      {"AWS_ROLE_ARN", "arn:r"},
                      {"AWS_ROLE_SESSION_NAME", "pod"},
                      {"AWS_REGION", "eu-west-1"}});
  files["/token"] = "ey.J\n";
  http.answers = {{200, sts_keys("web")}};
  EXPECT_EQ(found(), "web s t");
  EXPECT_EQ(http.seen[0].line(), "POST https://sts.eu-west-1.amazonaws.com/");
  EXPECT_EQ(http.seen[0].body,
            "Action=AssumeRoleWithWebIdentity&RoleArn=arn%3Ar&RoleSessionName=pod&Version=2011-06-15&WebIdentityToken=ey.J");
  EXPECT_EQ(http.seen[0].header("authorization"), "") << "the token is what proves it";
  http.answers = {{403, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"}};
  EXPECT_EQ(found(), "  ");
  EXPECT_EQ(error, "AWS STS: HTTP status 403 AccessDenied");
}

TEST_F(Credential, of_a_container) {
  environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/x";
  http.answers = {{200, json_keys("ecs", "Token")}};
  EXPECT_EQ(found(), "ecs s t");
  EXPECT_EQ(http.seen[0].line(), "GET http://169.254.170.2/v2/x");
}

TEST_F(Credential, of_a_container_elsewhere) {
  environment.insert({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials"},
                      {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "unused"},
                      {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/eks"}});
  files["/eks"] = "secret\n";
  http.answers = {{200, json_keys("eks", "Token")}};
  EXPECT_EQ(found(), "eks s t");
  EXPECT_EQ(http.seen[0].header("authorization"), "secret");
  environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://evil.example/x";
  EXPECT_EQ(found(), "  ");
  EXPECT_EQ(error, "AWS_CONTAINER_CREDENTIALS_FULL_URI: evil.example may not be asked without TLS");
  EXPECT_EQ(http.seen.size(), 1u);
  for (const char* const allowed : {"http://127.0.0.1:80/x", "http://localhost/x", "http://[::1]:8080/x", "https://any.example/x"}) {
    environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = allowed;
    http.answers = {{200, json_keys("eks", "Token")}};
    EXPECT_EQ(found(), "eks s t") << allowed;
  }
}

TEST_F(Credential, of_an_instance) {
  http.server = [](const FakeHttp::Seen& asked) -> FakeHttp::Answer {
    const std::string at = "http://169.254.169.254/latest/";
    if (asked.line() == "PUT " + at + "api/token")
      return {asked.header("x-aws-ec2-metadata-token-ttl-seconds") == "21600" ? 200 : 400, "imds"};
    if (asked.header("x-aws-ec2-metadata-token") != "imds") return {401, ""};
    if (asked.url == at + "meta-data/iam/security-credentials/") return {200, "my-role\n"};
    if (asked.url == at + "meta-data/iam/security-credentials/my-role") return {200, json_keys("imds", "Token")};
    return {404, ""};
  };
  EXPECT_EQ(found(), "imds s t");
  environment["AWS_EC2_METADATA_DISABLED"] = "true";
  EXPECT_EQ(found(), "  ");
  EXPECT_EQ(error, "no AWS credentials found");
}

TEST_F(Credential, of_an_instance_of_the_first_version) {
  http.answers = {{404, ""}, {200, "r"}, {200, json_keys("v1", "Token")}};
  EXPECT_EQ(found(), "v1 s t");
  environment["AWS_EC2_METADATA_V1_DISABLED"] = "true";
  http.answers = {{404, ""}};
  EXPECT_EQ(found(), "  ");
  EXPECT_EQ(error, "no AWS credentials found: instance metadata: HTTP status 404");
}

TEST_F(Credential, is_renewed_before_it_expires) {
  environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/x";
  Credentials all = chain();
  const auto id = [&](bool fresh = false) { return all.get(fresh, error).access_key; };
  const auto expiring = [](const char* name) {
    return FakeHttp::Answer{200, json_keys(name, "Token", "2023-11-14T23:13:20Z")};
  };  // an hour from now
  http.answers = {expiring("one")};
  EXPECT_EQ(id(), "one");
  clock += 44 * 60;
  EXPECT_EQ(id(), "one");
  EXPECT_EQ(http.seen.size(), 1u);
  clock += 2 * 60;  // 14 minutes are left
  EXPECT_EQ(id(), "one") << "there is no new one, and the old one is good";
  EXPECT_EQ(http.seen.size(), 2u);
  clock += 14 * 60;
  EXPECT_EQ(id(), "") << "it expires this minute";
  http.answers = {{200, json_keys("two", "Token")}};
  EXPECT_EQ(id(), "two");
  http.answers = {{200, json_keys("three", "Token")}};
  EXPECT_EQ(id(), "two");
  EXPECT_EQ(id(true), "three") << "the old one was refused";
}

TEST(ReadTime, of_what_amazon_writes) {
  EXPECT_EQ(read_time("2023-11-14T22:13:20Z"), now);
  EXPECT_EQ(read_time("2023-11-14T22:13:20.123Z"), now);
  EXPECT_EQ(read_time("2023-11-14T23:13:20+01:00"), now);
  EXPECT_EQ(read_time("soon"), 0);
}

}  // namespace
}  // namespace pgswitch::s3
