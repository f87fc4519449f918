#include "proxy/cancel_key.hpp"

#include <openssl/rand.h>

namespace pgswitch {

std::string random_secret(std::size_t size) {
  std::string secret(size, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(secret.data()), static_cast<int>(size)) != 1) secret.clear();
  return secret;
}

}  // namespace pgswitch
