#include "proxy/config_entries.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <variant>

#include "proxy/config_foreign.hpp"
#include "proxy/config_table.hpp"
#include "proxy/config_values.hpp"
#include "proxy/passwords/command_words.hpp"
#include "rules/route_names.hpp"

namespace pgswitch {
namespace {

template <class T>
using EntryMember = std::variant<std::string T::*, int T::*, std::optional<int> T::*, std::optional<Microseconds> T::*,
                                 std::optional<PoolMode> T::*, LoadBalanceHosts T::*, ServerKind T::*, rules::redshift::Translate T::*,
                                 std::vector<std::string> T::*>;

/// A key of a connection string. Optional numbers at or below `unset_at` mean "not set": -1 or 0, as pgbouncer has it.
template <class T>
struct EntryKey {
  std::string_view key;
  EntryMember<T> member;
  int unset_at = -1;
};

constexpr std::array database_keys = {
    EntryKey<Database>{"dbname", &Database::dbname},
    EntryKey<Database>{"host", &Database::hosts},
    EntryKey<Database>{"port", &Database::port},
    EntryKey<Database>{"user", &Database::user},
    EntryKey<Database>{"password", &Database::password},
    EntryKey<Database>{"auth_user", &Database::auth_user},
    EntryKey<Database>{"auth_query", &Database::auth_query},
    EntryKey<Database>{"auth_dbname", &Database::auth_dbname},
    EntryKey<Database>{"pool_size", &Database::pool_size},
    EntryKey<Database>{"min_pool_size", &Database::min_pool_size},
    EntryKey<Database>{"reserve_pool_size", &Database::reserve_pool_size},
    EntryKey<Database>{"reserve_pool", &Database::reserve_pool_size},
    EntryKey<Database>{"pool_mode", &Database::pool_mode},
    EntryKey<Database>{"max_db_connections", &Database::max_db_connections, 0},
    EntryKey<Database>{"max_db_client_connections", &Database::max_db_client_connections, 0},
    EntryKey<Database>{"server_lifetime", &Database::server_lifetime, 0},
    EntryKey<Database>{"query_wait_timeout", &Database::query_wait_timeout},
    EntryKey<Database>{"load_balance_hosts", &Database::load_balance_hosts},
    EntryKey<Database>{"connect_query", &Database::connect_query},
    EntryKey<Database>{"client_encoding", &Database::client_encoding},
    EntryKey<Database>{"datestyle", &Database::datestyle},
    EntryKey<Database>{"timezone", &Database::timezone},
    EntryKey<Database>{"application_name", &Database::application_name},
    EntryKey<Database>{"kind", &Database::kind},
    EntryKey<Database>{"fallback_route", &Database::fallback_route},
    EntryKey<Database>{"password_command", &Database::password_command},
    EntryKey<Database>{"idp_token_file", &Database::idp_token_file},
    EntryKey<Database>{"idp_token_command", &Database::idp_token_command},
    EntryKey<Database>{"copy_bucket", &Database::copy_bucket},
    EntryKey<Database>{"copy_prefix", &Database::copy_prefix},
    EntryKey<Database>{"copy_region", &Database::copy_region},
    EntryKey<Database>{"copy_iam_role", &Database::copy_iam_role},
    EntryKey<Database>{"copy_s3_endpoint", &Database::copy_s3_endpoint},
    EntryKey<Database>{"copy_part_size", &Database::copy_part_size},
    EntryKey<Database>{"copy_parallel", &Database::copy_parallel},
    EntryKey<Database>{"copy_compression", &Database::copy_compression},
    EntryKey<Database>{"translate", &Database::translate},
};

constexpr std::array user_keys = {
    EntryKey<User>{"pool_mode", &User::pool_mode},
    EntryKey<User>{"pool_size", &User::pool_size},
    EntryKey<User>{"reserve_pool_size", &User::reserve_pool_size},
    EntryKey<User>{"max_user_connections", &User::max_user_connections, 0},
    EntryKey<User>{"max_user_client_connections", &User::max_user_client_connections, 0},
    EntryKey<User>{"query_timeout", &User::query_timeout, 0},
    EntryKey<User>{"query_wait_timeout", &User::query_wait_timeout},
    EntryKey<User>{"idle_transaction_timeout", &User::idle_transaction_timeout, 0},
    EntryKey<User>{"transaction_timeout", &User::transaction_timeout, 0},
    EntryKey<User>{"client_idle_timeout", &User::client_idle_timeout, 0},
};

constexpr std::array peer_keys = {
    EntryKey<Peer>{"host", &Peer::host},
    EntryKey<Peer>{"port", &Peer::port},
    EntryKey<Peer>{"pool_size", &Peer::pool_size},
};

/// Parses one value into the member it belongs to; false leaves `expected` saying what it should have been.
template <class T>
struct EntryValue {
  T& entry;
  std::string_view text;
  int unset_at;
  std::string expected;

  bool operator()(std::string T::*member) { return entry.*member = text, true; }

  bool operator()(std::vector<std::string> T::*member) { return entry.*member = CommaList(std::string(text)).items, true; }

  bool operator()(int T::*member) {  // every plain int of an entry is a port
    const auto value = parse_integer(text);
    expected = "integer 1..65535";
    if (!value || *value < 1 || *value > 65535) return false;
    return entry.*member = static_cast<int>(*value), true;
  }

  bool operator()(std::optional<int> T::*member) {
    const auto value = parse_integer(text);
    expected = "integer";
    if (!value || *value > std::numeric_limits<int>::max()) return false;
    (entry.*member).reset();
    if (*value > unset_at) entry.*member = static_cast<int>(*value);
    return true;
  }

