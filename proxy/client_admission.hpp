#pragma once
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/frame.hpp"
#include "protocol/login.hpp"
#include "protocol/sql_error.hpp"
#include "protocol/startup.hpp"
#include "proxy/auth/auth_query.hpp"
#include "proxy/auth/auth_rule.hpp"
#include "proxy/client_login.hpp"
#include "proxy/client_session.hpp"
#include "proxy/log.hpp"
#include "proxy/login_places.hpp"
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
  Lease lease;  ///< session mode: the client's server, if there was one; replication: the client's walsender
  std::string out;  ///< what is to be written next
  bool is_replication() const { return startup.replication != protocol::Replication::none; }
  /// What the client sent behind its login.
  std::string_view early() const { return in_; }

 private:
  // client_startup.cpp: what comes before authentication
  bool take_place();
  bool expects_proxy_header() const;
  Step read_proxy_header();
  bool may_begin_with_tls() const;
  Step begin_direct_tls();
  Step begins_with_tls(bool& tls);
  bool startup_is_here();
  Step read_requests();
  bool read_startup();
  protocol::StartupKind kind_of(const protocol::StartupPacket& packet) const;
  Step answer_request(protocol::StartupKind kind);
  Step start_tls();
  bool nothing_behind(std::string_view request);
  Step forward_cancel(protocol::ByteView packet);

  // client_authentication.cpp
  bool choose_rule();
  bool find_rule();
  bool needs_lookup();
  bool plan_lookup(AuthQuery& query);
  Step look_up_user();
  bool is_allowed_as(std::string_view system_user) const;
  Step check_identity();
  bool begin_authentication();
  Step exchange();
  bool read_login_header(protocol::FrameHeader& header);
  Step check_password();
  bool end_authentication();
  void log(LogLevel level, std::string_view text) const;

  // client_admission.cpp: what follows authentication
  bool admit();
  bool admit_to_console();
  bool admit_to_database();
  bool ask_rules();
  Step ask_welcome();
  bool welcome_client();
  void write_welcome();
  boost::asio::awaitable<void> take_server();
  void tell_cancel_key();

  // client_replication.cpp
  Step open_replication();

  // client_receive.cpp: reading and writing
  bool receive_now(std::size_t size);
  Step receive(std::size_t size);
  bool reads_ahead() const;
  IoResult read_some(std::size_t wanted);
  void consume(std::size_t size);
  bool write_now();
  bool note(IoEnd end);

  ClientSession& session_;
  Worker& worker_;
  Stream& stream_;
  std::int64_t login_deadline_us_ = 0;
  LoginPlace place_;
  std::string in_;  ///< received and not consumed yet: overwritten when it is, for it may hold a password
  bool awaited_ = false;  ///< nothing can have come yet: the client waits for us, or has had no time
  AuthRule rule_;
  Claimant claimant_;
  std::optional<protocol::ServerLogin> login_;
  bool login_begun_ = false;
  protocol::LoginStatus login_status_ = protocol::LoginStatus::need_more;
  bool is_redshift_driver_ = false;
  bool tls_refused_ = false;
  bool gss_refused_ = false;
  std::optional<protocol::SqlError> failure_;  ///< told to the client before closing
  std::string close_reason_;                   ///< for the log, when the client is told nothing
};

}  // namespace pgswitch
