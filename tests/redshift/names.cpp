#include "tests/redshift/names.hpp"

#include <algorithm>
#include <iterator>

namespace pgswitch::stand_in {
namespace {

template <typename List>
bool has(const List& list, std::string_view name) {
  return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

/// Facts 1.6 "pg_is_in_recovery(), ...", 2.2 "clock_timestamp, ...", "encode/decode, format, ...", "every/bool_and, corr", "arrays".
constexpr std::string_view absent_functions[] = {
    "pg_is_in_recovery", "txid_current", "txid_current_if_assigned", "txid_current_snapshot", "txid_snapshot_xmin", "txid_status", "pg_current_xact_id", "pg_sleep",
    "pg_sleep_for", "pg_sleep_until", "current_query", "inet_client_addr", "inet_client_port", "inet_server_addr", "inet_server_port",
    "pg_advisory_lock", "pg_advisory_lock_shared", "pg_advisory_unlock", "pg_advisory_unlock_all", "pg_advisory_unlock_shared",
    "pg_advisory_xact_lock", "pg_advisory_xact_lock_shared", "pg_try_advisory_lock", "pg_try_advisory_lock_shared",
    "pg_try_advisory_xact_lock", "pg_try_advisory_xact_lock_shared", "pg_get_keywords", "pg_listening_channels", "pg_notify",
    "pg_export_snapshot", "pg_current_wal_lsn", "pg_last_wal_replay_lsn", "pg_switch_wal", "clock_timestamp", "statement_timestamp",
    "transaction_timestamp", "justify_days", "justify_hours", "justify_interval", "encode", "format", "overlay",
    "bit_length", "regexp_matches", "regexp_match", "regexp_split_to_array", "regexp_split_to_table", "quote_nullable", "every",
    "corr", "covar_pop", "covar_samp", "regr_avgx", "regr_avgy", "regr_count", "regr_intercept", "regr_r2", "regr_slope", "regr_sxx",
    "regr_sxy", "regr_syy", "string_agg", "array_agg", "unnest", "array_to_string", "string_to_array", "array_length", "array_append",
    "array_cat", "array_position", "array_remove", "generate_subscripts", "nextval", "currval", "setval", "lastval", "jsonb_build_object",
    "json_build_object", "jsonb_agg", "json_agg", "to_json", "to_jsonb", "row_to_json", "jsonb_each", "json_each", "jsonb_array_elements",
    "json_array_elements", "jsonb_extract_path_text", "gen_random_uuid", "to_tsvector", "to_tsquery", "plainto_tsquery", "ts_rank",
    "setseed", "make_date", "make_timestamp", "make_interval", "pg_column_size", "width_bucket", "concat_ws", "ltree2text", "xmlagg",
    "pg_read_file", "pg_ls_dir", "lo_create", "lo_import", "set_config", "grouping_id", "starts_with", "pg_typeof", "num_nulls"};

constexpr std::string_view provided_functions[] = {"getdate", "dateadd", "datediff", "json_extract_path_text", "version",
    "pg_last_copy_count", "pg_last_copy_id", "pg_last_query_id", "pg_last_unload_count", "listagg", "median", "last_day", "add_months",
    "date_part_year", "convert_timezone", "strtol", "charindex", "len", "sha2", "sysdate", "current_user_id"};

constexpr std::string_view leader_functions[] = {"now", "age", "current_schema", "current_schemas", "has_table_privilege",
    "has_schema_privilege", "has_database_privilege", "has_column_privilege", "has_any_column_privilege", "has_function_privilege",
    "has_language_privilege", "generate_series", "format_type", "pg_get_userbyid", "pg_get_viewdef", "pg_get_indexdef",
    "pg_get_constraintdef", "pg_get_expr", "pg_table_is_visible", "pg_backend_pid", "pg_postmaster_start_time", "pg_relation_size",
    "version", "current_database", "obj_description", "col_description", "isfinite", "timeofday", "current_setting"};
constexpr std::string_view leader_words[] = {"current_timestamp", "current_time", "localtime", "localtimestamp"};
constexpr std::string_view compute_functions[] = {"listagg", "median"};

/// Facts 1.6 "pg_enum, pg_collation, ..."; what came to PostgreSQL's catalog behind 8.0.
constexpr std::string_view absent_relations[] = {"pg_enum", "pg_collation", "pg_range", "pg_extension", "pg_foreign_table",
    "pg_foreign_server", "pg_foreign_data_wrapper", "pg_user_mapping", "pg_authid", "pg_roles", "pg_prepared_statements", "pg_cursors",
    "pg_prepared_xacts", "pg_stat_replication", "pg_replication_slots", "pg_publication", "pg_policy", "pg_policies", "pg_sequences",
    "pg_sequence", "pg_matviews", "pg_partitioned_table", "pg_event_trigger", "pg_timezone_names", "pg_timezone_abbrevs", "pg_hba_file_rules",
    "pg_available_extensions"};
constexpr std::string_view provided_relations[] = {"stl_load_errors", "sys_load_error_detail", "stv_sessions", "svv_table_info", "pg_table_def",
    "stv_db_isolation_level"};

constexpr std::string_view absent_types[] = {"json", "jsonb", "uuid", "bytea", "money", "inet", "cidr", "macaddr", "bit", "varbit", "xml",
    "tsvector", "tsquery", "hstore", "point", "line", "lseg", "box", "path", "polygon", "circle", "serial", "bigserial", "smallserial",
    "serial4", "serial8", "int4range", "int8range", "numrange", "tsrange", "tstzrange", "daterange", "regproc", "regprocedure"};
constexpr std::string_view absent_operators[] = {"->", "->>", "#>", "#>>", "@>", "<@", "?", "?|", "?&", "@@", "&&"};

constexpr std::string_view shared_settings[] = {"application_name", "client_encoding", "client_min_messages", "datestyle", "timezone",
    "search_path", "statement_timeout", "extra_float_digits", "transaction_isolation", "transaction_read_only", "default_transaction_isolation",
    "default_transaction_read_only", "enable_seqscan", "enable_hashjoin", "enable_mergejoin", "enable_nestloop", "enable_indexscan",
    "enable_hashagg", "enable_sort", "enable_tidscan", "geqo", "from_collapse_limit", "join_collapse_limit", "integer_datetimes",
    "lc_collate", "lc_ctype", "lc_messages", "lc_monetary", "lc_numeric", "lc_time", "log_statement", "max_identifier_length",
    "random_page_cost", "server_encoding", "session_authorization", "is_superuser", "work_mem", "seed", "password_encryption", "role"};

constexpr std::string_view driver_parameters[] = {"client_protocol_version", "driver_version", "os_version", "driver_discovery_version",
    "plugin_name", "idp_type", "provider_name", "token_type", "identity_namespace", "idc_client_display_name", "idp_host", "database",
    "user", "options"};

}  // namespace

const std::vector<std::pair<std::string_view, std::string_view>>& own_settings() {
  static const std::vector<std::pair<std::string_view, std::string_view>> list = {{"analyze_threshold_percent", "10"},
      {"autocommit", "on"}, {"cast_super_null_on_error", "on"}, {"client_domain_name", ""}, {"client_driver_type", ""},
      {"client_driver_version", ""}, {"client_host_name", ""}, {"client_ip_address", ""}, {"client_os_name", ""}, {"client_user_name", ""},
      {"case_sensitive", "on"}, {"datashare_enabled", "on"}, {"default_geometry_encoding", "1"}, {"describe_field_name_in_uppercase", "off"},
      {"downcase_delimited_identifier", "on"}, {"enable_case_sensitive_identifier", "off"}, {"enable_numeric_rounding", "on"},
      {"enable_result_cache_for_session", "on"}, {"enable_vacuum_boost", "off"}, {"error_on_nondeterministic_update", "off"},
      {"json_serialization_enable", "off"}, {"json_serialization_parse_nested_strings", "off"}, {"max_concurrency_scaling_clusters", "1"},
      {"max_cursor_result_set_size", "0"}, {"mv_enable_aqmv_for_session", "on"}, {"navigate_super_null_on_error", "on"},
      {"parse_super_null_on_error", "off"}, {"pg_federation_repeatable_read", "on"}, {"query_group", "default"}, {"readonly", "0"},
      {"regex_flavor", "advanced"}, {"spectrum_enable_pseudo_columns", "true"}, {"spectrum_query_maxerror", "-1"},
      {"stored_proc_log_min_messages", "info"}, {"use_fips_ssl", "off"}, {"wlm_query_slot_count", "1"}, {"auto_mv", "on"},
      {"add_missing_from", "off"}, {"external_database", "off"}, {"show_discovery", "0"}, {"padb_version", "1.0.63269"}};
  return list;
}

Name function_name(std::string_view name) {
  if (has(absent_functions, name)) return Name::absent;
  return has(provided_functions, name) ? Name::provided : Name::ordinary;
}
Name relation_name(std::string_view name) {
  if (has(absent_relations, name)) return Name::absent;
  return has(provided_relations, name) ? Name::provided : Name::ordinary;
}
bool is_absent_type(std::string_view name) { return has(absent_types, name); }
bool is_absent_operator(std::string_view op) { return has(absent_operators, op); }
bool is_leader_function(std::string_view name) { return has(leader_functions, name); }
bool is_leader_word(std::string_view word) { return has(leader_words, word); }
bool is_compute_function(std::string_view name) { return has(compute_functions, name); }
bool is_catalog_relation(std::string_view name) {
  return name.starts_with("pg_") || name.starts_with("stl_") || name.starts_with("stv_") || name.starts_with("svv_") || name.starts_with("svl_") ||
         name.starts_with("sys_") || name.starts_with("svcs_") || relation_name(name) != Name::ordinary;
}
bool is_shared_setting(std::string_view name) { return has(shared_settings, name); }
bool is_own_setting(std::string_view name) {
  return std::any_of(own_settings().begin(), own_settings().end(), [&](const auto& setting) { return setting.first == name; });
}
bool is_driver_parameter(std::string_view name) { return has(driver_parameters, name) || name.starts_with("_pq_.") || name.starts_with("idc_"); }

}  // namespace pgswitch::stand_in
