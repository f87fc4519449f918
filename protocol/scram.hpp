#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/scram_keys.hpp"
#include "protocol/sql_error.hpp"

/// SCRAM-SHA-256 and SCRAM-SHA-256-PLUS with `tls-server-end-point` (RFC 5802, 7677, 5929; manual, 55.3), both roles.
/// The classes speak SCRAM messages; the frames around them are login.hpp's.
namespace pgswitch::protocol {

class AttributeReader;

inline constexpr std::string_view scram_mechanism = "SCRAM-SHA-256";
inline constexpr std::string_view scram_plus_mechanism = "SCRAM-SHA-256-PLUS";

/// Random bytes handed in for a nonce: 18, which base64 makes 24 printable characters, as in PostgreSQL.
inline constexpr std::size_t scram_nonce_bytes = 18;
std::string scram_nonce(ByteView random);
/// The longest message read from a server; PostgreSQL's are below 300 bytes. Bounds every allocation of an exchange.
inline constexpr std::size_t max_scram_message_size = 8192;
/// The most iterations a server can make us compute, in less than a second; OWASP recommends 600,000.
inline constexpr std::uint32_t max_scram_iterations = 1'000'000;

enum class ScramStatus : std::uint8_t {
  need_more,
  done,
  refused,  ///< wrong proof or unknown user; the two cannot be told apart, and there is no error()
  failed    ///< the peer does not speak SCRAM, see error()
};

/// The server's side of one exchange.
class ScramServer {
 public:
  /// `genuine` is false for mock keys: the exchange then takes the same steps and is refused at its end.
  /// `channel_binding` is tls_server_end_point() of the certificate we showed; empty = no TLS or nothing to bind to.
  /// `nonce` is fresh, from scram_nonce().
  ScramServer(ScramKeys keys, bool genuine, std::string nonce, std::string channel_binding);

  /// The data of AuthenticationSASL: names with their NULs, and the NUL that ends the list.
  std::string mechanisms() const;
  /// The mechanism the client chose. False when it was not offered.
  bool select(std::string_view mechanism);
  ScramStatus on_client_first(ByteView message, std::string& reply);
  ScramStatus on_client_final(ByteView message, std::string& reply);

  /// Once done: with the client key, good for pass-through.
  const ScramKeys& keys() const { return keys_; }
  /// FATAL; set by `failed`.
  const SqlError& error() const { return error_; }

 private:
  ScramStatus fail(std::string_view sqlstate, std::string_view message, std::string_view detail);
  ScramStatus malformed(std::string_view detail);
  bool is_text(ByteView message);
  ScramStatus read_binding_flag(AttributeReader& in);
  ScramStatus wrong_binding();
  bool is_bound(std::string_view encoded) const;
  bool is_proven(ByteView proof);

  ScramKeys keys_;
  bool genuine_;
  bool plus_ = false;
  std::string channel_binding_;
  std::string nonce_;         ///< ours, then the client's and ours
  std::string gs2_header_;    ///< the beginning of client-first that channel binding covers
  std::string auth_message_;  ///< RFC 5802, 3: what both sides sign
  SqlError error_;
};

/// The client's side of one exchange.
class ScramClient {
 public:
  struct Options {
    std::string channel_binding;           ///< tls_server_end_point() of the server's certificate; empty without TLS
    bool require_channel_binding = false;  ///< libpq's channel_binding=require
    std::uint32_t max_iterations = max_scram_iterations;
  };
  /// `user` is only the cache's index: the server knows the user from the start-up packet. `nonce` is fresh, from
  /// scram_nonce(). `cache` may be null.
  ScramClient(std::string_view user, SecretText password, std::string nonce, Options options, ScramKeyCache* cache);
  /// Pass-through: `keys` must have the client key.
  ScramClient(ScramKeys keys, std::string nonce, Options options);

  /// Chooses from the names in the data of AuthenticationSASL; empty, with an error(), when there is none to choose.
  std::string_view choose(ByteView mechanisms);
  std::string client_first();
  ScramStatus on_server_first(ByteView message, std::string& reply);
  /// `done` means that the server, too, has proved that it knows the secret.
  ScramStatus on_server_final(ByteView message);

  const SqlError& error() const { return error_; }

 private:
  ScramStatus fail(std::string_view sqlstate, std::string message);
  bool find_keys(const std::string& salt, std::uint32_t iterations);
  std::string proof();

  SecretText password_;
  std::string user_;
  ScramKeys keys_;
  Options options_;
  ScramKeyCache* cache_ = nullptr;
  std::string gs2_header_;
  std::string nonce_;
  std::string auth_message_;
  SqlError error_;
};

}  // namespace pgswitch::protocol
