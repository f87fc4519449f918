// Both ends of a login face to face, with somebody in the middle.
#include <vector>

#include "protocol/frontend.hpp"
#include "protocol/login.hpp"
#include "protocol/md5.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace pgswitch::protocol;
using pgswitch::fuzz::Input;
using pgswitch::fuzz::require;

namespace {

constexpr std::string_view right_password = "correct horse battery", wrong_password = "another staple";

Credential credential(unsigned kind, std::string_view password) {
  switch (kind % 5) {
    case 0: return Password{SecretText(password)};
    case 1: return Md5Secret{SecretText(*md5_secret(password, "alice"))};
    case 2: return derive_scram_keys(password, "salt", 1);
    case 3: return derive_digest_secret(password, "salt");
    default: return {};
  }
}

bool uses_scram(LoginMethod method, const Credential& stored) {
  return method == LoginMethod::scram_sha_256 || (method == LoginMethod::md5 && std::holds_alternative<ScramKeys>(stored));
}

/// The server can check an answer to what it asks for.
bool is_usable(LoginMethod method, const Credential& stored) {
  const bool plain = std::holds_alternative<Password>(stored);
  switch (method) {
    case LoginMethod::trust:
    case LoginMethod::handed_over: return true;
    case LoginMethod::password: return !std::holds_alternative<std::monostate>(stored);
    case LoginMethod::md5: return plain || std::holds_alternative<Md5Secret>(stored) || std::holds_alternative<ScramKeys>(stored);
    case LoginMethod::scram_sha_256: return plain || std::holds_alternative<ScramKeys>(stored);
    case LoginMethod::redshift_digest: return plain || std::holds_alternative<DigestSecret>(stored);
  }
  return false;
}

/// Takes the messages of `wire`, each as the one in the middle lets it pass. `touched`: not as it was.
std::vector<std::pair<char, std::string>> pass(std::string& wire, Input& input, bool& touched) {
  std::vector<std::pair<char, std::string>> messages;
  std::string_view rest = wire;
  FrameHeader header;
  while (read_header(rest, rest.size(), header) == HeaderStatus::complete) {
    require(header.frame_size() <= rest.size());
    char type = header.type;
    std::string body(rest.substr(frame_header_size, header.body_size));
    const std::string before = body;
    rest.remove_prefix(header.frame_size());
    const unsigned edit = input.byte();
    const std::size_t at = edit > 2 ? input.byte() % (body.size() + 1) : 0;
    switch (edit) {
      case 3: body.insert(at, input.piece()); break;
      case 4: body.erase(at, input.byte()); break;
      case 5: body = body.substr(0, at) + input.piece(); break;
      case 6: body.replace(at, std::min<std::size_t>(body.size() - at, 1), 1, static_cast<char>(input.byte())); break;
      case 7: type = static_cast<char>(input.byte()); break;
      case 8: messages.emplace_back(type, body); break;
      default: break;
    }
    touched |= body != before || type != header.type || edit == 8;
    messages.emplace_back(type, body);
  }
  require(rest.empty());
  wire.clear();
  return messages;
}

/// Nothing in the clear but where it is asked for and allowed.
bool has_password(std::string_view text) { return text.find(right_password) != text.npos || text.find(wrong_password) != text.npos; }

}  // namespace

/// Three bytes: method, credentials, what the connection is like; then how each message is changed on its way. Untouched, the right password gets in
/// and another does not. Whatever is done to the messages, nobody gets in without the password, and SCRAM lets neither end be deceived.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const auto method = static_cast<LoginMethod>(input.byte() % 6);
  const unsigned kinds = input.byte(), how = input.byte();
  const bool right = (how & 1) == 0, clear = (how & 2) == 0, require_binding = (how & 4) != 0;
  const std::string ours = how & 8 ? "hash" : "", theirs = how & 16 ? "hash" : how & 32 ? "another" : "";

  ServerLogin::Options served;
  served.method = method;
  served.user = "alice";
  served.credential = credential(kinds % 5, right_password);
  served.random = std::string(ServerLogin::random_bytes, 'R');
  served.process_secret = "process secret";
  served.channel_binding = ours;
  served.scram_iterations = 1;
  ClientLogin::Options asked;
  asked.user = "alice";
  asked.credential = credential(kinds / 5, right ? right_password : wrong_password);
  asked.random = std::string(ClientLogin::random_bytes, 'r');
  asked.allow_cleartext = clear;
  asked.scram.channel_binding = theirs;
  asked.scram.require_channel_binding = require_binding;
  asked.scram.max_iterations = 4;
  const bool scram = uses_scram(method, served.credential), usable = is_usable(method, served.credential);
  const bool password_known = std::holds_alternative<Password>(asked.credential);

  ServerLogin server(std::move(served));
  ClientLogin client(std::move(asked));
  std::string to_client, to_server;
  LoginStatus server_status = server.start(to_client), client_status = LoginStatus::need_more;
  bool touched = false, client_began_scram = false, bound = false;
  while (!to_client.empty()) {
    require(!has_password(to_client));
    for (const auto& [type, body] : pass(to_client, input, touched))
      if (client_status == LoginStatus::need_more && type == 'R') client_status = client.on_authentication(body, to_server);
    require(clear || !has_password(to_server));
    bound |= to_server.find(scram_plus_mechanism) != to_server.npos;
    client_began_scram |= to_server.find(scram_mechanism) != to_server.npos;
    for (const auto& [type, body] : pass(to_server, input, touched))
      if (server_status == LoginStatus::need_more) server_status = server.on_message({type, body}, to_client);
  }

  const bool in = server_status == LoginStatus::done, welcomed = client_status == LoginStatus::done;
  const bool checked = method != LoginMethod::trust && method != LoginMethod::handed_over;
  require(!in || !checked || (right && usable));
  require(!welcomed || !client_began_scram || in);
  require(!welcomed || !require_binding || (bound && ours == theirs));
  require(!in || !scram || !bound || ours == theirs);
  require(!in || !scram || ours.empty() || theirs.empty() || bound);
  require(server_status != LoginStatus::failed || (!server.error().message.empty() && !has_password(server.error().message)));
  require(client_status != LoginStatus::failed || (!client.error().message.empty() && !has_password(client.error().message)));
  if (touched) return 0;

  require(!checked || right || !welcomed);
  const bool binding_fits = !scram || ours.empty() || theirs.empty() || ours == theirs;
  const bool binds = scram && !ours.empty() && !theirs.empty();
  const bool in_the_clear = method == LoginMethod::password || method == LoginMethod::handed_over;
  if (method == LoginMethod::trust)
    require(in && welcomed != require_binding);
  else if (password_known && (right || !checked) && usable && binding_fits && (!require_binding || binds) && (clear || !in_the_clear))
    require(in && (welcomed || method == LoginMethod::handed_over));
  return 0;
}
