#include "proxy/proxy.hpp"

#include <boost/asio/post.hpp>
#include <boost/version.hpp>
#include <openssl/crypto.h>
#include <sys/resource.h>
#include <unistd.h>

#include "proxy/cancel_key.hpp"
#include "proxy/client_session.hpp"
#include "proxy/clock.hpp"
#include "proxy/config_rules.hpp"
#include "proxy/log.hpp"
#include "proxy/router.hpp"
#include "proxy/s3/service.hpp"
#include "proxy/service_manager.hpp"

namespace pgswitch {
namespace {

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
    : options_(options), config_(std::move(config)), process_secret_(random_secret(32)), started_unix_us_(unix_us()) {
  protocol::LargeMemory::of_process().set_limit(config_->query_total_bytes);
}

Proxy::~Proxy() = default;

ConfigPtr Proxy::config() const {
  const std::lock_guard lock(mutex_);
  return config_;
}

std::shared_ptr<s3::Service> Proxy::s3() {
  const std::lock_guard lock(mutex_);
  if (!s3_) s3_ = std::make_shared<s3::Service>();
  return s3_;
}

/// What sessions that this end has cut off had in S3.
void Proxy::remove_uploads() {
  constexpr int seconds = 10;
  if (!s3_) return;
  s3_->stop_all();
  upload_threads_.join();
  for (const s3::Service::Leftover& left : s3_->remove_all(seconds))
    log_line(LogLevel::error, "left behind: s3://" + left.location.bucket + '/' + left.key);
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

bool Proxy::make_workers(std::string& error) {
  TlsContexts tls;
  if (!make_tls_contexts(*config_, tls, error)) return false;
  for (const std::string& warning : expiry_warnings(tls)) log_line(LogLevel::warning, warning);
  const auto count = static_cast<unsigned>(std::clamp<int>(config_->workers, 1, CancelKey::max_workers));
  Engines engines;
  if (!make_engines(*config_, generation_, count, engines, error)) return false;
  for (unsigned index = 0; index < count; ++index) workers_.push_back(std::make_unique<Worker>(*this, index, config_, std::move(engines[index]), tls));
  stats_history_ = std::make_unique<admin::StatsHistory>(*this, *workers_.front());
  return true;
}

bool Proxy::listen(std::string& error) {
  std::vector<std::string> warnings;
  listeners_ = options_.sockets.empty() ? open_listeners(*workers_.front(), config_, warnings, error)
                                        : adopt_listeners(*workers_.front(), config_, options_.sockets, error);
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
    for (const auto& listener : listeners_) start_listening(*listener);
    stats_history_->start();
    watch_rules();
    log_start();
    tell_service_manager(std::string(service_manager::ready));
  });
  catch_signals();
  for (const auto& worker : workers_) worker->start();
  main_io_.run();
  service_manager::notify(std::string(service_manager::stopping));
  for (const auto& worker : workers_) worker->join();
  password_commands_.end();
  remove_uploads();
  listeners_.clear();
  side_listener_.reset();
}

void Proxy::start_listening(Listener& listener) {
  listener.start([this](int fd, ClientAddress address) { hand_over(fd, std::move(address)); });
}

bool Proxy::open_side() {
  std::string error;
  side_listener_ = open_side_listener(*workers_.front(), config(), error);
  if (side_listener_) start_listening(*side_listener_);
  else log_line(LogLevel::error, error);
  return side_listener_ != nullptr;
}

std::vector<std::pair<std::string, int>> Proxy::give_listeners() {
  std::vector<std::pair<std::string, int>> given;
  for (const auto& listener : listeners_)
    if (listener->fd() >= 0) given.emplace_back(listener->name(), listener->fd());
  if (!side_listener_ && !open_side()) return {};
  given.emplace_back(side_listener_->name(), -1);
  for (const std::string& path : options_.predecessor_sockets) given.emplace_back("unix:" + path, -1);
  return given;
}

void Proxy::take_listeners_back() {
  workers_.front()->post([this] {
    if (shutdown_mode() != Shutdown::none || !side_listener_) return;
    log_line(LogLevel::info, "who was given the listening sockets is gone, they are served here");
    side_listener_->close();
    side_listener_.reset();
  });
}

void Proxy::own_socket_files() {
  for (const auto& listener : listeners_) listener->own_socket_file();
}

void Proxy::tell_service_manager(std::string state) {
  boost::asio::post(main_io_, [text = std::move(state)] { service_manager::notify(text); });
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
int run_proxy(ConfigPtr config, const RunOptions& options, const std::function<bool(Proxy&, std::string& error)>& begin) {
  static Proxy* proxy = nullptr;
  proxy = new Proxy(std::move(config), options);
  std::string error;
  if (!proxy->prepare(error) || !begin(*proxy, error)) {
    log_line(LogLevel::fatal, error);
    return 1;
  }
  proxy->run();
  return 0;
}

}  // namespace pgswitch
