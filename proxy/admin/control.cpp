#include "proxy/admin/control.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "proxy/admin/console.hpp"
#include "proxy/admin/show.hpp"
#include "proxy/client_login.hpp"
#include "proxy/log.hpp"
#include "proxy/pool_limits.hpp"
#include "proxy/router.hpp"
#include "proxy/session/relay.hpp"
#include "rules/route_names.hpp"

namespace pgswitch::admin {
namespace {

namespace sqlstate = protocol::sqlstate;
using boost::asio::awaitable;
using rules::RouteId;

Reply failed(protocol::SqlError error) {
  Reply reply;
  reply.error = std::move(error);
  return reply;
}

constexpr std::pair<std::string_view, Shutdown> shutdown_modes[] = {{"", Shutdown::immediate},
                                                                    {"wait_for_servers", Shutdown::wait_for_servers},
                                                                    {"wait_for_clients", Shutdown::wait_for_clients},
                                                                    {"wait_for_transactions", Shutdown::wait_for_transactions}};

Reply shutting_down() { return admin::failed(sqlstate::cannot_connect_now, "pooler is shutting down"); }

/// The route of the database that the command names, no_route when it names none. `refusal` begins pgbouncer's text for
/// the console's own database.
std::optional<protocol::SqlError> find_target(Console& console, const Command& command, const char* refusal, RouteId& route) {
  if (command.words.empty()) return std::nullopt;
  const std::string& name = command.words.front();
  if (is_console(name)) return error_of(invalid_parameter, std::string(refusal) + " admin db: " + name);
  const DatabasePtr database = console.worker().config().find_database(name);
  if (!database) return error_of(sqlstate::undefined_database, "no such database: " + name);
  route = database->route;
  return std::nullopt;
}

/// By PAUSE without a database, or by SUSPEND.
bool is_halted(Console& console) {
  return console.worker().proxy().is_suspended() || console.worker().router().paused().contains(rules::no_route);
}

/// What PAUSE waits for, as one worker sees it.
struct PauseState {
  bool paused = false;
  std::set<RouteId> routes;  ///< with pools here
};

// The budgets count a connection that moves from worker to worker at every moment.
std::uint32_t connections(const std::vector<PauseState>& states) {
  std::set<RouteId> routes;
  for (const PauseState& state : states) routes.insert(state.routes.begin(), state.routes.end());
  std::uint32_t sum = 0;
  for (const RouteId route : routes) sum += PoolLimits::of_process().database_connections(route);
  return sum;
}

awaitable<Reply> wait_for_pause(Console& console, RouteId route) {
  const auto step = [route](Worker& worker) {
    PauseState state;
    state.paused = route == rules::no_route ? worker.router().paused().contains(route) : worker.router().is_paused(route);
    for (const auto& [key, shard] : worker.router().shards())
      if (route == rules::no_route || key.first == route) state.routes.insert(key.first);
    return state;
  };
  bool here = true;
  while (here) {
    auto round = gather(console, step);
    const std::vector<PauseState> states = co_await std::move(round);
    for (const PauseState& state : states)
      if (!state.paused) co_return admin::failed(sqlstate::query_canceled, "PAUSE was ended by RESUME");
    if (connections(states) == 0) co_return done("PAUSE");
    here = co_await console.nap();
  }
  co_return admin::failed(sqlstate::connection_failure, "client has gone");
}

protocol::SqlError killed() { return fatal(sqlstate::admin_shutdown, "admin forced disconnect"); }

/// Ends the sessions of one worker that belong to the route or are served by it.
void kill_sessions(Worker& worker, RouteId route) {
  const std::string name = rules::route_name(route);
  for (std::size_t slot = 0; slot < worker.sessions().size(); ++slot) {
    ClientSession* const session = worker.session(static_cast<std::uint32_t>(slot));
    if (!session || (!session->relay() && !session->replication())) continue;
    bool concerned = route == rules::no_route || session->database() == name;
    if (session->relay()) session->relay()->each_server([&](const ServerConn& server) { concerned |= server.route == route; });
    if (concerned) session->kill(killed());
  }
}

/// True when this worker had the client.
bool kill_client(Worker& worker, std::uint64_t id) {
  for (std::size_t slot = 0; slot < worker.sessions().size(); ++slot) {
    ClientSession* const session = worker.session(static_cast<std::uint32_t>(slot));
    if (!session || session->id() != id || session->phase() == ClientSession::Phase::closing) continue;
    session->kill(killed());
    return true;
  }
  return false;
}

Reply set_disabled(Console& console, const Command& command, bool disabled) {
  const char* const tag = disabled ? "DISABLE" : "ENABLE";
  if (command.words.empty()) return admin::failed(syntax_error, "a database is required");
  RouteId route = rules::no_route;
  if (auto error = find_target(console, command, disabled ? "cannot disable" : "cannot enable", route)) return failed(std::move(*error));
  log_command(console, command);
  PoolLimits::of_process().set_disabled(route, disabled);
  return done(tag);
}

}  // namespace

void log_command(Console& console, const Command& command) {
  log_line(LogLevel::info, console.session().log_prefix() + command.text.substr(0, 100) + " command issued");
}

awaitable<Reply> run_reload(Console& console, Command command) {
  log_command(console, command);
  const std::vector<std::string> errors = console.worker().proxy().reload();
  if (errors.empty()) {
    // Behind the posts with which the workers take the configuration over.
    auto round = gather(console, [](Worker& worker) { return worker.index(); });
    co_await std::move(round);
    co_return done("RELOAD");
  }
  Reply reply = admin::failed(config_file_error, "RELOAD failed, see logs for additional details");
  for (const std::string& error : errors) {
    log_line(LogLevel::error, error);
    reply.error->detail += (reply.error->detail.empty() ? "" : "\n") + error;
  }
  reply.error->hint = "The old configuration stays in force.";
  co_return reply;
}

awaitable<Reply> run_pause(Console& console, Command command) {
  RouteId route = rules::no_route;
  if (auto error = find_target(console, command, "cannot pause", route)) co_return failed(std::move(*error));
  if (is_halted(console)) co_return admin::failed(wrong_state, "already suspended/paused");
  log_command(console, command);
  console.worker().proxy().pause(route);
  auto reply = wait_for_pause(console, route);
  co_return co_await std::move(reply);
}

awaitable<Reply> run_resume(Console& console, Command command) {
  RouteId route = rules::no_route;
  if (auto error = find_target(console, command, "cannot resume", route)) co_return failed(std::move(*error));
  Proxy& proxy = console.worker().proxy();
  const auto& paused = console.worker().router().paused();
  if (proxy.is_suspended() && command.words.empty()) {
    auto ended = end_suspension(console, command);
    co_return co_await std::move(ended);
  }
  if (paused.empty() && command.words.empty()) co_return admin::failed(wrong_state, "pooler is not paused/suspended");
  if (!command.words.empty() && !paused.contains(route))
    co_return admin::failed(wrong_state, "database " + command.words.front() + " is not paused");
  log_command(console, command);
  proxy.resume(route);
  // An answer means that it is so, on every worker.
  auto round = gather(console, [](Worker& worker) { return worker.index(); });
  co_await std::move(round);
  co_return done("RESUME");
}

awaitable<Reply> run_disable(Console& console, Command command) { co_return set_disabled(console, command, true); }
awaitable<Reply> run_enable(Console& console, Command command) { co_return set_disabled(console, command, false); }

awaitable<Reply> run_reconnect(Console& console, Command command) {
  RouteId route = rules::no_route;
  if (auto error = find_target(console, command, "cannot reconnect", route)) co_return failed(std::move(*error));
  log_command(console, command);
  const auto step = [route](Worker& worker) { return worker.router().reconnect(route), 0; };
  auto round = gather(console, step);
  co_await std::move(round);
  co_return done("RECONNECT");
}

awaitable<Reply> run_wait_close(Console& console, Command command) {
  RouteId route = rules::no_route;
  if (auto error = find_target(console, command, "cannot wait in", route)) co_return failed(std::move(*error));
  const auto step = [route](Worker& worker) { return worker.router().counts(route).close_needed; };
  bool here = true;
  while (here) {
    auto round = gather(console, step);
    const std::vector<std::uint32_t> counts = co_await std::move(round);
    std::uint32_t left = 0;
    for (const std::uint32_t count : counts) left += count;
    if (left == 0) co_return done("WAIT_CLOSE");
    here = co_await console.nap();
  }
  co_return admin::failed(sqlstate::connection_failure, "client has gone");
}

awaitable<Reply> run_kill(Console& console, Command command) {
  RouteId route = rules::no_route;
  if (auto error = find_target(console, command, "cannot kill", route)) co_return failed(std::move(*error));
  if (is_halted(console)) co_return admin::failed(wrong_state, "already suspended/paused");
  log_command(console, command);
  const auto step = [route](Worker& worker) {
    worker.router().kill(route, killed());
    kill_sessions(worker, route);
    return 0;
  };
  auto round = gather(console, step);
  co_await std::move(round);
  co_return done("KILL");
}

awaitable<Reply> run_kill_client(Console& console, Command command) {
  std::uint64_t id = 0;
  const std::string text = command.words.empty() ? std::string() : command.words.front();
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), id);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size())
    co_return admin::failed(invalid_parameter, "invalid client pointer supplied");
  log_command(console, command);
  const auto step = [id](Worker& worker) { return kill_client(worker, id) ? 1 : 0; };
  auto round = gather(console, step);
  const std::vector<int> found = co_await std::move(round);
  for (const int one : found)
    if (one != 0) co_return done("KILL_CLIENT");
  co_return admin::failed(invalid_parameter, "client not found");
}

awaitable<Reply> run_shutdown(Console& console, Command command) {
  Proxy& proxy = console.worker().proxy();
  const std::string mode = command.words.empty() ? std::string() : lower(command.words.front());
  const auto found = std::find_if(std::begin(shutdown_modes), std::end(shutdown_modes), [&](const auto& one) { return one.first == mode; });
  if (found == std::end(shutdown_modes))
    co_return admin::failed(syntax_error, "invalid command '" + command.text.substr(0, 100) + "', use SHOW HELP;");
  // A second wait would end the process at once, like a second signal: that is asked for by SHUTDOWN alone.
  if (!mode.empty() && proxy.shutdown_mode() != Shutdown::none) co_return shutting_down();
  log_command(console, command);
  proxy.shut_down(found->second);
  Reply reply = done("SHUTDOWN");
  reply.ends_console = mode.empty();
  co_return reply;
}

}  // namespace pgswitch::admin
