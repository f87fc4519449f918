#include "tests/redshift/options.hpp"

#include <functional>
#include <stdexcept>

namespace pgswitch::stand_in {
namespace {

std::pair<std::string, std::string> split(const std::string& text, char at) {
  const std::size_t place = text.find(at);
  if (place == std::string::npos) return {text, {}};
  return {text.substr(0, place), text.substr(place + 1)};
}

AuthMethod auth_method(const std::string& name) {
  static const std::map<std::string, AuthMethod> methods = {{"trust", AuthMethod::trust},
                                                            {"cleartext", AuthMethod::cleartext},
                                                            {"md5", AuthMethod::md5},
                                                            {"digest", AuthMethod::digest},
                                                            {"idp", AuthMethod::idp}};
  const auto found = methods.find(name);
  if (found == methods.end()) throw std::runtime_error("unknown --auth " + name);
  return found->second;
}

std::uint16_t port(const std::string& text) { return static_cast<std::uint16_t>(std::stoul(text)); }

}  // namespace

Options read_options(int count, char** arguments) {
  Options options;
  using Take = std::function<void(const std::string&)>;
  const std::map<std::string, Take> with_value = {
      {"--listen-address", [&](const std::string& v) { options.listen_address = v; }},
      {"--port", [&](const std::string& v) { options.port = port(v); }},
      {"--backend-host", [&](const std::string& v) { options.backend_host = v; }},
      {"--backend-port", [&](const std::string& v) { options.backend_port = port(v); }},
      {"--backend-user", [&](const std::string& v) { options.backend_user = v; }},
      {"--user", [&](const std::string& v) { options.users.insert(split(v, '=')); }},
      {"--token", [&](const std::string& v) { options.tokens.push_back(v); }},
      {"--auth", [&](const std::string& v) { options.auth = auth_method(v); }},
      {"--tls-certificate", [&](const std::string& v) { options.tls.certificate = v; }},
      {"--tls-key", [&](const std::string& v) { options.tls.key = v; }},
      {"--protocol-version", [&](const std::string& v) { options.protocol_version = port(v); }},
      {"--isolation", [&](const std::string& v) { options.isolation = v == "snapshot" ? "REPEATABLE READ" : "SERIALIZABLE"; }},
      {"--s3-endpoint", [&](const std::string& v) { options.s3_endpoint = v; }},
      {"--role", [&](const std::string& v) { options.roles.insert(split(v, '=')); }},
  };
  const std::map<std::string, bool*> switches = {{"--require-tls", &options.require_tls},
                                                 {"--single-node", &options.single_node},
                                                 {"--knows-intervalstyle", &options.knows_intervalstyle},
                                                 {"--takes-extended-declare", &options.takes_extended_declare}};
  for (int i = 1; i < count; ++i) {
    const std::string name = arguments[i];
    if (const auto found = switches.find(name); found != switches.end()) {
      *found->second = true;
    } else if (const auto taker = with_value.find(name); taker != with_value.end() && i + 1 < count) {
      taker->second(arguments[++i]);
    } else {
      throw std::runtime_error("unknown option or no value: " + name);
    }
  }
  if (options.port == 0) throw std::runtime_error("--port is missing");
  return options;
}

}  // namespace pgswitch::stand_in
