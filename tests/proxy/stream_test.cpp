// Stream on real sockets, plain and TLS; the peer is a bare descriptor or another Stream.
#include "proxy/stream.hpp"

#include <boost/asio/co_spawn.hpp>
#include <csignal>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/tls.hpp"
#include "tests/proxy/pool_fixture.hpp"
#include "tests/proxy/temporary_folder.hpp"

namespace pgswitch {
namespace {

using pool_test::Loop;
using Status = IoResult::Status;

struct Pair {
  int left = -1, right = -1;
};

/// Two ends of a TCP connection, both non-blocking.
Pair tcp_pair() {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(listen(listener, 1), 0);
  EXPECT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  Pair pair;
  pair.left = socket(AF_INET, SOCK_STREAM, 0);
  EXPECT_EQ(connect(pair.left, reinterpret_cast<sockaddr*>(&address), size), 0);
  pair.right = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
  fcntl(pair.left, F_SETFL, O_NONBLOCK);
  ::close(listener);
  return pair;
}

IoResult write(Stream& stream, std::string_view bytes) {
  const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  return stream.write_some(&piece, 1);
}

/// Reads in pieces of `piece` bytes, as its callbacks come, up to the end.
struct Reader final : StreamOwner {
  explicit Reader(Stream& from, std::size_t piece = 65536) : stream(from), room(piece, '\0') { stream.set_owner(this); }
  void on_readable(Stream&) override {
    ++calls;
    last = stream.read_some(room.data(), room.size());
    if (last.status == Status::ok) text.append(room, 0, last.bytes);
    if (last.status == Status::closed || last.status == Status::failed) stream.set_owner(nullptr);
  }
  void on_writable(Stream&) override {}
  void on_out_of_memory(Stream&) override { FAIL(); }
  bool ended() const { return last.status == Status::closed || last.status == Status::failed; }

