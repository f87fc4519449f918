#include "proxy/log.hpp"

#include <fcntl.h>
#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

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

/// write(2) of everything; a full disk or a closed stderr loses the line, never the process.
void write_all(int descriptor, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(descriptor, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    data += written;
    size -= static_cast<std::size_t>(written);
  }
}

int open_for_append(const std::string& path, std::string& error) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
  if (descriptor < 0) error = "could not open logfile \"" + path + "\": " + std::strerror(errno);
  return descriptor;
}

/// The end of the queue: stderr and the file. Called by spdlog's thread; replace_file() by whoever handles SIGHUP.
class LineSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  LineSink(bool to_stderr, std::string path, int file) : to_stderr_(to_stderr), path_(std::move(path)), file_(file) {}
  ~LineSink() override { replace_file({}, -1); }

  std::string path() {
    const std::lock_guard lock(mutex_);
    return path_;
  }
  void replace_file(const std::string& path, int file) {
    const std::lock_guard lock(mutex_);
    if (file_ >= 0) ::close(file_);
    path_ = path;
    file_ = file;
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (to_stderr_) write_all(STDERR_FILENO, message.payload.data(), message.payload.size());
    if (file_ >= 0) write_all(file_, message.payload.data(), message.payload.size());
  }
  void flush_() override {}

  bool to_stderr_;
  std::string path_;
  int file_;
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
  log->sink = std::make_shared<LineSink>(options.to_stderr, options.file, file);
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
  return !log || change_log_file(log->sink->path(), error);
}

bool change_log_file(const std::string& file, std::string& error) {
  const auto log = current_log();
  if (!log) return true;
  int descriptor = -1;
  if (!file.empty() && (descriptor = open_for_append(file, error)) < 0) return false;
  log->sink->replace_file(file, descriptor);
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
    log->logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
  else
    write_all(STDERR_FILENO, line.data(), line.size());
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
