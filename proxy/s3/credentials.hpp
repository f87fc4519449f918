#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/s3/http.hpp"
#include "proxy/s3/signature.hpp"

namespace pgswitch::s3 {

/// What the credentials are looked for in: the process's own, or a test's.
struct Surroundings {
  std::function<std::optional<std::string>(const char* name)> environment;
  std::function<std::optional<std::string>(const std::string& path)> read_file;
  /// Runs a command by the shell: what it printed; nullopt when it failed.
  std::function<std::optional<std::string>(const std::string& command)> run;
  std::function<std::int64_t()> now;  ///< seconds since 1970
  HttpClient* http = nullptr;

  static Surroundings of_process(HttpClient& http);
};

/// A profile of ~/.aws/config and ~/.aws/credentials: keys in lower case.
using Profile = std::map<std::string, std::string>;

/// Finds AWS credentials where Amazon's own tools find them, in their order: environment, the profile's role, web identity, the profile's
/// keys or process, container, instance metadata (AWS SDKs and Tools Reference Guide, "Standardized credential providers"). Keeps what it
/// found, and renews it before it expires. Blocks; any thread.
class Credentials {
 public:
  explicit Credentials(Surroundings surroundings) : in_(std::move(surroundings)) {}

  /// `fresh`: those given last have been refused. Empty, and `error`, when there are none; errors hold no secret.
  Keys get(bool fresh, std::string& error);
  /// Of the environment or the profile; "" when none is set.
  std::string region();

 private:
  Keys find(std::string& error);
  Keys of_environment();
  Keys of_profile(const std::string& name, std::string& error, int depth);
  Keys of_source(const std::string& source, std::string& error);
  Keys of_process(const std::string& command, std::string& error);
  Keys of_web_identity(const std::string& token_file, const std::string& role, std::string session, std::string& error);
  Keys of_role(const Profile& profile, const Keys& source, std::string& error);
  Keys of_container(std::string& error);
  Keys of_instance(std::string& error);
  Keys of_json(const std::string& text, const char* token, std::string& error) const;
  Keys of_sts(const HttpResponse& response, std::string& error) const;
  HttpResponse ask_sts(const Query& arguments, const Keys* keys);
  Profile profile(const std::string& name);
  std::string profile_name() const;
  std::string value(const char* name) const;

  Surroundings in_;
  std::mutex mutex_;
  Keys keys_;
};

/// "2030-01-02T03:04:05Z" as seconds since 1970; 0 when it is none.
std::int64_t read_time(std::string_view text);
/// Whether credentials may be asked for there without TLS.
bool is_container_host(std::string_view host);

}  // namespace pgswitch::s3
