#include "proxy/session/prepared.hpp"

#include <openssl/evp.h>

#include <cstring>

namespace pgswitch {

PreparedKey prepared_key(std::string_view text, std::string_view parameter_types, std::string_view settings) {
  // A cryptographic hash, for a client may choose texts: two of them under one name would run the wrong statement.
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  std::string whole = std::to_string(text.size());
  whole.append(1, ',').append(std::to_string(parameter_types.size()));
  whole.append(1, ':').append(text).append(parameter_types).append(settings);
  EVP_Digest(whole.data(), whole.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  PreparedKey key;
  std::memcpy(&key.high, digest.data(), 8);
  std::memcpy(&key.low, digest.data() + 8, 8);
  return key;
}

ServerName server_name(const PreparedKey& key) {
  static constexpr char digits[] = "0123456789abcdef";
  ServerName name;
  std::memcpy(name.data(), "pgs_", 4);
  for (int i = 0; i < 16; ++i) {
    name[static_cast<std::size_t>(4 + i)] = digits[(key.high >> (60 - 4 * i)) & 15];
    name[static_cast<std::size_t>(20 + i)] = digits[(key.low >> (60 - 4 * i)) & 15];
  }
  return name;
}

bool PreparedSet::contains(const PreparedKey& key) {
  const auto found = index_.find(key);
  if (found == index_.end()) return false;
  if (found->second != order_.begin()) order_.splice(order_.begin(), order_, found->second);
  return true;
}

std::optional<PreparedKey> PreparedSet::find(std::uint32_t low) const {
  for (const PreparedKey& key : order_)
    if (static_cast<std::uint32_t>(key.low) == low) return key;
  return std::nullopt;
}

void PreparedSet::insert(const PreparedKey& key) {
  if (contains(key)) return;
  order_.push_front(key);
  index_.emplace(key, order_.begin());
}

void PreparedSet::erase(const PreparedKey& key) {
  const auto found = index_.find(key);
  if (found == index_.end()) return;
  order_.erase(found->second);
  index_.erase(found);
}

void PreparedSet::clear() {
  order_.clear();
  index_.clear();
  unnamed = {};
  stale.clear();
}

}  // namespace pgswitch
