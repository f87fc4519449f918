#include <utility>

#include "protocol/frontend.hpp"
#include "protocol/login.hpp"
#include "protocol/md5.hpp"
#include "protocol/reader.hpp"
#include "protocol/writer.hpp"

namespace pgswitch::protocol {

ClientLogin::ClientLogin(Options options) : options_(std::move(options)) {}

bool ClientLogin::is_costly(ByteView body) const {
  BodyReader in(body);
  return in.int32() == authentication_code::sasl_continue && std::holds_alternative<Password>(options_.credential);
}

LoginStatus ClientLogin::on_authentication(ByteView body, std::string& out) {
  BodyReader in(body);
  const std::uint32_t code = in.int32();
  if (!in.ok()) return fail(sqlstate::protocol_violation, "malformed authentication request from the server");
  switch (code) {
    case authentication_code::ok: return in.at_end() ? on_ok() : unexpected();
    case authentication_code::cleartext: return in.at_end() ? on_cleartext(out) : unexpected();
    case authentication_code::md5: return on_md5(in.rest(), out);
    case authentication_code::sasl: return on_sasl(in.rest(), out);
    case authentication_code::sasl_continue: return on_sasl_continue(in.rest(), out);
    case authentication_code::sasl_final: return on_sasl_final(in.rest());
    case authentication_code::redshift_digest: return on_digest(in.rest(), out);
    case authentication_code::redshift_idp: return in.at_end() ? on_token(out) : unexpected();
    default: return on_unsupported(code);
  }
}

LoginStatus ClientLogin::on_ok() {
  // A server that stops in the middle of SCRAM has proved nothing.
  if (step_ == Step::sasl_first || step_ == Step::sasl_final)
    return fail(sqlstate::invalid_authorization, "server ended the SCRAM exchange without proving that it knows the secret");
  if (step_ == Step::over) return unexpected();
  if (options_.scram.require_channel_binding && step_ != Step::sasl_done)
    return fail(sqlstate::invalid_authorization, "channel binding is required, but the server authenticated without it");
  step_ = Step::over;
  return LoginStatus::done;
}

LoginStatus ClientLogin::on_cleartext(std::string& out) {
  if (step_ != Step::start) return unexpected();
  if (!options_.allow_cleartext || options_.scram.require_channel_binding)
    return fail(sqlstate::invalid_authorization,
                "server asks for the password in the clear, which needs TLS or a Unix socket");
  const auto* password = std::get_if<Password>(&options_.credential);
  if (password == nullptr) return wrong_secret("a cleartext password");
  write_password(out, password->text.text());
  step_ = Step::answered;
  return LoginStatus::need_more;
}

LoginStatus ClientLogin::on_md5(ByteView salt, std::string& out) {
  if (step_ != Step::start || salt.size() != 4) return unexpected();
  if (options_.scram.require_channel_binding)
    return fail(sqlstate::invalid_authorization, "channel binding is required, but the server asks for an MD5 password");
  const auto* stored = std::get_if<Md5Secret>(&options_.credential);
  const auto* password = std::get_if<Password>(&options_.credential);
  if (stored == nullptr && password == nullptr) return wrong_secret("an MD5 password");
  const std::optional<std::string> secret =
      stored != nullptr ? std::optional<std::string>(stored->text.text()) : md5_secret(password->text.text(), options_.user);
  const std::optional<std::string> answer = secret ? md5_response(*secret, salt) : std::nullopt;
  if (!answer) return fail(sqlstate::feature_not_supported, "MD5 authentication is not available");
  write_password(out, *answer);
  step_ = Step::answered;
  return LoginStatus::need_more;
}

/// A secret that is stored with another salt answers nothing: it would tell an impostor a hash to guess at.
LoginStatus ClientLogin::on_digest(ByteView data, std::string& out) {
  const std::optional<DigestRequest> request = read_digest_request(data);
  if (step_ != Step::start || !request) return unexpected();
  if (options_.scram.require_channel_binding)
    return fail(sqlstate::invalid_authorization, "channel binding is required, but the server asks for a digest of the password");
  if (request->algorithm != digest_algorithm_sha256)
    return fail(sqlstate::feature_not_supported,
                "server requested a digest of algorithm " + std::to_string(request->algorithm) + ", of which only 0 (SHA-256) is supported");
  if (options_.random.size() < random_bytes) return fail(sqlstate::internal_error, "not enough random bytes for a login");
  std::optional<DigestSecret> secret;
  if (const auto* password = std::get_if<Password>(&options_.credential))
    secret = derive_digest_secret(password->text.text(), request->salt);
  else if (const auto* stored = std::get_if<DigestSecret>(&options_.credential))
    secret = *stored;
  if (!secret) return wrong_secret("a digest of the password");
  if (secret->salt != request->salt)
    return fail(sqlstate::invalid_authorization, "the stored sha256 secret of user \"" + options_.user + "\" has another salt than the server's");
  write_digest_answer(out, digest_response(*secret, request->server_nonce, options_.random), options_.random);
  step_ = Step::answered;
  return LoginStatus::need_more;
}

/// With a NUL behind the token, as the JDBC and ODBC drivers send it; a server has to take it without one too (Python).
LoginStatus ClientLogin::on_token(std::string& out) {
  if (step_ != Step::start) return unexpected();
  if (!options_.allow_cleartext || options_.scram.require_channel_binding)
    return fail(sqlstate::invalid_authorization, "server asks for a token of an identity provider, which needs TLS or a Unix socket");
  if (options_.token.text().empty())
    return fail(sqlstate::invalid_authorization, "server asks user \"" + options_.user + "\" for a token of an identity provider, but none is configured");
  MessageWriter(out, redshift_token_answer).string(options_.token.text());
  step_ = Step::answered;
  return LoginStatus::need_more;
}

LoginStatus ClientLogin::on_sasl(ByteView mechanisms, std::string& out) {
  if (step_ != Step::start) return unexpected();
  // An empty nonce would let a server replay an old exchange.
  if (options_.random.size() < random_bytes) return fail(sqlstate::internal_error, "not enough random bytes for a login");
  if (!make_scram()) return wrong_secret("SCRAM");
  const std::string_view mechanism = scram_->choose(mechanisms);
  if (mechanism.empty()) return fail(scram_->error().sqlstate, scram_->error().message);
  const std::string first = scram_->client_first();
  MessageWriter message(out, frontend::password);
  message.string(mechanism).int32(static_cast<std::uint32_t>(first.size())).bytes(first);
  step_ = Step::sasl_first;
  return LoginStatus::need_more;
}

LoginStatus ClientLogin::on_sasl_continue(ByteView data, std::string& out) {
  if (step_ != Step::sasl_first) return unexpected();
  std::string reply;
  if (scram_->on_server_first(data, reply) == ScramStatus::failed)
    return fail(scram_->error().sqlstate, scram_->error().message);
  MessageWriter(out, frontend::password).bytes(reply);
  step_ = Step::sasl_final;
  return LoginStatus::need_more;
}

LoginStatus ClientLogin::on_sasl_final(ByteView data) {
  if (step_ != Step::sasl_final) return unexpected();
  if (scram_->on_server_final(data) == ScramStatus::failed)
    return fail(scram_->error().sqlstate, scram_->error().message);
  step_ = Step::sasl_done;
  return LoginStatus::need_more;
}

LoginStatus ClientLogin::on_unsupported(std::uint32_t code) {
  std::string name = "method " + std::to_string(code);
  if (code == authentication_code::gss || code == authentication_code::gss_continue) name = "GSSAPI";
  if (code == authentication_code::sspi) name = "SSPI";
  return fail(sqlstate::feature_not_supported, "server requested " + name + " authentication, which is not supported");
}

bool ClientLogin::make_scram() {
  if (auto* password = std::get_if<Password>(&options_.credential)) {
    scram_.emplace(options_.user, password->text, scram_nonce(options_.random), options_.scram, options_.cache);
    return true;
  }
  const auto* keys = std::get_if<ScramKeys>(&options_.credential);
  if (keys == nullptr || !keys->has_client_key) return false;
  scram_.emplace(*keys, scram_nonce(options_.random), options_.scram);
  return true;
}

LoginStatus ClientLogin::wrong_secret(std::string_view method) {
  const bool none = std::holds_alternative<std::monostate>(options_.credential);
  const std::string reason = none ? "no password is known" : "the stored secret cannot be used for that";
  return fail(sqlstate::invalid_authorization,
              "server asks user \"" + options_.user + "\" for " + std::string(method) + ", but " + reason);
}

LoginStatus ClientLogin::unexpected() {
  return fail(sqlstate::protocol_violation, "unexpected or malformed authentication request from the server");
}

LoginStatus ClientLogin::fail(std::string_view sqlstate, std::string message) {
  step_ = Step::over;
  error_.severity = Severity::fatal;
  error_.sqlstate = sqlstate;
  error_.message = std::move(message);
  return LoginStatus::failed;
}

}  // namespace pgswitch::protocol
