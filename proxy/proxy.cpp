#include "proxy/proxy.hpp"

#include <boost/version.hpp>
#include <chrono>
#include <openssl/crypto.h>
#include <sys/resource.h>
#include <unistd.h>

#include "proxy/cancel_key.hpp"
#include "proxy/client_session.hpp"
#include "proxy/clock.hpp"
#include "proxy/config_rules.hpp"
#include "proxy/log.hpp"
#include "proxy/router.hpp"

namespace pgswitch {
namespace {

std::int64_t unix_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

/// Descriptors that clients, servers, listeners and files may need at most, as pgbouncer counts them.
rlim_t expected_descriptors(const Config& config) {
  rlim_t servers = 0;
  for (const auto& [name, database] : config.databases) {
    const rlim_t pools = database->user.empty() ? std::max<std::size_t>(config.users.size(), 1) : 1;
    servers += pools * static_cast<rlim_t>(config.pool_size_of(*database, nullptr));
  }
  return static_cast<rlim_t>(config.max_client_conn) + servers + 30;
}

void raise_descriptor_limit(const Config& config) {
  const rlim_t needed = expected_descriptors(config);
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t before = limit.rlim_cur;
  if (limit.rlim_cur < needed && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = before;
  }
  log_line(LogLevel::info, "kernel file descriptor limit: " + std::to_string(limit.rlim_cur) +
                               " (hard: " + std::to_string(limit.rlim_max) +
                               "); max_client_conn: " + std::to_string(config.max_client_conn) +
                               ", max expected fd use: " + std::to_string(needed));
  if (limit.rlim_cur < needed) log_line(LogLevel::warning, "the file descriptor limit is below the maximum expected use");
}

}  // namespace

LogOptions log_options(const Config& config, const RunOptions& options) {
  LogOptions log;
  log.to_stderr = !options.quiet && !options.daemon;
  log.file = config.logfile;
  log.verbose = std::max(config.verbose, options.verbose);
  log.syslog = config.syslog != 0;
  log.syslog_ident = config.syslog_ident;
  log.syslog_facility = config.syslog_facility;
  return log;
}

Proxy::Proxy(ConfigPtr config, const RunOptions& options)
    : options_(options), config_(std::move(config)), process_secret_(random_secret(32)), started_unix_us_(unix_us()) {}

Proxy::~Proxy() = default;

ConfigPtr Proxy::config() const {
  const std::lock_guard lock(mutex_);
  return config_;
}

std::string Proxy::version_line() const {
  return std::string("pgswitch ") + PGSWITCH_VERSION + ", Boost " + BOOST_LIB_VERSION + ", tls: " +
         OpenSSL_version(OPENSSL_VERSION);
}

bool Proxy::prepare(std::string& error) {
  if (process_secret_.empty()) return error = "OpenSSL has no random numbers", false;
  raise_descriptor_limit(*config_);
  return make_workers(error) && listen(error);
}

std::unique_ptr<rules::Engine> Proxy::make_engine(const Config& config, std::uint64_t generation, std::size_t worker, std::string& error) {
  rules::EngineOptions options = engine_options(config);
  options.log = [](std::string_view message) { log_line(LogLevel::warning, message); };
  options.now_us = steady_us;
  options.route_state = [this, worker](rules::RouteId route) { return workers_[worker]->route_view().state(route); };
  options.shared = shared_store_;
  return rules::Engine::create(std::move(options), generation, error);
}

bool Proxy::make_workers(std::string& error) {
  TlsContexts tls;
  if (!make_tls_contexts(*config_, tls, error)) return false;
  const auto count = static_cast<unsigned>(std::clamp<int>(config_->workers, 1, CancelKey::max_workers));
  for (unsigned index = 0; index < count; ++index) {
    auto engine = make_engine(*config_, generation_, index, error);
    if (!engine) return false;
    workers_.push_back(std::make_unique<Worker>(*this, index, config_, std::move(engine), tls));
  }
  stats_history_ = std::make_unique<admin::StatsHistory>(*this, *workers_.front());
  return true;
}

bool Proxy::listen(std::string& error) {
  std::vector<std::string> warnings;
  listeners_ = open_listeners(*workers_.front(), config_, warnings, error);
  for (const std::string& warning : warnings) log_line(LogLevel::warning, warning);
  return !listeners_.empty();
}

void Proxy::log_start() const {
  for (const auto& listener : listeners_) log_line(LogLevel::info, "listening on " + listener->name());
  log_line(LogLevel::info, "process up: " + version_line());
}

void Proxy::run() {
  Worker& first = *workers_.front();
  first.post([this] {
    for (const auto& listener : listeners_) listener->start([this](int fd, ClientAddress address) { hand_over(fd, std::move(address)); });
    stats_history_->start();
    log_start();
  });
  catch_signals();
  for (const auto& worker : workers_) worker->start();
  main_io_.run();
  for (const auto& worker : workers_) worker->join();
  side_thread_.stop();
  listeners_.clear();
}

// To the worker with the fewest clients. What a session does never moves again; only server connections do.
void Proxy::hand_over(int fd, ClientAddress address) {
  Worker* target = workers_.front().get();
  for (const auto& worker : workers_)
    if (worker->session_count() < target->session_count()) target = worker.get();
  target->expect_session();
  if (target == workers_.front().get()) {
    target->begin_session(fd, std::move(address));
  } else {
    target->post([target, fd, from = std::move(address)]() mutable { target->begin_session(fd, std::move(from)); });
  }
}

std::vector<std::string> Proxy::reload() {
  const std::lock_guard only_one(reload_mutex_);
  std::string error;
  if (!reopen_log(error)) log_line(LogLevel::error, error);  // also when the configuration is bad: files rotate all the same
  const LoadResult loaded = load_config(options_.config_file);
  for (const Diagnostic& warning : loaded.warnings) log_line(LogLevel::warning, warning.to_string());
  std::vector<std::string> errors;
  for (const Diagnostic& wrong : loaded.errors) errors.push_back(wrong.to_string());
  if (!loaded.config) return errors;

  const auto next = std::make_shared<Config>(*loaded.config);
  const std::vector<std::string> fixed = keep_fixed_settings(*config(), *next);
  TlsContexts tls;
  if (!make_tls_contexts(*next, tls, error)) return {"TLS configuration could not be reloaded, keeping old configuration: " + error};
  std::vector<std::unique_ptr<rules::Engine>> engines;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    engines.push_back(make_engine(*next, generation_ + 1, i, error));
    if (!engines.back()) return {error};
  }
  if (!change_log(log_options(*next, options_), error)) return {error};

