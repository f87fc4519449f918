#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "proxy/auth/hba.hpp"
#include "proxy/auth/ident_map.hpp"
#include "proxy/auth/ldap_options.hpp"
#include "proxy/config.hpp"
#include "proxy/config_entries.hpp"
#include "proxy/config_foreign.hpp"
#include "proxy/config_table.hpp"
#include "proxy/config_values.hpp"
#include "proxy/ini.hpp"
#include "proxy/passwords/command_words.hpp"
#include "proxy/userlist.hpp"

namespace pgswitch {
namespace {

constexpr std::size_t longest_name = 63;

bool is_settings_section(std::string_view section) { return section == "pgbouncer" || section == "pgswitch"; }

/// One load: reads everything into a Config of its own and collects all complaints, so that one look shows them all.
class ConfigLoader {
 public:
  explicit ConfigLoader(std::string path) : path_(std::move(path)) {}

  LoadResult load() {
    const Ini ini = read_ini(path_);
    result_.errors = ini.errors;
    if (result_.errors.empty()) read_entries(ini);
    if (result_.errors.empty()) read_users();
    if (result_.errors.empty()) check();
    config_.config_file = path_;
    if (config_.conffile.empty()) config_.conffile = path_;
    if (result_.errors.empty()) result_.config = std::make_shared<const Config>(std::move(config_));
    return std::move(result_);
  }

 private:
  void read_entries(const Ini& ini) {
    bool settings_found = false;
    for (const std::string& section : ini.sections) {
      settings_found = settings_found || is_settings_section(section);
      if (!is_settings_section(section) && section != "databases" && section != "users" && section != "peers")
        fail(0, "unknown section [" + section + "]");
    }
    if (!settings_found) fail(0, "main section missing from config file: [pgbouncer] or [pgswitch]");
    for (const IniEntry& entry : ini.entries) read_entry(entry);
    warn_of_foreign_settings();
  }

  void read_entry(const IniEntry& entry) {
    if (is_settings_section(entry.section)) return read_setting(entry);
    if (entry.section == "databases") return read_database(entry);
    if (entry.section == "users") return read_user(entry);
    if (entry.section == "peers") return read_peer(entry);
  }

  void read_setting(const IniEntry& entry) {
    if (entry.section == "pgbouncer" && entry.section_number > settings_section_) start_over(entry);
    const Setting* setting = find_setting(entry.key);
    if (!setting) return read_foreign(entry);
    if (const auto wrong = assign(*setting, resolved(*setting, entry.value), config_)) return fail(entry, *wrong);
    seen_.insert_or_assign(setting->key, std::pair(entry.file, entry.line));
  }

  void read_foreign(const IniEntry& entry) {
    const ForeignSetting* foreign = find_foreign_setting(entry.key);
    if (!foreign) return fail(entry, "unknown setting \"" + entry.key + "\"");
    const std::string advice = "setting \"" + entry.key + "\" of pgbouncer's relatives: " + std::string(foreign->advice);
    if (equal_ignoring_case(entry.value, foreign->harmless)) return warn(entry, advice);
    fail(entry, advice);
  }

  /// pgbouncer sets everything back to its default at each [pgbouncer]; files that rely on it behave the same here.
  void start_over(const IniEntry& entry) {
    settings_section_ = entry.section_number;
    if (settings_section_ == 1) return;
    warn(entry, "section [pgbouncer] is repeated: all settings before it are back at their defaults");
    const Config defaults;
    for (const Setting& setting : settings()) copy_setting(setting, defaults, config_);
    seen_.clear();
  }

  std::string resolved(const Setting& setting, const std::string& value) const {
    if (setting.path == PathBase::working_directory) return find_file(value, path_);
    return setting.path == PathBase::ini_folder ? beside(value, path_) : value;
  }

  void read_database(const IniEntry& entry) {
    auto database = std::make_shared<Database>();
    database->name = entry.key;
    if (is_console(entry.key)) return fail(entry, "database name \"" + entry.key + "\" is reserved for the console");
    if (entry.key.empty() || entry.key.size() > longest_name) return fail(entry, "database name must have 1 to 63 bytes");
    report(entry, parse_database(entry.value, *database));
    if (config_.databases.contains(entry.key)) warn(entry, "database \"" + entry.key + "\" is listed twice: the later line counts");
    config_.databases.insert_or_assign(entry.key, std::move(database));
  }

  void read_user(const IniEntry& entry) {
    User user;
    user.name = entry.key;
    if (entry.key.empty() || entry.key.size() > longest_user_name) return fail(entry, "user name must have 1 to 127 bytes");
    report(entry, parse_user(entry.value, user));
    if (config_.users.contains(entry.key)) warn(entry, "user \"" + entry.key + "\" is listed twice: the later line counts");
    config_.users.insert_or_assign(entry.key, std::move(user));
  }

