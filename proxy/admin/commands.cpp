#include "proxy/admin/commands.hpp"

#include <algorithm>
#include <utility>

#include "proxy/admin/console.hpp"
#include "proxy/admin/control.hpp"
#include "proxy/admin/show.hpp"
#include "proxy/config.hpp"
#include "proxy/worker.hpp"

namespace pgswitch::admin {
namespace {

namespace sqlstate = protocol::sqlstate;

constexpr std::size_t longest_quote = 200;

boost::asio::awaitable<Reply> run_set(Console& console, Command command);

constexpr ConsoleRights stats = ConsoleRights::stats;
constexpr ConsoleRights admin = ConsoleRights::admin;
constexpr bool anything = true;

constexpr Verb table[] = {
    {"show", "SHOW", "", nullptr, 1, 6, false, stats},
    {"select", "SHOW", "", nullptr, 1, 1, false, stats},
    {"reload", "RELOAD", "RELOAD", run_reload, 0, 0, false, admin},
    {"pause", "PAUSE", "PAUSE [<db>]", run_pause, 0, 1, false, admin},
    {"resume", "RESUME", "RESUME [<db>]", run_resume, 0, 1, false, admin},
    {"suspend", "SUSPEND", "SUSPEND", run_suspend, 0, 0, false, admin},
    {"disable", "DISABLE", "DISABLE <db>", run_disable, 0, 1, false, admin},
    {"enable", "ENABLE", "ENABLE <db>", run_enable, 0, 1, false, admin},
    {"reconnect", "RECONNECT", "RECONNECT [<db>]", run_reconnect, 0, 1, false, admin},
    {"wait_close", "WAIT_CLOSE", "WAIT_CLOSE [<db>]", run_wait_close, 0, 1, false, admin},
    {"kill", "KILL", "KILL [<db>]", run_kill, 0, 1, false, admin},
    {"kill_client", "KILL_CLIENT", "KILL_CLIENT <client_id>", run_kill_client, 0, 1, false, admin},
    {"shutdown", "SHUTDOWN", "SHUTDOWN [WAIT_FOR_SERVERS|WAIT_FOR_CLIENTS|WAIT_FOR_TRANSACTIONS]", run_shutdown, 0, 1, false, admin},
    {"set", "SET", "", run_set, 0, 0, anything, stats},
    {"begin", "BEGIN", "", nullptr, 0, 0, anything, stats},
    {"start", "START TRANSACTION", "", nullptr, 0, 0, anything, stats},
    {"commit", "COMMIT", "", nullptr, 0, 0, anything, stats},
    {"end", "COMMIT", "", nullptr, 0, 0, anything, stats},
    {"rollback", "ROLLBACK", "", nullptr, 0, 0, anything, stats},
    {"abort", "ROLLBACK", "", nullptr, 0, 0, anything, stats},
    {"deallocate", "DEALLOCATE", "", nullptr, 0, 0, anything, stats},
    {"discard", "DISCARD ALL", "", nullptr, 0, 0, anything, stats},
    {"reset", "RESET", "", nullptr, 0, 0, anything, stats},
};

protocol::SqlError invalid_command(const Command& command) {
  std::string text = command.text.substr(0, longest_quote);
  return error_of(syntax_error, "invalid command '" + text + "', use SHOW HELP;");
}

bool is_own_setting(const Config& config, std::string_view name) {
  const auto rows = show_config(config);
  return std::any_of(rows.begin(), rows.end(), [&](const ConfigRow& row) { return row.key == name; });
}

// What drivers set of their own accord has no meaning here. A setting of pgswitch is changed in its file.
boost::asio::awaitable<Reply> run_set(Console& console, Command command) {
  const std::string name = command.words.empty() ? std::string() : lower(command.words.front());
  if (is_own_setting(console.worker().config(), name)) {
    if (console.session().console_rights() != ConsoleRights::admin)
      co_return failed(sqlstate::insufficient_privilege, "admin access needed");
    Reply refused = failed(sqlstate::feature_not_supported, "SET failed");
    refused.error->detail = "Setting \"" + name + "\" can be changed in the configuration file only.";
    refused.error->hint = "Change the file, then RELOAD.";
    co_return refused;
  }
  Reply reply = done("SET");
  reply.notices.push_back(notice_of("SET ignored"));
  co_return reply;
}

std::string show_name(const Command& command) {
  // The one setting whose name is three words (manual, SHOW).
  std::string name;
  for (const std::string& word : command.words) name += (name.empty() ? "" : " ") + lower(word);
  return name == "transaction isolation level" ? "transaction_isolation" : name;
}

/// nullptr: SHOW knows no such subject, or it is not about so many words.
const Show* find_show(const Command& command) {
  const std::string first = command.words.empty() ? std::string() : lower(command.words.front());
  const std::string name = show_name(command);
  const auto found = std::find_if(shows().begin(), shows().end(), [&](const Show& one) { return one.name == (one.run ? first : name); });
  if (found == shows().end()) return nullptr;
  if (!found->run) return &*found;
  const std::size_t words = command.words.size() - 1;
  return words >= found->least_words && words <= found->most_words ? &*found : nullptr;
}

std::string upper(std::string_view word) {
  std::string text(word);
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

std::string join_usages() {
  std::string text;
  for (const Show& show : shows())
    if (show.listed && !show.run) text += (text.empty() ? "\n\tSHOW " : "|") + upper(show.name);
  for (const Show& show : shows())
    if (show.run) text += "\n\tSHOW " + upper(show.name) + (show.usage.empty() ? "" : " ") + std::string(show.usage);
  for (const Verb& verb : verbs())
    if (!verb.usage.empty()) text += "\n\t" + std::string(verb.usage);
  return text;
}

boost::asio::awaitable<Reply> run_nothing(std::string_view tag) { co_return done(tag); }

boost::asio::awaitable<Reply> run_show(Console& console, const Show& show) {
  Reply reply = done("SHOW");
  reply.fields = show.fields;
  if (show.fill) {
    reply.rows = co_await show.fill(console);
  } else if (!show.fields.empty()) {
    reply.rows.push_back(Row{std::string(show.constant)});
  } else {
    protocol::SqlError help = notice_of("Console usage");
    help.detail = join_usages();
    reply.notices.push_back(std::move(help));
  }
  co_return reply;
}

}  // namespace

std::span<const Verb> verbs() { return table; }

std::span<const Field> Plan::fields() const { return show ? show->fields : std::span<const Field>(); }

std::optional<protocol::SqlError> make_plan(Command command, ConsoleRights rights, Plan& plan) {
  const auto verb = std::find_if(std::begin(table), std::end(table), [&](const Verb& one) { return one.name == command.verb; });
  if (verb == std::end(table)) return invalid_command(command);
  const std::size_t words = command.words.size();
  const bool fits = verb->takes_anything || (!command.foreign && words >= verb->least_words && words <= verb->most_words);
  if (!fits) return invalid_command(command);
  if (rights < verb->needs) return error_of(sqlstate::insufficient_privilege, "admin access needed");
  plan.verb = &*verb;
  if (verb->tag == "SHOW") {
    plan.show = find_show(command);
    if (!plan.show) return invalid_command(command);
  }
  plan.command = std::move(command);
  return std::nullopt;
}

boost::asio::awaitable<Reply> run_plan(Console& console, const Plan& plan) {
  if (plan.show && plan.show->run) return plan.show->run(console, plan.command);
  if (plan.show) return run_show(console, *plan.show);
  if (plan.verb->run) return plan.verb->run(console, plan.command);
  return run_nothing(plan.verb->tag);
}

}  // namespace pgswitch::admin
