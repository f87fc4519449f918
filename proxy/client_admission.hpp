#pragma once
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/frame.hpp"
#include "protocol/sql_error.hpp"
#include "protocol/startup.hpp"
#include "proxy/client_session.hpp"
#include "proxy/pool.hpp"
#include "proxy/router.hpp"
#include "proxy/stream_io.hpp"
#include "rules/facts.hpp"

namespace pgswitch {

/// A client's way from accept to its first ReadyForQuery: PROXY header, TLS, start-up packets, authentication, limits, the
/// rules' connect(). Lives in the coroutine of its ClientSession and is gone when that ends, with all that only a login needs.
class ClientAdmission {
 public:
  using Step = boost::asio::awaitable<bool>;

  explicit ClientAdmission(ClientSession& session);
  ~ClientAdmission();
  ClientAdmission(const ClientAdmission&) = delete;
  ClientAdmission& operator=(const ClientAdmission&) = delete;

  /// True: the client is welcome; a client of the console has not been told so yet.
  Step log_in();
  /// After log_in() was false: tells the client why, waits until it has read that, and closes.
  boost::asio::awaitable<void> say_goodbye();
  /// Writes what is in `out`.
  Step flush();
  /// Ends the login with `error`, unless it has failed before. Returns false.
  bool fail(protocol::SqlError error);
  void make_cancel_key();

  // What a login finds out. After log_in().
  ConfigPtr config;
  protocol::StartupMessage startup;
  DatabasePtr database;
  CredentialsPtr credentials;
  protocol::Settings settings;
  rules::Facts facts;
  Welcome welcome;
  PoolMode mode = PoolMode::session;
  Lease lease;  ///< session mode: the client's server, if there was one
  std::string out;  ///< what is to be written next

 private:
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
  Step welcome_client();
  boost::asio::awaitable<void> take_server();
  void tell_cancel_key();

  Step read(char* data, std::size_t size);
  bool note(IoEnd end);

  ClientSession& session_;
  Worker& worker_;
  Stream& stream_;
  std::int64_t login_deadline_us_ = 0;
  std::string in_;  ///< one start-up packet or login message
  bool tls_refused_ = false;
  bool gss_refused_ = false;
  std::optional<protocol::SqlError> failure_;  ///< told to the client before closing
  std::string close_reason_;                   ///< for the log, when the client is told nothing
};

}  // namespace pgswitch
