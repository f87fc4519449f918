#include "proxy/auth/ident_map.hpp"

#include <algorithm>
#include <re2/re2.h>

#include "proxy/auth/hba_line.hpp"
#include "proxy/ini.hpp"

namespace pgswitch {
namespace {

constexpr std::string_view group = "\\1";

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

struct IdentMaps::Entry {
  std::string system_user;
  std::unique_ptr<re2::RE2> pattern;  ///< in place of system_user
  std::string database_user;
  bool any_database_user = false;

  bool allows(std::string_view system, std::string_view database) const {
    if (!pattern) return system == system_user && (any_database_user || database == database_user);
    re2::StringPiece found[2];
    const int groups = std::min(pattern->NumberOfCapturingGroups(), 1);
    if (!pattern->Match(piece(system), 0, system.size(), re2::RE2::UNANCHORED, found, groups + 1)) return false;
    if (any_database_user) return true;
    const std::size_t at = database_user.find(group);
    if (at == std::string::npos) return database == database_user;
    std::string wanted = database_user;
    return database == wanted.replace(at, group.size(), found[1].data() ? std::string(found[1]) : std::string());
  }
};

const char* IdentMaps::add_line(std::string_view line) {
  HbaLine words(line);
  if (words.at_end()) return nullptr;
  const auto map = words.word(), system = words.word(), database = words.word();
  if (!map || !system || !database) return "expected map, system user and database user";
  if (!words.at_end()) return "more than three words";
  if (!map->quoted && map->text.starts_with("include")) return "include is not supported";
  if (!database->quoted && (database->text.starts_with('+') || database->text.starts_with('/')))
    return "groups and regular expressions are not supported as database user";
  auto entry = std::make_shared<Entry>();
  entry->database_user = database->text;
  entry->any_database_user = database->is("all");
  entry->system_user = system->text;
  if (system->text.starts_with('/')) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    entry->pattern = std::make_unique<re2::RE2>(piece(std::string_view(system->text).substr(1)), options);
    if (!entry->pattern->ok()) return "the regular expression is not valid";
    if (entry->database_user.find(group) != std::string::npos && entry->pattern->NumberOfCapturingGroups() == 0)
      return "\\1 without a group in the regular expression";
  }
  maps_[map->text].push_back(std::move(entry));
  return nullptr;
}

IdentMaps IdentMaps::parse(std::string_view text, const std::string& path, std::vector<Diagnostic>& errors) {
  IdentMaps maps;
  for (int number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const char* const wrong = maps.add_line(text.substr(0, end));
    if (wrong) errors.push_back({path, number, std::string("broken ident map line: ") + wrong});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return maps;
}

IdentMaps IdentMaps::read(const std::string& path, std::vector<Diagnostic>& errors) {
  std::string text, error;
  if (read_file(path, text, error)) return parse(text, path, errors);
  errors.push_back({path, 0, "cannot read auth_ident_file: " + error});
  return {};
}

bool IdentMaps::allows(std::string_view map, std::string_view system_user, std::string_view database_user) const {
  const auto found = maps_.find(map);
  if (found == maps_.end()) return false;
  return std::any_of(found->second.begin(), found->second.end(),
                     [&](const auto& entry) { return entry->allows(system_user, database_user); });
}

}  // namespace pgswitch
