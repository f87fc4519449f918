#include "proxy/redshift/face.hpp"

#include <algorithm>
#include <array>

namespace pgswitch::redshift {
namespace {

using namespace std::string_view_literals;

/// Of all that Redshift reports, what PostgreSQL reports too.
constexpr std::array shared{"application_name"sv, "client_encoding"sv, "DateStyle"sv, "integer_datetimes"sv, "is_superuser"sv, "server_encoding"sv,
                            "server_version"sv, "session_authorization"sv, "TimeZone"sv};
constexpr std::array of_redshift{"padb_revision"sv, "padb_version"sv};

bool contains(const auto& names, std::string_view name) { return std::find(names.begin(), names.end(), name) != names.end(); }

bool has(const ParameterList& list, std::string_view name) {
  return std::any_of(list.begin(), list.end(), [name](const auto& entry) { return entry.first == name; });
}

}  // namespace

bool is_redshift(std::string_view version) { return version.find("Redshift") != version.npos; }

std::vector<std::pair<std::string, std::string>> askable(const std::vector<std::pair<std::string, std::string>>& settings) {
  std::vector<std::pair<std::string, std::string>> asked;
  for (const auto& setting : settings) {
    const Tracked tracked = find_tracked(setting.first);
    if (tracked == Tracked::client_encoding || tracked == Tracked::date_style || tracked == Tracked::time_zone) asked.push_back(setting);
  }
  return asked;
}

ParameterList face_of(const ParameterList& reported, std::string_view server_version) {
  ParameterList face;
  for (const auto& [name, value] : reported)
    if (contains(shared, name) || (server_version.empty() && contains(of_redshift, name))) set_parameter(face, name, value);
  if (!server_version.empty()) set_parameter(face, "server_version", server_version);
  for (const std::string_view encoding : {"server_encoding"sv, "client_encoding"sv}) set_parameter(face, encoding, "UTF8");
  set_parameter(face, "standard_conforming_strings", "on");
  for (const auto& [name, value] : {std::pair("integer_datetimes"sv, "on"sv), std::pair("IntervalStyle"sv, "postgres"sv),
                                    std::pair("DateStyle"sv, "ISO, MDY"sv), std::pair("TimeZone"sv, "UTC"sv), std::pair("application_name"sv, ""sv)})
    if (!has(face, name)) set_parameter(face, name, value);
  return face;
}

}  // namespace pgswitch::redshift
