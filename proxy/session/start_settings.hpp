#pragma once
#include <string>
#include <utility>
#include <vector>

#include "proxy/session/server_state.hpp"

namespace pgswitch {

/// The client's start-up settings that no server reports, as statements that set them on any server, sorted by name. They
/// are the values that RESET returns to. Clients that begin alike share them, as a rule.
Settings start_settings(const std::vector<std::pair<std::string, std::string>>& startup);

}  // namespace pgswitch
