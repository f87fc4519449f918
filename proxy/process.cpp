#include "proxy/process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <optional>

#include "proxy/config_values.hpp"
#include "proxy/ini.hpp"

namespace pgswitch {
namespace {

struct Account {
  uid_t uid = 0;
  gid_t gid = 0;
};

std::optional<Account> find_account(const std::string& name) {
  struct passwd entry{};
  struct passwd* found = nullptr;
  std::array<char, 16384> buffer{};
  if (getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || !found) return std::nullopt;
  return Account{entry.pw_uid, entry.pw_gid};
}

bool fail(std::string& error, const std::string& what) {
  error = what + ": " + std::strerror(errno);
  return false;
}

bool point_at_null(std::string& error) {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return fail(error, "cannot open /dev/null");
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::dup2(null, stream) < 0) return fail(error, "dup2");
  if (null > STDERR_FILENO) ::close(null);
  return true;
}

/// The parent leaves without running destructors or flushing buffers that the child has too.
bool fork_and_leave_parent(std::string& error) {
  const pid_t child = ::fork();
  if (child < 0) return fail(error, "fork");
  if (child > 0) ::_exit(0);
  return true;
}

}  // namespace

bool become_user(const std::string& user, std::string& error) {
  if (user.empty()) return true;
  const auto account = find_account(user);
  if (!account) return error = "could not find user \"" + user + "\"", false;
  if (::geteuid() == account->uid) return true;
  if (::geteuid() != 0) return error = "cannot change to user \"" + user + "\": not started as root", false;
  if (::initgroups(user.c_str(), account->gid) != 0) return fail(error, "initgroups");
  if (::setgid(account->gid) != 0) return fail(error, "setgid");
  if (::setuid(account->uid) != 0) return fail(error, "setuid");
  return true;
}

bool runs_as_root() { return ::getuid() == 0 || ::geteuid() == 0; }

bool go_to_background(std::string& error) {
  if (!fork_and_leave_parent(error)) return false;
  if (::setsid() < 0) return fail(error, "setsid");
  return fork_and_leave_parent(error) && point_at_null(error);
}

Pidfile::~Pidfile() {
  std::string text, unused;
  const bool ours = !path_.empty() && read_file(path_, text, unused) && trim(text) == std::to_string(::getpid());
  if (ours) ::unlink(path_.c_str());
}

bool Pidfile::remove_stale(const std::string& path, std::string& error) {
  std::string text, reason;
  if (path.empty() || ::access(path.c_str(), F_OK) != 0) return true;
  if (!read_file(path, text, reason)) return error = "cannot read pidfile \"" + path + "\": " + reason, false;
  const auto pid = parse_integer(trim(text));
  if (!pid || *pid <= 0 || *pid > std::numeric_limits<pid_t>::max())
    return error = "pidfile \"" + path + "\" holds no process id: remove it by hand", false;
  // Its own: in a container that is started again the program has the same number.
  if (*pid != ::getpid() && (::kill(static_cast<pid_t>(*pid), 0) == 0 || errno != ESRCH))
    return error = "pidfile \"" + path + "\" exists: process " + std::to_string(*pid) + " is running", false;
  return ::unlink(path.c_str()) == 0 || fail(error, "cannot remove stale pidfile \"" + path + "\"");
}

bool Pidfile::write(const std::string& path, std::string& error) {
  if (path.empty()) return true;
  return create(path, error);
}

bool Pidfile::replace(const std::string& path, std::string& error) {
  if (path.empty()) return true;
  const std::string next = path + ".new";
  ::unlink(next.c_str());
  if (!create(next, error)) return false;
  path_ = path;
  return ::rename(next.c_str(), path.c_str()) == 0 || fail(error, "could not replace pidfile \"" + path + "\"");
}

bool Pidfile::create(const std::string& path, std::string& error) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (file < 0) return fail(error, "could not open pidfile \"" + path + "\"");
  path_ = path;
  const std::string line = std::to_string(::getpid()) + "\n";
  const bool written = ::write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  ::close(file);
  if (!written) ::unlink(path.c_str());
  return written || fail(error, "could not write pidfile \"" + path + "\"");
}

}  // namespace pgswitch
