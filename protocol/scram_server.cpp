#include <openssl/crypto.h>

#include <utility>

#include "protocol/scram.hpp"
#include "protocol/scram_message.hpp"

namespace pgswitch::protocol {
namespace {

constexpr std::string_view binding_type = "tls-server-end-point";
constexpr std::string_view unbound_detail =
    "The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel binding data.";

/// What PostgreSQL shows of a text in a message of its own: 30 characters at most (sanitize_str).
std::string shown_text(std::string_view text) {
  std::string safe(text.substr(0, 30));
  for (char& c : safe)
    if (c < 0x21 || c > 0x7e) c = '?';
  return safe;
}

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

/// What every message must be before it is read.
bool ScramServer::is_text(ByteView message) {
  if (message.empty()) return malformed("The message is empty."), false;
  if (message.find('\0') != ByteView::npos) return malformed("Message length does not match input length."), false;
  return true;
}

ScramStatus ScramServer::on_client_first(ByteView message, std::string& reply) {
  if (!is_text(message)) return ScramStatus::failed;
  AttributeReader in(message);
  if (const ScramStatus status = read_binding_flag(in); status != ScramStatus::need_more) return status;
  if (in.next() == 'a')
    return fail(sqlstate::feature_not_supported, "client uses authorization identity, but it is not supported", {});
  if (in.next() != ',') return malformed("Unexpected attribute \"" + shown(in.next()) + "\" in client-first-message.");
  in.skip();
  gs2_header_ = message.substr(0, message.size() - in.rest().size());
  auth_message_ = in.rest();
  if (in.next() == 'm')
    return fail(sqlstate::feature_not_supported, "client requires an unsupported SCRAM extension", {});
  in.take('n');  // not looked at, as in PostgreSQL: the start-up packet's user counts
  const std::string_view nonce = in.take('r');
  if (!is_printable(nonce)) return fail(sqlstate::protocol_violation, "non-printable characters in SCRAM nonce", {});
  for (char extension = 0; !in.rest().empty();) in.take_any(extension);
  if (!in.ok()) return malformed(in.fault());

  nonce_.insert(0, nonce);
  reply = "r=" + nonce_ + ",s=" + base64_encode(keys_.salt) + ",i=" + std::to_string(keys_.iterations);
  auth_message_.append(",").append(reply);
  return ScramStatus::need_more;
}

ScramStatus ScramServer::on_client_final(ByteView message, std::string& reply) {
  if (!is_text(message)) return ScramStatus::failed;
  AttributeReader in(message);
  const std::string_view binding = in.take('c');
  if (in.ok() && !is_bound(binding)) return wrong_binding();
  const std::string_view nonce = in.take('r');
  std::string_view encoded;
  std::size_t proof_at = 0;
  for (char name = 0; in.ok() && name != 'p';) {  // extensions may stand between nonce and proof
    proof_at = message.size() - in.rest().size();
    encoded = in.take_any(name);
  }
  if (!in.ok()) return malformed(in.fault());
  const std::optional<std::string> proof = base64_decode(encoded);
  if (!proof || proof->size() != keys_.client_key.size()) return malformed("Malformed proof in client-final-message.");
  if (!in.rest().empty()) return malformed("Garbage found at the end of client-final-message.");
  if (nonce != nonce_) return fail(sqlstate::protocol_violation, "invalid SCRAM response", "Nonce does not match.");

  auth_message_.append(",").append(message.substr(0, proof_at - 1));
  const bool proven = is_proven(*proof);
  if (!proven || !genuine_) return ScramStatus::refused;
  reply = "v=" + base64_encode(view(hmac_sha256(view(keys_.server_key), {auth_message_})));
  return ScramStatus::done;
}

/// 'n': the client has no channel binding, 'y': it has and thinks that we have not, 'p=type': it binds. With the comma behind it.
ScramStatus ScramServer::read_binding_flag(AttributeReader& in) {
  const char flag = in.next();
  if (flag == 'p') {
    if (!plus_)
      return malformed("The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes channel binding data.");
    const std::string_view type = in.take('p');
    if (!in.ok()) return malformed(in.fault());
    if (type == binding_type) return ScramStatus::need_more;
    return fail(sqlstate::protocol_violation, "unsupported SCRAM channel-binding type \"" + shown_text(type) + "\"", {});
  }
  if (flag != 'n' && flag != 'y') return malformed("Unexpected channel-binding flag \"" + shown(flag) + "\".");
  if (plus_) return malformed(unbound_detail);
  // RFC 5802, 6: someone between us has taken the -PLUS mechanism out of our list.
  if (flag == 'y' && !channel_binding_.empty())
    return fail(sqlstate::invalid_authorization, "SCRAM channel binding negotiation error",
                "The client supports SCRAM channel binding but thinks the server does not.  "
                "However, this server does support channel binding.");
  in.skip();
  in.comma();
  return in.ok() ? ScramStatus::need_more : malformed(in.fault());
}

ScramStatus ScramServer::wrong_binding() {
  if (plus_) return fail(sqlstate::invalid_authorization, "SCRAM channel binding check failed", {});
  return fail(sqlstate::protocol_violation, "unexpected SCRAM channel-binding attribute in client-final-message", {});
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
