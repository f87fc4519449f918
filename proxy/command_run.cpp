#include "proxy/command_run.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "proxy/log.hpp"
#include "proxy/process.hpp"

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

/// Identity, then background: everything after it runs as the process that stays. False with `error`.
bool settle(const Config& config, const RunOptions& options, std::string& error) {
  if (!become_user(options.user.empty() ? config.user : options.user, error)) return false;
  if (runs_as_root()) return error = "pgswitch should not run as root: start it as another user, or name one with -u or user =", false;
  if (options.daemon && config.pidfile.empty()) return error = "daemon needs pidfile configured", false;
  if (!Pidfile::remove_stale(config.pidfile, error)) return false;
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
  if (!settle(*loaded.config, options, error)) return die(error);
  if (!open_log(log_options(*loaded.config, options), error)) return die(error);
  log_load(loaded);
  if (command.reboot) log_line(LogLevel::warning, "-R is accepted but has no effect in this version");
  Pidfile pidfile;
  if (!pidfile.write(loaded.config->pidfile, error)) return die(error);
  const int code = run_proxy(loaded.config, options);
  close_log();
  return code;
}

}  // namespace pgswitch
