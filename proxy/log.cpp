#include "proxy/log.hpp"

#include <fcntl.h>
#include <spdlog/logger.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <mutex>

#include "proxy/log_line.hpp"
#include "proxy/log_sink.hpp"

namespace pgswitch {
namespace {

int open_for_append(const std::string& path, std::string& error) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);
  if (descriptor < 0) error = "could not open logfile \"" + path + "\": " + std::strerror(errno);
  return descriptor;
}

/// An open log; its sink's destructor writes what is queued.
struct OpenLog {
  std::shared_ptr<LineSink> sink;
  std::unique_ptr<spdlog::logger> logger;
};

std::mutex log_mutex;
std::shared_ptr<OpenLog> open_log_;
std::atomic<int> verbosity{0};

std::shared_ptr<OpenLog> current_log() {
  const std::lock_guard lock(log_mutex);
  return open_log_;
}

std::int64_t now_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

}  // namespace

bool open_log(const LogOptions& options, std::string& error) {
  int file = -1;
  if (!options.file.empty() && (file = open_for_append(options.file, error)) < 0) return false;
  auto log = std::make_shared<OpenLog>();
  log->sink = std::make_shared<LineSink>(options, file);
  log->logger = std::make_unique<spdlog::logger>("pgswitch", log->sink);
  log->logger->set_level(spdlog::level::trace);
  set_log_verbosity(options.verbose);
  const std::lock_guard lock(log_mutex);
  open_log_.swap(log);
  return true;
}

bool reopen_log(std::string& error) {
  const auto log = current_log();
  return !log || change_log(log->sink->options(), error);
}

bool change_log(const LogOptions& options, std::string& error) {
  const auto log = current_log();
  if (!log) return true;
  int file = -1;
  if (!options.file.empty() && (file = open_for_append(options.file, error)) < 0) return false;
  log->sink->change(options, file);
  set_log_verbosity(options.verbose);
  return true;
}

void close_log() {
  std::shared_ptr<OpenLog> last;
  const std::lock_guard lock(log_mutex);
  last.swap(open_log_);
}

void set_log_verbosity(int verbose) { verbosity.store(verbose, std::memory_order_relaxed); }

bool log_enabled(LogLevel level) {
  if (level <= LogLevel::info) return true;
  return verbosity.load(std::memory_order_relaxed) >= (level == LogLevel::debug ? 1 : 2);
}

void log_line(LogLevel level, std::string_view text) {
  if (!log_enabled(level)) return;
  const std::lock_guard lock(log_mutex);
  if (open_log_) {
    open_log_->logger->log(spdlog_level(level), spdlog::string_view_t(text.data(), text.size()));
  } else {
    LogOutlet(STDERR_FILENO).write(format_log_line(now_us(), ::getpid(), level, text) + '\n');
  }
}

bool LogThrottle::allow(std::int64_t now_us, std::uint64_t& suppressed) {
  std::int64_t next = next_us_.load(std::memory_order_relaxed);
  if (now_us < next || !next_us_.compare_exchange_strong(next, now_us + interval_us_, std::memory_order_relaxed)) {
    suppressed_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  suppressed = suppressed_.exchange(0, std::memory_order_relaxed);
  return true;
}

void log_throttled(LogThrottle& throttle, std::int64_t now_us, LogLevel level, std::string_view text) {
  std::uint64_t suppressed = 0;
  if (!log_enabled(level) || !throttle.allow(now_us, suppressed)) return;
  if (suppressed == 0) return log_line(level, text);
  log_line(level, std::string(text) + " (" + std::to_string(suppressed) + " more like this suppressed)");
}

}  // namespace pgswitch