  void read_peer(const IniEntry& entry) {
    const auto id = parse_integer(entry.key);
    if (!id || *id < 1 || *id > 65535) return fail(entry, "peer id must be an integer 1..65535");
    if (*id > 16383) warn(entry, "peer ids above 16383 are not supported by pgbouncer's manual");
    Peer peer;
    peer.id = static_cast<int>(*id);
    report(entry, parse_peer(entry.value, peer));
    config_.peers.insert_or_assign(peer.id, std::move(peer));
  }

  void read_users() {
    if (config_.auth_file.empty()) return;
    Userlist list = read_userlist(config_.auth_file);
    for (auto& error : list.errors) result_.errors.push_back(std::move(error));
    for (auto& warning : list.warnings) result_.warnings.push_back(std::move(warning));
    for (auto& [name, secret] : list.secrets) {
      User& user = config_.users[name];
      user.name = name;
      user.in_auth_file = true;
      if (!secret.empty()) user.secret = std::move(secret);
    }
  }

  void check() {
    check_authentication();
    check_listeners();
    check_tls();
    check_proxy_protocol();
    check_redshift();
    if (config_.databases.empty()) warn("databases", "no [databases] entry: no client can connect to anything but the console");
  }

  void check_authentication() {
    const AuthType type = config_.auth_type;
    if (type == AuthType::hba) read_hba();
    if (type == AuthType::ldap) read_ldap_options();
    const bool needs_users = type != AuthType::any && type != AuthType::pam && type != AuthType::ldap && type != AuthType::hba;
    if (needs_users && config_.users.empty() && !looks_users_up())
      warn("auth_type", "no user is known (auth_file is not set or empty): no client can log in");
    warn_of_unused_files();
    check_lookups();
    if (type == AuthType::cert && (config_.client_tls_sslmode != SslMode::verify_full))
      warn("auth_type", "auth_type cert needs client_tls_sslmode = verify-full");
  }

  bool looks_users_up() const {
    const auto& all = config_.databases;
    return !config_.auth_user.empty() || std::any_of(all.begin(), all.end(), [](const auto& entry) { return !entry.second->auth_user.empty(); });
  }

  void warn_of_unused_files() {
    const AuthType type = config_.auth_type;
    if (type != AuthType::hba && !config_.auth_hba_file.empty()) warn("auth_hba_file", "auth_hba_file is used with auth_type = hba only");
    if (type != AuthType::hba && !config_.auth_ident_file.empty())
      warn("auth_ident_file", "auth_ident_file is used with auth_type = hba only");
    if (type != AuthType::ldap && !config_.auth_ldap_options.empty())
      warn("auth_ldap_options", "auth_ldap_options is used with auth_type = ldap only: lines of the HBA file have their own");
  }

  void check_lookups() {
    check_lookup("auth_user", "", config_.auth_user, config_.auth_dbname);
    for (const auto& [name, database] : config_.databases)
      check_lookup("databases", "[databases] " + name + ": ", database->auth_user, database->auth_dbname);
  }

  /// What a login would fail of. Not an error, for at pgbouncer it is none.
  void check_lookup(std::string_view key, const std::string& where, const std::string& user, const std::string& dbname) {
    const User* const known = config_.find_user(user);
    if (!user.empty() && !(known && known->secret))
      warn(key, where + "auth_user \"" + user + "\" has no secret in auth_file: it logs in to servers without one");
    if (is_console(dbname) || (!dbname.empty() && !config_.database_entry(dbname)))
      warn(key, where + "auth_dbname \"" + dbname + "\" is no [databases] entry");
    const bool outside = config_.auth_type == AuthType::pam || config_.auth_type == AuthType::ldap;
    if (outside && key == "databases" && !user.empty())
      warn(key, where + "auth_user cannot be used with auth_type = " + std::string(to_string(config_.auth_type)));
  }

  void read_hba() {
    if (config_.auth_hba_file.empty()) return fail("auth_type", "auth_type hba needs auth_hba_file");
    if (!config_.auth_ident_file.empty())
      config_.ident_maps = std::make_shared<const IdentMaps>(IdentMaps::read(config_.auth_ident_file, result_.errors));
    const auto hba = std::make_shared<const Hba>(Hba::read(config_.auth_hba_file, result_.errors));
    for (const auto& [map, line] : hba->maps())
      if (!config_.ident_maps || !config_.ident_maps->contains(map))
        result_.errors.push_back({config_.auth_hba_file, line, "map \"" + map + "\" is not in auth_ident_file"});
    config_.hba = hba;
  }

  void read_ldap_options() {
    auto options = std::make_shared<LdapOptions>();
    std::string error;
    if (config_.auth_ldap_options.empty()) return fail("auth_type", "auth_ldap_options is null");
    if (!parse_ldap_options(config_.auth_ldap_options, false, *options, error)) return fail("auth_ldap_options", "auth_ldap_options: " + error);
    config_.ldap = std::move(options);
  }

