#include "proxy/log_sink.hpp"

#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <utility>

#include "proxy/log_line.hpp"
#include "proxy/service_manager.hpp"

namespace pgswitch {
namespace {

/// When it cannot be written as fast, the older half of so much is dropped.
constexpr std::size_t most_queued = 1 << 20;
/// How long a reader of the log may keep one line waiting.
constexpr int patience_ms = 200;
/// How long lines wait for others to be written with, once some have been.
constexpr std::chrono::milliseconds gathering(20);

constexpr std::array levels = {spdlog::level::critical, spdlog::level::err,   spdlog::level::warn,
                               spdlog::level::info,     spdlog::level::debug, spdlog::level::trace};

LogLevel own_level(spdlog::level::level_enum level) {
  return static_cast<LogLevel>(std::find(levels.begin(), levels.end() - 1, level) - levels.begin());
}

int syslog_priority(LogLevel level) {
  switch (level) {
    case LogLevel::fatal: return LOG_CRIT;
    case LogLevel::error: return LOG_ERR;
    case LogLevel::warning: return LOG_WARNING;
    case LogLevel::info: return LOG_INFO;
    default: return LOG_DEBUG;
  }
}

int syslog_facility(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, int>, 4> named = {
      {{"auth", LOG_AUTH}, {"authpriv", LOG_AUTHPRIV}, {"daemon", LOG_DAEMON}, {"user", LOG_USER}}};
  for (const auto& [known, facility] : named)
    if (name == known) return facility;
  if (name.size() == 6 && name.starts_with("local") && name[5] >= '0' && name[5] <= '7') return LOG_LOCAL0 + (name[5] - '0') * (LOG_LOCAL1 - LOG_LOCAL0);
  return LOG_DAEMON;
}

template <class Visit>
void each_line(std::string_view lines, Visit visit) {
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    visit(parts_of_log_line(line));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
  }
}

/// Time and process are the journal's own; it takes the priority from the front of a line (sd-daemon(3)).
std::string journal_lines(std::string_view lines) {
  std::string text;
  each_line(lines, [&text](const LogLineParts& parts) {
    text += '<' + std::to_string(syslog_priority(parts.level)) + '>';
    text.append(parts.text) += '\n';
  });
  return text;
}

std::size_t count_lines(std::string_view lines) { return static_cast<std::size_t>(std::count(lines.begin(), lines.end(), '\n')); }

std::atomic<std::uint64_t> lost_lines{0};

}  // namespace

std::uint64_t lost_log_lines() { return lost_lines.load(std::memory_order_relaxed); }

spdlog::level::level_enum spdlog_level(LogLevel level) { return levels[static_cast<std::size_t>(level)]; }

LogOutlet::LogOutlet(int descriptor) : descriptor_(descriptor) {
  struct stat status {};
  is_file_ = descriptor >= 0 && ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

std::size_t LogOutlet::write(std::string_view lines) {
  if (descriptor_ < 0) return 0;
  while (!lines.empty()) {
    if (!has_room()) break;
    const ssize_t written = ::write(descriptor_, lines.data(), size_at_once(lines));
    if (written < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (written <= 0) break;
    lines.remove_prefix(static_cast<std::size_t>(written));
  }
  return count_lines(lines);
}

// A pipe that is writable takes PIPE_BUF bytes without blocking (pipe(7)). Whole lines: those behind them may be lost.
std::size_t LogOutlet::size_at_once(std::string_view lines) const {
  if (is_file_ || lines.size() <= PIPE_BUF) return lines.size();
  const std::size_t end = lines.rfind('\n', PIPE_BUF - 1);
  return end == std::string_view::npos ? PIPE_BUF : end + 1;
}

bool LogOutlet::has_room() {
  pollfd watched{descriptor_, POLLOUT, 0};
  const bool room = ::poll(&watched, 1, stuck_ ? 0 : patience_ms) > 0;
  stuck_ = !room;
  return room;
}

LineSink::LineSink(const LogOptions& options, int file)
    : pid_(::getpid()), to_stderr_(options.to_stderr), to_journal_(service_manager::logs_to_journal()), stderr_(STDERR_FILENO) {
  change(options, file);
  writer_ = std::thread([this] { write_queued(); });
}

LineSink::~LineSink() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_one();
  writer_.join();
  if (file_.descriptor() >= 0) ::close(file_.descriptor());
  if (options_.syslog) ::closelog();
}

LogOptions LineSink::options() {
  const std::lock_guard lock(outlet_mutex_);
  return options_;
}

void LineSink::change(const LogOptions& options, int file) {
  const std::lock_guard lock(outlet_mutex_);
  if (file_.descriptor() >= 0) ::close(file_.descriptor());
  file_ = LogOutlet(file);
  if (options_.syslog) ::closelog();
  options_ = options;
  if (options.syslog) ::openlog(options_.syslog_ident.c_str(), LOG_PID, syslog_facility(options.syslog_facility));
}

void LineSink::sink_it_(const spdlog::details::log_msg& message) {
  if (queue_.size() > most_queued) {
    const std::size_t dropped = queue_.find('\n', most_queued / 2) + 1;
    lost_lines += count_lines(std::string_view(queue_).substr(0, dropped));
    queue_.erase(0, dropped);
  }
  const LogLevel level = own_level(message.level);
  const auto since_1970 = std::chrono::duration_cast<std::chrono::microseconds>(message.time.time_since_epoch());
  append_log_line(queue_, since_1970.count(), pid_, level, {message.payload.data(), message.payload.size()});
  queue_ += '\n';
  const bool hurries = level <= LogLevel::warning && !urgent_;
  if (!idle_ && !hurries) return;
  idle_ = false;
  urgent_ |= hurries;
  wake_.notify_one();
}

void LineSink::write_queued() {
  std::string lines;
  for (std::unique_lock lock(mutex_);;) {
    idle_ = queue_.empty();
    wake_.wait(lock, [this] { return closing_ || !queue_.empty(); });
    idle_ = urgent_ = false;
    if (queue_.empty()) return;
    lines.swap(queue_);
    lock.unlock();
    write(lines);
    lines.clear();
    lock.lock();
    wake_.wait_for(lock, gathering, [this] { return closing_ || urgent_; });
  }
}

void LineSink::write(std::string_view lines) {
  const std::lock_guard lock(outlet_mutex_);
  if (to_stderr_) lost_lines += to_journal_ ? stderr_.write(journal_lines(lines)) : stderr_.write(lines);
  lost_lines += file_.write(lines);
  if (!options_.syslog) return;
  each_line(lines, [](const LogLineParts& parts) {
    ::syslog(syslog_priority(parts.level), "%.*s", static_cast<int>(parts.text.size()), parts.text.data());
  });
}

}  // namespace pgswitch
