#include "proxy/cancel_key.hpp"

#include <openssl/rand.h>

namespace pgswitch {

std::string random_secret(std::size_t size) {
  std::string secret(size, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(secret.data()), static_cast<int>(size)) != 1) secret.clear();
  return secret;
}

void ServerProcessIds::add(std::uint32_t process_id, CancelKey session) {
  const std::lock_guard lock(mutex_);
  sessions_.emplace(process_id, session);
}

void ServerProcessIds::remove(std::uint32_t process_id, CancelKey session) {
  const std::lock_guard lock(mutex_);
  const auto [first, last] = sessions_.equal_range(process_id);
  for (auto i = first; i != last; ++i) {
    if (i->second == session) {
      sessions_.erase(i);
      return;
    }
  }
}

std::vector<CancelKey> ServerProcessIds::find(std::uint32_t process_id) const {
  const std::lock_guard lock(mutex_);
  std::vector<CancelKey> found;
  const auto [first, last] = sessions_.equal_range(process_id);
  for (auto i = first; i != last; ++i) found.push_back(i->second);
  return found;
}

}  // namespace pgswitch
