#include "proxy/config_foreign.hpp"

#include <algorithm>
#include <array>

namespace pgswitch {
namespace {

constexpr std::array foreign = {
    ForeignSetting{"routing_rules_py_module_file", "not_enabled",
                   "rules are Lua: port the module's routing_rules() and name the Lua file with rules_file (MIGRATING.md)"},
    ForeignSetting{"rewrite_query_py_module_file", "not_enabled",
                   "rules are Lua: port the module's rewrite_query() into the file that rules_file names (MIGRATING.md)"},
    ForeignSetting{"rewrite_query_disconnect_on_failure", "false",
                   "a rewrite that fails is refused and the client stays connected; rules_on_error says otherwise"},
    ForeignSetting{"topology_query", "", "list the servers in host= and the rules' routes; the read/write split is in conf/rules/read_write_split.lua"},
    ForeignSetting{"polling_frequency", "0.1", "servers are not polled for a switchover; RECONNECT or the DNS entry leads to the new one"},
    ForeignSetting{"server_failed_delay", "30", "servers are not polled for a switchover; server_login_retry is the pause after a failed login"},
};

}  // namespace

const ForeignSetting* find_foreign_setting(std::string_view key) {
  const auto found = std::find_if(foreign.begin(), foreign.end(), [key](const ForeignSetting& one) { return one.key == key; });
  return found == foreign.end() ? nullptr : &*found;
}

}  // namespace pgswitch