  void check_listeners() {
    if (config_.listen_addr.empty() && config_.unix_socket_dir.empty())
      fail("unix_socket_dir", "nowhere to listen on: listen_addr and unix_socket_dir are both empty");
  }

  void check_tls() {
    if (config_.client_tls_sslmode != SslMode::disable) {
      if (config_.client_tls_cert_file.empty()) fail("client_tls_sslmode", "client_tls_sslmode needs client_tls_cert_file");
      if (config_.client_tls_key_file.empty()) fail("client_tls_sslmode", "client_tls_sslmode needs client_tls_key_file");
      check_readable({"client_tls_ca_file", "client_tls_cert_file", "client_tls_key_file"});
    }
    if (config_.server_tls_sslmode != SslMode::disable)
      check_readable({"server_tls_ca_file", "server_tls_cert_file", "server_tls_key_file"});
  }

  void check_readable(std::initializer_list<std::string_view> keys) {
    for (const std::string_view key : keys) {
      const std::string file = text_of(*find_setting(key), config_).value_or("");
      if (!file.empty() && access(file.c_str(), R_OK) != 0)
        fail(key, std::string(key) + ": cannot read \"" + file + "\": " + std::strerror(errno));
    }
  }

  void check_proxy_protocol() {
    for (const std::string& network : config_.proxy_protocol_networks)
      if (!is_network(network)) fail("proxy_protocol_networks", "\"" + network + "\" is not an address or CIDR network");
    if (config_.proxy_protocol && config_.proxy_protocol_networks.empty())
      warn("proxy_protocol", "proxy_protocol is on but proxy_protocol_networks is empty: no header will be believed");
  }

  void check_redshift() {
    std::string problem;
    if (!config_.password_command.empty() && !split_command(config_.password_command, problem))
      fail("password_command", "password_command: " + problem);
    const std::string& face = config_.face_database;
    const Database* const database = face.empty() ? nullptr : config_.database_entry(face);
    if (!face.empty() && (!database || database->kind == ServerKind::redshift))
      fail("face_database", "face_database \"" + face + "\" is no [databases] entry of kind postgres");
    for (const auto& [name, entry] : config_.databases)
      if (const std::string& other = entry->fallback_route; !other.empty() && (other == name || !config_.database_entry(other)))
        fail(other, "fallback_route \"" + other + "\" of database \"" + name + "\" is no other [databases] entry");
    for (auto& [name, entry] : config_.databases) {
      const std::string_view looks_up_at = config_.auth_dbname_of(*entry);
      const Database* const place = looks_up_at.empty() ? entry.get() : config_.database_entry(looks_up_at);
      if (!config_.auth_user_of(*entry).empty() && place && place->kind == ServerKind::redshift)
        warn("databases", "[databases] " + name + ": auth_query cannot work on a Redshift, whose passwords nobody may read: set auth_dbname");
      if (entry->idp_token_file.empty() || entry->idp_token_file.front() == '/') continue;
      auto resolved = std::make_shared<Database>(*entry);
      resolved->idp_token_file = beside(entry->idp_token_file, path_);
      entry = std::move(resolved);
    }
  }

  void warn_of_foreign_settings() {
    const Config defaults;
    for (const Setting& setting : settings())
      if (setting.effect != SettingEffect::full && !same_value(setting, config_, defaults))
        warn(setting.key, std::string(setting.key) + " is accepted but has no meaning here");
  }

  void report(const IniEntry& entry, const EntryReport& found) {
    const std::string where = "[" + entry.section + "] " + entry.key + ": ";
    if (found.error) fail(entry, where + *found.error);
    for (const std::string& warning : found.warnings) warn(entry, where + warning);
  }

  Diagnostic at(std::string_view key, std::string message) const {
    const auto found = seen_.find(key);
    if (found == seen_.end()) return {path_, 0, std::move(message)};
    return {found->second.first, found->second.second, std::move(message)};
  }

  void fail(int line, std::string message) { result_.errors.push_back({path_, line, std::move(message)}); }
  void fail(std::string_view key, std::string message) { result_.errors.push_back(at(key, std::move(message))); }
  void fail(const IniEntry& entry, std::string message) {
    result_.errors.push_back({entry.file, entry.line, std::move(message)});
  }
  void warn(std::string_view key, std::string message) { result_.warnings.push_back(at(key, std::move(message))); }
  void warn(const IniEntry& entry, std::string message) {
    result_.warnings.push_back({entry.file, entry.line, std::move(message)});
  }

  std::string path_;
  Config config_;
  LoadResult result_;
  int settings_section_ = 0;
  /// Where each setting was given.
  std::map<std::string_view, std::pair<std::string, int>> seen_;
};

}  // namespace

LoadResult load_config(const std::string& path) { return ConfigLoader(path).load(); }

}  // namespace pgswitch
