#include "proxy/redshift/settings.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

#include "proxy/copy/client_encoding.hpp"
#include "rules/redshift/spelling.hpp"
#include "rules/tokens.hpp"

namespace pgswitch::redshift {

using protocol::SqlError;
using How = SettingChange::How;

namespace {

/// By name. Redshift Developer Guide, "Configuration reference" and "SET"; PostgreSQL 15 manual, chapter 20, whose defaults stand here.
constexpr Setting table[] = {
    {"analyze_threshold_percent", Lack::on_postgres, "10", {}},
    {"array_nulls", Lack::on_redshift, "on", {}},
    {"auto_analyze", Lack::on_postgres, "on", {}},
    {"backend_flush_after", Lack::on_redshift, "0", {}},
    {"backslash_quote", Lack::on_redshift, "safe_encoding", {}},
    {"bytea_output", Lack::on_redshift_but, "hex", "hex"},
    {"case_super_null_on_error", Lack::on_postgres, "on", {}},
    {"cast_super_null_on_error", Lack::on_postgres, "on", {}},
    {"check_function_bodies", Lack::on_redshift, "on", {}},
    {"client_connection_check_interval", Lack::on_redshift, "0", {}},
    {"client_domain_name", Lack::on_postgres, "", {}},
    {"client_driver_type", Lack::on_postgres, "", {}},
    {"client_driver_version", Lack::on_postgres, "", {}},
    {"client_encoding", Lack::in_parts, "UTF8", {}},
    {"client_host_name", Lack::on_postgres, "", {}},
    {"client_ip_address", Lack::on_postgres, "", {}},
    {"client_min_messages", Lack::on_redshift, "notice", {}},
    {"client_os_name", Lack::on_postgres, "", {}},
    {"client_user_name", Lack::on_postgres, "", {}},
    {"commit_delay", Lack::on_redshift, "0", {}},
    {"commit_siblings", Lack::on_redshift, "5", {}},
    {"compute_query_id", Lack::on_redshift, "auto", {}},
    {"constraint_exclusion", Lack::on_redshift, "partition", {}},
    {"cpu_index_tuple_cost", Lack::on_redshift, "0.005", {}},
    {"cpu_operator_cost", Lack::on_redshift, "0.0025", {}},
    {"cpu_tuple_cost", Lack::on_redshift, "0.01", {}},
    {"cursor_tuple_fraction", Lack::on_redshift, "0.1", {}},
    {"datashare_break_glass_session_var", Lack::on_postgres, "", {}},
    {"default_geometry_encoding", Lack::on_postgres, "1", {}},
    {"default_statistics_target", Lack::on_redshift, "100", {}},
    {"default_table_access_method", Lack::on_redshift_but, "heap", "heap"},
    {"default_tablespace", Lack::on_redshift, "", {}},
    {"default_toast_compression", Lack::on_redshift, "pglz", {}},
    {"default_transaction_deferrable", Lack::on_redshift, "off", {}},
    {"default_transaction_isolation", Lack::on_redshift, "read committed", {}},
    {"default_transaction_read_only", Lack::on_redshift, "off", {}},
    {"describe_field_name_in_uppercase", Lack::on_postgres, "off", {}},
    {"downcase_delimited_identifier", Lack::on_postgres, "on", {}},
    {"effective_cache_size", Lack::on_redshift, "4GB", {}},
    {"effective_io_concurrency", Lack::on_redshift, "1", {}},
    {"enable_async_append", Lack::on_redshift, "on", {}},
    {"enable_bitmapscan", Lack::on_redshift, "on", {}},
    {"enable_case_sensitive_identifier", Lack::on_postgres, "off", {}},
    {"enable_case_sensitive_super_attribute", Lack::on_postgres, "off", {}},
    {"enable_gathermerge", Lack::on_redshift, "on", {}},
    {"enable_hashagg", Lack::on_redshift, "on", {}},
    {"enable_hashjoin", Lack::on_redshift, "on", {}},
    {"enable_incremental_sort", Lack::on_redshift, "on", {}},
    {"enable_indexonlyscan", Lack::on_redshift, "on", {}},
    {"enable_indexscan", Lack::on_redshift, "on", {}},
    {"enable_material", Lack::on_redshift, "on", {}},
    {"enable_memoize", Lack::on_redshift, "on", {}},
    {"enable_mergejoin", Lack::on_redshift, "on", {}},
    {"enable_nestloop", Lack::on_redshift, "on", {}},
    {"enable_numeric_rounding", Lack::on_postgres, "on", {}},
    {"enable_parallel_append", Lack::on_redshift, "on", {}},
    {"enable_parallel_hash", Lack::on_redshift, "on", {}},
    {"enable_partition_pruning", Lack::on_redshift, "on", {}},
    {"enable_partitionwise_aggregate", Lack::on_redshift, "off", {}},
    {"enable_partitionwise_join", Lack::on_redshift, "off", {}},
    {"enable_result_cache_for_session", Lack::on_postgres, "on", {}},
    {"enable_seqscan", Lack::on_redshift, "on", {}},
    {"enable_sort", Lack::on_redshift, "on", {}},
    {"enable_tidscan", Lack::on_redshift, "on", {}},
    {"enable_vacuum_boost", Lack::on_postgres, "off", {}},
    {"error_on_nondeterministic_update", Lack::on_postgres, "off", {}},
    {"escape_string_warning", Lack::on_redshift, "on", {}},
    {"exit_on_error", Lack::on_redshift, "off", {}},
    {"extra_float_digits", Lack::in_parts, "1", {}},
    {"force_parallel_mode", Lack::on_redshift, "off", {}},
    {"from_collapse_limit", Lack::on_redshift, "8", {}},
    {"geqo", Lack::on_redshift, "on", {}},
    {"geqo_effort", Lack::on_redshift, "5", {}},
    {"geqo_generations", Lack::on_redshift, "0", {}},
    {"geqo_pool_size", Lack::on_redshift, "0", {}},
    {"geqo_seed", Lack::on_redshift, "0", {}},
    {"geqo_selection_bias", Lack::on_redshift, "2", {}},
    {"geqo_threshold", Lack::on_redshift, "12", {}},
    {"gin_fuzzy_search_limit", Lack::on_redshift, "0", {}},
    {"gin_pending_list_limit", Lack::on_redshift, "4MB", {}},
    {"hash_mem_multiplier", Lack::on_redshift, "2", {}},
    {"idle_in_transaction_session_timeout", Lack::on_redshift, "0", {}},
    {"idle_session_timeout", Lack::on_redshift, "0", {}},
    {"intervalstyle", Lack::on_redshift_but, "postgres", "postgres"},
    {"jit", Lack::on_redshift, "on", {}},
    {"jit_above_cost", Lack::on_redshift, "100000", {}},
    {"jit_expressions", Lack::on_redshift, "on", {}},
    {"jit_inline_above_cost", Lack::on_redshift, "500000", {}},
    {"jit_optimize_above_cost", Lack::on_redshift, "500000", {}},
    {"jit_tuple_deforming", Lack::on_redshift, "on", {}},
    {"join_collapse_limit", Lack::on_redshift, "8", {}},
    {"json_parse_dedup_attributes", Lack::on_postgres, "off", {}},
    {"json_parse_truncate_strings", Lack::on_postgres, "off", {}},
    {"json_serialization_enable", Lack::on_postgres, "off", {}},
    {"json_serialization_parse_nested_strings", Lack::on_postgres, "off", {}},
    {"lc_messages", Lack::on_redshift, "", {}},
    {"lc_monetary", Lack::on_redshift, "", {}},
    {"lc_numeric", Lack::on_redshift, "", {}},
    {"lc_time", Lack::on_redshift, "", {}},
    {"lock_timeout", Lack::on_redshift, "0", {}},
    {"log_duration", Lack::on_redshift, "off", {}},
    {"log_error_verbosity", Lack::on_redshift, "default", {}},
    {"log_lock_waits", Lack::on_redshift, "off", {}},
    {"log_min_duration_sample", Lack::on_redshift, "-1", {}},
    {"log_min_duration_statement", Lack::on_redshift, "-1", {}},
    {"log_min_error_statement", Lack::on_redshift, "error", {}},
    {"log_min_messages", Lack::on_redshift, "warning", {}},
    {"log_parameter_max_length", Lack::on_redshift, "-1", {}},
    {"log_parameter_max_length_on_error", Lack::on_redshift, "0", {}},
    {"log_statement", Lack::on_redshift, "none", {}},
    {"log_temp_files", Lack::on_redshift, "-1", {}},
    {"logical_decoding_work_mem", Lack::on_redshift, "64MB", {}},
    {"maintenance_io_concurrency", Lack::on_redshift, "10", {}},
    {"maintenance_work_mem", Lack::on_redshift, "64MB", {}},
    {"max_concurrency_scaling_clusters", Lack::on_postgres, "1", {}},
    {"max_cursor_result_set_size", Lack::on_postgres, "0", {}},
    {"max_parallel_maintenance_workers", Lack::on_redshift, "2", {}},
    {"max_parallel_workers", Lack::on_redshift, "8", {}},
    {"max_parallel_workers_per_gather", Lack::on_redshift, "2", {}},
    {"max_stack_depth", Lack::on_redshift, "2MB", {}},
    {"min_parallel_index_scan_size", Lack::on_redshift, "512kB", {}},
    {"min_parallel_table_scan_size", Lack::on_redshift, "8MB", {}},
    {"mv_enable_aqmv_for_session", Lack::on_postgres, "on", {}},
    {"navigate_super_null_on_error", Lack::on_postgres, "on", {}},
    {"parallel_leader_participation", Lack::on_redshift, "on", {}},
    {"parallel_setup_cost", Lack::on_redshift, "1000", {}},
    {"parallel_tuple_cost", Lack::on_redshift, "0.1", {}},
    {"parse_super_null_on_error", Lack::on_postgres, "off", {}},
    {"password_encryption", Lack::on_redshift, "scram-sha-256", {}},
    {"pg_federation_repeatable_read", Lack::on_postgres, "on", {}},
    {"pgswitch.route", Lack::on_redshift, "", {}},
    {"plan_cache_mode", Lack::on_redshift, "auto", {}},
    {"query_group", Lack::on_postgres, "default", {}},
    {"quote_all_identifiers", Lack::on_redshift, "off", {}},
    {"random_page_cost", Lack::on_redshift, "4", {}},
    {"readonly", Lack::as_read_only, "off", {}},
    {"recursive_worktable_factor", Lack::on_redshift, "10", {}},
    {"require_ssl", Lack::on_postgres, "off", {}},
    {"role", Lack::on_redshift_but, "none", "none"},
    {"row_security", Lack::on_redshift_but, "on", "on true yes 1"},
    {"seq_page_cost", Lack::on_redshift, "1", {}},
    {"session_replication_role", Lack::on_redshift_but, "origin", "origin"},
    {"spectrum_enable_pseudo_columns", Lack::on_postgres, "on", {}},
    {"spectrum_query_maxerror", Lack::on_postgres, "-1", {}},
    {"standard_conforming_strings", Lack::on_redshift, "on", {}},
    {"statement_timeout", Lack::in_parts, "0", {}},
    {"stats_fetch_consistency", Lack::on_redshift, "cache", {}},
    {"stored_proc_log_min_messages", Lack::on_postgres, "LOG", {}},
    {"synchronize_seqscans", Lack::on_redshift, "on", {}},
    {"synchronous_commit", Lack::on_redshift, "on", {}},
    {"tcp_keepalives_count", Lack::on_redshift, "0", {}},
    {"tcp_keepalives_idle", Lack::on_redshift, "0", {}},
    {"tcp_keepalives_interval", Lack::on_redshift, "0", {}},
    {"tcp_user_timeout", Lack::on_redshift, "0", {}},
    {"temp_buffers", Lack::on_redshift, "8MB", {}},
    {"temp_file_limit", Lack::on_redshift, "-1", {}},
    {"temp_tablespaces", Lack::on_redshift, "", {}},
    {"track_activities", Lack::on_redshift, "on", {}},
    {"track_counts", Lack::on_redshift, "on", {}},
    {"track_functions", Lack::on_redshift, "none", {}},
    {"track_io_timing", Lack::on_redshift, "off", {}},
    {"transform_null_equals", Lack::on_redshift_but, "off", "off false no 0"},
    {"use_fips_ssl", Lack::on_postgres, "off", {}},
    {"vacuum_cost_delay", Lack::on_redshift, "0", {}},
    {"vacuum_cost_limit", Lack::on_redshift, "200", {}},
    {"wal_compression", Lack::on_redshift, "off", {}},
    {"wlm_query_slot_count", Lack::on_postgres, "1", {}},
    {"work_mem", Lack::on_redshift, "4MB", {}},
    {"xmlbinary", Lack::on_redshift, "base64", {}},
    {"xmloption", Lack::on_redshift, "content", {}},
};

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return result;
}

bool is_one_of(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const std::size_t end = std::min(words.find(' '), words.size());
    if (words.substr(0, end) == word) return true;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return false;
}

SettingChange refused(std::string_view name, std::string_view value, std::string detail) {
  SettingChange change{How::refused, {}, {}};
  change.error.sqlstate = protocol::sqlstate::feature_not_supported;
  change.error.message = "Redshift cannot work with " + std::string(name) + " = \"" + std::string(value) + "\"";
  change.error.detail = std::move(detail);
  change.error.hint = "Set it back, or send the statement to a route of PostgreSQL.";
  return change;
}

SettingChange instead(std::string text) { return {How::instead, std::move(text), {}}; }

/// At most 2 there (Redshift Developer Guide, extra_float_digits): that is already the exact value.
SettingChange float_digits(std::string_view value) {
  int digits = 0;
  const auto [end, failure] = std::from_chars(value.data(), value.data() + value.size(), digits);
  if (failure != std::errc() || end != value.data() + value.size() || digits <= 2) return {};
  return instead("SET extra_float_digits TO 2");
}

/// The session has it, and COPY converts its data; Redshift itself is sent nothing.
SettingChange encoding(std::string_view value) {
  if (value.empty() || copy::find_client_encoding(value)) return {How::nothing, {}, {}};
  SettingChange change{How::refused, {}, {}};
  change.error.sqlstate = "22023";  // invalid_parameter_value
  change.error.message = "invalid value for parameter \"client_encoding\": \"" + std::string(value) + '"';
  return change;
}

/// In milliseconds there, without a unit (Redshift Developer Guide, statement_timeout).
SettingChange timeout(std::string_view value) {
  const bool has_unit = value.find_first_not_of("0123456789.-+ ") != std::string_view::npos;
  const auto ms = has_unit ? milliseconds(value) : std::nullopt;
  return ms ? instead("SET statement_timeout TO " + std::to_string(*ms)) : SettingChange();
}

}  // namespace