  bool operator()(std::optional<Microseconds> T::*member) {
    expected = "seconds";
    (entry.*member).reset();
    if (const auto number = parse_integer(text); number && *number <= unset_at) return true;
    const auto value = parse_seconds(text);
    if (value) entry.*member = *value;
    return value.has_value();
  }

  bool operator()(std::optional<PoolMode> T::*member) {
    expected = list_names<PoolMode>();
    return (entry.*member = parse_enum<PoolMode>(text)).has_value();
  }

  template <class E>
    requires std::is_enum_v<E>
  bool operator()(E T::*member) {
    expected = list_names<E>();
    const auto value = parse_enum<E>(text);
    if (value) entry.*member = *value;
    return value.has_value();
  }
};

template <class T>
EntryReport parse_entry(std::string_view text, std::span<const EntryKey<T>> keys, std::string_view what, T& entry) {
  EntryReport report;
  const auto pairs = split_connection_string(text);
  if (!pairs) return report.error = "syntax error in " + std::string(what) + " string", report;
  bool after_password = false;
  for (const auto& [key, value] : *pairs) {
    const auto found = std::find_if(keys.begin(), keys.end(), [&k = key](const EntryKey<T>& known) { return known.key == k; });
    if (const ForeignSetting* foreign = found == keys.end() && !after_password ? find_foreign_setting(key) : nullptr) {
      report.error = key + " of pgbouncer's relatives: " + std::string(foreign->advice);
      return report;
    }
    if (found == keys.end()) {
      // An unquoted password with blanks in it makes its second word look like a key: do not show it.
      report.error = "unrecognized " + std::string(what) + " parameter" +
                     (after_password ? " after password (put a password with blanks into single quotes)" : ": " + key);
      return report;
    }
    EntryValue<T> parser{entry, value, found->unset_at, {}};
    if (!std::visit(parser, found->member)) {
      report.error = "invalid value for " + key + ": expected " + parser.expected;
      return report;
    }
    after_password = after_password || key == "password";
  }
  return report;
}

std::optional<std::string> wrong_command(std::string_view key, const std::string& command) {
  std::string problem;
  if (command.empty() || split_command(command, problem)) return std::nullopt;
  return std::string(key) + ": " + problem;
}

std::optional<std::string> contradiction_in(const Database& database) {
  if (auto wrong = wrong_command("password_command", database.password_command)) return wrong;
  if (auto wrong = wrong_command("idp_token_command", database.idp_token_command)) return wrong;
  if (!database.password.empty() && !database.password_command.empty()) return "password and password_command: there can be only one";
  if (!database.idp_token_file.empty() && !database.idp_token_command.empty()) return "idp_token_file and idp_token_command: there can be only one";
  return std::nullopt;
}

std::string_view skip_blanks(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return text;
}

bool take_value(std::string_view& text, std::string& value) {
  if (!text.starts_with('\'')) {
    value = text.substr(0, text.find_first_of(" \t"));
    text.remove_prefix(value.size());
    return !value.empty();
  }
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] != '\'') {
      value += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == '\'') {
      value += text[i++];
    } else {
      text.remove_prefix(i + 1);
      return text.empty() || text[0] == ' ' || text[0] == '\t';
    }
  }
  return false;
}

}  // namespace

std::optional<ConnectionPairs> split_connection_string(std::string_view text) {
  ConnectionPairs pairs;
  for (text = skip_blanks(text); !text.empty(); text = skip_blanks(text)) {
    const auto key = text.substr(0, text.find_first_of(" \t="));
    text = skip_blanks(text.substr(key.size()));
    if (key.empty() || !text.starts_with('=')) return std::nullopt;
    text = skip_blanks(text.substr(1));
    std::string value;
    if (!take_value(text, value)) return std::nullopt;
    pairs.emplace_back(key, std::move(value));
  }
  return pairs;
}

/// What is wrong with the settings of COPY FROM STDIN into Redshift.
static std::optional<std::string> wrong_copy_setting(const Database& database) {
  const auto outside = [](std::optional<int> value, int least, int most) { return value && (*value < least || *value > most); };
  if (outside(database.copy_part_size, 5, 512)) return "invalid value for copy_part_size: expected MB, 5..512";
  if (outside(database.copy_parallel, 1, 16)) return "invalid value for copy_parallel: expected integer 1..16";
  if (!database.copy_compression.empty() && database.copy_compression != "gzip" && database.copy_compression != "none")
    return "invalid value for copy_compression: expected gzip, none";
  const std::string& endpoint = database.copy_s3_endpoint;
  if (!endpoint.empty() && !endpoint.starts_with("https://") && !endpoint.starts_with("http://"))
    return "invalid value for copy_s3_endpoint: expected https://host[:port]";
  return std::nullopt;
}

EntryReport parse_database(std::string_view text, Database& database) {
  EntryReport report = parse_entry<Database>(text, database_keys, "connection", database);
  if (database.name != "*") {
    database.route = rules::intern_route(database.name);
    if (database.dbname.empty()) database.dbname = database.name;
  }
  if (!report.error) report.error = contradiction_in(database);
  if (!report.error) report.error = wrong_copy_setting(database);
  return report;
}

EntryReport parse_user(std::string_view text, User& user) { return parse_entry<User>(text, user_keys, "user", user); }

EntryReport parse_peer(std::string_view text, Peer& peer) {
  EntryReport report = parse_entry<Peer>(text, peer_keys, "peer", peer);
  if (!report.error && peer.host.empty())
    report.error = "host was not provided for peer " + std::to_string(peer.id);
  return report;
}

}  // namespace pgswitch
