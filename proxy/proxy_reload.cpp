// RELOAD, SIGHUP, and rules_autoreload.
#include "proxy/clock.hpp"
#include "proxy/config_rules.hpp"
#include "proxy/config_table.hpp"
#include "proxy/log.hpp"
#include "proxy/pool_limits.hpp"
#include "proxy/proxy.hpp"
#include "proxy/service_manager.hpp"

namespace pgswitch {
namespace {

constexpr std::int64_t watch_period_us = 1'000'000;

void tell_removed_databases(const Config& before, const Config& now) {
  for (const auto& [name, database] : before.databases)
    if (!now.find_database(name)) log_line(LogLevel::warning, "dropping database '" + name + "' as it does not exist anymore");
}

}  // namespace

std::unique_ptr<rules::Engine> Proxy::make_engine(const Config& config, std::uint64_t generation, std::size_t worker, RulesWatch* watch,
                                                  std::string& error) {
  rules::EngineOptions options = engine_options(config);
  options.log = [](std::string_view message) { log_line(LogLevel::warning, message); };
  options.now_us = steady_us;
  options.route_state = [this, worker](rules::RouteId route) { return workers_[worker]->route_view().state(route); };
  options.shared = shared_store_;
  if (watch != nullptr) options.on_source = [watch](const std::string& path) { watch->add(path); };
  return rules::Engine::create(std::move(options), generation, error);
}

bool Proxy::make_engines(const Config& config, std::uint64_t generation, std::size_t count, Engines& engines, std::string& error) {
  RulesWatch watch;
  for (std::size_t i = 0; i < count; ++i) {
    auto engine = make_engine(config, generation, i, i == 0 ? &watch : nullptr, error);
    if (!engine) break;
    engines.push_back(std::move(engine));
  }
  const bool observes = config.rules_mode == rules::RulesMode::observe && !config.rules_file.empty();
  if (observes && engines.size() == count) log_line(LogLevel::info, "rules_mode = observe: the rules decide nothing");
  // Of rules that do not load, too: they are tried again when they have changed.
  rules_watch_ = std::move(watch);
  const std::lock_guard lock(mutex_);
  rules_error_ = error;
  return engines.size() == count;
}

std::string Proxy::rules_error() const {
  const std::lock_guard lock(mutex_);
  return rules_error_;
}

Proxy::LastReload Proxy::last_reload() const {
  const std::lock_guard lock(mutex_);
  return last_reload_;
}

std::vector<std::string> Proxy::reload() {
  const std::lock_guard only_one(reload_mutex_);
  tell_service_manager(service_manager::reloading());
  std::vector<std::string> errors = try_reload();
  {
    const std::lock_guard lock(mutex_);
    last_reload_ = {unix_us(), {}};
    for (const std::string& error : errors) last_reload_.error += (last_reload_.error.empty() ? "" : "; ") + error;
  }
  tell_service_manager(std::string(service_manager::ready));
  return errors;
}

std::vector<std::string> Proxy::try_reload() {
  std::string error;
  if (!reopen_log(error)) log_line(LogLevel::error, error);  // also when the configuration is bad: files rotate all the same
  const LoadResult loaded = load_config(config()->conffile);
  for (const Diagnostic& warning : loaded.warnings) log_line(LogLevel::warning, warning.to_string());
  std::vector<std::string> errors;
  for (const Diagnostic& wrong : loaded.errors) errors.push_back(wrong.to_string());
  if (!loaded.config) return errors;
  return put_in_force(std::make_shared<Config>(*loaded.config));
}

std::vector<std::string> Proxy::change_setting(const Setting& setting, const std::string& value) {
  const std::lock_guard only_one(reload_mutex_);
  const auto next = std::make_shared<Config>(*config());
  if (auto wrong = assign(setting, value, *next)) return {std::move(*wrong)};
  return put_in_force(next);
}

/// All of it or nothing. Under reload_mutex_.
std::vector<std::string> Proxy::put_in_force(std::shared_ptr<Config> next) {
  std::string error;
  const std::vector<std::string> fixed = keep_fixed_settings(*config(), *next);
  TlsContexts tls;
  if (!make_tls_contexts(*next, tls, error)) return {"TLS configuration could not be reloaded, keeping old configuration: " + error};
  Engines engines;
  if (!make_engines(*next, generation_ + 1, workers_.size(), engines, error)) return {error};
  if (!change_log(log_options(*next, options_), error)) return {error};

  for (const std::string& name : fixed)
    log_line(LogLevel::warning, "setting " + name + " takes effect after a restart only");
  for (const std::string& warning : expiry_warnings(tls)) log_line(LogLevel::warning, warning);
  tell_removed_databases(*config(), *next);
  {
    const std::lock_guard lock(mutex_);
    config_ = next;
    ++generation_;
  }
  PoolLimits::of_process().adopt(*next);
  protocol::LargeMemory::of_process().set_limit(next->query_total_bytes);
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->post([worker = workers_[i].get(), config = ConfigPtr(next), engine = std::move(engines[i]), tls]() mutable {
      worker->adopt(std::move(config), std::move(engine), std::move(tls));
    });
  }
  return {};
}

/// The rules alone, all workers' or none.
void Proxy::reload_rules() {
  const std::lock_guard only_one(reload_mutex_);
  const ConfigPtr config = this->config();
  std::string error;
  Engines engines;
  if (!make_engines(*config, generation_ + 1, workers_.size(), engines, error))
    return log_line(LogLevel::error, "changed rules do not load, the old ones stay in force: " + error);
  {
    const std::lock_guard lock(mutex_);
    ++generation_;
  }
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->post([worker = workers_[i].get(), engine = std::move(engines[i])]() mutable { worker->adopt_rules(std::move(engine)); });
  }
  log_line(LogLevel::info, "rules have changed and were loaded again: " + config->rules_file);
}

/// Once a second, on worker 0.
void Proxy::watch_rules() {
  if (!watch_alarm_) watch_alarm_ = std::make_unique<Alarm>(workers_.front()->io());
  watch_alarm_->call_after(watch_period_us, [this] {
    if (config()->rules_autoreload && rules_have_changed()) reload_rules();
    watch_rules();
  });
}

bool Proxy::rules_have_changed() {
  const std::lock_guard only_one(reload_mutex_);
  return rules_watch_.has_settled_change();
}

}  // namespace pgswitch
