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
    {"set", "SET", "SET key = value", run_set, 0, 0, anything, stats},
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

std::string show_name(const Command& command) {
  // The one setting whose name is three words (manual, SHOW).
  std::string name;
  for (const std::string& word : command.words) name += (name.empty() ? "" : " ") + lower(word);
  return name == "transaction isolation level" ? "transaction_isolation" : name;
}

/// "... WHERE column = 'value'" behind SHOW with its subject, which is ours.
bool has_filter(const Command& command) {
  const std::size_t words = command.words.size();
  return command.equals + 1 == words && words >= 4 && lower(command.words[words - 3]) == "where";
}

/// Takes the filter off. False: `fields` has no such column.
bool take_filter(Command& command, std::span<const Field> fields, Plan& plan) {
  const std::string column = lower(command.words[command.words.size() - 2]);
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const Field& field) { return field.name == column; });
  if (found == fields.end()) return false;
  plan.filter.emplace(static_cast<std::size_t>(found - fields.begin()), command.words.back());
  return true;
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

boost::asio::awaitable<Reply> run_show(Console& console, const Plan& plan) {
  const Show& show = *plan.show;
  Reply reply = done("SHOW");
  reply.fields = show.fields;
  if (show.fill) {
    reply.rows = co_await show.fill(console);
    if (plan.filter) std::erase_if(reply.rows, [&](const Row& row) { return row[plan.filter->first] != plan.filter->second; });
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
  const bool filters = verb->tag == "SHOW" && has_filter(command);
  const bool fits = verb->takes_anything || filters ||
                    (!command.foreign && command.equals == 0 && words >= verb->least_words && words <= verb->most_words);
  if (!fits) return invalid_command(command);
  if (rights < verb->needs) return error_of(sqlstate::insufficient_privilege, "admin access needed");
  plan.verb = &*verb;
  if (verb->tag == "SHOW") {
    Command subject = command;
    if (filters) subject.words.resize(words - 3);
    plan.show = find_show(subject);
    if (!plan.show || (filters && !plan.show->fill)) return invalid_command(command);
    if (filters && !take_filter(command, plan.show->fields, plan))
      return error_of(undefined_column, "column \"" + command.words[words - 2] + "\" does not exist");
  }
  plan.command = std::move(command);
  return std::nullopt;
}

boost::asio::awaitable<Reply> run_plan(Console& console, const Plan& plan) {
  if (plan.show && plan.show->run) return plan.show->run(console, plan.command);
  if (plan.show) return run_show(console, plan);
  if (plan.verb->run) return plan.verb->run(console, plan.command);
  return run_nothing(plan.verb->tag);
}

}  // namespace pgswitch::admin
