// SUSPEND.
#include "proxy/admin/console.hpp"
#include "proxy/admin/control.hpp"
#include "proxy/admin/show.hpp"
#include "proxy/client_login.hpp"
#include "proxy/router.hpp"

namespace pgswitch::admin {
namespace {

namespace sqlstate = protocol::sqlstate;
using boost::asio::awaitable;

protocol::SqlError too_late() { return fatal(sqlstate::admin_shutdown, "suspend_timeout"); }

/// Sessions of one worker whose bytes wait for room; with `drop`, they are ended.
std::uint32_t unflushed(Worker& worker, bool drop) {
  std::uint32_t count = 0;
  for (std::size_t slot = 0; slot < worker.sessions().size(); ++slot) {
    ClientSession* const session = worker.session(static_cast<std::uint32_t>(slot));
    if (!session || session->is_flushed()) continue;
    ++count;
    if (drop) session->kill(too_late());
  }
  return count;
}

awaitable<std::uint32_t> count_unflushed(Console& console, bool drop) {
  const auto step = [drop](Worker& worker) { return unflushed(worker, drop); };
  auto round = gather(console, step);
  const std::vector<std::uint32_t> counts = co_await std::move(round);
  std::uint32_t sum = 0;
  for (const std::uint32_t count : counts) sum += count;
  co_return sum;
}

}  // namespace

awaitable<Reply> run_suspend(Console& console, Command command) {
  Worker& worker = console.worker();
  Proxy& proxy = worker.proxy();
  const auto& paused = worker.router().paused();
  if (proxy.is_suspended() || paused.contains(rules::no_route)) co_return failed(wrong_state, "already suspended/paused");
  if (!paused.empty()) co_return failed(wrong_state, "cannot suspend with paused databases");
  log_command(console, command);
  proxy.suspend(true);
  const std::int64_t patience_us = worker.config().suspend_timeout;
  const std::int64_t deadline_us = worker.now_us() + patience_us;
  bool here = true;
  while (here) {
    const bool late = patience_us > 0 && worker.now_us() >= deadline_us;
    const std::uint32_t left = co_await count_unflushed(console, late);
    if (!proxy.is_suspended()) co_return failed(sqlstate::query_canceled, "SUSPEND was ended by RESUME");
    if (left == 0 || late) co_return done("SUSPEND");
    here = co_await console.nap();
  }
  co_return failed(sqlstate::connection_failure, "client has gone");
}

awaitable<Reply> end_suspension(Console& console, const Command& command) {
  log_command(console, command);
  console.worker().proxy().suspend(false);
  auto round = gather(console, [](Worker& worker) { return worker.index(); });
  co_await std::move(round);
  co_return done("RESUME");
}

}  // namespace pgswitch::admin
