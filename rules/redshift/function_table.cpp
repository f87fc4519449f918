#include "rules/redshift/function_table.hpp"

#include <algorithm>
#include <iterator>

namespace pgswitch::rules::redshift {
namespace {

constexpr std::string_view arrays = "Arrays are values of the type SUPER there: ARRAY(...), split_to_array().";
constexpr std::string_view json = "JSON is text or SUPER there: JSON_PARSE(), JSON_EXTRACT_PATH_TEXT().";

constexpr MissingFunction functions[] = {
    {"array_agg", "LISTAGG() makes a list as text."}, {"array_append", arrays}, {"array_cat", arrays}, {"array_dims", arrays},
    {"array_fill", arrays}, {"array_length", arrays}, {"array_lower", arrays}, {"array_ndims", arrays}, {"array_position", arrays},
    {"array_positions", arrays}, {"array_prepend", arrays}, {"array_remove", arrays}, {"array_replace", arrays}, {"array_to_json", json},
    {"array_to_string", arrays}, {"array_upper", arrays}, {"bit_length", "8 * octet_length() is the same."}, {"bit_xor", ""},
    {"cardinality", arrays},
    {"clock_timestamp", "GETDATE() is the beginning of the statement, without time zone and fractions of a second."},
    {"concat", "CONCAT() takes two arguments there and NULL makes the result NULL: write coalesce(a, '') || coalesce(b, '')."},
    {"concat_ws", "Join texts with ||."}, {"convert", ""}, {"convert_from", ""}, {"convert_to", ""}, {"corr", ""}, {"covar_pop", ""},
    {"covar_samp", ""}, {"current_query", ""}, {"currval", "A column of IDENTITY numbers rows."},
    {"date_bin", "DATE_TRUNC() cuts to a unit."}, {"encode", "TO_HEX(), FROM_HEX() and TO_VARBYTE() convert bytes."},
    {"format", "Join texts with ||."}, {"gcd", ""}, {"gen_random_uuid", ""},
    {"generate_subscripts", "A recursive WITH query or a table of numbers does the same."}, {"inet_client_addr", ""},
    {"inet_client_port", ""}, {"inet_server_addr", ""}, {"inet_server_port", ""}, {"isfinite", ""}, {"json_agg", json},
    {"json_array_elements", json}, {"json_array_elements_text", json}, {"json_build_array", json}, {"json_build_object", json},
    {"json_each", json}, {"json_each_text", json}, {"json_extract_path", json}, {"json_object", json}, {"json_object_agg", json},
    {"json_object_keys", json}, {"json_populate_record", json}, {"json_populate_recordset", json}, {"json_strip_nulls", json},
    {"json_to_record", json}, {"json_to_recordset", json}, {"json_typeof", json}, {"jsonb_agg", json}, {"jsonb_array_elements", json},
    {"jsonb_array_elements_text", json}, {"jsonb_array_length", json}, {"jsonb_build_array", json}, {"jsonb_build_object", json},
    {"jsonb_each", json}, {"jsonb_each_text", json}, {"jsonb_extract_path", json}, {"jsonb_extract_path_text", json},
    {"jsonb_insert", json}, {"jsonb_object", json}, {"jsonb_object_agg", json}, {"jsonb_object_keys", json}, {"jsonb_path_exists", json},
    {"jsonb_path_match", json}, {"jsonb_path_query", json}, {"jsonb_path_query_array", json}, {"jsonb_path_query_first", json},
    {"jsonb_populate_record", json}, {"jsonb_pretty", json}, {"jsonb_set", json}, {"jsonb_set_lax", json}, {"jsonb_strip_nulls", json},
    {"jsonb_to_record", json}, {"jsonb_to_recordset", json}, {"jsonb_typeof", json}, {"justify_days", ""}, {"justify_hours", ""},
    {"justify_interval", ""}, {"lastval", "A column of IDENTITY numbers rows."}, {"lcm", ""},
    {"make_date", "TO_DATE() and TO_TIMESTAMP() read texts."}, {"make_interval", "INTERVAL '1 day' * n makes one."},
    {"make_time", "TO_DATE() and TO_TIMESTAMP() read texts."}, {"make_timestamp", "TO_DATE() and TO_TIMESTAMP() read texts."},
    {"make_timestamptz", "TO_DATE() and TO_TIMESTAMP() read texts."}, {"min_scale", ""}, {"mode", ""},
    {"nextval", "A column of IDENTITY numbers rows."}, {"normalize", ""}, {"num_nonnulls", ""}, {"num_nulls", ""},
    {"overlay", "SUBSTRING() and || do the same."}, {"pg_advisory_lock", ""}, {"pg_advisory_lock_shared", ""}, {"pg_advisory_unlock", ""},
    {"pg_advisory_xact_lock", ""}, {"pg_client_encoding", ""}, {"pg_collation_for", ""},
    {"pg_current_xact_id", ""}, {"pg_is_in_recovery", ""}, {"pg_notify", ""}, {"pg_sleep", ""}, {"pg_sleep_for", ""},
    {"pg_sleep_until", ""}, {"pg_try_advisory_lock", ""}, {"pg_try_advisory_xact_lock", ""},
    {"phraseto_tsquery", "There is no full-text search."}, {"plainto_tsquery", "There is no full-text search."}, {"quote_nullable", ""},
    {"range_agg", ""}, {"regexp_match", "REGEXP_SUBSTR() returns one match."}, {"regexp_matches", "REGEXP_SUBSTR() returns one match."},
    {"regexp_split_to_array", "SPLIT_PART() splits at a text."}, {"regexp_split_to_table", "SPLIT_PART() splits at a text."},
    {"regr_avgx", ""}, {"regr_avgy", ""}, {"regr_count", ""}, {"regr_intercept", ""}, {"regr_r2", ""}, {"regr_slope", ""},
    {"regr_sxx", ""}, {"regr_sxy", ""}, {"regr_syy", ""}, {"row_to_json", json}, {"scale", ""},
    {"setval", "A column of IDENTITY numbers rows."}, {"setweight", "There is no full-text search."},
    {"sha224", "Use SHA2(x, 256) for the text of the digest."}, {"sha256", "Use SHA2(x, 256) for the text of the digest."},
    {"sha384", "Use SHA2(x, 256) for the text of the digest."}, {"sha512", "Use SHA2(x, 256) for the text of the digest."},
    {"starts_with", ""},
    {"statement_timestamp", "GETDATE() is the beginning of the statement, without time zone and fractions of a second."},
    {"string_to_array", arrays}, {"string_to_table", "SPLIT_PART() splits at a text."},
    {"timeofday", "GETDATE() is the beginning of the statement, without time zone and fractions of a second."}, {"to_ascii", ""},
    {"to_json", json}, {"to_jsonb", json}, {"to_tsquery", "There is no full-text search."},
    {"to_tsvector", "There is no full-text search."}, {"trim_array", arrays}, {"trim_scale", ""},
    {"ts_headline", "There is no full-text search."}, {"ts_rank", "There is no full-text search."},
    {"ts_rank_cd", "There is no full-text search."}, {"tsvector_to_array", "There is no full-text search."}, {"txid_current", ""},
    {"txid_current_snapshot", ""}, {"unistr", ""}, {"unnest", arrays}, {"uuid_generate_v1", ""}, {"uuid_generate_v4", ""},
    {"websearch_to_tsquery", "There is no full-text search."}, {"width_bucket", ""}, {"xmlagg", ""}, {"xmlelement", ""},
    {"xmlforest", ""}};

constexpr MissingFunction types[] = {
    {"bit", ""}, {"box", ""}, {"bytea", "VARBYTE holds bytes; FROM_HEX() makes it of a text."}, {"cidr", "Use varchar."}, {"circle", ""},
    {"citext", ""}, {"datemultirange", ""}, {"daterange", ""}, {"hstore", ""}, {"inet", "Use varchar."}, {"int4multirange", ""},
    {"int4range", ""}, {"int8multirange", ""}, {"int8range", ""}, {"json", "JSON is SUPER there, or text."},
    {"jsonb", "JSON is SUPER there, or text."}, {"jsonpath", "JSON is SUPER there, or text."}, {"line", ""}, {"lseg", ""},
    {"macaddr", "Use varchar."}, {"macaddr8", "Use varchar."}, {"money", "Use numeric(12, 2)."}, {"nummultirange", ""}, {"numrange", ""},
    {"path", ""}, {"pg_lsn", ""}, {"pg_snapshot", ""}, {"point", ""}, {"polygon", ""}, {"tsmultirange", ""}, {"tsquery", ""},
    {"tsrange", ""}, {"tstzmultirange", ""}, {"tstzrange", ""}, {"tsvector", ""}, {"txid_snapshot", ""},
    {"uuid", "varchar(36) holds the text of one."}, {"varbit", ""}, {"xml", ""}};

constexpr std::string_view aggregates[] = {
    "avg", "bit_and", "bit_or", "bool_and", "bool_or", "count", "every", "max", "min", "stddev", "stddev_pop", "stddev_samp",
    "string_agg", "sum", "var_pop", "var_samp", "variance"};

constexpr std::string_view operators[] = {
    "!~", "!~~", "!~~*", "#", "%", "&", "*", "+", "-", "/", "<", "<<", "<=", "<>", "=", ">", ">=", ">>", "@", "^", "|", "|/", "||", "||/",
    "~", "~~", "~~*"};

constexpr bool by_name(const MissingFunction& one, const MissingFunction& other) { return one.name < other.name; }
static_assert(std::is_sorted(std::begin(functions), std::end(functions), by_name));
static_assert(std::is_sorted(std::begin(types), std::end(types), by_name));
static_assert(std::is_sorted(std::begin(aggregates), std::end(aggregates)));
static_assert(std::is_sorted(std::begin(operators), std::end(operators)));

template <class Table>
const MissingFunction* find(const Table& table, std::string_view name) {
  const auto found = std::lower_bound(std::begin(table), std::end(table), MissingFunction{name, {}}, by_name);
  return found != std::end(table) && found->name == name ? &*found : nullptr;
}

}  // namespace

const MissingFunction* missing_function(std::string_view name) { return find(functions, name); }
const MissingFunction* missing_type(std::string_view name) { return find(types, name); }
bool ignores_nulls(std::string_view aggregate) { return std::binary_search(std::begin(aggregates), std::end(aggregates), aggregate); }
bool has_operator(std::string_view sign) { return std::binary_search(std::begin(operators), std::end(operators), sign); }

}  // namespace pgswitch::rules::redshift
