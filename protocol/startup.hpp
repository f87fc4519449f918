#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/frame.hpp"
#include "protocol/sql_error.hpp"

/// What a client sends before its first frame with a type byte (manual, 55.2.1 and 55.7): the packets without one.
namespace pgswitch::protocol {

/// PostgreSQL's MAX_STARTUP_PACKET_LENGTH, plus the length word, which that limit does not count.
inline constexpr std::size_t max_startup_packet_size = 10000 + 4;
/// Protocol 3.2 is the newest there is (PostgreSQL 18); 3.1 was never used.
inline constexpr std::uint32_t newest_protocol_minor = 2;

enum class StartupKind : std::uint8_t {
  need_more,       ///< read on; nothing is consumed
  malformed,       ///< close without an answer, as PostgreSQL does
  direct_tls,      ///< a TLS ClientHello; nothing is consumed
  ssl_request,     ///< answer 'S' or 'N'; bytes behind it are an attack (CVE-2021-23214) if the answer is 'S'
  gss_request,     ///< answer 'N'; the same holds
  cancel_request,  ///< read_cancel_request(), then close without an answer
  startup          ///< read_startup()
};

struct StartupPacket {
  StartupKind kind = StartupKind::need_more;
  ByteView bytes;  ///< the whole packet with its length word; empty for need_more, malformed and direct_tls
};

/// Looks at the start of what has been received. The length is judged as soon as it is here, before the body.
StartupPacket scan_startup(ByteView in);

struct CancelRequest {
  std::uint32_t process_id = 0;
  ByteView secret;  ///< 4 bytes, or up to 256 in protocol 3.2
};
std::optional<CancelRequest> read_cancel_request(ByteView packet);

enum class Replication : std::uint8_t { none, physical, logical };

using Settings = std::vector<std::pair<std::string, std::string>>;

/// A StartupMessage as a session needs it. Names and values are the client's bytes, in the client's order.
struct StartupMessage {
  std::uint32_t requested_major = 3;
  std::uint32_t requested_minor = 0;
  std::uint32_t minor = 0;  ///< what both sides speak from now on: 3.minor; secrets longer than 4 bytes need 2
  std::string user;
  std::string database;  ///< the user's name when the client gave none
  Replication replication = Replication::none;
  std::string options;         ///< the parameter `options` as it came
  Settings option_settings;    ///< the same, taken apart; empty for replication, whose options go to the server as they are
  std::optional<SqlError> options_error;  ///< what is wrong with it: FATAL, told once the client has proved who it is
  Settings parameters;         ///< everything else
  std::vector<std::string> unknown_extensions;  ///< names that begin with `_pq_.`; none is known

  /// write_negotiate_protocol_version(out, minor, unknown_extensions) must come before the authentication request.
  bool must_negotiate() const { return requested_minor > minor || !unknown_extensions.empty(); }
  /// The client knows errors in the form of write_error_before_v3() only. As in PostgreSQL, 0.0 is no version at all.
  bool predates_v3() const { return requested_major < 3 && (requested_major != 0 || requested_minor != 0); }
};

/// Reads a packet of kind `startup`. Speaks at most 3.`newest_minor`. The error is FATAL, to be sent before closing:
/// 0A000 for another major version, 08P01 for a bad layout, 28000 without a user, 22023 for a bad `replication` value.
std::optional<SqlError> read_startup(ByteView packet, StartupMessage& message,
                                     std::uint32_t newest_minor = newest_protocol_minor);

/// Takes apart the value of `options`, as process_postgres_switches and getopt() do: `-c name=value`, `--name=value` and the other
/// switches of the postgres program (`-e`, `-S 64`, `-f s`, ...), which become the settings that they stand for; several may share a
/// word (`-eS64`), a backslash escapes white space. A '-' in a name becomes '_'. Which of them the user may set, and to what, the
/// server says. What is no switch is 42601, behind all the settings before it.
std::optional<SqlError> parse_options(std::string_view options, Settings& settings);

}  // namespace pgswitch::protocol
