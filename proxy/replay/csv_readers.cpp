// CSV logs (manual, 20.8.4) and CSV exports of pg_stat_statements (manual, F.32).
#include <algorithm>
#include <array>
#include <charconv>

#include "proxy/replay/csv.hpp"
#include "proxy/replay/readers.hpp"

namespace pgswitch::replay {
namespace {

constexpr std::size_t npos = std::string_view::npos;

/// Record after record.
class CsvReader : public LogReader {
 public:
  std::size_t read(std::string_view bytes, bool last, const Sink& sink) override {
    std::size_t at = 0;
    while (at < bytes.size()) {
      const std::size_t size = record_.read(bytes.substr(at), last);
      if (size == 0) break;
      at += size;
      take(sink);
    }
    return at;
  }

 protected:
  virtual void take(const Sink& sink) = 0;

  CsvRecord record_;
};

class CsvLog final : public CsvReader {
 private:
  // The columns up to the application's name are those of all versions since 9.0.
  enum Column : std::size_t { user_name = 1, database_name = 2, connection_from = 4, session_id = 5, error_severity = 11, message = 13, application_name = 22 };

  void take(const Sink& sink) override {
    if (record_[error_severity] != "LOG") return;
    const auto text = statement_of(record_[message]);
    if (!text) return;
    LoggedStatement statement{*text, record_[user_name], record_[database_name], record_[application_name], address()};
    statement.session = session_of(record_[session_id]);
    sink(statement);
  }

  /// A port stands behind every address.
  std::string_view address() const {
    const std::string_view from = record_[connection_from];
    return from == "[local]" ? address_of(from) : from.substr(0, from.rfind(':'));
  }
};

/// Which columns of an export hold what; npos: it has none of that name.
struct StatsColumns {
  std::size_t query = npos, calls = npos, user = npos, database = npos;

  explicit StatsColumns(const CsvRecord& header) {
    for (std::size_t i = 0; i < header.size(); ++i) {
      const std::string_view name = header[i];
      if (name == "query") query = i;
      if (name == "calls") calls = i;
      if (name == "rolname" || name == "usename" || name == "user" || name == "user_name") user = i;
      if (name == "datname" || name == "database" || name == "database_name" || name == "dbname") database = i;
    }
  }
};

class StatementStats final : public CsvReader {
 private:
  void take(const Sink& sink) override {
    if (!columns_) return void(columns_.emplace(record_));
    LoggedStatement statement;
    statement.text = record_[columns_->query];
    statement.user = record_[columns_->user];
    statement.database = record_[columns_->database];
    const std::string_view calls = record_[columns_->calls];
    if (std::from_chars(calls.data(), calls.data() + calls.size(), statement.count).ec != std::errc()) statement.count = 1;
    if (statement.text != "<insufficient privilege>") sink(statement);
  }

  std::optional<StatsColumns> columns_;
};

}  // namespace

bool is_stats_header(std::string_view line) {
  CsvRecord header;
  header.read(line, true);
  const StatsColumns columns(header);
  return columns.query != npos && columns.calls != npos;
}

std::unique_ptr<LogReader> make_csv_reader() { return std::make_unique<CsvLog>(); }
std::unique_ptr<LogReader> make_stats_reader() { return std::make_unique<StatementStats>(); }

}  // namespace pgswitch::replay
