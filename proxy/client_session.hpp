#pragma once
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/frame.hpp"
#include "protocol/sql_error.hpp"
#include "protocol/startup.hpp"
#include "proxy/client_address.hpp"
#include "proxy/client_limits.hpp"
#include "proxy/client_login.hpp"
#include "proxy/router.hpp"
#include "proxy/stream.hpp"
#include "proxy/stream_io.hpp"
#include "rules/facts.hpp"

namespace pgswitch {

class Relay;
class Worker;

/// What SHOW CLIENTS tells of a client. Filled while it logs in.
struct ClientInfo {
  std::uint64_t id = 0;               ///< unique in the process
  std::int64_t connected_unix_us = 0; ///< µs since 1970
  ClientAddress address;
  std::string user;                   ///< empty until the start-up packet is here
  std::string database;
  std::string application_name;
  std::string tls;                    ///< "TLSv1.3/TLS_AES_256_GCM_SHA384", or ""
};

/// One client from accept to close: PROXY header, TLS, start-up packets, authentication, then its Relay or the console.
/// Owned by its Worker, in a slot; its thread only. run() is its one coroutine; the worker frees the slot when that ends.
class ClientSession {
 public:
  enum class Phase : std::uint8_t { login, relay, console, closing };

  /// `fd`: a connected, non-blocking socket, owned from now on.
  ClientSession(Worker& worker, int fd);
  ~ClientSession();
  ClientSession(const ClientSession&) = delete;
  ClientSession& operator=(const ClientSession&) = delete;

  /// Begins; the worker has put the session into `slot`.
  void start(std::uint32_t slot);

  Worker& worker() { return worker_; }
  Stream& stream() { return stream_; }
  const ClientInfo& info() const { return info_; }
  Phase phase() const { return phase_; }
  /// nullptr except in Phase::relay.
  const Relay* relay() const { return relay_; }
  ConsoleRights console_rights() const { return rights_; }
  std::int64_t connected_us() const { return connected_us_; }  ///< worker's clock
  /// "C-0x55d0c0ffee00: db/user@host:port ", what each log line about the client begins with.
  std::string log_prefix() const;

  /// A CancelRequest with this session's process id arrived; nothing happens when `secret` is wrong.
  void cancel(protocol::ByteView secret);
  /// At the next transaction boundary / now. The console stays for shut_down().
  void shut_down(const protocol::SqlError& reason);
  void kill(const protocol::SqlError& reason);
  /// The worker's tick, every 100 ms.
  void tick(std::int64_t now_us);

 private:
  using Step = boost::asio::awaitable<bool>;

  // client_session.cpp: the whole life
  boost::asio::awaitable<void> run();
  Step log_in();
  boost::asio::awaitable<void> say_goodbye();
  void log_login() const;
  void log_close(std::string_view reason) const;

  // client_startup.cpp: what comes before authentication
  Step read_proxy_header();
  Step read_startup_packets();
  Step take_packet(const protocol::StartupPacket& packet, bool& finished);
  Step answer_tls_request();
  Step refuse_encryption();
  Step start_tls();
  Step begins_with_tls(bool& tls);
  bool nothing_behind(std::string_view request);
  Step read_packet();
  void forward_cancel(protocol::ByteView packet);

  // client_admission.cpp: authentication and what follows it
  Step authenticate();
  Step read_login_frame(protocol::Frame& frame);
  bool admit();
  bool admit_to_console();
  bool admit_to_database();
  bool ask_rules();
  Step welcome();
  void make_cancel_key();

  // client_relay.cpp
  boost::asio::awaitable<void> relay_session();
  boost::asio::awaitable<void> console_session();

  Step read(char* data, std::size_t size);
  Step flush();
  bool note(IoEnd end);
  bool fail(protocol::SqlError error);

  Worker& worker_;
  Stream stream_;
  ClientInfo info_;
  Phase phase_ = Phase::login;
  std::uint32_t slot_ = 0;
  std::int64_t connected_us_ = 0;
  std::int64_t login_deadline_us_ = 0;
  ConfigPtr config_;              ///< of the login
  protocol::StartupMessage startup_;
  std::string in_;                ///< one start-up packet or login message
  std::string out_;               ///< what is to be written next
  bool tls_refused_ = false;
  bool gss_refused_ = false;
  std::optional<protocol::SqlError> failure_;  ///< told to the client before closing
  std::string close_reason_;      ///< for the log, when the client is told nothing
  DatabasePtr database_;
  CredentialsPtr credentials_;
  ConsoleRights rights_ = ConsoleRights::none;
  ClientPermits permits_;
  protocol::Settings settings_;
  rules::Facts facts_;
  Welcome welcome_;
  std::string cancel_secret_;
  Relay* relay_ = nullptr;
};

}  // namespace pgswitch
