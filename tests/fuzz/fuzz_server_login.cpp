#include "protocol/login.hpp"
#include "protocol/md5.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace pgswitch::protocol;

namespace {

Credential credential_of(unsigned choice) {
  switch (choice % 4) {
    case 0: return Password{SecretText("pencil")};
    case 1: return Md5Secret{SecretText(*md5_secret("pencil", "alice"))};
    case 2: return derive_scram_keys("pencil", "salt", 1);
    default: return {};
  }
}

}  // namespace

/// First byte: method, credential, channel binding; then the client's messages. Only trust lets in somebody who does not
/// know the password; the seeds with a right cleartext or MD5 answer are let in too, SCRAM proofs cannot be guessed.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pgswitch::fuzz::Input input(data, size);
  const unsigned choice = input.byte();
  ServerLogin::Options options;
  options.method = choice & 32 ? LoginMethod::redshift_digest : choice & 128 ? LoginMethod::handed_over : static_cast<LoginMethod>(choice % 4);
  options.user = "alice";
  options.credential = choice & 64 ? Credential(derive_digest_secret("pencil", "salt")) : credential_of(choice / 4);
  options.random = std::string(ServerLogin::random_bytes, 'R');
  options.process_secret = "process secret";
  options.channel_binding = choice & 16 ? "hash" : "";
  options.scram_iterations = 1;
  const bool known = !std::holds_alternative<std::monostate>(options.credential), handed_over = options.method == LoginMethod::handed_over;
  ServerLogin login(std::move(options));
  std::string out;
  LoginStatus status = login.start(out);
  const bool trusted = status == LoginStatus::done;
  const char answer = choice & 32 ? redshift_digest_answer : 'p';
  while (status == LoginStatus::need_more && !input.empty()) status = login.on_message({answer, input.piece()}, out);
  pgswitch::fuzz::require(status != LoginStatus::done || trusted || known || handed_over);
  if (status == LoginStatus::done && handed_over) {
    const auto* given = std::get_if<Password>(&login.proven_credential());
    pgswitch::fuzz::require(out.size() == 9 && given && !given->text.text().empty());  // no AuthenticationOk
  }
  if (status == LoginStatus::failed) {
    pgswitch::fuzz::require(!login.error().message.empty() && login.error().severity == Severity::fatal);
    pgswitch::fuzz::require(login.on_password_message("x", out) == LoginStatus::failed);
  }
  return 0;
}
