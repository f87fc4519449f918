#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

/// Statements out of what PostgreSQL writes down. Bytes in, no files.
namespace pgswitch::replay {

/// A statement that a log tells of. Views are good during the call that gives it.
struct LoggedStatement {
  std::string_view text;
  std::string_view user;              ///< empty here and below: the log does not tell
  std::string_view database;
  std::string_view application_name;
  std::string_view client_address;    ///< without a port; "unix" for a socket
  std::uint64_t session = 0;          ///< the same for statements of one session; 0: unknown
  std::uint64_t count = 1;
};
using Sink = std::function<void(const LoggedStatement&)>;

enum class LogFormat : std::uint8_t {
  stderr_log,       ///< log_destination = stderr, any log_line_prefix
  csv_log,
  json_log,
  statement_stats,  ///< CSV with a header, of columns of pg_stat_statements
  statements,       ///< SQL, as for psql -f
};
/// "stderr log", ...
std::string_view to_string(LogFormat format);
/// By the first bytes of a file: one block of it, or all.
LogFormat detect_format(std::string_view head);

/// Takes a log in blocks. One object for each file.
class LogReader {
 public:
  virtual ~LogReader() = default;
  /// Gives the statements of the whole entries at the start of `bytes` to `sink`; how many bytes they are. What is left comes again, with
  /// more behind it. `last`: nothing comes behind it, so that all of it is used.
  virtual std::size_t read(std::string_view bytes, bool last, const Sink& sink) = 0;
};
std::unique_ptr<LogReader> make_reader(LogFormat format);

/// The statement in a log message: "statement: ...", "execute name: ...", also behind "duration: 1.234 ms  ". Not that of Parse and Bind,
/// which the Execute repeats. nullopt: it is about something else.
std::optional<std::string_view> statement_of(std::string_view message);

/// "10.0.0.1(5432)" without the port, "[local]" as "unix".
std::string_view address_of(std::string_view connection);

/// A number for what a log calls a session.
std::uint64_t session_of(std::string_view name);

}  // namespace pgswitch::replay
