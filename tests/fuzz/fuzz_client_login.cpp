#include "protocol/login.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace pgswitch::protocol;

/// First byte: credential and policy; then the bodies of the server's authentication requests. A password never leaves in
/// the clear unless the policy allows it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pgswitch::fuzz::Input input(data, size);
  const unsigned choice = input.byte();
  static const ScramKeys keys = derive_scram_keys("pencil", "salt", 1);
  ClientLogin::Options options;
  options.user = "alice";
  options.random = std::string(ClientLogin::random_bytes, 'r');
  if (choice & 1) options.credential = Password{SecretText("the password")};
  else if (choice & 2) options.credential = keys;
  else if (choice & 32) options.credential = derive_digest_secret("the password", "salt");
  options.token = SecretText("the password");
  options.allow_cleartext = (choice & 4) != 0;
  options.scram.channel_binding = choice & 8 ? "hash" : "";
  options.scram.require_channel_binding = (choice & 16) != 0;
  options.scram.max_iterations = 4;
  const bool may_leak = options.allow_cleartext;
  ClientLogin login(std::move(options));
  std::string out;
  LoginStatus status = LoginStatus::need_more;
  while (status == LoginStatus::need_more && !input.empty()) status = login.on_authentication(input.piece(), out);
  pgswitch::fuzz::require(may_leak || out.find("the password") == std::string::npos);
  pgswitch::fuzz::require(status != LoginStatus::failed || !login.error().message.empty());
  return 0;
}
