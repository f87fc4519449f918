#include "rules/volatility.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace pgswitch::rules {
namespace {

struct Function {
  std::string_view name;
  std::uint8_t flags;
};

constexpr std::uint8_t N = 0, V = 1, A = 2, W = 4;

constexpr Function functions[] = {
#include "rules/pg_functions.inc"
};

/// Volatile to the planner, yet they change nothing and another server of the same data may run them.
constexpr std::string_view harmless[] = {
    "amvalidate", "clock_timestamp", "current_query", "currval", "gen_random_uuid", "lastval", "lo_get",
    "pg_blocking_pids", "pg_collation_actual_version", "pg_control_checkpoint", "pg_control_init",
    "pg_control_recovery", "pg_control_system", "pg_current_wal_flush_lsn", "pg_current_wal_insert_lsn",
    "pg_current_wal_lsn", "pg_database_collation_actual_version", "pg_database_size", "pg_get_backend_memory_contexts",
    "pg_get_multixact_members", "pg_get_shmem_allocations", "pg_get_wal_replay_pause_state",
    "pg_get_wal_resource_managers", "pg_indexes_size", "pg_is_in_recovery", "pg_is_wal_replay_paused",
    "pg_isolation_test_session_is_blocked", "pg_jit_available", "pg_last_committed_xact", "pg_last_wal_receive_lsn",
    "pg_last_wal_replay_lsn", "pg_last_xact_replay_timestamp", "pg_lock_status", "pg_notification_queue_usage",
    "pg_partition_ancestors", "pg_partition_tree", "pg_prepared_xact", "pg_relation_size",
    "pg_replication_origin_progress", "pg_replication_origin_session_is_setup", "pg_safe_snapshot_blocking_pids",
    "pg_sequence_last_value", "pg_show_replication_origin_status", "pg_sleep", "pg_sleep_for", "pg_sleep_until",
    "pg_stat_get_recovery_prefetch", "pg_stat_get_xact_blocks_fetched", "pg_stat_get_xact_blocks_hit",
    "pg_stat_get_xact_function_calls", "pg_stat_get_xact_function_self_time",
    "pg_stat_get_xact_function_total_time", "pg_stat_get_xact_numscans", "pg_stat_get_xact_tuples_deleted",
    "pg_stat_get_xact_tuples_fetched", "pg_stat_get_xact_tuples_hot_updated", "pg_stat_get_xact_tuples_inserted",
    "pg_stat_get_xact_tuples_returned", "pg_stat_get_xact_tuples_updated", "pg_stat_have_stats", "pg_table_size",
    "pg_tablespace_size", "pg_total_relation_size", "pg_xact_commit_timestamp", "pg_xact_commit_timestamp_origin",
    "pg_xact_status", "random", "timeofday", "txid_status"};

/// Not volatile to the planner, yet they take a transaction number, which a standby server cannot give, or read whole
/// schemas by running SQL.
constexpr std::string_view stable_but_writing[] = {"pg_current_xact_id", "txid_current"};

/// Functions of Redshift that PostgreSQL lacks (Redshift manual, SQL functions reference); none of them writes.
constexpr Function of_redshift[] = {
    {"add_months", N}, {"any_value", A}, {"bpcharcmp", N}, {"btrim", N}, {"charindex", N},
    {"checksum", N}, {"convert_timezone", N}, {"crc32", N}, {"date_cmp", N}, {"dateadd", N}, {"datediff", N},
    {"dexp", N}, {"dlog1", N}, {"dlog10", N}, {"farmfingerprint64", N}, {"fnv_hash", N}, {"func_sha1", N},
    {"get_array_length", N}, {"getdate", N}, {"hll", A}, {"interval_cmp", N}, {"is_array", N},
    {"is_object", N}, {"is_valid_json", N}, {"is_valid_json_array", N}, {"isnull", N}, {"json_extract_array_element_text", N},
    {"json_parse", N}, {"json_serialize", N}, {"last_day", N}, {"len", N}, {"listagg", A}, {"median", A},
    {"months_between", N}, {"next_day", N}, {"nvl", N}, {"nvl2", N}, {"ratio_to_report", W}, {"regexp_instr", N},
    {"regexp_substr", N}, {"sha1", N}, {"sha2", N}, {"slice_num", N}, {"st_distance", N}, {"strtol", N}, {"sysdate", N},
    {"textlen", N}, {"timestamp_cmp", N}, {"trunc", N}, {"url_encode", N}};

template <class Table>
const Function* find(const Table& table, std::string_view name) {
  const auto at = std::lower_bound(std::begin(table), std::end(table), name,
                                   [](const Function& f, std::string_view n) { return f.name < n; });
  return at != std::end(table) && at->name == name ? at : nullptr;
}

static_assert(std::is_sorted(std::begin(functions), std::end(functions), [](auto& a, auto& b) { return a.name < b.name; }));
static_assert(std::is_sorted(std::begin(harmless), std::end(harmless)));
static_assert(std::is_sorted(std::begin(of_redshift), std::end(of_redshift), [](auto& a, auto& b) { return a.name < b.name; }));

bool writes(const Function& f) {
  if (f.flags & V) return !std::binary_search(std::begin(harmless), std::end(harmless), f.name);
  return std::binary_search(std::begin(stable_but_writing), std::end(stable_but_writing), f.name);
}

}  // namespace

FunctionFacts function_facts(std::string_view schema, std::string_view name) {
  FunctionFacts facts;
  if (!schema.empty() && schema != "pg_catalog" && schema != "information_schema") return facts;
  const Function* f = find(functions, name);
  if (!f) f = find(of_redshift, name);
  if (!f) return facts;
  facts.known = true;
  facts.writes = writes(*f);
  facts.aggregate = (f->flags & A) != 0;
  facts.window = (f->flags & W) != 0;
  return facts;
}

}  // namespace pgswitch::rules
