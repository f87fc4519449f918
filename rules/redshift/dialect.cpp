#include "rules/redshift/dialect.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "rules/redshift/translate.hpp"
#include "rules/tokens.hpp"

namespace pgswitch::rules::redshift {
namespace {

constexpr std::size_t most_tokens = 20'000;

/// Functions of Redshift alone; they count with a parenthesis behind them.
constexpr std::string_view functions[] = {
    "add_months", "can_json_parse", "charindex", "convert_timezone", "date_cmp", "date_cmp_timestamp", "dateadd", "datediff", "dlog1", "dlog10",
    "farmfingerprint64", "fnv_hash", "from_hex", "func_sha1", "get_array_length", "get_number_attributes", "getdate", "interval_cmp", "is_array",
    "is_valid_json", "is_valid_json_array", "json_parse", "json_serialize", "json_size", "json_typeof_super", "last_day", "len", "listagg", "median",
    "months_between", "next_day", "nvl", "nvl2", "object", "object_transform", "pg_last_copy_count", "pg_last_copy_id", "pg_last_query_id",
    "pg_last_unload_count", "ratio_to_report", "sha2", "split_to_array", "strtol", "subarray", "timestamp_cmp", "to_varbyte"};

/// What is a column to PostgreSQL.
constexpr std::string_view values[] = {"current_user_id", "sysdate"};

constexpr std::string_view types[] = {"datetime", "hllsketch", "nvarchar", "super", "varbyte"};

/// Behind SET, RESET and SHOW.
constexpr std::string_view settings[] = {"analyze_threshold_percent", "cast_super_null_on_error", "databases", "datashares",
                                         "default_identifier_collation", "describe_field_name_in_uppercase", "downcase_delimited_identifier",
                                         "enable_case_sensitive_identifier", "enable_result_cache_for_session", "enable_vacuum_boost",
                                         "error_on_nondeterministic_update", "json_parse_truncate_strings", "max_concurrency_scaling_clusters",
                                         "mv_enable_aqmv_for_session", "navigate_super_null_on_error", "query_group",
                                         "spectrum_enable_pseudo_columns", "stored_proc_log_min_messages", "use_fips_ssl", "wlm_query_slot_count"};

/// What only Redshift's grammar takes. Words in a row; "^": the beginning, "#i" a whole number, "#w" a word, "#s" a string.
constexpr std::string_view patterns[] = {
    "^ unload", "^ cancel #i", "^ use #w", "^ desc datashare", "^ attach rls", "^ attach masking", "^ detach rls", "^ detach masking",
    "^ show tables from", "^ show schemas from", "^ show columns from", "^ show constraints", "^ show functions from", "^ show procedures from",
    "^ show table", "^ show view", "^ show external", "^ show procedure", "^ show grants", "^ show column", "^ show model", "^ show parameters",
    "^ analyze compression", "^ vacuum sort only", "^ vacuum delete only", "^ vacuum reindex", "^ vacuum recluster", "^ create external",
    "^ alter external", "^ drop external", "^ create library", "^ create or replace library", "^ drop library", "^ create model", "^ drop model",
    "^ alter session", "^ grant role", "^ grant assumerole", "^ revoke assumerole", "^ revoke role", "iam_role", "credentials #s", "credentials as #s",
    "access_key_id", "distkey", "sortkey", "diststyle", "encode #w", "identity ( #i , #i )", "backup no", "backup yes", "varchar ( max )",
    "datashare", "auto refresh", "no schema binding", "password disable", "createuser", "syslog access", "session timeout", "rls policy",
    "masking policy", "approximate count", "approximate percentile_disc", "top #i", "minus select", "minus (", "qualify", "pivot (", "unpivot",
    "* exclude", "group by all", "ignore nulls", "respect nulls", "try_cast (", "convert ( #w ( #i ) ,", "interval #i", "day ( #i ) to second", "connect by",
    "( + )", "remove duplicates", "append from", "alter distkey", "alter sortkey", "alter diststyle", "set location", "add partition (",
    "row level security on", "row level security off", "nonatomic", "for schemas in", "for tables in", "to role", "percent", "boost", "predicate columns",
    "into # #w", "table # #w", "object_transform", "array ( #i", "array ( #s", "array ( )", "collate ( #s", "drop external database", "quota #i", "identity provider",
    "case_insensitive", "case_sensitive", "#i year", "#i month", "as #w at #w", "from datashare", "compound sortkey", "interleaved sortkey",
    "compupdate", "statupdate", "if exists #w force", "location #s"};

struct Word {
  TokenType type;
  std::string text;  ///< a word in lower case, a sign, the first bytes of a literal
};

template <class Table>
bool has(const Table& table, std::string_view word) {
  return std::find(std::begin(table), std::end(table), word) != std::end(table);
}

std::vector<Word> read(std::string_view text, bool conforming) {
  constexpr std::size_t most_bytes = 64;
  std::vector<Word> words;
  TokenReader reader(text, {conforming});
  for (Token token = reader.next(); token.type != TokenType::end && words.size() < most_tokens; token = reader.next()) {
    if (token.type == TokenType::comment) continue;
    Word word{token.type, std::string(reader.text(token).substr(0, most_bytes))};
    if (token.type == TokenType::word)
      for (char& c : word.text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    words.push_back(std::move(word));
  }
  return words;
}

/// The tokens of one statement.
class Words {
 public:
  explicit Words(std::vector<Word> words) : words_(std::move(words)) {}

  /// What PostgreSQL's grammar takes and only Redshift means.
  bool are_redshift() const {
    if (copies_from_storage() || (one_of(0, {"set", "reset", "show"}) && has(settings, word(word(1) == "session" || word(1) == "local" ? 2 : 1)))) return true;
    const bool defines = one_of(0, {"create", "alter"});
    for (std::size_t i = 0; i < words_.size(); ++i)
      if (words_[i].type == TokenType::word && is_redshift(i, defines)) return true;
    return false;
  }

  bool match_a_pattern() const {
    for (std::size_t i = 0; i < words_.size(); ++i)
      if (std::any_of(std::begin(patterns), std::end(patterns), [&](std::string_view pattern) { return matches(pattern, i); })) return true;
    return false;
  }

 private:
  std::string_view word(std::size_t i) const { return i < words_.size() && words_[i].type == TokenType::word ? std::string_view(words_[i].text) : std::string_view(); }
  std::string_view text(std::size_t i) const { return i < words_.size() ? std::string_view(words_[i].text) : std::string_view(); }
  bool one_of(std::size_t i, std::initializer_list<std::string_view> all) const { return std::find(all.begin(), all.end(), word(i)) != all.end(); }

  bool copies_from_storage() const {
    if (word(0) != "copy") return false;
    for (std::size_t i = 1; i + 1 < words_.size(); ++i) {
      const std::string_view place = text(i + 1);
      if (word(i) == "from" && words_[i + 1].type == TokenType::string)
        return place.starts_with("'s3://") || place.starts_with("'dynamodb://") || place.starts_with("'emr://");
    }
    return false;
  }

  bool is_redshift(std::size_t i, bool defines) const {
    const std::string_view name = text(i), next = text(i + 1), before = i > 0 ? text(i - 1) : std::string_view();
    const bool called = next == "(";
    if (before == ".") return false;
    if (called && has(functions, name)) return true;
    if (called && (name == "date_part" || name == "date_trunc") && !word(i + 2).empty() && text(i + 3) == ",") return is_unit(word(i + 2));
    if (called && name == "convert" && !word(i + 2).empty() && text(i + 3) == ",") return true;
    if (called && name == "decode") return arguments(i + 1) > 2;
    if (has(values, name)) return !called && before != "as" && next != ".";
    if (has(types, name)) return before == "::" || (before == "as" && next == ")") || (defines && i > 1 && is_name(i - 1) && !one_of(i - 1, {"table", "view", "as", "add", "column"}));
    return name == "case_insensitive" || name == "case_sensitive" ? before == "collate" : false;
  }

  bool is_name(std::size_t i) const { return words_[i].type == TokenType::word || words_[i].type == TokenType::quoted_word; }
  static bool is_unit(std::string_view name) {
    constexpr std::string_view units[] = {"century", "day", "dayofweek", "decade", "dow", "doy", "epoch", "hour", "minute", "month", "quarter", "second", "week", "year"};
    return has(units, name);
  }

  std::size_t arguments(std::size_t paren) const {
    std::size_t count = 1, depth = 0;
    for (std::size_t i = paren; i < words_.size(); ++i) {
      if (text(i) == "(") ++depth;
      if (text(i) == ")" && --depth == 0) break;
      count += depth == 1 && text(i) == ",";
    }
    return count;
  }

  bool matches(std::string_view pattern, std::size_t i) const {
    if (pattern.starts_with("^ ")) {
      if (i != 0) return false;
      pattern.remove_prefix(2);
    }
    while (!pattern.empty()) {
      const std::string_view wanted = pattern.substr(0, pattern.find(' '));
      if (i >= words_.size()) return false;
      const TokenType type = words_[i].type;
      const bool same = wanted == "#i"   ? type == TokenType::integer
                        : wanted == "#w" ? type == TokenType::word
                        : wanted == "#s" ? type == TokenType::string
                                         : text(i) == wanted && type != TokenType::quoted_word;
      if (!same) return false;
      ++i;
      pattern.remove_prefix(std::min(pattern.size(), wanted.size() + 1));
    }
    return true;
  }

  std::vector<Word> words_;
};

}  // namespace

bool speaks_redshift(std::string_view text, bool standard_conforming_strings) { return Words(read(text, standard_conforming_strings)).are_redshift(); }

std::string_view dialect_of(std::string_view text, const Statement& statement, bool standard_conforming_strings) {
  const Words words(read(text, standard_conforming_strings));
  if (words.are_redshift() || (!statement.parsed && (!statement.redshift_keyword.empty() || words.match_a_pattern()))) return "redshift";
  if (!statement.parsed) return "";
  const Translation translation = translate(text, standard_conforming_strings);
  return translation.refused() || !translation.text.empty() ? "postgres" : "";
}

}  // namespace pgswitch::rules::redshift
