#pragma once
#include <string>
#include <utility>
#include <vector>

#include "protocol/sql_error.hpp"
#include "proxy/config.hpp"

namespace pgswitch {

/// The process that -R replaces, spoken to at its console over its Unix socket. It gives its listening sockets (SHOW FDS) and, once
/// they are served here, waits for its clients to leave (SHUTDOWN WAIT_FOR_CLIENTS); what it serves stays with it. Blocks, with
/// a limit of some seconds: for the main thread, before there are workers. Keeps its descriptors over a fork.
class Predecessor {
 public:
  Predecessor() = default;
  ~Predecessor();
  Predecessor(const Predecessor&) = delete;
  Predecessor& operator=(const Predecessor&) = delete;

  /// Connects to the Unix socket of `config`. False: nobody is there, and there is nothing to replace.
  bool find(const Config& config);
  bool found() const { return found_; }
  /// Logs in as the console's owner and takes its sockets, which the caller owns. False with `error`.
  bool take_sockets(std::vector<int>& sockets, std::string& error);
  /// Where it, and the ones that it has replaced itself, take requests to cancel from then on; the newest first.
  const std::vector<std::string>& cancel_sockets() const { return cancel_sockets_; }
  /// It accepts nobody any more when this returns true, and is not spoken to again.
  bool dismiss(std::string& error);

 private:
  void hang_up();
  bool log_in(std::string& error);
  /// Reads on until ReadyForQuery; descriptors that come with it go to `sockets`.
  bool read_answer(std::vector<int>* sockets, std::string& error);
  bool receive(std::vector<int>* sockets, std::string& error);
  bool send(const std::string& packet, std::string& error);
  bool run(const char* command, std::vector<int>* sockets, std::string& error);
  void read_row(const std::string& body);

  int fd_ = -1;
  bool found_ = false;
  std::string in_;
  std::vector<std::string> cancel_sockets_;
  bool is_pgswitch_ = false;
};

}  // namespace pgswitch
