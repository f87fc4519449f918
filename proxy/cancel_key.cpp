#include "proxy/cancel_key.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <array>
#include <cstring>

namespace pgswitch {
namespace {

/// Bytes drawn from OpenSSL in advance: drawing many costs little more than drawing a few. Each is given out once and then
/// overwritten. One for a thread.
class RandomStore {
 public:
  /// False: OpenSSL has no randomness now.
  bool take(char* target, std::size_t size) {
    if (size > bytes_.size()) return draw(reinterpret_cast<unsigned char*>(target), size);
    if (size > left_) {
      if (!draw(bytes_.data(), bytes_.size())) return false;
      left_ = bytes_.size();
    }
    left_ -= size;
    std::memcpy(target, bytes_.data() + left_, size);
    OPENSSL_cleanse(bytes_.data() + left_, size);
    return true;
  }

 private:
  static bool draw(unsigned char* target, std::size_t size) { return RAND_bytes(target, static_cast<int>(size)) == 1; }

  std::array<unsigned char, 1024> bytes_{};
  std::size_t left_ = 0;  ///< at the front
};

}  // namespace

std::string random_secret(std::size_t size) {
  thread_local RandomStore store;
  std::string secret(size, '\0');
  if (!store.take(secret.data(), size)) secret.clear();
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
