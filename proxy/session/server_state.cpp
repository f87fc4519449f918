#include "proxy/session/server_state.hpp"

#include <strings.h>

#include <cctype>

namespace pgswitch {
namespace {

constexpr std::array<std::string_view, tracked_count> names{
    "client_encoding", "DateStyle", "TimeZone", "IntervalStyle", "standard_conforming_strings", "application_name"};

}  // namespace

std::string_view to_string(Tracked setting) { return names[static_cast<std::size_t>(setting)]; }

Tracked find_tracked(std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i].size() == name.size() && strncasecmp(names[i].data(), name.data(), name.size()) == 0)
      return static_cast<Tracked>(i);
  return Tracked::count;
}

std::string usual_value(Tracked setting, std::string_view value) {
  if (setting == Tracked::client_encoding && value == "UNICODE") return "UTF8";
  std::string usual(value);
  if (setting == Tracked::date_style && value.starts_with("iso"))
    for (char& c : usual) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return usual;
}

void TrackedCopy::set(std::size_t i, std::string_view value) {
  if ((*values_)[i] == value) return;
  TrackedValues values = *values_;
  values[i] = value;
  values_ = Shared<TrackedValues>(std::move(values));
}

const Shared<TrackedValues>& TrackedCopy::none() {
  static const Shared<TrackedValues> values{TrackedValues()};
  return values;
}

}  // namespace pgswitch
