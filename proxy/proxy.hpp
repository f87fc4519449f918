#pragma once
#include <algorithm>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "proxy/admin/stats_history.hpp"
#include "protocol/scram_keys.hpp"
#include "proxy/cancel_key.hpp"
#include "proxy/client_limits.hpp"
#include "proxy/config.hpp"
#include "proxy/helper_threads.hpp"
#include "proxy/listener.hpp"
#include "proxy/login_places.hpp"
#include "proxy/log.hpp"
#include "proxy/passwords/password_commands.hpp"
#include "proxy/peer_pools.hpp"
#include "proxy/rules_watch.hpp"
#include "proxy/worker.hpp"

namespace pgswitch {

namespace s3 {
class Service;
}
struct Setting;

struct RunOptions {
  std::string config_file;
  bool quiet = false;
  bool daemon = false;
  int verbose = 0;
  std::string user;
  /// Listening sockets to serve instead of listen_addr and unix_socket_dir: systemd's, or those of the process that is replaced.
  std::vector<int> sockets;
  /// The Unix sockets at which processes that were replaced take requests to cancel, the last one's first.
  std::vector<std::string> predecessor_sockets;
};

/// Where the log goes, by configuration and command line.
LogOptions log_options(const Config& config, const RunOptions& options);

/// How the process ends.
enum class Shutdown : std::uint8_t {
  none,
  wait_for_clients,  ///< SIGTERM: no new clients; ends when the last one has left, the console's not counted
  wait_for_transactions,  ///< the same, and each client is dismissed at its next transaction boundary
  wait_for_servers,  ///< SIGINT: no new clients, no new transactions; ends when no server is in use
  immediate          ///< SIGQUIT, or a second signal
};

/// The process: workers, listeners, the configuration in force. One object; made and destroyed on the main thread, which
/// sleeps while the workers run. Signals and listeners live on worker 0. Methods say who may call them.
class Proxy {
 public:
  Proxy(ConfigPtr config, const RunOptions& options);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  /// Loads certificates and rules, binds, makes the workers. False with `error`. Main thread.
  bool prepare(std::string& error);
  /// Serves until told to stop. Main thread.
  void run();

  // Any thread.
  ConfigPtr config() const;
  const RunOptions& options() const { return options_; }
  std::size_t worker_count() const { return workers_.size(); }
  /// nullptr when there is no such worker: the index may come from a client.
  Worker* worker(std::size_t index) { return index < workers_.size() ? workers_[index].get() : nullptr; }
  ClientLimits& client_limits() { return client_limits_; }
  LoginPlaces& login_places() { return login_places_; }
  std::uint64_t next_client_id() { return last_client_id_.fetch_add(1, std::memory_order_relaxed) + 1; }
  /// Of all logins, so that a storm of them does not repeat PBKDF2.
  protocol::ScramKeyCache& scram_keys() { return scram_keys_; }
  /// For what takes milliseconds of computing: half of the machine, the other half keeps on relaying.
  HelperThreads& cpu_threads() { return cpu_threads_; }
  /// For what logins must ask of others.
  HelperThreads& login_threads() { return login_threads_; }
  /// What reads and writes files.
  HelperThreads& disk_threads() { return disk_threads_; }
  /// Bytes of rows that the cursors of all workers keep.
  std::atomic<std::uint64_t>& spooled_bytes() { return spooled_bytes_; }
  PasswordCommands& password_commands() { return password_commands_; }
  /// For what goes to S3.
  HelperThreads& upload_threads() { return upload_threads_; }
  /// Made at first use.
  std::shared_ptr<s3::Service> s3();
  RouteBoard& route_board() { return route_board_; }
  /// Random, made at the start: keeps what unknown users are shown stable.
  const std::string& process_secret() const { return process_secret_; }
  ServerProcessIds& server_process_ids() { return server_process_ids_; }
  std::int64_t started_unix_us() const { return started_unix_us_; }
  Shutdown shutdown_mode() const { return shutdown_.load(std::memory_order_relaxed); }
  std::string version_line() const;
  /// From prepare() on.
  admin::StatsHistory& stats_history() { return *stats_history_; }

  /// RELOAD and SIGHUP: configuration, userlist, rules and certificates, all of it or nothing. What was wrong; empty: done.
  /// Reads files; workers take the new configuration over by post.
  std::vector<std::string> reload();
  /// SET: the configuration in force with one setting changed, as by a reload, until the next reload. What was wrong; empty:
  /// done. `value` as in the file; names of files count from the working directory. Reads files, as reload() does.
  std::vector<std::string> change_setting(const Setting& setting, const std::string& value);
  /// Why the rules that were tried last did not load; empty: they did, and are in force. Any thread.
  std::string rules_error() const;
  /// What became of the last RELOAD or SIGHUP. Any thread.
  struct LastReload {
    std::int64_t unix_us = 0;  ///< 0: there was none
    std::string error;         ///< empty: it is in force
  };
  LastReload last_reload() const;
  /// PAUSE and RESUME; no_route is all databases. Pools follow by post; who wants to know when a PAUSE is complete asks the
  /// shards for their connections (on_each_worker).
  void pause(rules::RouteId route = rules::no_route);
  void resume(rules::RouteId route = rules::no_route);
  /// SUSPEND and its end: nobody is accepted, no session reads, and what is buffered is written. Workers follow by post.
  void suspend(bool suspended);
  bool is_suspended() const { return suspended_.load(std::memory_order_relaxed); }
  /// Begins to end. A second call ends at once.
  void shut_down(Shutdown mode);

