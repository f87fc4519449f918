#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/config.hpp"

struct ssl_ctx_st;  // SSL_CTX of OpenSSL

namespace pgswitch {

/// Certificates, keys and policy of one side. Immutable after it is made; shared by all workers as TlsContextPtr. A reload
/// makes a new one, connections that exist keep theirs.
class TlsContext {
 public:
  TlsContext(ssl_ctx_st* owned, SslMode mode) : native_(owned), mode_(mode) {}
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  ssl_ctx_st* native() const { return native_; }
  SslMode mode() const { return mode_; }
  /// When our own certificate of this side expires (Unix time); nullopt: there is none.
  std::optional<std::int64_t> expires() const;
  bool verifies_host() const { return mode_ == SslMode::verify_full; }

 private:
  ssl_ctx_st* native_;
  SslMode mode_;
};
using TlsContextPtr = std::shared_ptr<const TlsContext>;

/// What one side's *_tls_* settings say.
struct TlsSettings {
  SslMode mode = SslMode::disable;
  std::string ca_file;
  std::string cert_file;
  std::string key_file;
  std::string ciphers;       ///< OpenSSL's list, or default, secure, fast, normal, all
  std::string tls13_ciphers; ///< empty: OpenSSL's
  std::string protocols;     ///< secure, all, legacy, or a list of tlsv1.0 .. tlsv1.3
  std::string dheparams = "auto";
  std::string ecdhcurve = "auto";
  bool asks_for_certificate = false;  ///< of clients, who may come without one, or with one that nobody trusts
};

/// For accepting clients. nullptr with empty `error`: TLS is disabled. nullptr with `error`: a file or setting is bad.
TlsContextPtr make_client_context(const Config& config, std::string& error);
/// For connecting to servers; the same.
TlsContextPtr make_server_context(const Config& config, std::string& error);

/// The pair a worker uses, replaced as a whole by a reload.
struct TlsContexts {
  TlsContextPtr client;  ///< nullptr: clients get no TLS
  TlsContextPtr server;  ///< nullptr: servers are not asked for it
};
/// False with `error` when one of them cannot be made; `contexts` is unchanged then.
bool make_tls_contexts(const Config& config, TlsContexts& contexts, std::string& error);

/// Whole days from now, by the system's clock; negative: it is past.
std::int64_t days_until(std::int64_t unix_seconds);
/// A line for each certificate of ours that is good for less than two weeks.
std::vector<std::string> expiry_warnings(const TlsContexts& contexts);

/// The first error of this thread's OpenSSL queue as text, which is emptied; "" when there is none.
std::string take_tls_error();

}  // namespace pgswitch
