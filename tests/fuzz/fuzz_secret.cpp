#include "protocol/crypto.hpp"
#include "protocol/login.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace pgswitch::protocol;

/// The input as a stored secret, as base64 and as a password.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  parse_credential(text);
  if (const std::optional<ScramKeys> keys = parse_scram_secret(text)) {
    const std::optional<ScramKeys> again = parse_scram_secret(format_scram_secret(*keys));
    pgswitch::fuzz::require(again && again->salt == keys->salt && again->stored_key == keys->stored_key);
  }
  if (const std::optional<std::string> raw = base64_decode(text)) pgswitch::fuzz::require(base64_encode(*raw) == text);
  pgswitch::fuzz::require(base64_decode(base64_encode(text)) == text);
  const std::string prepared = saslprep(text);
  pgswitch::fuzz::require(prepared.empty() == text.empty() && saslprep(prepared) == prepared);
  return 0;
}