std::optional<std::int64_t> milliseconds(std::string_view value) {
  struct Unit {
    std::string_view name;
    double ms;
  };
  constexpr std::array<Unit, 7> units{{{"", 1}, {"us", 0.001}, {"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000}}};
  double number = 0;
  const auto [end, failure] = std::from_chars(value.data(), value.data() + value.size(), number);
  std::string_view unit = value.substr(static_cast<std::size_t>(end - value.data()));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  const auto found = std::find_if(units.begin(), units.end(), [unit](const Unit& one) { return one.name == unit; });
  if (failure != std::errc() || found == units.end()) return std::nullopt;
  const double ms = number * found->ms;
  if (ms < 0 || ms > 2147483647) return std::nullopt;
  const auto whole = static_cast<std::int64_t>(ms + 0.5);
  return whole == 0 && ms > 0 ? 1 : whole;
}

std::optional<SqlError> encoding_objection(std::string_view client_encoding) {
  if (client_encoding.empty() || client_encoding == "UTF8") return std::nullopt;
  const copy::ClientEncoding* const known = copy::find_client_encoding(client_encoding);
  if (known && known->shape == copy::Shape::utf8) return std::nullopt;
  SqlError error;
  error.sqlstate = protocol::sqlstate::feature_not_supported;
  error.message = "a statement for Redshift cannot run under client_encoding \"" + std::string(client_encoding) + '"';
  error.detail = "Redshift sends and takes UTF8 only. pgswitch converts the data of COPY, and nothing else.";
  error.hint = "SET client_encoding = 'UTF8'.";
  return error;
}

const Setting* find_setting(std::string_view name) {
  const auto found = std::lower_bound(std::begin(table), std::end(table), name, [](const Setting& one, std::string_view wanted) { return one.name < wanted; });
  return found != std::end(table) && found->name == name ? &*found : nullptr;
}

bool lacks(const Setting& setting, ServerKind kind) {
  const bool redshift = kind == ServerKind::redshift;
  if (setting.lack == Lack::as_read_only) return true;
  return redshift == (setting.lack != Lack::on_postgres);
}

std::optional<bool> truth_of(std::string_view value) {
  const std::string word = lower(value);
  if (is_one_of("on true t yes y 1", word)) return true;
  if (is_one_of("off false f no n 0", word)) return false;
  return std::nullopt;
}

SettingChange change_for(ServerKind kind, std::string_view name, std::string_view value) {
  const Setting* setting = find_setting(name);
  if (!setting || !lacks(*setting, kind)) return {};
  switch (setting->lack) {
    case Lack::on_redshift:
    case Lack::on_postgres: return {How::nothing, {}, {}};
    case Lack::on_redshift_but:
      if (value.empty() || is_one_of(setting->values, lower(value))) return {How::nothing, {}, {}};
      return refused(name, value, "Redshift does not have the setting, and works as if it were \"" + std::string(setting->value) + "\".");
    case Lack::as_read_only: {
      if (kind == ServerKind::redshift) return {How::nothing, {}, {}};
      const std::optional<bool> on = truth_of(value);
      return instead(!on ? "RESET default_transaction_read_only" : *on ? "SET default_transaction_read_only TO on" : "SET default_transaction_read_only TO off");
    }
    case Lack::in_parts: break;
  }
  if (name == "client_encoding") return encoding(value);
  if (value.empty()) return {};
  return name == "extra_float_digits" ? float_digits(value) : timeout(value);
}

std::string shown_setting(std::string_view text) {
  rules::TokenReader reader(text);
  std::string name;
  int words = 0;
  for (rules::Token token = reader.next(); token.type != rules::TokenType::end; token = reader.next()) {
    const bool quoted = token.type == rules::TokenType::quoted_word;
    if (token.type == rules::TokenType::comment || token.type == rules::TokenType::semicolon) continue;
    if (token.type == rules::TokenType::dot) {
      name += '.';
      continue;
    }
    if (token.type != rules::TokenType::word && !quoted) return {};
    std::string word = lower(quoted ? reader.text(token).substr(1, token.size - 2) : reader.text(token));
    if (words++ == 0) continue;
    if (!name.empty() && name.back() != '.') name += ' ';
    name += word;
  }
  if (name == "transaction isolation level") return "transaction_isolation";
  if (name == "session authorization") return "session_authorization";
  if (name == "time zone") return "timezone";
  return name.find(' ') == std::string::npos ? name : std::string();
}

}  // namespace pgswitch::redshift
