// The chain, and what it asks by HTTP. credentials_profile.cpp: files and commands.
#include "proxy/s3/credentials.hpp"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "proxy/s3/bucket.hpp"

namespace pgswitch::s3 {

namespace {

using Json = nlohmann::json;

constexpr std::int64_t renew_before = 15 * 60, usable_until = 60;  // seconds to the expiry
constexpr const char* instance_host = "http://169.254.169.254";
constexpr const char* container_host = "http://169.254.170.2";

bool is_true(std::string_view value) { return value == "true" || value == "True" || value == "TRUE" || value == "1"; }

std::string text_of(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  return text;
}

std::string why_not(const HttpResponse& response) {
  return response.status == 0 ? response.error : "HTTP status " + std::to_string(response.status);
}

}  // namespace

std::int64_t read_time(std::string_view text) {
  std::tm parts{};
  const std::string copy(text);
  if (std::sscanf(copy.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d", &parts.tm_year, &parts.tm_mon, &parts.tm_mday, &parts.tm_hour, &parts.tm_min,
                  &parts.tm_sec) != 6)
    return 0;
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  std::int64_t seconds = timegm(&parts);
  const std::size_t zone = copy.find_first_of("+-", 19);
  int hours = 0, minutes = 0;
  if (zone != std::string::npos && std::sscanf(copy.c_str() + zone + 1, "%2d:%2d", &hours, &minutes) >= 1)
    seconds -= (copy[zone] == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
  return seconds;
}

bool is_container_host(std::string_view host) {
  return host == "169.254.170.2" || host == "169.254.170.23" || host == "[fd00:ec2::23]" || host == "localhost" ||
         host.starts_with("127.") || host == "[::1]";
}

std::string Credentials::value(const char* name) const { return in_.environment(name).value_or(""); }

Keys Credentials::get(bool fresh, std::string& error) {
  const std::lock_guard lock(mutex_);
  const std::int64_t now = in_.now();
  const bool lasts = keys_.expires == 0 || now < keys_.expires - renew_before;
  if (!keys_.empty() && lasts && !fresh) return keys_;
  Keys found = find(error);
  if (!found.empty()) return keys_ = found;
  const bool usable = !keys_.empty() && !fresh && (keys_.expires == 0 || now < keys_.expires - usable_until);
  return usable ? keys_ : Keys();
}

/// The first that has any wins; one that should have some, and fails, ends the search.
Keys Credentials::find(std::string& error) {
  error.clear();
  if (Keys keys = of_environment(); !keys.empty()) return keys;
  const Profile chosen = profile(profile_name());
  if (chosen.contains("role_arn")) return of_profile(profile_name(), error, 0);
  if (const std::string file = value("AWS_WEB_IDENTITY_TOKEN_FILE"), role = value("AWS_ROLE_ARN"); !file.empty() && !role.empty())
    return of_web_identity(file, role, value("AWS_ROLE_SESSION_NAME"), error);
  if (Keys keys = of_profile(profile_name(), error, 0); !keys.empty() || !error.empty()) return keys;
  if (!value("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").empty() || !value("AWS_CONTAINER_CREDENTIALS_FULL_URI").empty())
    return of_container(error);
  Keys keys = of_instance(error);
  if (keys.empty()) error = "no AWS credentials found" + (error.empty() ? "" : ": " + error);
  return keys;
}

Keys Credentials::of_environment() {
  Keys keys{value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY"), value("AWS_SESSION_TOKEN"), 0};
  if (keys.session_token.empty()) keys.session_token = value("AWS_SECURITY_TOKEN");
  return keys.secret_key.empty() ? Keys() : keys;
}

/// What a container's or an instance's server says, or a command.
Keys Credentials::of_json(const std::string& text, const char* token, std::string& error) const {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_object()) {
    Keys keys{text_of(json, "AccessKeyId"), text_of(json, "SecretAccessKey"), text_of(json, token), read_time(text_of(json, "Expiration"))};
    if (!keys.access_key.empty() && !keys.secret_key.empty()) return keys;
  }
  return error = "the answer holds no keys", Keys();
}

Keys Credentials::of_container(std::string& error) {
  std::string url = value("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  const std::string relative = value("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  if (!relative.empty()) {
    url = container_host + relative;
  } else if (url.starts_with("http://")) {
    const std::string rest = url.substr(7);
    std::string host = rest.substr(0, rest.find_first_of("/?"));
    if (const std::size_t port = host.rfind(':'); port != std::string::npos && host.find(']', port) == std::string::npos) host.resize(port);
    if (!is_container_host(host)) return error = "AWS_CONTAINER_CREDENTIALS_FULL_URI: " + host + " may not be asked without TLS", Keys();
  } else if (!url.starts_with("https://")) {
    return error = "AWS_CONTAINER_CREDENTIALS_FULL_URI is no address", Keys();
  }
  HttpRequest request{
      .method = "GET", .url = url, .headers = {{"accept", "application/json"}}, .timeout_ms = 5'000, .connect_timeout_ms = 2'000};
  std::string token = value("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  if (const std::string file = value("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); !file.empty()) {
    const auto read = in_.read_file(file);
    if (!read) return error = "cannot read AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", Keys();
    token = trimmed(*read);
  }
  if (token.find_first_of("\r\n") != std::string::npos) return error = "the container's authorization token has a line end", Keys();
  if (!token.empty()) request.headers.emplace_back("authorization", token);
  const HttpResponse response = in_.http->perform(request);
  if (response.status != 200) return error = "the container's credentials: " + why_not(response), Keys();
  return of_json(response.body, "Token", error);
}

/// IMDSv2, and version 1 where the first is not known (EC2 User Guide, "Use IMDS").
Keys Credentials::of_instance(std::string& error) {
  if (is_true(value("AWS_EC2_METADATA_DISABLED"))) return {};
  const std::string given = value("AWS_EC2_METADATA_SERVICE_ENDPOINT");
  std::string host = given.empty() ? instance_host : given;
  while (host.ends_with('/')) host.pop_back();
  const auto ask = [&](const char* method, const std::string& path, Headers headers) {
    HttpRequest request{
        .method = method, .url = host + "/latest/" + path, .headers = std::move(headers), .timeout_ms = 1'000, .connect_timeout_ms = 1'000};
    return in_.http->perform(request);
  };
  Headers headers;
  const HttpResponse token = ask("PUT", "api/token", {{"x-aws-ec2-metadata-token-ttl-seconds", "21600"}});
  if (token.status == 200)
    headers = {{"x-aws-ec2-metadata-token", token.body}};
  else if ((token.status != 403 && token.status != 404 && token.status != 405) || is_true(value("AWS_EC2_METADATA_V1_DISABLED")))
    return error = "instance metadata: " + why_not(token), Keys();
  const std::string path = "meta-data/iam/security-credentials/";
  const HttpResponse role = ask("GET", path, headers);
  const std::string name(trimmed(std::string_view(role.body).substr(0, role.body.find('\n'))));
  if (role.status != 200 || name.empty()) return error = "instance metadata: no role (" + why_not(role) + ")", Keys();
  const HttpResponse keys = ask("GET", path + name, headers);
  if (keys.status != 200) return error = "instance metadata: " + why_not(keys), Keys();
  return of_json(keys.body, "Token", error);
}

HttpResponse Credentials::ask_sts(const Query& arguments, const Keys* keys) {
  std::string where = region();
  if (where.empty()) where = "us-east-1";
  const std::string given = value("AWS_ENDPOINT_URL_STS");
  const std::string url =
      given.empty() ? "https://sts." + where + (where.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com") : given;
  const std::string body = query_string(arguments), host = url.substr(url.find("://") + 3);
  SignedRequest asked{"POST", host, "/", {}, {{"content-type", "application/x-www-form-urlencoded"}}, body};
  HttpRequest request{.method = "POST", .url = url + '/', .headers = asked.headers, .body = body, .timeout_ms = 10'000};
  if (keys) request.headers = signed_headers(asked, *keys, where, "sts", in_.now());
  return in_.http->perform(request);
}

/// The answers of AssumeRole and AssumeRoleWithWebIdentity (AWS STS API Reference).
Keys Credentials::of_sts(const HttpResponse& response, std::string& error) const {
  if (response.status != 200) {
    error = "AWS STS: " + why_not(response);
    if (const std::string code = xml_text(response.body, "Code"); !code.empty()) error += ' ' + code;
    return {};
  }
  Keys keys{xml_text(response.body, "AccessKeyId"), xml_text(response.body, "SecretAccessKey"), xml_text(response.body, "SessionToken"),
            read_time(xml_text(response.body, "Expiration"))};
  if (keys.access_key.empty() || keys.secret_key.empty()) return error = "AWS STS: the answer holds no keys", Keys();
  return keys;
}

Keys Credentials::of_web_identity(const std::string& token_file, const std::string& role, std::string session, std::string& error) {
  const auto token = in_.read_file(token_file);
  if (!token) return error = "cannot read the web identity token " + token_file, Keys();
  if (session.empty()) session = "pgswitch-" + std::to_string(in_.now());
  return of_sts(ask_sts({{"Action", "AssumeRoleWithWebIdentity"},
                         {"Version", "2011-06-15"},
                         {"RoleArn", role},
                         {"RoleSessionName", session},
                         {"WebIdentityToken", std::string(trimmed(*token))}},
                        nullptr),
                error);
}

Keys Credentials::of_role(const Profile& chosen, const Keys& source, std::string& error) {
  const auto given = [&](const char* name) {
    const auto found = chosen.find(name);
    return found == chosen.end() ? std::string() : found->second;
  };
  std::string session = given("role_session_name");
  if (session.empty()) session = "pgswitch-" + std::to_string(in_.now());
  Query arguments{{"Action", "AssumeRole"}, {"Version", "2011-06-15"}, {"RoleArn", given("role_arn")}, {"RoleSessionName", session}};
  if (const std::string id = given("external_id"); !id.empty()) arguments.emplace_back("ExternalId", id);
  if (const std::string seconds = given("duration_seconds"); !seconds.empty()) arguments.emplace_back("DurationSeconds", seconds);
  return of_sts(ask_sts(arguments, &source), error);
}

}  // namespace pgswitch::s3
