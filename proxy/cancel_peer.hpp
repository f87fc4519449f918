#pragma once
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>
#include <string>

namespace pgswitch {

class Worker;

/// Cancel keys among peers, as pgbouncer has them, so that both kinds may be peers of each other: of the eight bytes that a client
/// is told, the second and the third are the peer id, low byte first, and the last two bits of the secret's last byte count how
/// often the request may still be passed on, from 3. The process id is positive.
struct PeerKey {
  static constexpr char hops = 3;

  /// A random process id of peer `peer_id`; nullopt when there is no randomness.
  static std::optional<std::uint32_t> make_process_id(int peer_id);
  static int peer_of(std::uint32_t process_id);
  /// The secret as it was told to the client, however often the request was passed on.
  static std::string at_home(std::string secret);
  /// The secret to pass on; nullopt when it may not be any more.
  static std::optional<std::string> passed_on(std::string secret);
};

/// A CancelRequest of a client of the peer `peer_id`, which must be in [peers]: passes it on and waits until the peer has closed the
/// connection, as the client does. pool_size of the peer are passed on at one time. No answer in any case.
boost::asio::awaitable<void> pass_to_peer(Worker& from, int peer_id, std::uint32_t process_id, std::string secret);

/// A CancelRequest that is of no client here: to the process that this one has replaced, or, when that has ended, to the one before
/// it. Each does the same with what is none of its own, so that none is asked twice.
boost::asio::awaitable<void> pass_to_predecessor(Worker& from, std::uint32_t process_id, std::string secret);

}  // namespace pgswitch
