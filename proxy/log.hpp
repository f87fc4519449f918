#pragma once
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace pgswitch {

/// pgbouncer's levels, most severe first. fatal..info are always written; debug from verbose = 1, noise from verbose = 2.
enum class LogLevel : std::uint8_t { fatal, error, warning, info, debug, noise };

/// "FATAL", "ERROR", "WARNING", "LOG", "DEBUG", "NOISE".
std::string_view to_string(LogLevel level);

/// Where lines go. `to_stderr` is off for -q and -d.
struct LogOptions {
  bool to_stderr = true;
  std::string file;  ///< appended to; empty: none
  int verbose = 0;   ///< 0..3
  bool syslog = false;
  std::string syslog_ident = "pgswitch";
  std::string syslog_facility = "daemon";  ///< auth, authpriv, daemon, user, local0 to local7
};

/// Opens the log. Lines are queued and written by one thread of its own, the first at once and those that follow it together,
/// some milliseconds later; when the disk is slower than the lines, the oldest are dropped, so that no caller ever waits. Call it after daemonizing (threads do not survive a fork). Before the first
/// call lines go to stderr directly. False with `error` when the file cannot be opened; the old log stays.
bool open_log(const LogOptions& options, std::string& error);

/// Opens the same file name again (SIGHUP after logrotate). False with `error`: the old file stays in use.
bool reopen_log(std::string& error);
/// Goes on as a reload says: another file, other verbosity, syslog; `to_stderr` stays. False with `error`: nothing changed.
bool change_log(const LogOptions& options, std::string& error);

/// Writes what is queued and ends the writing thread. Lines after that go to stderr directly.
void close_log();

/// 0..3: how talkative. Any thread.
void set_log_verbosity(int verbose);

/// True when a line of this level would be written: ask before building an expensive one. Any thread.
bool log_enabled(LogLevel level);

/// One line: "2026-07-10 12:00:00.123 UTC [PID] LEVEL text". Control characters in `text` are written as '?', so that a
/// client cannot forge a line. Session lines begin with the caller's prefix ("C-0x...: db/user@host:port "). Any thread;
/// never blocks on the file.
void log_line(LogLevel level, std::string_view text);

/// Lines that stderr or the file has not got since the start, each counted for itself: the disk was full, or slower than they came, or nobody
/// has read them. Any thread.
std::uint64_t lost_log_lines();

/// The line as it is written, without the newline. `unix_us`: microseconds since 1970.
std::string format_log_line(std::int64_t unix_us, int pid, LogLevel level, std::string_view text);

/// Lets at most one message per interval pass and counts those held back. One per message source, as a member or static.
/// Thread-safe.
class LogThrottle {
 public:
  explicit constexpr LogThrottle(std::int64_t interval_us) : interval_us_(interval_us) {}

  /// True when a message may be written at `now_us` (any monotonic clock); `suppressed` is then how many were held back
  /// since the last one.
  bool allow(std::int64_t now_us, std::uint64_t& suppressed);

 private:
  std::int64_t interval_us_;
  std::atomic<std::int64_t> next_us_{0};
  std::atomic<std::uint64_t> suppressed_{0};
};

/// log_line() through a throttle: adds "(N more like this suppressed)" when some were.
void log_throttled(LogThrottle& throttle, std::int64_t now_us, LogLevel level, std::string_view text);

}  // namespace pgswitch
