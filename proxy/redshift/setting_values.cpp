#include "proxy/redshift/setting_values.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <string>

namespace pgswitch::redshift {

using protocol::SqlError;

namespace {

enum class Takes : std::uint8_t { boolean, word, integer, real };
/// Of the number that a server keeps.
enum class Unit : std::uint8_t { none, bytes, kilobytes, blocks, milliseconds, seconds };
constexpr double most_real = std::numeric_limits<double>::max();
constexpr double most_integer = 2147483647;

struct Values {
  std::string_view name;
  Takes takes;
  Unit unit = Unit::none;
  double least = 0, most = 0;
  std::string_view words = {};  ///< with ", " between them
};

/// By name: PostgreSQL 15's pg_settings, of those that Redshift lacks and that are not free text.
constexpr Values table[] = {
    {"array_nulls", Takes::boolean},
    {"backend_flush_after", Takes::integer, Unit::blocks, 0, 256},
    {"backslash_quote", Takes::word, Unit::none, 0, 0, "safe_encoding, on, off"},
    {"bytea_output", Takes::word, Unit::none, 0, 0, "escape, hex"},
    {"check_function_bodies", Takes::boolean},
    {"client_connection_check_interval", Takes::integer, Unit::milliseconds, 0, most_integer},
    {"client_min_messages", Takes::word, Unit::none, 0, 0, "debug5, debug4, debug3, debug2, debug1, log, notice, warning, error"},
    {"commit_delay", Takes::integer, Unit::none, 0, 100000},
    {"commit_siblings", Takes::integer, Unit::none, 0, 1000},
    {"compute_query_id", Takes::word, Unit::none, 0, 0, "auto, regress, on, off"},
    {"constraint_exclusion", Takes::word, Unit::none, 0, 0, "partition, on, off"},
    {"cpu_index_tuple_cost", Takes::real, Unit::none, 0, most_real},
    {"cpu_operator_cost", Takes::real, Unit::none, 0, most_real},
    {"cpu_tuple_cost", Takes::real, Unit::none, 0, most_real},
    {"cursor_tuple_fraction", Takes::real, Unit::none, 0, 1},
    {"default_statistics_target", Takes::integer, Unit::none, 1, 10000},
    {"default_toast_compression", Takes::word, Unit::none, 0, 0, "pglz, lz4"},
    {"default_transaction_deferrable", Takes::boolean},
    {"default_transaction_isolation", Takes::word, Unit::none, 0, 0, "serializable, repeatable read, read committed, read uncommitted"},
    {"default_transaction_read_only", Takes::boolean},
    {"effective_cache_size", Takes::integer, Unit::blocks, 1, most_integer},
    {"effective_io_concurrency", Takes::integer, Unit::none, 0, 1000},
    {"enable_async_append", Takes::boolean},
    {"enable_bitmapscan", Takes::boolean},
    {"enable_gathermerge", Takes::boolean},
    {"enable_hashagg", Takes::boolean},
    {"enable_hashjoin", Takes::boolean},
    {"enable_incremental_sort", Takes::boolean},
    {"enable_indexonlyscan", Takes::boolean},
    {"enable_indexscan", Takes::boolean},
    {"enable_material", Takes::boolean},
    {"enable_memoize", Takes::boolean},
    {"enable_mergejoin", Takes::boolean},
    {"enable_nestloop", Takes::boolean},
    {"enable_parallel_append", Takes::boolean},
    {"enable_parallel_hash", Takes::boolean},
    {"enable_partition_pruning", Takes::boolean},
    {"enable_partitionwise_aggregate", Takes::boolean},
    {"enable_partitionwise_join", Takes::boolean},
    {"enable_seqscan", Takes::boolean},
    {"enable_sort", Takes::boolean},
    {"enable_tidscan", Takes::boolean},
    {"escape_string_warning", Takes::boolean},
    {"exit_on_error", Takes::boolean},
    {"force_parallel_mode", Takes::word, Unit::none, 0, 0, "off, on, regress"},
    {"from_collapse_limit", Takes::integer, Unit::none, 1, most_integer},
    {"geqo", Takes::boolean},
    {"geqo_effort", Takes::integer, Unit::none, 1, 10},
    {"geqo_generations", Takes::integer, Unit::none, 0, most_integer},
    {"geqo_pool_size", Takes::integer, Unit::none, 0, most_integer},
    {"geqo_seed", Takes::real, Unit::none, 0, 1},
    {"geqo_selection_bias", Takes::real, Unit::none, 1.5, 2},
    {"geqo_threshold", Takes::integer, Unit::none, 2, most_integer},
    {"gin_fuzzy_search_limit", Takes::integer, Unit::none, 0, most_integer},
    {"gin_pending_list_limit", Takes::integer, Unit::kilobytes, 64, most_integer},
    {"hash_mem_multiplier", Takes::real, Unit::none, 1, 1000},
    {"idle_in_transaction_session_timeout", Takes::integer, Unit::milliseconds, 0, most_integer},
    {"idle_session_timeout", Takes::integer, Unit::milliseconds, 0, most_integer},
    {"intervalstyle", Takes::word, Unit::none, 0, 0, "postgres, postgres_verbose, sql_standard, iso_8601"},
    {"jit", Takes::boolean},
    {"jit_above_cost", Takes::real, Unit::none, -1, most_real},
    {"jit_expressions", Takes::boolean},
    {"jit_inline_above_cost", Takes::real, Unit::none, -1, most_real},
    {"jit_optimize_above_cost", Takes::real, Unit::none, -1, most_real},
    {"jit_tuple_deforming", Takes::boolean},
    {"join_collapse_limit", Takes::integer, Unit::none, 1, most_integer},
    {"lock_timeout", Takes::integer, Unit::milliseconds, 0, most_integer},
    {"log_duration", Takes::boolean},
    {"log_error_verbosity", Takes::word, Unit::none, 0, 0, "terse, default, verbose"},
    {"log_lock_waits", Takes::boolean},
    {"log_min_duration_sample", Takes::integer, Unit::milliseconds, -1, most_integer},
    {"log_min_duration_statement", Takes::integer, Unit::milliseconds, -1, most_integer},
    {"log_min_error_statement", Takes::word, Unit::none, 0, 0, "debug5, debug4, debug3, debug2, debug1, info, notice, warning, error, log, fatal, panic"},
    {"log_min_messages", Takes::word, Unit::none, 0, 0, "debug5, debug4, debug3, debug2, debug1, info, notice, warning, error, log, fatal, panic"},
    {"log_parameter_max_length", Takes::integer, Unit::bytes, -1, 1073741823},
    {"log_parameter_max_length_on_error", Takes::integer, Unit::bytes, -1, 1073741823},
    {"log_statement", Takes::word, Unit::none, 0, 0, "none, ddl, mod, all"},
    {"log_temp_files", Takes::integer, Unit::kilobytes, -1, most_integer},
    {"logical_decoding_work_mem", Takes::integer, Unit::kilobytes, 64, most_integer},
    {"maintenance_io_concurrency", Takes::integer, Unit::none, 0, 1000},
    {"maintenance_work_mem", Takes::integer, Unit::kilobytes, 1024, most_integer},
    {"max_parallel_maintenance_workers", Takes::integer, Unit::none, 0, 1024},
    {"max_parallel_workers", Takes::integer, Unit::none, 0, 1024},
    {"max_parallel_workers_per_gather", Takes::integer, Unit::none, 0, 1024},
    {"max_stack_depth", Takes::integer, Unit::kilobytes, 100, most_integer},
    {"min_parallel_index_scan_size", Takes::integer, Unit::blocks, 0, 715827882},
    {"min_parallel_table_scan_size", Takes::integer, Unit::blocks, 0, 715827882},
    {"parallel_leader_participation", Takes::boolean},
    {"parallel_setup_cost", Takes::real, Unit::none, 0, most_real},
    {"parallel_tuple_cost", Takes::real, Unit::none, 0, most_real},
    {"password_encryption", Takes::word, Unit::none, 0, 0, "md5, scram-sha-256"},
    {"plan_cache_mode", Takes::word, Unit::none, 0, 0, "auto, force_generic_plan, force_custom_plan"},
    {"quote_all_identifiers", Takes::boolean},
    {"random_page_cost", Takes::real, Unit::none, 0, most_real},
    {"recursive_worktable_factor", Takes::real, Unit::none, 0.001, 1e6},
    {"row_security", Takes::boolean},
    {"seq_page_cost", Takes::real, Unit::none, 0, most_real},
    {"session_replication_role", Takes::word, Unit::none, 0, 0, "origin, replica, local"},
    {"standard_conforming_strings", Takes::boolean},
    {"stats_fetch_consistency", Takes::word, Unit::none, 0, 0, "none, cache, snapshot"},
    {"synchronize_seqscans", Takes::boolean},
    {"synchronous_commit", Takes::word, Unit::none, 0, 0, "local, remote_write, remote_apply, on, off"},
    {"tcp_keepalives_count", Takes::integer, Unit::none, 0, most_integer},
    {"tcp_keepalives_idle", Takes::integer, Unit::seconds, 0, most_integer},
    {"tcp_keepalives_interval", Takes::integer, Unit::seconds, 0, most_integer},
    {"tcp_user_timeout", Takes::integer, Unit::milliseconds, 0, most_integer},
    {"temp_buffers", Takes::integer, Unit::blocks, 100, 1073741823},
    {"temp_file_limit", Takes::integer, Unit::kilobytes, -1, most_integer},
    {"track_activities", Takes::boolean},
    {"track_counts", Takes::boolean},
    {"track_functions", Takes::word, Unit::none, 0, 0, "none, pl, all"},
    {"track_io_timing", Takes::boolean},
    {"transform_null_equals", Takes::boolean},
    {"vacuum_cost_delay", Takes::real, Unit::milliseconds, 0, 100},
    {"vacuum_cost_limit", Takes::integer, Unit::none, 1, 10000},
    {"wal_compression", Takes::word, Unit::none, 0, 0, "pglz, lz4, zstd, on, off"},
    {"work_mem", Takes::integer, Unit::kilobytes, 64, most_integer},
    {"xmlbinary", Takes::word, Unit::none, 0, 0, "base64, hex"},
    {"xmloption", Takes::word, Unit::none, 0, 0, "content, document"},
};

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) { return std::find(words.begin(), words.end(), word) != words.end(); }

/// What pg_settings does not tell (guc.c: config_enum_entry.hidden).
bool is_hidden_word(const Values& values, std::string_view word) {
  const bool truth = values.words.find("on, off") != std::string_view::npos || values.words.find("off, on") != std::string_view::npos;
  if (truth) return is_one_of(word, {"true", "false", "yes", "no", "1", "0"});
  if (!values.words.starts_with("debug5")) return false;
  return word == "debug" || (values.name == "client_min_messages" && word == "info");
}

/// A word for true or false, or the beginning of one (parse_bool()).
bool is_boolean(std::string_view word) {
  const auto begins = [word](std::string_view whole, std::size_t least) { return word.size() >= least && whole.starts_with(word); };
  return begins("true", 1) || begins("false", 1) || begins("yes", 1) || begins("no", 1) || begins("on", 2) || begins("off", 2) || begins("1", 1) || begins("0", 1);
}

constexpr std::array<std::string_view, 6> unit_names = {"", "B", "kB", "8kB", "ms", "s"};
bool is_memory(Unit unit) { return unit == Unit::bytes || unit == Unit::kilobytes || unit == Unit::blocks; }

/// How many of `unit` one of `word` is; 0: no unit is called so.
double factor_of(std::string_view word, Unit unit) {
  struct Size {
    std::string_view name;
    double size;
  };
  constexpr Size memory[] = {{"B", 1}, {"kB", 1024}, {"MB", 1048576}, {"GB", 1073741824}, {"TB", 1099511627776}};
  constexpr Size time[] = {{"us", 1}, {"ms", 1e3}, {"s", 1e6}, {"min", 6e7}, {"h", 3.6e9}, {"d", 8.64e10}};
  constexpr std::array<double, 6> base = {0, 1, 1024, 8192, 1e3, 1e6};
  const auto find = [&](const auto& sizes) {
    const auto found = std::find_if(std::begin(sizes), std::end(sizes), [word](const Size& one) { return one.name == word; });
    return found == std::end(sizes) ? 0 : found->size / base[static_cast<std::size_t>(unit)];
  };
  return unit == Unit::none ? 0 : is_memory(unit) ? find(memory) : find(time);
}

SqlError wrong(std::string message, std::string hint = {}) {
  return {protocol::Severity::error, "22023", std::move(message), "", std::move(hint), 0};
}

SqlError invalid(std::string_view name, std::string_view value, std::string hint = {}) {
  return wrong("invalid value for parameter \"" + std::string(name) + "\": \"" + std::string(value) + "\"", std::move(hint));
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return result;
}

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// guc.c: parse_int() and parse_real().
std::optional<SqlError> check_number(const Values& values, std::string_view name, const std::string& text) {
  const bool whole = values.takes == Takes::integer;
  char* end = nullptr;
  errno = 0;
  double number = whole ? static_cast<double>(std::strtol(text.c_str(), &end, 0)) : 0;
  if (!whole || *end == '.' || *end == 'e' || *end == 'E' || errno == ERANGE) {
    errno = 0;
    number = std::strtod(text.c_str(), &end);
  }
  if (end == text.c_str() || errno == ERANGE || std::isnan(number)) return invalid(name, text);
  std::string_view rest(end);
  while (!rest.empty() && is_blank(rest.front())) rest.remove_prefix(1);
  while (!rest.empty() && is_blank(rest.back())) rest.remove_suffix(1);
  if (!rest.empty()) {
    const double factor = factor_of(rest, values.unit);
    if (factor == 0 && values.unit == Unit::none) return invalid(name, text);
    if (factor == 0)
      return invalid(name, text, is_memory(values.unit) ? "Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\"."
                                                        : "Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\".");
    number *= factor;
  }
  if (whole) number = std::rint(number) + 0.0;  // no minus in front of 0
  if (whole && std::abs(number) > most_integer) return invalid(name, text, "Value exceeds integer range.");
  if (number >= values.least && number <= values.most) return std::nullopt;
  const std::string unit = values.unit == Unit::none ? "" : " " + std::string(unit_names[static_cast<std::size_t>(values.unit)]);
  const auto shown = [whole](double one) {
    if (std::isinf(one)) return std::string(one < 0 ? "-Infinity" : "Infinity");
    std::array<char, 512> digits;
    std::snprintf(digits.data(), digits.size(), whole ? "%.0f" : "%g", one);
    return std::string(digits.data());
  };
  return wrong(shown(number) + unit + " is outside the valid range for parameter \"" + std::string(name) + "\" (" + shown(values.least) + " .. " + shown(values.most) + ")");
}

std::optional<SqlError> check_word(const Values& values, std::string_view name, std::string_view text) {
  const std::string word = lower(text);
  for (std::string_view words = values.words; !words.empty();) {
    const std::size_t end = std::min(words.find(", "), words.size());
    if (words.substr(0, end) == word) return std::nullopt;
    words.remove_prefix(std::min(end + 2, words.size()));
  }
  if (is_hidden_word(values, word)) return std::nullopt;
  return invalid(name, text, "Available values: " + std::string(values.words) + ".");
}

}  // namespace

std::optional<SqlError> check_setting(std::string_view name, std::string_view value) {
  const auto* const found = std::lower_bound(std::begin(table), std::end(table), name, [](const Values& one, std::string_view wanted) { return one.name < wanted; });
  if (found == std::end(table) || found->name != name || value.empty()) return std::nullopt;
  switch (found->takes) {
    case Takes::boolean:
      if (is_boolean(lower(value))) return std::nullopt;
      return wrong("parameter \"" + std::string(name) + "\" requires a Boolean value");
    case Takes::word: return check_word(*found, name, value);
    case Takes::integer:
    case Takes::real: return check_number(*found, name, std::string(value));
  }
  return std::nullopt;
}

}  // namespace pgswitch::redshift
