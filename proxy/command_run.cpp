#include "proxy/command_run.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "proxy/log.hpp"
#include "proxy/predecessor.hpp"
#include "proxy/process.hpp"
#include "proxy/service_manager.hpp"

namespace pgswitch {
namespace {

int die(const std::string& message) {
  log_line(LogLevel::fatal, message);
  close_log();
  return 1;
}

void log_load(const LoadResult& loaded) {
  for (const Diagnostic& warning : loaded.warnings) log_line(LogLevel::warning, warning.to_string());
  for (const Diagnostic& error : loaded.errors) log_line(LogLevel::error, error.to_string());
}

/// With -R: the sockets of the process that runs, if there is one.
bool replace(const RunCommand& command, const Config& config, Predecessor& predecessor, RunOptions& options, std::string& error) {
  if (!command.reboot) return true;
  if (!options.sockets.empty()) return error = "cannot use -R with sockets passed from service manager", false;
  if (config.unix_socket_dir.empty()) return error = "cannot reboot if unix dir not configured", false;
  if (predecessor.find(config)) {
    const bool taken = predecessor.take_sockets(options.sockets, error);
    options.predecessor_sockets = predecessor.cancel_sockets();
    return taken;
  }
  log_line(LogLevel::info, "old process not found, try to continue normally");
  return true;
}

/// Identity, then background: everything after it runs as the process that stays. False with `error`.
bool settle(const RunCommand& command, const Config& config, Predecessor& predecessor, RunOptions& options, std::string& error) {
  if (!become_user(options.user.empty() ? config.user : options.user, error)) return false;
  if (runs_as_root()) return error = "pgswitch should not run as root: start it as another user, or name one with -u or user =", false;
  if (options.daemon && config.pidfile.empty()) return error = "daemon needs pidfile configured", false;
  if (!replace(command, config, predecessor, options, error)) return false;
  if (!predecessor.found() && !Pidfile::remove_stale(config.pidfile, error)) return false;
  if (!options.daemon) return true;
  // Tried while stderr is still there to say so; the log's thread would not survive the fork.
  if (!open_log(log_options(config, options), error)) return false;
  close_log();
  return go_to_background(error);
}

}  // namespace

int command_run(const RunCommand& command) {
  // Made absolute: what is read again at SIGHUP must be the same file.
  RunOptions options = command.options;
  std::error_code ignored;
  if (const auto path = std::filesystem::absolute(options.config_file, ignored); !ignored) options.config_file = path.string();

  const LoadResult loaded = load_config(options.config_file);
  if (!loaded.config) {
    log_load(loaded);
    return die("cannot load config file");
  }
  std::string error;
  options.sockets = service_manager::take_sockets();
  const bool activated = !options.sockets.empty();
  Predecessor predecessor;
  if (!settle(command, *loaded.config, predecessor, options, error)) return die(error);
  if (!open_log(log_options(*loaded.config, options), error)) return die(error);
  log_load(loaded);
  if (activated) log_line(LogLevel::info, "sockets passed from service manager: listen_addr and unix_socket_dir are not used");
  Pidfile pidfile;
  if (!predecessor.found() && !pidfile.write(loaded.config->pidfile, error)) return die(error);
  const int code = run_proxy(loaded.config, options, [&](Proxy& proxy, std::string& why) {
    if (!predecessor.found()) return true;
    if (!predecessor.dismiss(why) || !pidfile.replace(loaded.config->pidfile, why)) return false;
    log_line(LogLevel::info, "took the listening sockets over; the old process waits for its clients to leave");
    proxy.own_socket_files();
    return true;
  });
  close_log();
  return code;
}

}  // namespace pgswitch
