#include "tests/redshift/login.hpp"

#include <openssl/rand.h>

#include "protocol/crypto.hpp"
#include "protocol/login.hpp"
#include "protocol/reader.hpp"
#include "protocol/writer.hpp"
#include "tests/redshift/errors.hpp"
#include "tests/redshift/hex.hpp"

namespace pgswitch::stand_in {
namespace {

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)) != 1) throw Lost("no random bytes");
  return bytes;
}

[[noreturn]] void refuse(const std::string& user) {
  throw Refused{sql_error("28000", "password authentication failed for user \"" + user + "\"", protocol::Severity::fatal)};
}

std::string int32(std::size_t value) {
  std::string bytes(4, '\0');
  for (int i = 0; i < 4; ++i) bytes[static_cast<std::size_t>(i)] = static_cast<char>(value >> (24 - 8 * i) & 0xff);
  return bytes;
}

/// Cleartext and md5 are PostgreSQL's.
void log_in_as_postgres(Channel& client, protocol::LoginMethod method, const std::string& user, const std::string& secret) {
  protocol::ServerLogin::Options options;
  options.method = method;
  options.user = user;
  options.credential = protocol::parse_credential(secret);
  options.random = random_bytes(protocol::ServerLogin::random_bytes);
  options.process_secret = "of the stand-in";
  protocol::ServerLogin login(std::move(options));
  protocol::LoginStatus status = login.start(client.out());
  while (status == protocol::LoginStatus::need_more) {
    client.flush();
    status = login.on_message(client.read_frame(protocol::max_password_frame_size), client.out());
  }
  if (status == protocol::LoginStatus::failed) refuse(user);
}

/// The stored form is sha256|digest|salt in hexadecimal digits; a password is given a salt of the moment.
std::pair<std::string, std::string> digest_and_salt(const std::string& secret) {
  const std::size_t bar = secret.rfind('|');
  if (secret.starts_with("sha256|") && bar > 6) return {from_hex(secret.substr(7, bar - 7)), from_hex(secret.substr(bar + 1))};
  const std::string salt = random_bytes(32);
  return {stored_digest(secret, salt), salt};
}

void log_in_by_digest(Channel& client, const std::string& user, const std::string& secret) {
  const auto [stored, salt] = digest_and_salt(secret);
  const std::string nonce = random_bytes(32);
  protocol::write_authentication(client.out(), protocol::authentication_code::redshift_digest,
                                 int32(0) + int32(salt.size()) + salt + int32(nonce.size()) + nonce);
  client.flush();
  const protocol::Frame frame = client.read_frame(protocol::max_password_frame_size);
  protocol::BodyReader reader(frame.body);
  const std::string digest(reader.bytes(reader.int32()));
  const std::string client_nonce(reader.bytes(reader.int32()));
  if (frame.type != 'd' || !reader.at_end() || secret.empty() || digest != digest_answer(stored, nonce, client_nonce)) refuse(user);
  protocol::write_authentication(client.out(), protocol::authentication_code::ok);
}

/// The token comes with or without a NUL behind it (facts 1.2 "AUTH_REQ_IDP").
void log_in_by_token(Channel& client, const Options& options, std::string& user) {
  protocol::write_authentication(client.out(), protocol::authentication_code::redshift_idp);
  client.flush();
  const protocol::Frame frame = client.read_frame(protocol::max_password_frame_size);
  std::string token(frame.body);
  if (token.ends_with('\0')) token.pop_back();
  if (frame.type != 'i') refuse(user);
  for (const std::string& known : options.tokens) {
    const std::size_t equals = known.find('=');
    if (known.substr(0, equals) != token) continue;
    if (user.empty() && equals != std::string::npos) user = known.substr(equals + 1);
    protocol::write_authentication(client.out(), protocol::authentication_code::ok);
    return;
  }
  refuse(user);
}

}  // namespace

void log_in(Channel& client, const Options& options, std::string& user) {
  const auto found = options.users.find(user);
  const std::string secret = found == options.users.end() ? std::string() : found->second;
  switch (options.auth) {
    case AuthMethod::trust: protocol::write_authentication(client.out(), protocol::authentication_code::ok); return;
    case AuthMethod::cleartext: log_in_as_postgres(client, protocol::LoginMethod::password, user, secret); return;
    case AuthMethod::md5: log_in_as_postgres(client, protocol::LoginMethod::md5, user, secret); return;
    case AuthMethod::digest: log_in_by_digest(client, user, secret); return;
    case AuthMethod::idp: log_in_by_token(client, options, user); return;
  }
}

std::string stored_digest(std::string_view password, std::string_view salt) {
  return std::string(protocol::view(protocol::sha256(std::string(password) + std::string(salt))));
}

std::string digest_answer(std::string_view stored, std::string_view server_nonce, std::string_view client_nonce) {
  return std::string(protocol::view(protocol::sha256(std::string(stored) + std::string(server_nonce) + std::string(client_nonce))));
}

}  // namespace pgswitch::stand_in
