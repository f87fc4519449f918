#include "proxy/userlist.hpp"

#include <algorithm>
#include <optional>

#include "protocol/scram_keys.hpp"
#include "proxy/config_values.hpp"
#include "proxy/ini.hpp"

namespace pgswitch {
namespace {

constexpr std::size_t user_limit = 128;
constexpr std::size_t secret_limit = 65531;
constexpr std::string_view scram_prefix = "SCRAM-SHA-256$";

/// Takes "..." off the front of `line`; nullopt when it is not there or not closed.
std::optional<std::string> take_field(std::string_view& line) {
  if (!line.starts_with('"')) return std::nullopt;
  std::string field;
  for (std::size_t i = 1; i < line.size(); ++i) {
    if (line[i] != '"') {
      field += line[i];
    } else if (i + 1 < line.size() && line[i + 1] == '"') {
      field += '"';
      ++i;
    } else {
      line.remove_prefix(i + 1);
      return field;
    }
  }
  return std::nullopt;
}

/// One line; the message of what is wrong with it, or nullptr.
const char* parse_line(std::string_view line, std::string& user, std::string& secret) {
  const auto first = take_field(line);
  if (!first) return "expected \"user\" \"secret\": no user in double quotes";
  if (first->empty()) return "the user name is empty";
  if (first->size() >= user_limit) return "the user name is too long (limit 127 bytes)";
  line = trim(line);
  const auto second = take_field(line);
  if (!second) return "expected \"user\" \"secret\": no secret in double quotes";
  if (second->size() >= secret_limit) return "the secret is too long (limit 65530 bytes)";
  if (first->find('\0') != first->npos || second->find('\0') != second->npos) return "zero byte in line";
  user = *first;
  secret = *second;
  return nullptr;
}

void add_user(Userlist& list, const std::string& path, int line, const std::string& user, std::string secret) {
  if (secret.starts_with(scram_prefix) && !protocol::parse_scram_secret(secret))
    list.warnings.push_back({path, line, "the secret of user \"" + user + "\" begins like a SCRAM secret but is malformed: it is taken for a plaintext password"});
  if (!list.secrets.insert_or_assign(user, std::move(secret)).second)
    list.warnings.push_back({path, line, "user \"" + user + "\" is listed twice: the later line counts"});
}

}  // namespace

Userlist parse_userlist(std::string_view text, const std::string& path) {
  Userlist list;
  for (int number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line[0] == ';') continue;
    std::string user, secret;
    if (const char* wrong = parse_line(line, user, secret))
      list.errors.push_back({path, number, std::string("broken auth file: ") + wrong});
    else
      add_user(list, path, number, user, std::move(secret));
  }
  return list;
}

Userlist read_userlist(const std::string& path) {
  std::string text, error;
  if (read_file(path, text, error)) return parse_userlist(text, path);
  Userlist list;
  list.errors.push_back({path, 0, "cannot read auth_file: " + error});
  return list;
}

}  // namespace pgswitch
