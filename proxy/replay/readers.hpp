#pragma once
#include <memory>

#include "proxy/replay/log_reader.hpp"

namespace pgswitch::replay {

std::unique_ptr<LogReader> make_stderr_reader();
std::unique_ptr<LogReader> make_csv_reader();
std::unique_ptr<LogReader> make_json_reader();
std::unique_ptr<LogReader> make_stats_reader();
std::unique_ptr<LogReader> make_statements_reader();

/// Where in a line of a stderr log "LOG:  ", "ERROR:  ", ... stands; size 0: nowhere.
struct SeverityPlace {
  std::size_t begin = 0;
  std::size_t size = 0;  ///< with the colon and its two blanks
};
SeverityPlace severity_at(std::string_view line);

/// Is it the first line of a CSV file with the columns of pg_stat_statements?
bool is_stats_header(std::string_view line);

}  // namespace pgswitch::replay