  Stream& stream;
  std::string room, text;
  IoResult last;
  int calls = 0;
};

struct StreamTest : testing::Test {
  StreamTest() : pair(tcp_pair()), stream(loop.poller, pair.left) {}
  ~StreamTest() override { close_peer(); }
  void close_peer() {
    if (pair.right >= 0) ::close(pair.right);
    pair.right = -1;
  }
  void peer_says(std::string_view bytes) {
    EXPECT_EQ(::send(pair.right, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }
  Loop loop;
  Pair pair;
  Stream stream;
};

TEST_F(StreamTest, reads_what_came_before_the_end) {
  Reader reader(stream);
  peer_says("last words");
  close_peer();
  ASSERT_TRUE(loop.run_until([&] { return reader.ended(); }));
  EXPECT_EQ(reader.text, "last words");
  EXPECT_EQ(reader.last.status, Status::closed);
}

TEST_F(StreamTest, a_reset_is_the_end) {
  Reader reader(stream);
  const linger at_once{1, 0};
  setsockopt(pair.right, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close_peer();
  ASSERT_TRUE(loop.run_until([&] { return reader.ended(); }));
  EXPECT_EQ(reader.last.status, Status::closed);
  EXPECT_NE(write(stream, "x").status, Status::ok);
}

TEST_F(StreamTest, a_write_says_how_much_was_taken_and_goes_on_from_there) {
  std::string sent;
  for (std::size_t i = 0; i < 8'000'000; ++i) sent.push_back(static_cast<char>(i * 31 >> 4));
  std::string_view left = sent;
  std::string got, room(65536, '\0');
  bool blocked = false;
  while (got.size() < sent.size()) {
    const IoResult result = write(stream, left);
    ASSERT_NE(result.status, Status::closed);
    blocked |= result.status == Status::would_block;
    left.remove_prefix(result.bytes);
    for (ssize_t count; (count = ::recv(pair.right, room.data(), room.size(), 0)) > 0;) got.append(room, 0, static_cast<std::size_t>(count));
  }
  EXPECT_TRUE(blocked);
  EXPECT_EQ(got, sent);
}

TEST_F(StreamTest, nobody_is_told_of_bytes_while_reading_is_off) {
  Reader reader(stream);
  stream.watch(false, false);
  peer_says("later");
  loop.settle();
  EXPECT_EQ(reader.calls, 0);
  stream.watch(true, false);
  ASSERT_TRUE(loop.run_until([&] { return reader.text == "later"; }));
}

TEST_F(StreamTest, a_callback_may_destroy_the_stream) {
  struct Destroyer final : StreamOwner {
    void on_readable(Stream&) override { stream.reset(); }
    void on_writable(Stream&) override { FAIL() << "called after its end"; }
    void on_out_of_memory(Stream&) override { FAIL(); }
    std::unique_ptr<Stream> stream;
  } owner;
  const Pair other = tcp_pair();
  owner.stream = std::make_unique<Stream>(loop.poller, other.left);
  owner.stream->set_owner(&owner);
  owner.stream->watch(true, true);
  EXPECT_EQ(::send(other.right, "x", 1, 0), 1);
  ASSERT_TRUE(loop.run_until([&] { return !owner.stream; }));
  ::close(other.right);
}

TEST_F(StreamTest, waiting_ends_with_bytes_or_at_the_deadline_or_when_it_is_closed) {
  std::vector<bool> results;
  const auto note = [&](std::exception_ptr, bool result) { results.push_back(result); };
  boost::asio::co_spawn(loop.io, stream.wait_readable(steady_us() + 1'000), note);
  ASSERT_TRUE(loop.run_until([&] { return results.size() == 1; }));
  boost::asio::co_spawn(loop.io, stream.wait_readable(0), note);
  loop.settle();
  peer_says("x");
  ASSERT_TRUE(loop.run_until([&] { return results.size() == 2; }));
  char taken[2];
  stream.read_some(taken, sizeof taken);
  boost::asio::co_spawn(loop.io, stream.wait_readable(0), note);
  loop.settle();
  stream.close();
  ASSERT_TRUE(loop.run_until([&] { return results.size() == 3; }));
  EXPECT_EQ(results, (std::vector<bool>{false, true, false}));
}

TEST_F(StreamTest, what_a_read_had_no_room_for_is_told_of_again) {
  Reader reader(stream, 3);
  peer_says("sixteen letters!");
  ASSERT_TRUE(loop.run_until([&] { return reader.text.size() == 16; }));
  peer_says("abc");  // fills the room: there could be more
  ASSERT_TRUE(loop.run_until([&] { return reader.text.size() == 19; }));
  loop.settle();
  const int calls = reader.calls;
  loop.settle();
  EXPECT_EQ(reader.calls, calls);
  peer_says("end");
  close_peer();
  ASSERT_TRUE(loop.run_until([&] { return reader.ended(); }));
  EXPECT_EQ(reader.text, "sixteen letters!abcend");
}

TEST_F(StreamTest, what_came_while_reading_was_off_is_told_of_when_it_is_on_again) {
  Reader reader(stream, 3);
  peer_says("abc");
  ASSERT_TRUE(loop.run_until([&] { return reader.text == "abc"; }));
  stream.watch(false, true);
  peer_says("defghi");
  close_peer();
  loop.settle();
  EXPECT_EQ(reader.text, "abc");
  stream.watch(true, false);
  ASSERT_TRUE(loop.run_until([&] { return reader.ended(); }));
  EXPECT_EQ(reader.text, "abcdefghi");
}

TEST_F(StreamTest, one_that_its_callback_closes_is_not_called_again) {
  struct Closer final : StreamOwner {
    void on_readable(Stream& stream) override {
      ++calls;
      char one = 0;
      stream.read_some(&one, 1);
      stream.close();
    }
    void on_writable(Stream&) override {}
    void on_out_of_memory(Stream&) override {}
    int calls = 0;
  } owner;
  const Pair other = tcp_pair();
  auto closed = std::make_unique<Stream>(loop.poller, other.left);
  closed->set_owner(&owner);
  EXPECT_EQ(::send(other.right, "more than one", 13, 0), 13);
  ASSERT_TRUE(loop.run_until([&] { return owner.calls == 1; }));
  closed.reset();
  loop.settle();
  EXPECT_EQ(owner.calls, 1);
  ::close(other.right);
}

TEST_F(StreamTest, an_end_that_came_with_the_last_bytes_is_not_missed) {
  peer_says("last");
  close_peer();
  loop.settle();
  Reader reader(stream);
  ASSERT_TRUE(loop.run_until([&] { return reader.ended(); }));
  EXPECT_EQ(reader.text, "last");
}

TEST_F(StreamTest, nothing_is_lost_between_two_workers) {
  Loop other;
  Reader reader(stream);
  peer_says("one ");
  ASSERT_TRUE(loop.run_until([&] { return reader.text == "one "; }));
  stream.set_owner(nullptr);
  stream.detach();
  peer_says("two ");
  stream.attach(other.poller);
  stream.set_owner(&reader);
  peer_says("three");
  ASSERT_TRUE(other.run_until([&] { return reader.text == "one two three"; }));
  stream.close();
}

/// A key and its certificate in two files.
void make_certificate(const std::string& certificate_file, const std::string& key_file) {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* const name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_sign(certificate, key, EVP_sha256());
  FILE* const certificate_out = std::fopen(certificate_file.c_str(), "w");
  PEM_write_X509(certificate_out, certificate);
  std::fclose(certificate_out);
  FILE* const key_out = std::fopen(key_file.c_str(), "w");
  PEM_write_PrivateKey(key_out, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(key_out);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

/// `stream` accepts, `client` connects.
struct TlsTest : testing::Test {
  TlsTest() : pair(tcp_pair()), stream(loop.poller, pair.left), client(loop.poller, pair.right) {
    std::signal(SIGPIPE, SIG_IGN);  // as the program does: OpenSSL writes with write(2)
    Config config;
    config.client_tls_sslmode = config.server_tls_sslmode = SslMode::require;
    config.client_tls_cert_file = folder.path("crt");
    config.client_tls_key_file = folder.path("key");
    make_certificate(config.client_tls_cert_file, config.client_tls_key_file);
    std::string error;
    EXPECT_TRUE(make_tls_contexts(config, contexts, error)) << error;
  }
  void accept(std::int64_t deadline_us = 0) {
    boost::asio::co_spawn(loop.io, stream.tls_accept(*contexts.client, deadline_us, accept_text),
                          [this](std::exception_ptr, boost::system::error_code error) { accepted = error; });
  }
  void connect() {
    boost::asio::co_spawn(loop.io, client.tls_connect(*contexts.server, "localhost", 0, connect_text),
                          [this](std::exception_ptr, boost::system::error_code error) { connected = error; });
  }
  void shake_hands() {
    accept();
    connect();
    ASSERT_TRUE(loop.run_until([&] { return accepted && connected; }));
    ASSERT_FALSE(*accepted) << accept_text;
    ASSERT_FALSE(*connected) << connect_text;
  }

  tests::TemporaryFolder folder;
  Loop loop;
  Pair pair;
  Stream stream, client;
  TlsContexts contexts;
  std::optional<boost::system::error_code> accepted, connected;
  std::string accept_text, connect_text;
};

TEST_F(TlsTest, both_ends_agree_on_version_protocol_and_binding) {
  shake_hands();
  EXPECT_TRUE(stream.tls_description().starts_with("TLSv1.3/")) << stream.tls_description();
  EXPECT_TRUE(stream.negotiated_alpn_postgresql());
  EXPECT_EQ(stream.channel_binding().size(), 32u);
  EXPECT_EQ(stream.channel_binding(), client.channel_binding());
}

TEST_F(TlsTest, large_writes_arrive_whole_and_in_order) {
  shake_hands();
  Reader reader(stream, 1000);
  std::string sent;
  for (std::size_t i = 0; i < 3'000'000; ++i) sent.push_back(static_cast<char>(i * 7 >> 3));
  std::string_view left = sent;
  ASSERT_TRUE(loop.run_until([&] {
    if (!left.empty()) left.remove_prefix(write(client, left).bytes);
    return reader.text.size() == sent.size();
  }));
  EXPECT_EQ(reader.text, sent);
}

TEST_F(TlsTest, bytes_that_openssl_holds_are_told_of) {
  shake_hands();
  Reader reader(stream, 10);
  EXPECT_EQ(write(client, std::string(100, 'x')).bytes, 100u);
  ASSERT_TRUE(loop.run_until([&] { return reader.text.size() == 100; }));
}

TEST_F(TlsTest, bytes_that_openssl_holds_move_to_another_worker) {
  shake_hands();
  Loop other;
  EXPECT_EQ(write(client, std::string(100, 'x')).bytes, 100u);
  std::string some(10, '\0');
  ASSERT_TRUE(loop.run_until([&] { return stream.read_some(some.data(), some.size()).status == Status::ok; }));
  stream.detach();
  stream.attach(other.poller);
  Reader reader(stream, 10);
  ASSERT_TRUE(other.run_until([&] { return reader.text.size() == 90; }));
  stream.close();
}

TEST_F(TlsTest, what_came_before_a_farewell_is_read) {
  shake_hands();
  Reader reader(stream);
  write(client, "last words");
  client.close();
  ASSERT_TRUE(loop.run_until([&] { return reader.ended(); }));
  EXPECT_EQ(reader.text, "last words");
  EXPECT_EQ(reader.last.status, Status::closed);
}

TEST_F(TlsTest, a_connection_cut_without_a_farewell_is_closed) {
  shake_hands();
  Reader reader(stream);
  ::shutdown(client.fd(), SHUT_RDWR);
  ASSERT_TRUE(loop.run_until([&] { return reader.ended(); }));
  EXPECT_EQ(reader.last.status, Status::closed);
}

TEST_F(TlsTest, garbage_in_a_session_fails_it) {
  shake_hands();
  Reader reader(stream);
  EXPECT_EQ(::send(client.fd(), "this is no record of TLS", 24, 0), 24);
  ASSERT_TRUE(loop.run_until([&] { return reader.ended(); }));
  EXPECT_EQ(reader.last.status, Status::failed);
  EXPECT_TRUE(reader.text.empty());
}

TEST_F(TlsTest, a_handshake_ends_with_garbage) {
  accept();
  EXPECT_EQ(::send(client.fd(), "SELECT 1; this is no TLS at all", 31, 0), 31);
  ASSERT_TRUE(loop.run_until([&] { return accepted.has_value(); }));
  EXPECT_TRUE(*accepted);
  EXPECT_FALSE(accept_text.empty());
}

TEST_F(TlsTest, a_handshake_ends_when_the_peer_closes) {
  accept();
  loop.settle();
  client.close();
  ASSERT_TRUE(loop.run_until([&] { return accepted.has_value(); }));
  EXPECT_TRUE(*accepted);
}

TEST_F(TlsTest, a_handshake_ends_at_its_deadline) {
  accept(steady_us() + 1'000);
  ASSERT_TRUE(loop.run_until([&] { return accepted.has_value(); }));
  EXPECT_EQ(accept_text, "timeout during the TLS handshake");
}

}  // namespace
}  // namespace pgswitch
