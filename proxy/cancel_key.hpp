#pragma once
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pgswitch {

/// Where a session lives, as the process id of its BackendKeyData tells it: 0, 7 bits worker, 24 bits slot. The number is no
/// secret; only the random secret beside it proves that a CancelRequest is the client's own.
struct CancelKey {
  std::uint32_t worker = 0;
  std::uint32_t slot = 0;

  static constexpr std::uint32_t max_workers = 1u << 7;
  static constexpr std::uint32_t max_slots = 1u << 24;

  std::uint32_t process_id() const { return worker << 24 | slot; }
  static CancelKey of_process_id(std::uint32_t process_id) { return {process_id >> 24, process_id & (max_slots - 1)}; }
  bool operator==(const CancelKey&) const = default;
};

/// The sessions that told their client the process id of its server, as PostgreSQL does, or one of a PeerKey, instead of their own
/// key's. Servers of two clusters can have the same one, so a number may stand for several sessions; the secret tells which is meant.
/// One for the process; any thread.
class ServerProcessIds {
 public:
  void add(std::uint32_t process_id, CancelKey session);
  void remove(std::uint32_t process_id, CancelKey session);
  std::vector<CancelKey> find(std::uint32_t process_id) const;

 private:
  mutable std::mutex mutex_;
  std::unordered_multimap<std::uint32_t, CancelKey> sessions_;
};

/// Size of the secret: 4 bytes is all that protocol 3.0 has room for; 3.2 takes up to 256 (manual, 55.7 BackendKeyData).
inline constexpr std::size_t short_cancel_secret = 4;
inline constexpr std::size_t long_cancel_secret = 32;

/// Fresh random bytes from OpenSSL; empty when there is no randomness, and then nobody may log in.
std::string random_secret(std::size_t size);

}  // namespace pgswitch
