#include "proxy/redshift/upkeep.hpp"

#include <algorithm>
#include <cctype>

namespace pgswitch::redshift {

bool contains_words(std::string_view sql, std::string_view words) {
  const auto same = [](char left, char right) {
    return std::toupper(static_cast<unsigned char>(left)) == static_cast<unsigned char>(right);
  };
  return std::search(sql.begin(), sql.end(), words.begin(), words.end(), same) != sql.end();
}

std::string_view reset_query(std::string_view configured) {
  for (const std::string_view refused : {"DISCARD", "DEALLOCATE ALL", "CLOSE ALL", "UNLISTEN", "PG_ADVISORY_UNLOCK"})
    if (contains_words(configured, refused)) return "RESET ALL";
  return configured;
}

bool can_reset(const ServerState& state, bool state_unknown) {
  return !state_unknown && !state.session_state && !state.settings.find("session_authorization") && !state.settings.find("role");
}

std::string_view check_query(std::string_view configured) {
  return configured == "<empty>" || configured.empty() ? std::string_view("SELECT 1") : configured;
}

}  // namespace pgswitch::redshift
