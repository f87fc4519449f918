// Signals, and how the process ends.
#include <algorithm>
#include <csignal>

#include "proxy/client_login.hpp"
#include "proxy/client_session.hpp"
#include "proxy/closing_door.hpp"
#include "proxy/log.hpp"
#include "proxy/proxy.hpp"
#include "proxy/router.hpp"
#include "proxy/service_manager.hpp"
#include "proxy/session/relay.hpp"

namespace pgswitch {
namespace {

constexpr std::int64_t check_us = 100'000;

protocol::SqlError shutting_down() { return fatal(protocol::sqlstate::admin_shutdown, "server shutting down"); }

std::uint32_t servers_in_use(Worker& worker) {
  const ShardCounts counts = worker.router().counts(rules::no_route);
  return counts.active + counts.tested;
}

std::uint32_t clients_of(Worker& worker) {
  std::uint32_t clients = 0;
  for (const auto& session : worker.sessions())
    if (session && session->phase() != ClientSession::Phase::console) ++clients;
  return clients;
}

void dismiss(Worker& worker, bool only_waiting) {
  for (std::size_t slot = 0; slot < worker.sessions().size(); ++slot) {
    ClientSession* const session = worker.session(static_cast<std::uint32_t>(slot));
    if (!session) continue;
    const bool waiting = session->relay() && session->relay()->is_waiting() && !session->relay()->may_begin();
    if (waiting || !only_waiting) session->kill(shutting_down());
  }
}

/// Transactions whose BEGIN has been answered and that have no server yet.
std::uint32_t beginning(Worker& worker) {
  return static_cast<std::uint32_t>(std::count_if(worker.sessions().begin(), worker.sessions().end(),
                                                  [](const auto& session) { return session && session->relay() && session->relay()->may_begin(); }));
}

/// True when a client may be in the middle of its handshake with one of them.
bool turn_away(const Listeners& listeners) {
  bool any = false;
  for (const auto& listener : listeners)
    if (!listener->is_unix() && listener->fd() >= 0) any |= turn_away_new_clients(listener->fd());
  return any;
}

}  // namespace

void Proxy::catch_signals() {
  boost::system::error_code ignored;
  for (const int number : {SIGHUP, SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2}) signals_.add(number, ignored);
  wait_for_signal();
}

void Proxy::wait_for_signal() {
  signals_.async_wait([this](const boost::system::error_code& error, int number) {
    if (error) return;
    workers_.front()->post([this, number] { on_signal(number); });
    wait_for_signal();
  });
}

bool Proxy::is_paused() const { return workers_.front()->router().paused().contains(rules::no_route); }

void Proxy::on_signal(int number) {
  switch (number) {
    case SIGHUP: {
      log_line(LogLevel::info, "got SIGHUP, re-reading config");
      for (const std::string& problem : reload()) log_line(LogLevel::error, problem);
      return;
    }
    case SIGTERM:
      log_line(LogLevel::info, "got SIGTERM, shutting down, waiting for all clients to disconnect");
      return shut_down(Shutdown::wait_for_clients);
    case SIGINT:
      log_line(LogLevel::info, "got SIGINT, shutting down, waiting for all servers connections to be released");
      return shut_down(Shutdown::wait_for_servers);
    case SIGQUIT:
      log_line(LogLevel::info, "got SIGQUIT, fast exit");
      return shut_down(Shutdown::immediate);
    case SIGUSR1:
      if (is_suspended() || is_paused()) return log_line(LogLevel::info, "got SIGUSR1, but already paused/suspended");
      log_line(LogLevel::info, "got SIGUSR1, pausing all activity");
      return pause();
    case SIGUSR2:
      if (shutdown_mode() != Shutdown::none) return log_line(LogLevel::info, "got SIGUSR2 while shutting down, ignoring");
      if (is_suspended()) {
        log_line(LogLevel::info, "got SIGUSR2, continuing from SUSPEND");
        return suspend(false);
      }
      if (!is_paused()) return log_line(LogLevel::info, "got SIGUSR2, but not paused/suspended");
      log_line(LogLevel::info, "got SIGUSR2, continuing from PAUSE");
      return resume();
    default:
      return;
  }
}

void Proxy::shut_down(Shutdown mode) {
  const Shutdown before = shutdown_.exchange(mode);
  tell_service_manager(std::string(service_manager::stopping));
  if (mode == Shutdown::immediate || before != Shutdown::none) {
    if (before != Shutdown::none) log_line(LogLevel::info, "second shutdown request, exiting at once");
    return stop_workers();
  }
  if (is_suspended()) suspend(false);  // what is waited for could not come
  if (mode == Shutdown::wait_for_servers) {
    for (const auto& worker : workers_) {
      worker->post([target = worker.get()] {
        target->stop_leasing();
        dismiss(*target, true);
      });
    }
  }
  Worker& first = *workers_.front();
  first.post([this, mode, &first] {
    const auto drain = [this, mode, &first] {
      stop_listening();
      const auto step = [mode](Worker& worker) {
        worker.begin_draining();
        if (mode == Shutdown::wait_for_transactions) worker.shut_down_sessions(shutting_down());
      };
      on_each_worker(first, step, [this] { arm_shutdown_check(); });
    };
    shutdown_alarm_ = std::make_unique<Alarm>(first.io());
    const bool shares_port = first.config().so_reuseport != 0 && !side_listener_;
    if (shares_port && turn_away(listeners_)) return shutdown_alarm_->call_after(handshake_us, drain);
    drain();
  });
}

// The Unix socket stays for the console: who wants to know what a shutdown waits for asks there. Not when another process has it.
void Proxy::stop_listening() {
  for (const auto& listener : listeners_) {
    if (side_listener_) listener->abandon();
    else if (!listener->is_unix()) listener->close();
  }
}

void Proxy::arm_shutdown_check() {
  shutdown_alarm_->call_after(check_us, [this] { check_shutdown(); });
}

void Proxy::check_shutdown() {
  const auto busy = std::make_shared<std::atomic<std::uint32_t>>(0);
  const bool for_servers = shutdown_mode() == Shutdown::wait_for_servers;
  const auto step = [busy, for_servers](Worker& worker) {
    if (for_servers) dismiss(worker, true);
    busy->fetch_add(for_servers ? servers_in_use(worker) + beginning(worker) : clients_of(worker));
  };
  Worker& first = *workers_.front();
  on_each_worker(first, step, [this, busy, &first] {
    if (busy->load() > 0) return arm_shutdown_check();
    on_each_worker(first, [](Worker& worker) { dismiss(worker, false); }, [this] { stop_workers(); });
  });
}

void Proxy::stop_workers() {
  log_line(LogLevel::info, "shutting down");
  for (const auto& worker : workers_) worker->stop();
  main_io_.stop();
}

}  // namespace pgswitch
