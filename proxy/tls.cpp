#include "proxy/tls.hpp"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <ctime>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string_view>

namespace pgswitch {
namespace {

using SslCtxPtr = std::unique_ptr<ssl_ctx_st, decltype(&SSL_CTX_free)>;

constexpr unsigned char alpn_protocols[] = {10, 'p', 'o', 's', 't', 'g', 'r', 'e', 's', 'q', 'l'};

struct Version {
  std::string_view name;
  std::uint64_t off;
};
constexpr Version versions[] = {{"tlsv1.0", SSL_OP_NO_TLSv1},
                                {"tlsv1.1", SSL_OP_NO_TLSv1_1},
                                {"tlsv1.2", SSL_OP_NO_TLSv1_2},
                                {"tlsv1.3", SSL_OP_NO_TLSv1_3}};
constexpr std::uint64_t all_off = SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TLSv1_3;
constexpr std::uint64_t old_off = SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1;

/// The versions that one word of the setting allows, as bits to take out of `all_off`; 0 for an unknown word.
std::uint64_t versions_of(std::string_view word) {
  if (word == "all" || word == "legacy") return all_off;
  if (word == "secure" || word == "default") return all_off & ~old_off;
  if (word == "tlsv1") return all_off;
  for (const Version& version : versions)
    if (word == version.name) return version.off;
  return 0;
}

bool apply_protocols(ssl_ctx_st* context, const std::string& setting, std::string& error) {
  std::uint64_t allowed = 0;
  for (std::string word : CommaList(setting)) {
    std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
    const bool negated = word.front() == '!';
    const std::uint64_t bits = versions_of(std::string_view(word).substr(negated ? 1 : 0));
    if (bits == 0) {
      error = "unknown TLS protocol: " + word;
      return false;
    }
    if (negated && allowed == 0) allowed = all_off;
    allowed = negated ? allowed & ~bits : allowed | bits;
  }
  if (allowed == 0) {
    error = "no TLS protocol is enabled";
    return false;
  }
  SSL_CTX_set_min_proto_version(context, allowed & old_off ? TLS1_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_options(context, all_off & ~allowed);
  return true;
}

bool is_default_ciphers(std::string_view name) {
  return name.empty() || name == "default" || name == "secure" || name == "fast" || name == "normal";
}

std::string openssl_failure(const std::string& what) { return what + ": " + take_tls_error(); }

bool apply_ciphers(ssl_ctx_st* context, const TlsSettings& settings, std::string& error) {
  if (!is_default_ciphers(settings.ciphers)) {
    const std::string list = settings.ciphers == "all" ? "ALL:!aNULL:!eNULL" : settings.ciphers;
    if (SSL_CTX_set_cipher_list(context, list.c_str()) != 1) {
      error = openssl_failure("bad TLS ciphers \"" + list + "\"");
      return false;
    }
  }
  if (settings.tls13_ciphers.empty()) return true;
  if (SSL_CTX_set_ciphersuites(context, settings.tls13_ciphers.c_str()) == 1) return true;
  error = openssl_failure("bad TLS 1.3 ciphers \"" + settings.tls13_ciphers + "\"");
  return false;
}

bool apply_key_exchange(ssl_ctx_st* context, const TlsSettings& settings, std::string& error) {
  if (settings.dheparams != "none") SSL_CTX_set_dh_auto(context, 1);
  const std::string& curve = settings.ecdhcurve;
  if (curve.empty() || curve == "auto" || curve == "none") return true;
  if (SSL_CTX_set1_groups_list(context, curve.c_str()) == 1) return true;
  error = openssl_failure("bad TLS curve \"" + curve + "\"");
  return false;
}

bool load_certificate(ssl_ctx_st* context, const TlsSettings& settings, std::string& error) {
  if (settings.cert_file.empty()) return true;
  if (SSL_CTX_use_certificate_chain_file(context, settings.cert_file.c_str()) != 1) {
    error = openssl_failure("could not load certificate file \"" + settings.cert_file + "\"");
    return false;
  }
  const std::string& key = settings.key_file.empty() ? settings.cert_file : settings.key_file;
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) {
    error = openssl_failure("could not load private key file \"" + key + "\"");
    return false;
  }
  if (SSL_CTX_check_private_key(context) == 1) return true;
  error = openssl_failure("private key file \"" + key + "\" does not match the certificate");
  return false;
}

bool verifies(SslMode mode) { return mode == SslMode::verify_ca || mode == SslMode::verify_full; }

/// The login looks at what came of the verification (Stream::peer_common_name()).
int accept_any_certificate(int, X509_STORE_CTX*) { return 1; }

bool load_authorities(ssl_ctx_st* context, const TlsSettings& settings, bool accepting, std::string& error) {
  const std::string& file = settings.ca_file;
  if (!file.empty() && SSL_CTX_load_verify_locations(context, file.c_str(), nullptr) != 1) {
    error = openssl_failure("could not load CA file \"" + file + "\"");
    return false;
  }
  const bool asks = accepting && settings.asks_for_certificate && !file.empty() && !verifies(settings.mode);
  if (asks) {
    SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(file.c_str()));
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, accept_any_certificate);
  }
  if (!verifies(settings.mode)) return true;
  if (file.empty() && SSL_CTX_set_default_verify_paths(context) != 1) {
    error = openssl_failure("could not load the system's CA certificates");
    return false;
  }
  if (accepting && !file.empty()) SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(file.c_str()));
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (accepting ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
  return true;
}

