#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proxy/client_address.hpp"
#include "proxy/config.hpp"
#include "proxy/poller.hpp"

namespace pgswitch {

class Worker;

/// The options that the connections of clients have. On a listening socket: Linux gives them to those that are made from then on, so it gets them
/// before anybody can connect.
void apply_tcp_options(int fd, const Config& config);

/// A listening socket, TCP or Unix. Owned by the Proxy; after start() on worker 0's thread only. A socket file is removed
/// when it closes.
class Listener final : private Pollable {
 public:
  /// Receives accepted, non-blocking sockets and owns them.
  using Sink = std::function<void(int fd, ClientAddress address)>;

  /// `fd`: bound and listening. `name`: for the log, "127.0.0.1:6432" or "unix:/tmp/.s.PGSQL.6432".
  Listener(Worker& worker, int fd, std::string name, std::string socket_file, ConfigPtr config);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  void start(Sink sink);
  /// Accepts who is in the queue, then no more.
  void close();
  /// Closes without a look at the queue, and leaves the socket file: another process listens on the same socket now.
  void abandon();
  /// Leaves who comes in the queue, until it is false again.
  void suspend(bool suspended);
  /// The socket file of an adopted Unix socket is removed when it closes, from now on.
  void own_socket_file();
  /// -1 once it is closed.
  int fd() const { return fd_; }
  bool is_unix() const { return unix_; }
  const std::string& name() const { return name_; }

 private:
  void on_ready(std::uint32_t events) override;
  bool accept_one();
  void adopt_config(int fd);
  void pause(int error);
  void refuse_one();
  void resume();
  void shut();

  Worker& worker_;
  int fd_;
  int spare_ = -1;  ///< given up for a moment when descriptors run out, to take a client out of the queue and tell it
  std::string name_;
  std::string socket_file_;
  ConfigPtr config_;
  bool unix_ = false;
  bool polled_ = false;
  bool suspended_ = false;
  int batch_ = 1;  ///< how many are expected to be in the queue
  Sink sink_;
  Alarm pause_;
};
using Listeners = std::vector<std::unique_ptr<Listener>>;

/// All that listen_addr, listen_port and unix_socket_dir name, bound and listening. Empty with `error` when there is nothing
/// to listen on, no address can be had, or the Unix socket cannot. Addresses that fail while others work are `warnings`.
Listeners open_listeners(Worker& worker, const ConfigPtr& config, std::vector<std::string>& warnings, std::string& error);

/// A Unix socket beside the configured one, ".s.PGSQL.<port>.<process id>": where a process that has given its sockets away can still be
/// asked to cancel. nullptr with `error`.
std::unique_ptr<Listener> open_side_listener(Worker& worker, const ConfigPtr& config, std::string& error);

/// Sockets that somebody else has opened, owned from now on; their files are not. Empty with `error` when one does not listen.
Listeners adopt_listeners(Worker& worker, const ConfigPtr& config, const std::vector<int>& sockets, std::string& error);

}  // namespace pgswitch
