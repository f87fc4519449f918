#include "proxy/log.hpp"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <memory>
#include <mutex>

namespace pgswitch {
namespace {

constexpr std::size_t queue_lines = 8192;
constexpr std::array<std::string_view, 6> level_names = {"FATAL", "ERROR", "WARNING", "LOG", "DEBUG", "NOISE"};

/// How long a reader of the log may keep one line waiting.
constexpr int patience_ms = 200;

/// A descriptor that lines go to. A full disk, a closed stderr or a pipe that nobody reads loses lines, never the process:
/// who has let one line wait too long gets the next ones only when there is room for them.
class Outlet {
 public:
  explicit Outlet(int descriptor = -1) : descriptor_(descriptor) {}
  int descriptor() const { return descriptor_; }

  void write(std::string_view line) {
    while (descriptor_ >= 0 && !line.empty()) {
      if (!has_room()) return;
      // A pipe that is writable takes PIPE_BUF bytes without blocking (pipe(7)).
      const ssize_t written = ::write(descriptor_, line.data(), std::min<std::size_t>(line.size(), PIPE_BUF));
      if (written < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (written <= 0) return;
      line.remove_prefix(static_cast<std::size_t>(written));
    }
  }

 private:
  bool has_room() {
    pollfd watched{descriptor_, POLLOUT, 0};
    const bool room = ::poll(&watched, 1, stuck_ ? 0 : patience_ms) > 0;
    stuck_ = !room;
    return room;
  }

  int descriptor_;
  bool stuck_ = false;
};

int open_for_append(const std::string& path, std::string& error) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);
  if (descriptor < 0) error = "could not open logfile \"" + path + "\": " + std::strerror(errno);
  return descriptor;
}

constexpr std::array levels = {spdlog::level::critical, spdlog::level::err,   spdlog::level::warn,
                               spdlog::level::info,     spdlog::level::debug, spdlog::level::trace};

int syslog_priority(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::critical: return LOG_CRIT;
    case spdlog::level::err: return LOG_ERR;
    case spdlog::level::warn: return LOG_WARNING;
    case spdlog::level::info: return LOG_INFO;
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

/// What follows time, process and level, which syslog has of its own.
std::string_view text_of_line(std::string_view line) {
  line.remove_prefix(std::min(line.find("] "), line.size() - 2) + 2);
  line.remove_prefix(std::min(line.find(' '), line.size() - 1) + 1);
  return line.substr(0, line.find('\n'));
}

/// The end of the queue: stderr, the file and syslog. Called by spdlog's thread; change() by whoever handles SIGHUP.
class LineSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  LineSink(const LogOptions& options, int file) { change(options, file), to_stderr_ = options.to_stderr; }
  ~LineSink() override {
    if (file_.descriptor() >= 0) ::close(file_.descriptor());
    if (options_.syslog) ::closelog();
  }

  LogOptions options() {
    const std::lock_guard lock(mutex_);
    return options_;
  }
  void change(const LogOptions& options, int file) {
    const std::lock_guard lock(mutex_);
    if (file_.descriptor() >= 0) ::close(file_.descriptor());
    file_ = Outlet(file);
    if (options_.syslog) ::closelog();
    options_ = options;
    if (options.syslog) ::openlog(options_.syslog_ident.c_str(), LOG_PID, syslog_facility(options.syslog_facility));
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::string_view line(message.payload.data(), message.payload.size());
    if (to_stderr_) stderr_.write(line);
    file_.write(line);
    if (!options_.syslog) return;
    const std::string_view text = text_of_line(line);
    ::syslog(syslog_priority(message.level), "%.*s", static_cast<int>(text.size()), text.data());
  }
  void flush_() override {}

  bool to_stderr_ = false;
  LogOptions options_;
  Outlet stderr_{STDERR_FILENO};
  Outlet file_;
};

/// An open log. The pool comes last so that it goes first: its destructor writes what is queued.
struct OpenLog {
  std::shared_ptr<LineSink> sink;
  std::shared_ptr<spdlog::async_logger> logger;
  std::shared_ptr<spdlog::details::thread_pool> pool;
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

void append_clean(std::string& line, std::string_view text) {
  for (const char c : text) line += static_cast<unsigned char>(c) < ' ' || c == 0x7f ? '?' : c;
}

}  // namespace

std::string_view to_string(LogLevel level) { return level_names[static_cast<std::size_t>(level)]; }

std::string format_log_line(std::int64_t unix_us, int pid, LogLevel level, std::string_view text) {
  const std::time_t seconds = unix_us / 1'000'000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 96> head{};
  const int size = std::snprintf(head.data(), head.size(), "%04d-%02d-%02d %02d:%02d:%02d.%03d UTC [%d] %s ",
                                 utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                                 static_cast<int>(unix_us / 1000 % 1000), pid, to_string(level).data());
  std::string line(head.data(), static_cast<std::size_t>(size));
  append_clean(line, text);
  return line;
}

bool open_log(const LogOptions& options, std::string& error) {
  int file = -1;
  if (!options.file.empty() && (file = open_for_append(options.file, error)) < 0) return false;
  auto log = std::make_shared<OpenLog>();
  log->sink = std::make_shared<LineSink>(options, file);
  log->pool = std::make_shared<spdlog::details::thread_pool>(queue_lines, 1);
  log->logger = std::make_shared<spdlog::async_logger>("pgswitch", log->sink, log->pool,
                                                       spdlog::async_overflow_policy::overrun_oldest);
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
  std::string line = format_log_line(now_us(), ::getpid(), level, text);
  line += '\n';
  if (const auto log = current_log())
    log->logger->log(levels[static_cast<std::size_t>(level)], spdlog::string_view_t(line.data(), line.size()));
  else
    Outlet(STDERR_FILENO).write(line);
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