int select_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                unsigned int offered_size, void*) {
  unsigned char* selected = nullptr;
  const int found = SSL_select_next_proto(&selected, out_size, alpn_protocols, sizeof alpn_protocols, offered, offered_size);
  *out = selected;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

int no_passphrase(char*, int, int, void*) { return 0; }

void apply_basics(ssl_ctx_st* context, bool accepting) {
  // Sessions are not resumed: like PostgreSQL, and a ticket would let a client in past a changed CA.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                   SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);  // header and body of a record in one recv
  SSL_CTX_set_default_passwd_cb(context, no_passphrase);  // a prompt would stop the process
  if (accepting) {
    SSL_CTX_set_alpn_select_cb(context, select_alpn, nullptr);
  } else {
    SSL_CTX_set_alpn_protos(context, alpn_protocols, sizeof alpn_protocols);
  }
}

TlsContextPtr make_context(const TlsSettings& settings, bool accepting, std::string& error) {
  error.clear();
  if (settings.mode == SslMode::disable) return nullptr;
  if (accepting && settings.cert_file.empty()) {
    error = "client_tls_cert_file is needed when client_tls_sslmode is not disable";
    return nullptr;
  }
  ERR_clear_error();
  SslCtxPtr context(SSL_CTX_new(accepting ? TLS_server_method() : TLS_client_method()), SSL_CTX_free);
  if (!context) {
    error = openssl_failure("OpenSSL");
    return nullptr;
  }
  apply_basics(context.get(), accepting);
  if (!apply_protocols(context.get(), settings.protocols, error) || !apply_ciphers(context.get(), settings, error) ||
      !apply_key_exchange(context.get(), settings, error) || !load_certificate(context.get(), settings, error) ||
      !load_authorities(context.get(), settings, accepting, error))
    return nullptr;
  return std::make_shared<const TlsContext>(context.release(), settings.mode);
}

}  // namespace

TlsContext::~TlsContext() { SSL_CTX_free(native_); }

std::optional<std::int64_t> TlsContext::expires() const {
  const X509* const certificate = SSL_CTX_get0_certificate(native_);
  std::tm utc{};
  if (!certificate || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &utc) != 1) return std::nullopt;
  return timegm(&utc);
}

TlsContextPtr make_client_context(const Config& config, std::string& error) {
  TlsSettings settings;
  settings.mode = config.client_tls_sslmode;
  settings.ca_file = config.client_tls_ca_file;
  settings.cert_file = config.client_tls_cert_file;
  settings.key_file = config.client_tls_key_file;
  settings.ciphers = config.client_tls_ciphers;
  settings.tls13_ciphers = config.client_tls13_ciphers;
  settings.protocols = config.client_tls_protocols;
  settings.dheparams = config.client_tls_dheparams;
  settings.ecdhcurve = config.client_tls_ecdhcurve;
  settings.asks_for_certificate = config.auth_type == AuthType::hba;  // a line may have the method cert
  return make_context(settings, true, error);
}

TlsContextPtr make_server_context(const Config& config, std::string& error) {
  TlsSettings settings;
  settings.mode = config.server_tls_sslmode;
  settings.ca_file = config.server_tls_ca_file;
  settings.cert_file = config.server_tls_cert_file;
  settings.key_file = config.server_tls_key_file;
  settings.ciphers = config.server_tls_ciphers;
  settings.tls13_ciphers = config.server_tls13_ciphers;
  settings.protocols = config.server_tls_protocols;
  return make_context(settings, false, error);
}

bool make_tls_contexts(const Config& config, TlsContexts& contexts, std::string& error) {
  TlsContexts made;
  made.client = make_client_context(config, error);
  if (!error.empty()) return false;
  made.server = make_server_context(config, error);
  if (!error.empty()) return false;
  contexts = std::move(made);
  return true;
}

std::int64_t days_until(std::int64_t unix_seconds) {
  using Days = std::chrono::days;
  const std::chrono::sys_seconds then{std::chrono::seconds(unix_seconds)};
  return std::chrono::floor<Days>(then - std::chrono::system_clock::now()).count();
}

std::vector<std::string> expiry_warnings(const TlsContexts& contexts) {
  constexpr std::int64_t soon = 14;
  std::vector<std::string> warnings;
  const auto look_at = [&](const char* setting, const TlsContextPtr& tls) {
    const auto expires = tls ? tls->expires() : std::nullopt;
    const std::int64_t days = expires ? days_until(*expires) : soon;
    if (days < 0) warnings.push_back(std::string("the certificate of ") + setting + " has expired");
    else if (days < soon) warnings.push_back(std::string("the certificate of ") + setting + " expires in less than " + std::to_string(days + 1) + " days");
  };
  look_at("client_tls_cert_file", contexts.client);
  look_at("server_tls_cert_file", contexts.server);
  return warnings;
}

std::string take_tls_error() {
  const unsigned long error = ERR_get_error();
  ERR_clear_error();
  if (error == 0) return {};
  if (const char* const reason = ERR_reason_error_string(error)) return reason;
  char text[256];
  ERR_error_string_n(error, text, sizeof text);
  return text;
}

}  // namespace pgswitch
