#include "proxy/auth/hba.hpp"

#include <algorithm>
#include <array>

namespace pgswitch {
namespace {

// An IPv4 client of an IPv6 socket is an IPv4 client: a line that keeps its network out must not be got round.
bool is_ipv4(const rules::AddressBytes& address) {
  constexpr std::array<unsigned char, 12> prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::equal(prefix.begin(), prefix.end(), address.begin());
}

}  // namespace

bool Hba::Names::contains(std::string_view name, const HbaRequest& request) const {
  return all || (same_user && request.database == request.user) || names.find(name) != names.end();
}

bool Hba::Line::holds(const rules::AddressBytes& address) const {
  if (any_address) return true;
  if (is_ipv4(address) != is_v4) return false;
  for (std::size_t i = 0; i < address.size(); ++i)
    if ((address[i] & mask[i]) != base[i]) return false;
  return true;
}

bool Hba::Line::is_about(const HbaRequest& request, const std::optional<rules::AddressBytes>& address) const {
  switch (transport) {
    case Transport::never: return false;
    case Transport::local:
      if (!request.is_unix) return false;
      break;
    case Transport::any:
    case Transport::tls:
    case Transport::plain:
      if (request.is_unix || !address || !holds(*address)) return false;
      if (transport == Transport::tls && !request.is_tls) return false;
      if (transport == Transport::plain && request.is_tls) return false;
  }
  const bool database = request.is_replication ? databases.replication : databases.contains(request.database, request);
  return database && users.contains(request.user, request);
}

const AuthRule* Hba::match(const HbaRequest& request) const {
  const auto address = request.is_unix ? std::nullopt : rules::parse_address(std::string(request.host));
  const auto found = std::find_if(lines_.begin(), lines_.end(), [&](const Line& line) { return line.is_about(request, address); });
  return found == lines_.end() ? nullptr : &found->rule;
}

}  // namespace pgswitch
