#include "rules/decision.hpp"

#include <array>
#include <cstdio>
#include <utility>

#include "rules/route_names.hpp"

namespace pgswitch::rules {

void StatementLimits::add(const StatementLimits& more) {
  if (more.delay_us != 0) delay_us = more.delay_us;
  if (more.timeout_us != 0) timeout_us = more.timeout_us;
  if (more.max_rows != 0) max_rows = more.max_rows;
}

std::string StatementLimits::describe() const {
  std::string all;
  const auto add = [&all](const char* what, double value, const char* unit) {
    if (value == 0) return;
    char text[64];
    std::snprintf(text, sizeof text, "%s%s %.12g%s", all.empty() ? "" : ", ", what, value, unit);
    all += text;
  };
  add("delay", static_cast<double>(delay_us) / 1e6, " s");
  add("timeout", static_cast<double>(timeout_us) / 1e6, " s");
  add("max_rows", static_cast<double>(max_rows), "");
  return all;
}

std::string describe_fallback(RouteId route) { return route == no_route ? std::string("none") : route_name(route); }

std::string describe(Dependencies dependencies) {
  static constexpr std::array<std::pair<Dependency, std::string_view>, 11> words = {{
      {Dependency::shape, "the statement's shape"},
      {Dependency::text, "its text"},
      {Dependency::user, "the user"},
      {Dependency::database, "the database"},
      {Dependency::application_name, "the application's name"},
      {Dependency::client_address, "the client's address"},
      {Dependency::tls, "the client's TLS"},
      {Dependency::search_path, "the search_path"},
      {Dependency::wished_route, "pgswitch.route"},
      {Dependency::in_transaction, "whether a transaction is open"},
      {Dependency::volatile_, "the moment"},
  }};
  std::string all;
  for (const auto& [dependency, word] : words) {
    if (!has(dependencies, dependency)) continue;
    if (!all.empty()) all += ", ";
    all += word;
  }
  return all;
}

}  // namespace pgswitch::rules
