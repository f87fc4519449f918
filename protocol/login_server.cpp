#include <array>
#include <utility>

#include "protocol/frontend.hpp"
#include "protocol/login.hpp"
#include "protocol/md5.hpp"
#include "protocol/reader.hpp"
#include "protocol/writer.hpp"

namespace pgswitch::protocol {
namespace {

/// Hashed first, so that the time of the comparison does not depend on where, or in length, the two differ.
bool same_text(std::string_view left, std::string_view right) {
  return equal_secrets(view(sha256(left)), view(sha256(right)));
}

}  // namespace

Credential parse_credential(std::string_view stored) {
  if (stored.empty()) return {};
  if (is_md5_secret(stored)) return Md5Secret{SecretText(stored)};
  if (std::optional<ScramKeys> keys = parse_scram_secret(stored)) return std::move(*keys);
  if (std::optional<DigestSecret> secret = parse_digest_secret(stored)) return std::move(*secret);
  return Password{SecretText(stored)};
}

ServerLogin::ServerLogin(Options options) : options_(std::move(options)) {}

bool ServerLogin::is_costly() {
  if (step_ == Step::password) return options_.method == LoginMethod::password && std::holds_alternative<ScramKeys>(options_.credential);
  if (step_ != Step::start || options_.method != LoginMethod::scram_sha_256) return false;
  const auto* plain = std::get_if<Password>(&options_.credential);
  if (options_.cache == nullptr) return plain != nullptr;
  // Looked for whoever it is, so that the time tells nothing.
  const std::string_view password = plain != nullptr ? plain->text.text() : options_.process_secret;
  const std::string salt = scram_salt(options_.process_secret, options_.user);
  const std::optional<ScramKeys> found = options_.cache->find(options_.user, password, salt, options_.scram_iterations);
  if (plain == nullptr) return false;
  known_keys_ = found;
  return !known_keys_;
}

LoginStatus ServerLogin::start(std::string& out) {
  if (options_.method == LoginMethod::trust) return finish(true, out);
  if (options_.random.size() < random_bytes) return fail(sqlstate::internal_error, "not enough random bytes for a login");
  if (options_.method == LoginMethod::password || options_.method == LoginMethod::handed_over) {
    step_ = Step::password;
    write_authentication(out, authentication_code::cleartext);
    return LoginStatus::need_more;
  }
  if (options_.method == LoginMethod::redshift_digest) return start_digest(out);
  if (options_.method == LoginMethod::scram_sha_256 || std::holds_alternative<ScramKeys>(options_.credential))
    return start_scram(out);
  step_ = Step::md5;
  write_authentication(out, authentication_code::md5, salt());
  return LoginStatus::need_more;
}

LoginStatus ServerLogin::on_message(const Frame& frame, std::string& out) {
  if (frame.type == redshift_digest_answer && step_ == Step::digest) return on_digest(frame.body, out);
  if (frame.type == frontend::password && step_ != Step::digest) return on_password_message(frame.body, out);
  const auto code = static_cast<unsigned char>(frame.type);
  const bool sasl = step_ != Step::password && step_ != Step::md5 && step_ != Step::digest;
  const std::string expected = sasl ? "SASL" : step_ == Step::digest ? "digest" : "password";
  return fail(sqlstate::protocol_violation, "expected " + expected + " response, got message type " + std::to_string(code));
}

LoginStatus ServerLogin::on_password_message(ByteView body, std::string& out) {
  if (scram_ && body.size() + 4 > max_sasl_message_size) return finish(false, out);
  switch (step_) {
    case Step::password: return on_cleartext(body, out);
    case Step::md5: return on_md5(body, out);
    case Step::sasl_initial: return on_sasl_initial(body, out);
    case Step::sasl_first: return on_client_first(body, out);
    case Step::sasl_final: return on_client_final(body, out);
    case Step::start:
    case Step::digest:
    case Step::over: break;
  }
  return fail(sqlstate::protocol_violation, "unexpected password message");
}

LoginStatus ServerLogin::on_cleartext(ByteView body, std::string& out) {
  BodyReader in(body);
  const std::string_view password = in.string();
  if (!in.at_end()) return fail(sqlstate::protocol_violation, "invalid password packet size");
  if (password.empty()) return fail(sqlstate::invalid_password, "empty password returned by client");
  if (options_.method == LoginMethod::handed_over) {
    options_.credential = Password{SecretText(password)};
    step_ = Step::over;
    return LoginStatus::done;
  }
  return finish(matches(password), out);
}

LoginStatus ServerLogin::on_md5(ByteView body, std::string& out) {
  BodyReader in(body);
  const std::string_view answer = in.string();
  if (!in.at_end()) return fail(sqlstate::protocol_violation, "invalid password packet size");
  if (answer.empty()) return fail(sqlstate::invalid_password, "empty password returned by client");
  const auto* plain = std::get_if<Password>(&options_.credential);
  const auto* stored = std::get_if<Md5Secret>(&options_.credential);
  // An unknown user's exchange takes the same steps: with a secret that nobody has.
  const std::string_view password = plain != nullptr ? plain->text.text() : options_.process_secret;
  const std::optional<std::string> derived = md5_secret(password, options_.user);
  const std::optional<std::string> expected =
      derived ? md5_response(stored != nullptr ? stored->text.text() : *derived, salt()) : std::nullopt;
  if (!expected) return fail(sqlstate::feature_not_supported, "MD5 authentication is not available");
  const bool same = equal_secrets(answer, *expected);  // its length is no secret
  return finish(same && (plain != nullptr || stored != nullptr), out);
}

/// Who has no secret that fits is asked with a salt of its own all the same, and answers what cannot be right.
LoginStatus ServerLogin::start_digest(std::string& out) {
  if (const auto* stored = std::get_if<DigestSecret>(&options_.credential)) {
    digest_ = *stored;
  } else {
    const auto* plain = std::get_if<Password>(&options_.credential);
    digest_ = derive_digest_secret(plain != nullptr ? plain->text.text() : options_.process_secret, scram_salt(options_.process_secret, options_.user));
  }
  step_ = Step::digest;
  write_authentication(out, authentication_code::redshift_digest, digest_request(digest_->salt, options_.random));
  return LoginStatus::need_more;
}

LoginStatus ServerLogin::on_digest(ByteView body, std::string& out) {
  const std::optional<DigestAnswer> answer = read_digest_answer(body);
  if (!answer) return fail(sqlstate::protocol_violation, "invalid digest packet");
  const Digest expected = digest_response(*digest_, options_.random, answer->client_nonce);
  const bool same = equal_secrets(answer->digest, view(expected));
  const bool usable = std::holds_alternative<Password>(options_.credential) || std::holds_alternative<DigestSecret>(options_.credential);
  return finish(same && usable, out);
}

LoginStatus ServerLogin::start_scram(std::string& out) {
  // Made for everybody, so that the time tells nothing either.
  ScramKeys keys = mock_scram_keys(options_.process_secret, options_.user, options_.scram_iterations);
  bool genuine = true;
  if (const auto* stored = std::get_if<ScramKeys>(&options_.credential)) {
    keys = *stored;
  } else if (known_keys_) {
    keys = *known_keys_;
  } else if (const auto* plain = std::get_if<Password>(&options_.credential)) {
    const std::string_view text = plain->text.text();
    const std::string stable_salt = keys.salt;
    keys = options_.cache != nullptr
               ? options_.cache->get_or_derive(options_.user, text, stable_salt, options_.scram_iterations)
               : derive_scram_keys(text, stable_salt, options_.scram_iterations);
  } else {
    genuine = false;
  }
  const ByteView nonce_bytes = ByteView(options_.random).substr(salt().size());
  scram_.emplace(std::move(keys), genuine, scram_nonce(nonce_bytes), options_.channel_binding);
  step_ = Step::sasl_initial;
  write_authentication(out, authentication_code::sasl, scram_->mechanisms());
  return LoginStatus::need_more;
}

/// SASLInitialResponse: mechanism, length of the data or -1, data.
LoginStatus ServerLogin::on_sasl_initial(ByteView body, std::string& out) {
  BodyReader in(body);
  const std::string_view mechanism = in.string();
  if (!in.ok()) return fail(sqlstate::protocol_violation, "invalid string in message");
  if (!scram_->select(mechanism))
    return fail(sqlstate::protocol_violation, "client selected an invalid SASL authentication mechanism");
  const std::uint32_t size = in.int32();
  const bool without_data = size == 0xffffffffu;
  const ByteView message = without_data ? ByteView() : in.bytes(size);
  if (!in.ok()) return fail(sqlstate::protocol_violation, "insufficient data left in message");
  if (!in.at_end()) return fail(sqlstate::protocol_violation, "invalid message format");
  step_ = Step::sasl_first;
  if (!without_data) return on_client_first(message, out);
  write_authentication(out, authentication_code::sasl_continue);
  return LoginStatus::need_more;
}

LoginStatus ServerLogin::on_client_first(ByteView message, std::string& out) {
  std::string reply;
  if (scram_->on_client_first(message, reply) == ScramStatus::failed) {
    error_ = scram_->error();
    step_ = Step::over;
    return LoginStatus::failed;
  }
  step_ = Step::sasl_final;
  write_authentication(out, authentication_code::sasl_continue, reply);
  return LoginStatus::need_more;
}

LoginStatus ServerLogin::on_client_final(ByteView message, std::string& out) {
  std::string reply;
  const ScramStatus status = scram_->on_client_final(message, reply);
  if (status == ScramStatus::failed) {
    error_ = scram_->error();
    step_ = Step::over;
    return LoginStatus::failed;
  }
  if (status == ScramStatus::done) {
    // A plaintext password stays: it can log in to any server, the keys only to one with the same secret.
    if (std::holds_alternative<ScramKeys>(options_.credential)) options_.credential = scram_->keys();
    write_authentication(out, authentication_code::sasl_final, reply);
  }
  return finish(status == ScramStatus::done, out);
}

/// Checks a password that came in the clear against whatever is stored; keeps it for logins at servers when it is right.
bool ServerLogin::matches(std::string_view password) {
  bool right = false;
  if (const auto* plain = std::get_if<Password>(&options_.credential)) {
    right = same_text(password, plain->text.text());
  } else if (const auto* md5 = std::get_if<Md5Secret>(&options_.credential)) {
    const std::optional<std::string> given = md5_secret(password, options_.user);
    right = given && equal_secrets(*given, md5->text.text());
  } else if (const auto* stored = std::get_if<ScramKeys>(&options_.credential)) {
    const ScramKeys given = derive_scram_keys(password, stored->salt, stored->iterations);
    right = equal_secrets(view(given.stored_key), view(stored->stored_key));
  } else if (const auto* digest = std::get_if<DigestSecret>(&options_.credential)) {
    right = equal_secrets(view(derive_digest_secret(password, digest->salt).salted), view(digest->salted));
  } else {
    same_text(password, options_.process_secret);  // there is no such user, which takes as long
  }
  if (right) options_.credential = Password{SecretText(password)};
  return right;
}

LoginStatus ServerLogin::finish(bool proven, std::string& out) {
  if (!proven) return fail(sqlstate::invalid_password, "password authentication failed for user \"" + options_.user + "\"");
  step_ = Step::over;
  write_authentication(out, authentication_code::ok);
  return LoginStatus::done;
}

LoginStatus ServerLogin::fail(std::string_view sqlstate, std::string message) {
  step_ = Step::over;
  error_.severity = Severity::fatal;
  error_.sqlstate = sqlstate;
  error_.message = std::move(message);
  return LoginStatus::failed;
}

}  // namespace pgswitch::protocol
