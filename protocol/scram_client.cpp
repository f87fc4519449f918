#include <openssl/crypto.h>

#include <charconv>
#include <utility>

#include "protocol/reader.hpp"
#include "protocol/scram.hpp"
#include "protocol/scram_message.hpp"

namespace pgswitch::protocol {
namespace {

constexpr std::size_t max_salt_size = 1024;

struct ServerFirst {
  std::string_view nonce;
  std::string salt;
  std::uint32_t iterations = 0;
};

std::optional<ServerFirst> read_server_first(ByteView message) {
  const std::optional<std::string_view> nonce = take_attribute(message, 'r');
  const std::optional<std::string_view> salt_text = take_attribute(message, 's');
  const std::optional<std::string_view> count = take_attribute(message, 'i');
  if (!nonce || nonce->empty() || !is_printable(*nonce) || !salt_text || !count) return std::nullopt;
  std::optional<std::string> salt = base64_decode(*salt_text);
  if (!salt || salt->empty() || salt->size() > max_salt_size) return std::nullopt;
  ServerFirst first{*nonce, std::move(*salt), 0};
  const char* const end = count->data() + count->size();
  const auto [stop, failure] = std::from_chars(count->data(), end, first.iterations);
  return failure == std::errc{} && stop == end && first.iterations > 0 ? std::optional(std::move(first)) : std::nullopt;
}

}  // namespace

ScramClient::ScramClient(std::string_view user, SecretText password, std::string nonce, Options options,
                         ScramKeyCache* cache)
    : password_(std::move(password)), user_(user), options_(std::move(options)), cache_(cache), nonce_(std::move(nonce)) {}

ScramClient::ScramClient(ScramKeys keys, std::string nonce, Options options)
    : keys_(std::move(keys)), options_(std::move(options)), nonce_(std::move(nonce)) {}

std::string_view ScramClient::choose(ByteView mechanisms) {
  bool plain = false, plus = false;
  BodyReader in(mechanisms);
  for (std::string_view name = in.string(); !name.empty(); name = in.string()) {
    plain = plain || name == scram_mechanism;
    plus = plus || name == scram_plus_mechanism;
  }
  const bool can_bind = !options_.channel_binding.empty();
  if (can_bind && plus) {
    gs2_header_ = "p=tls-server-end-point,,";
    return scram_plus_mechanism;
  }
  if (options_.require_channel_binding) {
    fail(sqlstate::invalid_authorization, "channel binding is required, but the server did not offer it");
    return {};
  }
  // 'y' tells a server that did offer -PLUS that someone took it out of its list (RFC 5802, 6).
  gs2_header_ = can_bind ? "y,," : "n,,";
  if (plain) return scram_mechanism;
  fail(sqlstate::invalid_authorization, "none of the server's SASL authentication mechanisms are supported");
  return {};
}

std::string ScramClient::client_first() {
  auth_message_ = "n=,r=" + nonce_;
  return gs2_header_ + auth_message_;
}

ScramStatus ScramClient::on_server_first(ByteView message, std::string& reply) {
  if (message.size() > max_scram_message_size)
    return fail(sqlstate::protocol_violation, "SCRAM message from the server is too long");
  const std::optional<ServerFirst> first = read_server_first(message);
  if (!first) return fail(sqlstate::protocol_violation, "malformed SCRAM message from the server");
  if (!first->nonce.starts_with(nonce_) || first->nonce.size() == nonce_.size())
    return fail(sqlstate::protocol_violation, "invalid SCRAM response from the server (nonce mismatch)");
  if (first->iterations > options_.max_iterations)
    return fail(sqlstate::protocol_violation, "server asks for " + std::to_string(first->iterations) +
                                                  " SCRAM iterations, more than " + std::to_string(options_.max_iterations));
  if (!find_keys(first->salt, first->iterations))
    return fail(sqlstate::invalid_authorization, "the server's SCRAM secret is not the one the client logged in with");

  const std::string header = gs2_header_.starts_with('p') ? gs2_header_ + options_.channel_binding : gs2_header_;
  reply = "c=" + base64_encode(header) + ",r=" + std::string(first->nonce);
  auth_message_.append(",").append(message).append(",").append(reply);
  reply += ",p=" + proof();
  return ScramStatus::need_more;
}

ScramStatus ScramClient::on_server_final(ByteView message) {
  if (message.starts_with("e=")) return fail(sqlstate::invalid_password, "server refused the SCRAM proof");
  const std::optional<std::string_view> encoded = take_attribute(message, 'v');
  const std::optional<std::string> signature = encoded ? base64_decode(encoded->substr(0, 64)) : std::nullopt;
  if (!signature) return fail(sqlstate::protocol_violation, "malformed SCRAM message from the server");
  const Digest expected = hmac_sha256(view(keys_.server_key), {auth_message_});
  if (equal_secrets(*signature, view(expected))) return ScramStatus::done;
  return fail(sqlstate::invalid_authorization, "incorrect SCRAM server signature: the server does not know the secret");
}

/// From the password, or checks that the keys handed in belong to this salt: with another one the proof could only fail,
/// and the failure would be counted against the user at the server.
bool ScramClient::find_keys(const std::string& salt, std::uint32_t iterations) {
  if (keys_.has_client_key) return keys_.salt.empty() || (keys_.salt == salt && keys_.iterations == iterations);
  if (password_.text().empty()) return false;
  keys_ = cache_ != nullptr ? cache_->get_or_derive(user_, password_.text(), salt, iterations)
                            : derive_scram_keys(password_.text(), salt, iterations);
  return true;
}

std::string ScramClient::proof() {
  Digest octets = hmac_sha256(view(keys_.stored_key), {auth_message_});
  for (std::size_t i = 0; i < octets.size(); ++i) octets[i] ^= keys_.client_key[i];
  return base64_encode(view(octets));
}

ScramStatus ScramClient::fail(std::string_view sqlstate, std::string message) {
  error_.severity = Severity::fatal;
  error_.sqlstate = sqlstate;
  error_.message = std::move(message);
  return ScramStatus::failed;
}

}  // namespace pgswitch::protocol