  for (const std::string& name : fixed)
    log_line(LogLevel::warning, "setting " + name + " takes effect after a restart only");
  {
    const std::lock_guard lock(mutex_);
    config_ = next;
    ++generation_;
  }
  PoolLimits::of_process().adopt(*next);
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->post([worker = workers_[i].get(), config = ConfigPtr(next), engine = std::move(engines[i]), tls]() mutable {
      worker->adopt(std::move(config), std::move(engine), std::move(tls));
    });
  }
  return {};
}

void Proxy::pause(rules::RouteId route) {
  for (const auto& worker : workers_) worker->post([target = worker.get(), route] { target->router().pause(route); });
}

void Proxy::resume(rules::RouteId route) {
  for (const auto& worker : workers_) worker->post([target = worker.get(), route] { target->router().resume(route); });
}

void Proxy::on_each_worker(Worker& caller, std::function<void(Worker&)> step, std::function<void()> done) {
  struct Round {
    std::function<void(Worker&)> step;
    std::function<void()> done;
    std::atomic<std::size_t> left;
    Round(std::function<void(Worker&)> s, std::function<void()> d, std::size_t n) : step(std::move(s)), done(std::move(d)), left(n) {}
  };
  const auto round = std::make_shared<Round>(std::move(step), std::move(done), workers_.size());
  for (const auto& worker : workers_) {
    worker->post([round, target = worker.get(), &caller] {
      round->step(*target);
      if (round->left.fetch_sub(1) == 1) caller.post([round] { round->done(); });
    });
  }
}

boost::asio::awaitable<void> Proxy::on_each_worker(Worker& caller, std::function<void(Worker&)> step) {
  // Held by both sides: the waiting coroutine may be destroyed with its worker before the last step has run.
  const auto alarm = std::make_shared<Alarm>(caller.io());
  std::function<void()> done = [alarm] { alarm->wake(); };
  on_each_worker(caller, std::move(step), std::move(done));
  co_await alarm->wait(0);
}

// What is suspended on the workers refers to each other in every direction; the process ends now, so it is left as it is,
// reachable from here, and the kernel takes all of it at once.
int run_proxy(ConfigPtr config, const RunOptions& options) {
  static Proxy* proxy = nullptr;
  proxy = new Proxy(std::move(config), options);
  std::string error;
  if (!proxy->prepare(error)) {
    log_line(LogLevel::fatal, error);
    return 1;
  }
  proxy->run();
  return 0;
}

}  // namespace pgswitch
