#include "proxy/session/prepared.hpp"

#include <openssl/evp.h>

#include <cstring>

namespace pgswitch {

namespace {

/// Of each byte.
constexpr auto hex_digits = [] {
  std::array<std::array<char, 2>, 256> digits{};
  for (std::size_t byte = 0; byte < digits.size(); ++byte) digits[byte] = {"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
  return digits;
}();

}  // namespace

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
  ServerName name;
  std::memcpy(name.data(), "pgs_", 4);
  for (std::size_t i = 0; i < 8; ++i) {
    std::memcpy(&name[4 + 2 * i], hex_digits[(key.high >> (56 - 8 * i)) & 255].data(), 2);
    std::memcpy(&name[20 + 2 * i], hex_digits[(key.low >> (56 - 8 * i)) & 255].data(), 2);
  }
  return name;
}

bool PreparedSet::contains(const PreparedKey& key) {
  if (!order_.empty() && order_.front() == key) return true;
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
