#include "proxy/passwords/command_output.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "protocol/crypto.hpp"
#include "proxy/clock.hpp"

namespace pgswitch {
namespace {

constexpr std::size_t most_complaints = 4096;
/// How often `stop` and the end of the program are looked at.
constexpr int look_ms = 50;

class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0) ends_ = {-1, -1};
    if (is_open()) ::fcntl(ends_[0], F_SETFL, O_NONBLOCK);
  }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  bool is_open() const { return ends_[0] >= 0; }
  int read_end() const { return ends_[0]; }
  int write_end() const { return ends_[1]; }
  void close_write_end() { close_end(1); }
  void close_read_end() { close_end(0); }

  /// Appends what is there; bytes over `most` are dropped. False: the end has come.
  bool drain(std::string& text, std::size_t most) {
    std::array<char, 4096> piece;
    for (;;) {
      const ssize_t size = ::read(read_end(), piece.data(), piece.size());
      if (size > 0) text.append(piece.data(), std::min(static_cast<std::size_t>(size), most - std::min(most, text.size())));
      else if (size < 0 && errno == EINTR) continue;
      else break;
    }
    const bool open = errno == EAGAIN;
    explicit_bzero(piece.data(), piece.size());
    return open;
  }

 private:
  void close_end(std::size_t end) {
    if (ends_[end] >= 0) ::close(ends_[end]);
    ends_[end] = -1;
  }
  std::array<int, 2> ends_{-1, -1};
};

/// How the program is to be started: descriptors, signals and process group.
class SpawnPlan {
 public:
  SpawnPlan(const Pipe& out, const Pipe& complaints) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions_, out.write_end(), STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, complaints.write_end(), STDERR_FILENO);
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    ::posix_spawnattr_init(&attributes_);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  /// 0, or what is wrong.
  int spawn(const CommandWords& words, pid_t& child) const {
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    return ::posix_spawnp(&child, arguments.front(), &actions_, &attributes_, arguments.data(), environ);
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

/// Stays a zombie, so that its number is nobody else's.
bool has_ended(pid_t child) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == child;
}

int reap(pid_t child) {
  ::kill(-child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  return status;
}

std::string end_of(int status) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  if (WIFEXITED(status)) return "exit status " + std::to_string(WEXITSTATUS(status));
  return "killed by signal " + std::to_string(WTERMSIG(status));
}

/// Why the program has to be killed; empty: it has ended.
std::string read_to_the_end(pid_t child, Pipe& out, Pipe& complaints, const CommandLimits& limits, const std::atomic<bool>& stop,
                            CommandOutput& result) {
  const std::int64_t end_us = steady_us() + limits.time_us;
  for (;;) {
    const bool ended = has_ended(child);
    const bool out_open = out.read_end() >= 0 && out.drain(result.output, limits.output_bytes + 1);
    const bool complaints_open = complaints.read_end() >= 0 && complaints.drain(result.complaints, most_complaints);
    if (!out_open) out.close_read_end();
    if (!complaints_open) complaints.close_read_end();
    if (result.output.size() > limits.output_bytes) return "it printed more than " + std::to_string(limits.output_bytes) + " bytes";
    if (ended) return {};
    if (stop.load()) return "pgswitch is shutting down";
    const std::int64_t left_us = end_us - steady_us();
    if (left_us <= 0) return "it took longer than password_command_timeout";
    std::array<pollfd, 2> watched{pollfd{out.read_end(), POLLIN, 0}, pollfd{complaints.read_end(), POLLIN, 0}};
    ::poll(watched.data(), watched.size(), static_cast<int>(std::min<std::int64_t>(left_us / 1000 + 1, look_ms)));
  }
}

}  // namespace

CommandOutput run_command(const CommandWords& words, const CommandLimits& limits, const std::atomic<bool>& stop) {
  CommandOutput result;
  Pipe out, complaints;
  if (!out.is_open() || !complaints.is_open()) return result.error = std::string("no pipe: ") + std::strerror(errno), result;
  pid_t child = -1;
  const int failure = SpawnPlan(out, complaints).spawn(words, child);
  out.close_write_end();
  complaints.close_write_end();
  if (failure != 0) return result.error = "cannot run \"" + words.front() + "\": " + std::strerror(failure), result;
  result.output.reserve(limits.output_bytes + 1);  // no copy is left behind by growing
  result.error = read_to_the_end(child, out, complaints, limits, stop, result);
  const int status = reap(child);
  if (result.error.empty()) result.error = end_of(status);
  return result;
}

}  // namespace pgswitch
