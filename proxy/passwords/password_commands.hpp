#pragma once
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "protocol/crypto.hpp"
#include "proxy/helper_threads.hpp"
#include "proxy/passwords/command_words.hpp"

namespace pgswitch {

struct CommandOutput;

/// What a login asks password_command, or idp_token_command, for.
struct PasswordQuestion {
  std::string command;         ///< as configured
  CommandSubject subject;
  std::int64_t time_us = 0;    ///< password_command_timeout
  std::int64_t lifetime_us = 0;///< password_command_lifetime: of what says nothing of its end
};

struct PasswordAnswer {
  protocol::SecretText password;
  std::string user;         ///< who logs in with it; empty: the subject's
  bool is_fresh = false;    ///< printed for this question
  std::string error;        ///< "": there is a password. Names no secret
};

/// Passwords that programs have printed, until shortly before they end. Each (command, user, host, database) is asked for once at a
/// time, on a thread of this object, however many wait for it; a failure is not repeated for five seconds. One for the process; any
/// worker's coroutine may ask.
class PasswordCommands {
 public:
  PasswordCommands() = default;
  ~PasswordCommands();
  PasswordCommands(const PasswordCommands&) = delete;
  PasswordCommands& operator=(const PasswordCommands&) = delete;

  /// Fills `answer`; its coroutine lives on `io`. What `deadline_us` (steady clock, 0 = none) cuts short is an error too, and the
  /// program goes on for those who ask next.
  boost::asio::awaitable<void> ask(boost::asio::io_context& io, PasswordQuestion question, std::int64_t deadline_us, PasswordAnswer& answer);
  /// A server has refused the password: it is asked for anew, unless that has been done meanwhile.
  void forget(const PasswordQuestion& question, const protocol::SecretText& refused);

 private:
  struct Wait;
  struct Entry {
    protocol::SecretText password;
    std::string user;
    std::string error;
    std::int64_t good_until_us = 0;  ///< steady clock
    bool running = false;
    std::vector<std::pair<boost::asio::io_context*, std::shared_ptr<Wait>>> waiting;
  };
  using Key = std::vector<std::string>;

  bool recall(const Key& key, std::int64_t now_us, PasswordAnswer& answer);
  std::shared_ptr<Wait> begin_waiting(boost::asio::io_context& io, const Key& key, const PasswordQuestion& question, CommandWords words);
  void run(const Key& key, const PasswordQuestion& question, const CommandWords& words);
  void finish(const Key& key, Entry result);
  void sweep(std::int64_t now_us);

  std::mutex mutex_;  ///< entries_
  std::map<Key, Entry> entries_;
  std::atomic<bool> stop_{false};
  std::unique_ptr<HelperThreads> threads_ = std::make_unique<HelperThreads>(4);
};

/// `complaints` of a program as one line of the log: shortened, with `output` (what it printed besides) and what looks like a secret
/// taken out.
std::string harmless_complaints(std::string_view complaints, std::string_view output);

}  // namespace pgswitch
