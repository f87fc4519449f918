#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "protocol/redshift_digest.hpp"
#include "protocol/scram.hpp"
#include "protocol/sql_error.hpp"

/// Both ends of the authentication dialogue (manual, 55.2.1 and 55.3) as state machines without I/O. How a coroutine
/// drives them (`out` is a std::string that is written to the socket and cleared after each step):
///
///   we are the server, after read_startup():
///     ServerLogin login(options);                       // 22 random bytes, the stored credential, ...
///     LoginStatus status = login.start(out);
///     while (status == LoginStatus::need_more) {
///       write(out); frame = read one frame of at most max_password_frame_size bytes, within client_login_timeout
///       status = login.on_message(frame, out);
///     }
///     failed: write_error(out, login.error()), write, close.    done: `out` ends with AuthenticationOk.
///
///   we are the client, after write_startup():
///     ClientLogin login(options);                       // 18 random bytes
///     loop: frame = read one frame
///       'R'           status = login.on_authentication(frame.body, out); write(out); done: go on to ReadyForQuery
///       'E'           the server refuses: backend::read_error(frame.body)
///       'v','N'       NegotiateProtocolVersion, notice;  anything else before `done` is 08P01
///     failed: login.error(); close the connection.
namespace pgswitch::protocol {

struct Password {
  SecretText text;
};
struct Md5Secret {
  SecretText text;  ///< "md5" + 32 hexadecimal digits
};
/// What is known of a user's password; monostate = nothing that can be used (unknown user, empty password).
using Credential = std::variant<std::monostate, Password, Md5Secret, ScramKeys, DigestSecret>;

/// Tells a stored secret's kind by its form: md5..., SCRAM-SHA-256$..., sha256|...|..., else a plaintext password.
Credential parse_credential(std::string_view stored);

enum class LoginStatus : std::uint8_t { need_more, done, failed };
/// `handed_over`: the password comes in the clear and somebody else checks it. `done` then, with the password as
/// proven_credential(), and without AuthenticationOk, which the caller writes when it is right.
enum class LoginMethod : std::uint8_t { trust, password, md5, scram_sha_256, handed_over, redshift_digest };

/// PostgreSQL's PG_MAX_AUTH_TOKEN_LENGTH is 65535, length word included; pass this to read_header() while a login goes on.
inline constexpr std::size_t max_password_frame_size = 1 + 65535;
/// PostgreSQL's PG_MAX_SASL_MESSAGE_LENGTH, length word included. A longer one is a wrong password to it, and to us.
inline constexpr std::size_t max_sasl_message_size = 1024;

/// A client logs in to us. The wrong password, an unknown user and a user without a usable secret look alike: the same
/// steps, the same 28P01. Nothing is allocated that the client could size above max_password_frame_size.
class ServerLogin {
 public:
  /// Random bytes needed: 4 for the md5 salt, then 18 for the SCRAM nonce; all of them are the nonce of a digest.
  static constexpr std::size_t random_bytes = 4 + scram_nonce_bytes;

  struct Options {
    LoginMethod method = LoginMethod::scram_sha_256;
    std::string user;
    Credential credential;
    std::string random;          ///< random_bytes fresh bytes; `trust` needs none
    std::string_view process_secret;  ///< random, made once per process and kept: the salts of scram_salt() stay the same
    std::string channel_binding; ///< tls_server_end_point() of our certificate; empty without TLS
    std::uint32_t scram_iterations = default_scram_iterations;  ///< for users without a stored SCRAM secret
    ScramKeyCache* cache = nullptr;  ///< spares PBKDF2 for plaintext passwords; may be null
  };
  explicit ServerLogin(Options options);

  /// The next step derives keys that are not in the cache: milliseconds (PBKDF2) that a caller may spend on another thread.
  bool is_costly();
  /// Appends the authentication request. `md5` becomes SCRAM for a user whose stored secret is SCRAM (as in pgbouncer).
  LoginStatus start(std::string& out);
  /// Any frame the client sends while the login goes on; whatever is not 'p', or 'd' where a digest was asked for, fails it.
  LoginStatus on_message(const Frame& frame, std::string& out);
  /// The body of a 'p' frame: PasswordMessage, SASLInitialResponse, SASLResponse.
  LoginStatus on_password_message(ByteView body, std::string& out);

