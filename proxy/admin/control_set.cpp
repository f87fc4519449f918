// SET.
#include <algorithm>
#include <iterator>

#include "proxy/admin/console.hpp"
#include "proxy/admin/control.hpp"
#include "proxy/admin/show.hpp"
#include "proxy/config_table.hpp"
#include "proxy/log.hpp"

namespace pgswitch::admin {
namespace {

namespace sqlstate = protocol::sqlstate;
using boost::asio::awaitable;

/// What a load of the file makes of these, and checks, is more than their text.
constexpr std::string_view of_the_file[] = {"auth_file", "auth_hba_file", "auth_ident_file", "auth_ldap_options", "auth_type"};

/// "SET key = value", "SET key TO value". False: something else.
bool read_assignment(const Command& command, std::string& value) {
  const auto& words = command.words;
  const bool has_to = words.size() == 3 && command.equals == 0 && lower(words[1]) == "to";
  const bool has_equals = words.size() == 2 && command.equals == 1;
  if (command.foreign || (!has_to && !has_equals)) return false;
  value = words.back();
  return true;
}

Reply set_failed(std::string detail) {
  Reply reply = admin::failed(invalid_parameter, "SET failed");
  reply.error->detail = std::move(detail);
  return reply;
}

std::string join(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

// What drivers set of their own accord has no meaning here.
Reply ignored() {
  Reply reply = done("SET");
  reply.notices.push_back(notice_of("SET ignored"));
  return reply;
}

}  // namespace

awaitable<Reply> run_set(Console& console, Command command) {
  const Setting* const setting = command.words.empty() ? nullptr : find_setting(lower(command.words.front()));
  if (!setting) co_return ignored();
  if (console.session().console_rights() != ConsoleRights::admin)
    co_return admin::failed(sqlstate::insufficient_privilege, "admin access needed");
  std::string value;
  if (!read_assignment(command, value))
    co_return admin::failed(syntax_error, "invalid command '" + command.text.substr(0, 100) + "', use SHOW HELP;");
  if (std::find(std::begin(of_the_file), std::end(of_the_file), setting->key) != std::end(of_the_file)) {
    Reply refused = admin::failed(sqlstate::feature_not_supported, "SET failed");
    refused.error->detail = "Setting \"" + std::string(setting->key) + "\" can be changed in the configuration file only.";
    refused.error->hint = "Change the file, then RELOAD.";
    co_return refused;
  }
  // Not the text: a value may be a secret.
  log_line(LogLevel::info, console.session().log_prefix() + "SET " + std::string(setting->key) + " command issued");
  const std::vector<std::string> errors = console.worker().proxy().change_setting(*setting, value);
  if (!errors.empty()) co_return set_failed(join(errors));
  // Behind the posts with which the workers take the configuration over.
  auto round = gather(console, [](Worker& worker) { return worker.index(); });
  co_await std::move(round);
  Reply reply = done("SET " + std::string(setting->key) + "=" + value);
  if (setting->reload == Reload::no) reply.notices.push_back(notice_of("setting " + std::string(setting->key) + " takes effect after a restart only"));
  co_return reply;
}

}  // namespace pgswitch::admin
