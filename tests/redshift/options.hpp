#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/redshift/channel.hpp"

namespace pgswitch::stand_in {

enum class AuthMethod : std::uint8_t { trust, cleartext, md5, digest, idp };

/// The command line. README.md has the table of options.
struct Options {
  std::string listen_address = "127.0.0.1";
  std::uint16_t port = 0;
  std::string backend_host = "127.0.0.1";  ///< or the folder of its Unix socket
  std::uint16_t backend_port = 5432;
  std::string backend_user = "postgres";     ///< a superuser who needs no password
  std::map<std::string, std::string> users;  ///< password, "md5..." or "sha256|digest|salt"; empty: everybody
  std::vector<std::string> tokens;           ///< of an identity provider, for AuthMethod::idp: "token=user" or "token"
  AuthMethod auth = AuthMethod::trust;
  TlsFiles tls;
  bool require_tls = false;
  unsigned protocol_version = 1;  ///< the highest server_protocol_version
  std::string isolation = "SERIALIZABLE";
  bool single_node = false;
  bool knows_intervalstyle = false;
  bool takes_extended_declare = false;
  std::string s3_endpoint;                   ///< http://host:port; empty: there is no S3
  std::map<std::string, std::string> roles;  ///< ARN -> "key:secret[:token]", what IAM_ROLE stands for
};

/// Throws std::runtime_error with what is wrong.
Options read_options(int count, char** arguments);

}  // namespace pgswitch::stand_in
