#include "proxy/auth/auth_query.hpp"
#include "proxy/auth/hba.hpp"
#include "proxy/auth/ident_map.hpp"
#include "proxy/auth/ldap_options.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace pgswitch;

namespace {

void read_hba(const std::string& text) {
  if (text.find('@') != std::string::npos) return;  // would read files of the machine
  std::vector<Diagnostic> errors;
  const Hba hba = Hba::parse(text, "hba", errors);
  HbaRequest request;
  request.database = request.user = "joe";
  for (const char* host : {"unix", "127.0.0.1", "::1", "::ffff:10.0.0.1"}) {
    request.host = host;
    request.is_unix = request.host == "unix";
    for (const bool tls : {false, true}) {
      request.is_tls = tls && !request.is_unix;
      const AuthRule* const rule = hba.match(request);
      fuzz::require(!rule || rule->method != AuthMethod::ldap || rule->ldap);
    }
  }
}

void read_maps(const std::string& text) {
  std::vector<Diagnostic> errors;
  const IdentMaps maps = IdentMaps::parse(text, "ident", errors);
  maps.allows("m", text.substr(0, 64), "joe");
}

void read_answer(std::string_view bytes) {
  AuthQueryAnswer answer;
  AuthQueryAnswer::Step step = AuthQueryAnswer::Step::more;
  protocol::FrameHeader header;
  while (step == AuthQueryAnswer::Step::more && protocol::read_header(bytes, bytes.size(), header) == protocol::HeaderStatus::complete &&
         header.frame_size() <= bytes.size()) {
    protocol::Frame frame;
    frame.type = header.type;
    frame.body = bytes.substr(protocol::frame_header_size, header.body_size);
    bytes.remove_prefix(header.frame_size());
    step = answer.on_frame(frame);
  }
  fuzz::require(!answer.found() || answer.found()->name.size() <= 127 || !answer.fault().empty());
}

}  // namespace

/// The input as an HBA file, as name maps, as LDAP options and as a server's answer to auth_query.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  read_hba(text);
  read_maps(text);
  read_answer(text);
  LdapOptions options;
  std::string error;
  if (parse_ldap_options(text, true, options, error)) {
    const bool has_servers = options.server.find_first_not_of(' ') != std::string::npos;
    fuzz::require(has_servers == !options.uris_of(options.server, options.port).empty());
    const std::string filter = ldap_filter(options, "jo*e");
    fuzz::require(filter.empty());
  }
  return 0;
}
