#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "protocol/crypto.hpp"
#include "protocol/frame.hpp"

/// Redshift's AUTH_REQ_DIGEST (authentication code 13), as amazon-redshift-jdbc-driver (ConnectionFactoryImpl.java, ExtensibleDigest.java),
/// amazon-redshift-python-driver (core.py) and amazon-redshift-odbc-driver (fe-auth.c) speak it. The request holds an algorithm (0 is
/// SHA-256, the only one that any of them has), a salt and the server's nonce; the answer is a frame of type 'd' with
/// SHA256(SHA256(password + salt) + server's nonce + client's nonce) and the client's nonce. No state, any thread.
namespace pgswitch::protocol {

/// Type of the frame that answers AUTH_REQ_DIGEST, and of the one that answers AUTH_REQ_IDP (code 14) with a token.
inline constexpr char redshift_digest_answer = 'd';
inline constexpr char redshift_token_answer = 'i';

/// What Redshift stores of a password (Redshift Developer Guide, CREATE USER): `sha256|<hex of SHA256(password + salt)>|<hex of salt>`.
/// As good as the password where a server asks for a digest; overwritten at the end of its life.
struct DigestSecret {
  Digest salted{};   ///< SHA256(password + salt)
  std::string salt;  ///< raw bytes

  DigestSecret() = default;
  DigestSecret(const DigestSecret&) = default;
  DigestSecret& operator=(const DigestSecret&) = default;
  ~DigestSecret();
};
/// nullopt for anything but the stored form; hexadecimal digits in either case, a salt of at least a byte.
std::optional<DigestSecret> parse_digest_secret(std::string_view text);
DigestSecret derive_digest_secret(std::string_view password, ByteView salt);

struct DigestRequest {
  std::uint32_t algorithm = 0;
  ByteView salt;
  ByteView server_nonce;
};
inline constexpr std::uint32_t digest_algorithm_sha256 = 0;
/// The data behind the code of an authentication request; nullopt when it is malformed. Views into `data`.
std::optional<DigestRequest> read_digest_request(ByteView data);
/// The data of a request.
std::string digest_request(ByteView salt, ByteView server_nonce);

struct DigestAnswer {
  ByteView digest;
  ByteView client_nonce;
};
/// The body of a frame of type 'd'; nullopt when it is malformed. Views into `body`.
std::optional<DigestAnswer> read_digest_answer(ByteView body);
void write_digest_answer(std::string& out, const Digest& digest, ByteView client_nonce);

/// SHA256(salted + server_nonce + client_nonce).
Digest digest_response(const DigestSecret& secret, ByteView server_nonce, ByteView client_nonce);

}  // namespace pgswitch::protocol
