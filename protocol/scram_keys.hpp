#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "protocol/crypto.hpp"

namespace pgswitch::protocol {

/// Everything SCRAM-SHA-256 derives from a password (RFC 5802, 3). A plain value, overwritten at the end of its life.
/// From a password all keys are known; from a stored secret the client key is not, until the user has logged in once and
/// shown it: then these keys can log in to a server that holds the same secret (pass-through).
struct ScramKeys {
  std::string salt;  ///< raw bytes; empty = of unknown origin, for any salt
  std::uint32_t iterations = 0;
  Digest stored_key{};
  Digest server_key{};
  Digest client_key{};
  bool has_client_key = false;

  ScramKeys() = default;
  ScramKeys(const ScramKeys&) = default;
  ScramKeys& operator=(const ScramKeys&) = default;
  ~ScramKeys();
};

inline constexpr std::uint32_t default_scram_iterations = 4096;

/// The password is prepared by saslprep() here. Takes a few milliseconds for 4096 iterations: use a ScramKeyCache.
ScramKeys derive_scram_keys(std::string_view password, std::string_view salt, std::uint32_t iterations);

/// The stored form `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`; nullopt for anything else.
std::optional<ScramKeys> parse_scram_secret(std::string_view text);
std::string format_scram_secret(const ScramKeys& keys);

/// A salt that is always the same for a user and tells nothing: 16 bytes of HMAC(process secret, user). For users whose
/// secret has no salt of its own, plaintext and unknown alike, so that the two look the same (PostgreSQL's mock nonce).
std::string scram_salt(std::string_view process_secret, std::string_view user);

/// Keys for an exchange that cannot succeed, for a user who does not exist or has no usable secret: only what a client sees of
/// them means something.
ScramKeys mock_scram_keys(std::string_view process_secret, std::string_view user,
                          std::uint32_t iterations = default_scram_iterations);

/// RFC 4013 as far as it changes passwords in practice: see saslprep.cpp for what is left to the raw bytes.
std::string saslprep(std::string_view password);

/// Keys already derived, so that a reconnect does not pay for PBKDF2 again. Any thread; nothing is derived under its lock. The
/// index is a digest of user, password, salt and iterations: an entry is never stale, the oldest makes room for a new one.
class ScramKeyCache {
 public:
  explicit ScramKeyCache(std::size_t capacity = 1024) : capacity_(capacity) {}

  ScramKeys get_or_derive(std::string_view user, std::string_view password, std::string_view salt,
                          std::uint32_t iterations);
  /// nullopt when the keys have not been derived yet.
  std::optional<ScramKeys> find(std::string_view user, std::string_view password, std::string_view salt,
                                std::uint32_t iterations) const;
  void insert(std::string_view user, std::string_view password, ScramKeys keys);
  void clear();
  std::size_t size() const;

 private:
  std::size_t capacity_;
  mutable std::mutex mutex_;  ///< the members below
  std::unordered_map<std::string, ScramKeys> entries_;
  std::deque<std::string> age_;  ///< oldest first
};

}  // namespace pgswitch::protocol
