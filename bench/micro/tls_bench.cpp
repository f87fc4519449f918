#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "bench/micro/measure.hpp"

namespace pgswitch::bench {
namespace {

template <auto free>
struct Free {
  template <class T>
  void operator()(T* object) const { free(object); }
};
using Context = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;
using Tls = std::unique_ptr<SSL, Free<SSL_free>>;

Context server_context() {
  const std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>> key(EVP_EC_gen("P-256"));
  const std::unique_ptr<X509, Free<X509_free>> certificate(X509_new());
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_sign(certificate.get(), key.get(), EVP_sha256());
  Context context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_use_certificate(context.get(), certificate.get());
  SSL_CTX_use_PrivateKey(context.get(), key.get());
  return context;
}

/// Two ends of a TLS connection in memory, shaken hands.
struct Pair {
  Context server_side = server_context(), client_side{SSL_CTX_new(TLS_client_method())};
  Tls server{SSL_new(server_side.get())}, client{SSL_new(client_side.get())};

  Pair() {
    BIO *of_server = nullptr, *of_client = nullptr;
    BIO_new_bio_pair(&of_server, 1 << 17, &of_client, 1 << 17);
    SSL_set_bio(server.get(), of_server, of_server);
    SSL_set_bio(client.get(), of_client, of_client);
    SSL_set_accept_state(server.get());
    SSL_set_connect_state(client.get());
    for (int turn = 0; turn < 10 && !(SSL_is_init_finished(server.get()) && SSL_is_init_finished(client.get())); ++turn) {
      SSL_do_handshake(client.get());
      SSL_do_handshake(server.get());
    }
    if (!SSL_is_init_finished(client.get())) throw std::runtime_error("the TLS handshake failed");
  }
};

/// One record written at one end and read at the other.
void tls_record(benchmark::State& state) {
  Pair pair;
  std::string text(static_cast<std::size_t>(state.range(0)), 'x'), read(text.size(), '\0');
  const int size = static_cast<int>(text.size());
  for (auto _ : state)
    if (SSL_write(pair.client.get(), text.data(), size) != size || SSL_read(pair.server.get(), read.data(), size) != size)
      state.SkipWithError("the record was lost");
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * size);
}
BENCHMARK(tls_record)->Arg(100)->Arg(16384);

void tls_handshake(benchmark::State& state) {
  for (auto _ : state) Pair pair;
}
BENCHMARK(tls_handshake)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace pgswitch::bench
