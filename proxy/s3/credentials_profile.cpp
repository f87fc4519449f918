// Profiles: ~/.aws/credentials and ~/.aws/config (AWS SDKs and Tools Reference Guide, "Shared config and credentials files").
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>

#include "proxy/s3/credentials.hpp"

namespace pgswitch::s3 {

namespace {

constexpr int deepest_chain = 8;

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

/// Adds the keys of one section of a file. Nested settings (a value that begins on the next, indented line) are none of ours.
void read_section(std::string_view file, std::string_view section, Profile& profile) {
  bool inside = false;
  while (!file.empty()) {
    const std::size_t end = file.find('\n');
    const std::string_view line = file.substr(0, end);
    file.remove_prefix(end == std::string_view::npos ? file.size() : end + 1);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      inside = trimmed(line.substr(1, line.find(']') - 1)) == section;
      continue;
    }
    const std::size_t equals = line.find('=');
    if (!inside || line.front() == ' ' || line.front() == '\t' || equals == std::string_view::npos) continue;
    std::string key;
    for (const char c : trimmed(line.substr(0, equals))) key += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    std::string_view value = line.substr(equals + 1);
    if (const std::size_t comment = value.find(" #"); comment != std::string_view::npos) value = value.substr(0, comment);
    profile[key] = trimmed(value);
  }
}

}  // namespace

Surroundings Surroundings::of_process(HttpClient& http) {
  Surroundings own;
  own.environment = [](const char* name) -> std::optional<std::string> {
    const char* const value = std::getenv(name);
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
  own.read_file = [](const std::string& path) -> std::optional<std::string> {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  };
  own.run = [](const std::string& command) -> std::optional<std::string> {
    std::FILE* const pipe = popen(command.c_str(), "re");
    if (!pipe) return std::nullopt;
    std::string text;
    std::array<char, 4096> room;
    while (const std::size_t size = std::fread(room.data(), 1, room.size(), pipe)) text.append(room.data(), size);
    return pclose(pipe) == 0 ? std::optional(text) : std::nullopt;
  };
  own.now = [] { return static_cast<std::int64_t>(std::time(nullptr)); };
  own.http = &http;
  return own;
}

std::string Credentials::profile_name() const {
  std::string name = value("AWS_PROFILE");
  if (name.empty()) name = value("AWS_DEFAULT_PROFILE");
  return name.empty() ? "default" : name;
}

/// Both files; what the credentials file says counts.
Profile Credentials::profile(const std::string& name) {
  const std::string home = value("HOME");
  const auto file = [&](const char* variable, const char* usual) {
    std::string path = value(variable);
    if (path.empty()) path = home + usual;
    if (path.starts_with("~/")) path = home + path.substr(1);
    return in_.read_file(path).value_or("");
  };
  Profile found;
  const std::string config = file("AWS_CONFIG_FILE", "/.aws/config");
  read_section(config, name == "default" ? "default" : "profile " + name, found);
  if (name == "default") read_section(config, "profile default", found);
  read_section(file("AWS_SHARED_CREDENTIALS_FILE", "/.aws/credentials"), name, found);
  return found;
}

std::string Credentials::region() {
  for (const char* const name : {"AWS_REGION", "AWS_DEFAULT_REGION"})
    if (std::string set = value(name); !set.empty()) return set;
  const Profile chosen = profile(profile_name());
  const auto found = chosen.find("region");
  return found == chosen.end() ? std::string() : found->second;
}

/// Keys that the profile has or leads to; none, and no error, when it says nothing of any.
Keys Credentials::of_profile(const std::string& name, std::string& error, int depth) {
  const Profile chosen = profile(name);
  const auto given = [&](const char* key) {
    const auto found = chosen.find(key);
    return found == chosen.end() ? std::string() : found->second;
  };
  if (depth > deepest_chain) return error = "the profiles of ~/.aws/config lead in a circle", Keys();
  const std::string source = given("source_profile");
  // A profile may name itself as the source of its own keys.
  if (!given("role_arn").empty() && !(depth > 0 && source == name)) {
    if (const std::string file = given("web_identity_token_file"); !file.empty())
      return of_web_identity(file, given("role_arn"), given("role_session_name"), error);
    Keys keys;
    if (!source.empty())
      keys = of_profile(source, error, depth + 1);
    else if (const std::string kind = given("credential_source"); !kind.empty())
      keys = of_source(kind, error);
    else
      error = "profile \"" + name + "\" has a role_arn and no source_profile";
    if (keys.empty()) {
      if (error.empty()) error = "profile \"" + source + "\" has no keys";
      return keys;
    }
    return of_role(chosen, keys, error);
  }
  if (!given("aws_access_key_id").empty())
    return {given("aws_access_key_id"), given("aws_secret_access_key"), given("aws_session_token"), 0};
  if (const std::string command = given("credential_process"); !command.empty()) return of_process(command, error);
  return {};
}

Keys Credentials::of_source(const std::string& source, std::string& error) {
  if (source == "Environment") {
    Keys keys = of_environment();
    if (keys.empty()) error = "credential_source = Environment: no keys there";
    return keys;
  }
  if (source == "EcsContainer") return of_container(error);
  if (source == "Ec2InstanceMetadata") return of_instance(error);
  return error = "credential_source \"" + source + "\" is not known", Keys();
}

Keys Credentials::of_process(const std::string& command, std::string& error) {
  const auto printed = in_.run(command);
  if (!printed) return error = "credential_process has failed", Keys();
  Keys keys = of_json(*printed, "SessionToken", error);
  if (keys.empty()) error = "credential_process: " + error;
  return keys;
}

}  // namespace pgswitch::s3
