#include <openssl/crypto.h>

#include <utility>

#include "protocol/scram.hpp"
#include "protocol/scram_message.hpp"

namespace pgswitch::protocol {
namespace {

constexpr std::string_view binding_type = "tls-server-end-point";
constexpr std::string_view unbound_detail =
    "The client selected SCRAM-SHA-256-PLUS, but the message does not include channel binding data.";

}  // namespace

std::string scram_nonce(ByteView random) { return base64_encode(random.substr(0, scram_nonce_bytes)); }

ScramServer::ScramServer(ScramKeys keys, bool genuine, std::string nonce, std::string channel_binding)
    : keys_(std::move(keys)), genuine_(genuine), channel_binding_(std::move(channel_binding)), nonce_(std::move(nonce)) {}

std::string ScramServer::mechanisms() const {
  std::string names;
  if (!channel_binding_.empty()) names.append(scram_plus_mechanism).push_back('\0');
  names.append(scram_mechanism).append(2, '\0');
  return names;
}

bool ScramServer::select(std::string_view mechanism) {
  plus_ = mechanism == scram_plus_mechanism && !channel_binding_.empty();
  return plus_ || mechanism == scram_mechanism;
}

ScramStatus ScramServer::on_client_first(ByteView message, std::string& reply) {
  if (message.size() > max_scram_message_size) return malformed("The message is too long.");
  ByteView rest = message;
  const std::size_t comma = message.find(',');
  if (comma == ByteView::npos) return malformed("Comma expected, but none was found.");
  rest.remove_prefix(comma + 1);
  if (const ScramStatus status = check_binding_flag(message.substr(0, comma)); status != ScramStatus::need_more)
    return status;
  if (rest.starts_with("a="))
    return fail(sqlstate::feature_not_supported, "client uses authorization identity, but it is not supported", {});
  if (!rest.starts_with(',')) return malformed("Unexpected attribute instead of an empty authorization identity.");
  rest.remove_prefix(1);
  gs2_header_ = message.substr(0, message.size() - rest.size());
  auth_message_ = rest;
  if (rest.starts_with("m="))
    return fail(sqlstate::feature_not_supported, "client requires an unsupported SCRAM extension", {});
  // The name is not looked at, as in PostgreSQL: the start-up packet's counts. libpq leaves it empty.
  const bool named = take_attribute(rest, 'n').has_value();
  const std::optional<std::string_view> nonce = take_attribute(rest, 'r');
  if (!named || !nonce || !is_nonce(*nonce)) return malformed("The user name or the nonce is missing or unprintable.");

  nonce_.insert(0, *nonce);
  reply = "r=" + nonce_ + ",s=" + base64_encode(keys_.salt) + ",i=" + std::to_string(keys_.iterations);
  auth_message_.append(",").append(reply);
  return ScramStatus::need_more;
}

ScramStatus ScramServer::on_client_final(ByteView message, std::string& reply) {
  if (message.size() > max_scram_message_size) return malformed("The message is too long.");
  // Extensions may stand between nonce and proof; the proof is the last attribute.
  const std::size_t proof_at = message.rfind(",p=");
  if (proof_at == ByteView::npos) return malformed("The proof is missing.");
  ByteView rest = message.substr(0, proof_at);
  const std::optional<std::string_view> binding = take_attribute(rest, 'c');
  const std::optional<std::string_view> nonce = take_attribute(rest, 'r');
  const std::optional<std::string> proof = base64_decode(message.substr(proof_at + 3));
  if (!binding || !nonce || !proof || proof->size() != keys_.client_key.size())
    return malformed("Channel binding, nonce or proof is missing or malformed.");
  if (!is_bound(*binding)) return fail(sqlstate::invalid_authorization, "SCRAM channel binding check failed", {});
  if (*nonce != nonce_) return fail(sqlstate::protocol_violation, "invalid SCRAM response", "Nonce does not match.");

  auth_message_.append(",").append(message.substr(0, proof_at));
  const bool proven = is_proven(*proof);
  if (!proven || !genuine_) return ScramStatus::refused;
  reply = "v=" + base64_encode(view(hmac_sha256(view(keys_.server_key), {auth_message_})));
  return ScramStatus::done;
}

/// 'n': the client has no channel binding, 'y': it has and thinks that we have not, 'p=type': it binds.
ScramStatus ScramServer::check_binding_flag(std::string_view flag) {
  if (flag == "n") {
    if (!plus_) return ScramStatus::need_more;
    return malformed(unbound_detail);
  }
  if (flag == "y") {
    if (plus_) return malformed(unbound_detail);
    if (channel_binding_.empty()) return ScramStatus::need_more;
    // RFC 5802, 6: someone between us has taken the -PLUS mechanism out of our list.
    return fail(sqlstate::invalid_authorization, "SCRAM channel binding negotiation error",
                "The client supports SCRAM channel binding but thinks the server does not. "
                "However, this server does support channel binding.");
  }
  if (!flag.starts_with("p=")) return malformed("Unexpected channel-binding flag.");
  if (!plus_) return malformed("The client selected SCRAM-SHA-256 without channel binding, but the message includes it.");
  if (flag.substr(2) == binding_type) return ScramStatus::need_more;
  return fail(sqlstate::protocol_violation, "unsupported SCRAM channel-binding type", {});
}

bool ScramServer::is_bound(std::string_view encoded) const {
  return encoded == base64_encode(plus_ ? gs2_header_ + channel_binding_ : gs2_header_);
}

/// RFC 5802, 3: ClientKey = proof XOR HMAC(StoredKey, AuthMessage), and its hash must be StoredKey.
bool ScramServer::is_proven(ByteView proof) {
  Digest client_key = hmac_sha256(view(keys_.stored_key), {auth_message_});
  for (std::size_t i = 0; i < client_key.size(); ++i) client_key[i] ^= static_cast<unsigned char>(proof[i]);
  const bool proven = equal_secrets(view(sha256(view(client_key))), view(keys_.stored_key));
  if (proven && genuine_) {
    keys_.client_key = client_key;
    keys_.has_client_key = true;
  }
  OPENSSL_cleanse(client_key.data(), client_key.size());
  return proven;
}

ScramStatus ScramServer::malformed(std::string_view detail) {
  return fail(sqlstate::protocol_violation, "malformed SCRAM message", detail);
}

ScramStatus ScramServer::fail(std::string_view sqlstate, std::string_view message, std::string_view detail) {
  error_.severity = Severity::fatal;
  error_.sqlstate = sqlstate;
  error_.message = message;
  error_.detail = detail;
  return ScramStatus::failed;
}

}  // namespace pgswitch::protocol