  /// The listening sockets, for the process that is going to replace this one: from now on they and their files are that one's, and a
  /// shutdown leaves them to it. (name, descriptor); the descriptors stay ours. The last ones have no descriptor, -1: sockets that stay
  /// with this process and those before it, for requests to cancel. Worker 0.
  std::vector<std::pair<std::string, int>> give_listeners();
  /// Who was given them is gone, and no shutdown has begun. Any thread.
  void take_listeners_back();
  /// The files of the adopted Unix sockets go with this process. Main thread, before run().
  void own_socket_files();
  /// Tells the service manager, from the main thread, which may wait. Any thread.
  void tell_service_manager(std::string state);
  PeerPools& peer_pools() { return peer_pools_; }

  /// Runs `step` on every worker, in parallel, each on its own thread; then `done` on the thread of `caller`.
  void on_each_worker(Worker& caller, std::function<void(Worker&)> step, std::function<void()> done);
  /// The same for a coroutine of `caller`: returns when all have run.
  boost::asio::awaitable<void> on_each_worker(Worker& caller, std::function<void(Worker&)> step);

 private:
  friend class ConsolePresence;
  using Engines = std::vector<std::unique_ptr<rules::Engine>>;
  bool make_workers(std::string& error);
  std::vector<std::string> try_reload();
  bool make_engines(const Config& config, std::uint64_t generation, std::size_t count, Engines& engines, std::string& error);
  std::vector<std::string> put_in_force(std::shared_ptr<Config> next);
  void reload_rules();
  void watch_rules();
  bool rules_have_changed();
  std::unique_ptr<rules::Engine> make_engine(const Config& config, std::uint64_t generation, std::size_t worker, RulesWatch* watch, std::string& error);
  bool listen(std::string& error);
  void log_start() const;
  void start_listening(Listener& listener);
  bool open_side();
  void hand_over(int fd, ClientAddress address);
  void catch_signals();
  void wait_for_signal();
  void on_signal(int number);
  bool is_paused() const;  ///< all databases; worker 0
  void arm_shutdown_check();
  void check_shutdown();
  void stop_listening();
  void stop_workers();
  void remove_uploads();

  RunOptions options_;
  mutable std::mutex mutex_;         ///< config_, generation_, rules_error_
  std::mutex reload_mutex_;          ///< one reload at a time
  ConfigPtr config_;
  std::uint64_t generation_ = 1;
  RulesWatch rules_watch_;           ///< under reload_mutex_
  std::string rules_error_;
  std::string process_secret_;
  ServerProcessIds server_process_ids_;
  std::int64_t started_unix_us_ = 0;
  ClientLimits client_limits_;
  PeerPools peer_pools_;
  LoginPlaces login_places_;
  protocol::ScramKeyCache scram_keys_;
  RouteBoard route_board_;
  std::shared_ptr<rules::SharedStore> shared_store_ = std::make_shared<rules::SharedStore>();
  std::atomic<std::uint64_t> last_client_id_{0};
  std::atomic<std::uint64_t> spooled_bytes_{0};
  std::atomic<Shutdown> shutdown_{Shutdown::none};
  std::atomic<bool> suspended_{false};
  std::atomic<int> consoles_{0};     ///< clients at the console
  std::vector<std::unique_ptr<Worker>> workers_;
  // Gone before the workers, whose loops they wake.
  HelperThreads cpu_threads_{std::clamp<std::size_t>(std::thread::hardware_concurrency() / 2, 1, 4)};
  HelperThreads login_threads_{8};
  HelperThreads disk_threads_{2};
  PasswordCommands password_commands_;
  std::shared_ptr<s3::Service> s3_;  ///< under mutex_
  HelperThreads upload_threads_{8};
  Listeners listeners_;
  std::unique_ptr<Listener> side_listener_;  ///< from give_listeners() on
  boost::asio::io_context main_io_{1};         ///< of the main thread, which waits for signals
  boost::asio::signal_set signals_{main_io_};
  std::unique_ptr<Alarm> shutdown_alarm_;
  std::unique_ptr<Alarm> watch_alarm_;
  std::unique_ptr<admin::StatsHistory> stats_history_;
  LastReload last_reload_;                     ///< under mutex_
};

/// Somebody is at the console for as long as it lives: SUSPEND ends when nobody is left who could end it.
class ConsolePresence {
 public:
  explicit ConsolePresence(Proxy& proxy) : proxy_(proxy) { ++proxy_.consoles_; }
  ~ConsolePresence();
  ConsolePresence(const ConsolePresence&) = delete;
  ConsolePresence& operator=(const ConsolePresence&) = delete;

 private:
  Proxy& proxy_;
};

/// Runs the proxy until it is told to stop. Returns the exit code. SIGPIPE must be ignored. `begin` is called when all is prepared and
/// nobody has been accepted yet; false with an error from it ends the start.
int run_proxy(ConfigPtr config, const RunOptions& options, const std::function<bool(Proxy&, std::string& error)>& begin);

}  // namespace pgswitch