  /// FATAL; set by `failed`.
  const SqlError& error() const { return error_; }
  /// After `done`, what a login at a server can use on the client's behalf: SCRAM keys with their client key, or the
  /// password the client sent in the clear; else the stored credential.
  const Credential& proven_credential() const { return options_.credential; }

 private:
  enum class Step : std::uint8_t { start, password, md5, digest, sasl_initial, sasl_first, sasl_final, over };

  LoginStatus on_cleartext(ByteView body, std::string& out);
  LoginStatus on_md5(ByteView body, std::string& out);
  LoginStatus start_digest(std::string& out);
  LoginStatus on_digest(ByteView body, std::string& out);
  LoginStatus on_sasl_initial(ByteView body, std::string& out);
  LoginStatus on_client_first(ByteView message, std::string& out);
  LoginStatus on_client_final(ByteView message, std::string& out);
  LoginStatus start_scram(std::string& out);
  bool matches(std::string_view password);
  LoginStatus finish(bool proven, std::string& out);
  LoginStatus fail(std::string_view sqlstate, std::string message);
  ByteView salt() const { return ByteView(options_.random).substr(0, 4); }

  Options options_;
  Step step_ = Step::start;
  std::optional<ScramKeys> known_keys_;  ///< of a plaintext password, found in the cache
  std::optional<ScramServer> scram_;
  std::optional<DigestSecret> digest_;  ///< what a digest is checked against; of an unknown user nobody's
  SqlError error_;
};

/// We log in to a server, which is not trusted more than a client is.
class ClientLogin {
 public:
  /// Random bytes needed: the SCRAM nonce.
  static constexpr std::size_t random_bytes = scram_nonce_bytes;

  struct Options {
    std::string user;
    Credential credential;
    std::string random;              ///< random_bytes fresh bytes
    bool allow_cleartext = false;    ///< the connection is TLS or a Unix socket
    SecretText token;                ///< of an identity provider, for a server that asks for one (Redshift); sent as allow_cleartext says
    ScramClient::Options scram;      ///< channel binding, cap on iterations
    ScramKeyCache* cache = nullptr;  ///< may be null
  };
  explicit ClientLogin(Options options);
  /// For Options::token, when it is asked for only once the server has.
  void set_token(SecretText token) { options_.token = std::move(token); }

  /// As ServerLogin's: on_authentication() of this body may derive keys.
  bool is_costly(ByteView body) const;
  /// The body of an 'R' frame. `done` = AuthenticationOk, and the SCRAM server's signature was right if there was one.
  LoginStatus on_authentication(ByteView body, std::string& out);
  /// FATAL; set by `failed`. The text names no secret and can be shown to the client.
  const SqlError& error() const { return error_; }

 private:
  enum class Step : std::uint8_t { start, answered, sasl_first, sasl_final, sasl_done, over };

  LoginStatus on_ok();
  LoginStatus on_cleartext(std::string& out);
  LoginStatus on_md5(ByteView salt, std::string& out);
  LoginStatus on_digest(ByteView data, std::string& out);
  LoginStatus on_token(std::string& out);
  LoginStatus on_sasl(ByteView mechanisms, std::string& out);
  LoginStatus on_sasl_continue(ByteView data, std::string& out);
  LoginStatus on_sasl_final(ByteView data);
  LoginStatus on_unsupported(std::uint32_t code);
  bool make_scram();
  LoginStatus wrong_secret(std::string_view method);
  LoginStatus unexpected();
  LoginStatus fail(std::string_view sqlstate, std::string message);

  Options options_;
  Step step_ = Step::start;
  std::optional<ScramClient> scram_;
  SqlError error_;
};

/// Codes of authentication requests (manual, 55.7; Redshift's 13 and 14 from its drivers).
namespace authentication_code {
inline constexpr std::uint32_t ok = 0, cleartext = 3, md5 = 5, gss = 7, gss_continue = 8, sspi = 9, sasl = 10,
                               sasl_continue = 11, sasl_final = 12, redshift_digest = 13, redshift_idp = 14;
}

}  // namespace pgswitch::protocol
