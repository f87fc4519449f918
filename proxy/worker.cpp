#include "proxy/worker.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <cerrno>
#include <cstdlib>
#include <malloc.h>
#include <string>
#include <system_error>

#include "proxy/client_session.hpp"
#include "proxy/clock.hpp"
#include "proxy/log.hpp"
#include "proxy/parser_stack.hpp"
#include "proxy/proxy.hpp"
#include "proxy/router.hpp"
#include "proxy/session/relay.hpp"

namespace pgswitch {
namespace {

constexpr std::int64_t tick_us = 100'000;
constexpr std::uint32_t ticks_per_trim = 20;
constexpr std::uint32_t many_sessions = 1000;
constexpr std::uint32_t many_logins = 100;
/// Large enough that most replies come in one read; an idle client holds none.
constexpr int smallest_block = 16 * 1024;

/// malloc_trim() leaves the end of a thread's heap as it is; the thread gives it back when it frees something large there.
void free_large_block() {
  constexpr std::size_t large = 96 * 1024;  // more than FASTBIN_CONSOLIDATION_THRESHOLD, less than what is mapped on its own
  void* volatile block = std::malloc(large);
  std::free(block);
}

}  // namespace

Worker::Worker(Proxy& proxy, unsigned index, ConfigPtr config, std::unique_ptr<rules::Engine> engine, TlsContexts tls)
    : proxy_(proxy), index_(index), config_(std::move(config)), engine_(std::move(engine)), tls_(std::move(tls)),
      slab_(static_cast<std::size_t>(std::max(config_->pkt_buf, smallest_block))),
      session_memory_(sizeof(ClientSession)), relay_memory_(sizeof(Relay)), router_(std::make_unique<Router>(*this)) {
  refresh_clock();
  poller_.set_clock(
      [](void* self) {
        static_cast<Worker*>(self)->refresh_clock();
        return static_cast<Worker*>(self)->now_us();
      },
      this);
}

Worker::~Worker() = default;

void Worker::refresh_clock() { now_us_ = steady_us(); }

void Worker::adopt(ConfigPtr config, std::unique_ptr<rules::Engine> engine, TlsContexts tls) {
  config_ = std::move(config);
  engine_ = std::move(engine);
  tls_ = std::move(tls);
  router_->adopt_config();
}

void Worker::begin_session(int fd, ClientAddress address) {
  const std::uint32_t slot = add_session(std::unique_ptr<ClientSession>(new (session_memory_) ClientSession(*this, fd, std::move(address))));
  sessions_[slot]->start(slot);
}

std::uint32_t Worker::add_session(std::unique_ptr<ClientSession> session) {
  if (free_slots_.empty()) {
    sessions_.push_back(std::move(session));
    return static_cast<std::uint32_t>(sessions_.size() - 1);
  }
  const std::uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  sessions_[slot] = std::move(session);
  return slot;
}

void Worker::remove_session(std::uint32_t slot) {
  sessions_[slot].reset();
  note_freed();
  free_slots_.push_back(slot);
  session_gone();
}

void Worker::login_ends() {
  if (--logins_ >= many_logins) note_freed();
}

ClientSession* Worker::session(std::uint32_t slot) { return slot < sessions_.size() ? sessions_[slot].get() : nullptr; }

void Worker::stop_leasing() {
  leases_end_ = true;
  for (const auto& session : sessions_)
    if (session) session->stop_leasing();
}

void Worker::shut_down_sessions(const protocol::SqlError& reason) {
  for (std::size_t slot = 0; slot < sessions_.size(); ++slot) {
    if (sessions_[slot]) sessions_[slot]->shut_down(reason);
  }
}

void* Worker::thread_main(void* self) {
  static_cast<Worker*>(self)->run();
  return nullptr;
}

void Worker::start() {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, parser_stack_size);
  const int error = pthread_create(&thread_, &attributes, &Worker::thread_main, this);
  pthread_attr_destroy(&attributes);
  if (error != 0) throw std::system_error(error, std::generic_category(), "pthread_create");
  started_ = true;
}

void Worker::run() {
  pthread_setname_np(pthread_self(), ("worker " + std::to_string(index_)).c_str());
  refresh_clock();
  arm_tick();
  poller_.run();
}

void Worker::stop() {
  post([this] { poller_.stop(); });
}

void Worker::join() {
  if (started_) pthread_join(thread_, nullptr);
  started_ = false;
}

void Worker::arm_tick() {
  tick_alarm_.call_after(tick_us, [this] {
    tick();
    arm_tick();
  });
}

void Worker::tick() {
  refresh_clock();
  for (std::size_t slot = 0; slot < sessions_.size() && !suspended_; ++slot) {
    if (sessions_[slot]) sessions_[slot]->tick(now_us_);
  }
  if (!suspended_) router_->tick();
  route_view_.tick();
  if (++ticks_ % ticks_per_trim == 0) trim_memory();
}

// glibc keeps what was freed in the middle of the heap. Trimming takes milliseconds, so it happens elsewhere and seldom.
void Worker::trim_memory() {
  slab_.trim();
  session_memory_.trim();
  relay_memory_.trim();
  if (freed_ < many_sessions) return;
  freed_ = 0;
  boost::asio::co_spawn(io_, [](Worker& worker) -> boost::asio::awaitable<void> {
    co_await worker.proxy_.cpu_threads().run(worker.io_, 0, [] { malloc_trim(0); });
    free_large_block();
  }(*this), boost::asio::detached);
}

}  // namespace pgswitch
