#pragma once
#include <cstdint>
#include <string>
#include <string_view>

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

/// Size of the secret: 4 bytes is all that protocol 3.0 has room for; 3.2 takes up to 256 (manual, 55.7 BackendKeyData).
inline constexpr std::size_t short_cancel_secret = 4;
inline constexpr std::size_t long_cancel_secret = 32;

/// Fresh random bytes from OpenSSL; empty when there is no randomness, and then nobody may log in.
std::string random_secret(std::size_t size);

}  // namespace pgswitch
