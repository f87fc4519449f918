#include "protocol/scram_keys.hpp"

namespace pgswitch::protocol {

std::string saslprep(std::string_view password) { return std::string(password); }

}  // namespace pgswitch::protocol
