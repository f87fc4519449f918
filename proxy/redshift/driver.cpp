#include "proxy/redshift/driver.hpp"

#include <algorithm>
#include <array>

namespace pgswitch::redshift {
namespace {

using namespace std::string_view_literals;

constexpr std::array parameters{"client_protocol_version"sv, "driver_version"sv, "os_version"sv, "driver_discovery_version"sv, "plugin_name"sv,
                                "idp_type"sv, "provider_name"sv, "token_type"sv, "identity_namespace"sv, "idc_client_display_name"sv};
/// Those that all of them send, whatever else they do.
constexpr std::array signs{"client_protocol_version"sv, "driver_version"sv};
/// Those of a login by token.
constexpr std::array token_signs{"idp_type"sv, "token_type"sv, "provider_name"sv, "identity_namespace"sv, "idc_client_display_name"sv};

bool has_any(const protocol::Settings& settings, const auto& names) {
  return std::any_of(settings.begin(), settings.end(),
                     [&](const auto& entry) { return std::find(names.begin(), names.end(), entry.first) != names.end(); });
}

}  // namespace

bool is_driver_parameter(std::string_view name) { return std::find(parameters.begin(), parameters.end(), name) != parameters.end(); }

bool is_driver(const protocol::StartupMessage& message) { return has_any(message.parameters, signs); }

void adapt(protocol::StartupMessage& message) {
  if (is_driver(message)) {
    message.requested_minor = message.minor = 0;
    message.unknown_extensions.clear();
  }
  std::erase_if(message.parameters, [](const auto& entry) { return is_driver_parameter(entry.first); });
}

std::optional<protocol::SqlError> refuse_token_login(const protocol::StartupMessage& message) {
  if (!message.user.empty() || (!is_driver(message) && !has_any(message.parameters, token_signs))) return std::nullopt;
  protocol::SqlError error;
  error.severity = protocol::Severity::fatal;
  error.sqlstate = protocol::sqlstate::invalid_authorization;
  error.message = "no user name in the startup packet: pgswitch does not check tokens of identity providers";
  error.hint = "Connect with the name and password of a database user.";
  return error;
}

}  // namespace pgswitch::redshift
