#include "proxy/spool_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>
#include <utility>

#include "proxy/proxy.hpp"
#include "proxy/session/relay.hpp"
#include "proxy/worker.hpp"

namespace pgswitch {

namespace asio = boost::asio;

namespace {

std::string folder_of(const Config& config) {
  std::error_code unknown;
  return config.cursor_spool_dir.empty() ? std::filesystem::temp_directory_path(unknown).string() : config.cursor_spool_dir;
}

/// The descriptor, opened by the first write. The helper threads', one at a time; whoever has it last closes it.
struct Descriptor {
  explicit Descriptor(std::string in) : folder(std::move(in)) {}
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
  /// 0, or errno.
  int open_if_needed() {
    if (fd >= 0) return 0;
    fd = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0) return 0;
    std::string name = folder + "/pgswitch_cursor_XXXXXX";  // not every file system has O_TMPFILE
    fd = mkostemp(name.data(), O_CLOEXEC);
    if (fd < 0) return errno;
    unlink(name.c_str());
    return 0;
  }
  std::string folder;
  int fd = -1;
};

/// One write or read, with all that it needs.
struct Job {
  std::shared_ptr<Descriptor> descriptor;
  std::uint64_t offset;
  std::string bytes;
  int error = 0;

  void write() {
    error = descriptor->open_if_needed();
    for (std::size_t done = 0; error == 0 && done < bytes.size();) {
      const ssize_t count = pwrite(descriptor->fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
      if (count > 0) done += static_cast<std::size_t>(count);
      else if (errno != EINTR) error = count == 0 ? ENOSPC : errno;
    }
  }
  void read() {
    for (std::size_t done = 0; error == 0 && done < bytes.size();) {
      const ssize_t count = pread(descriptor->fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
      if (count > 0) done += static_cast<std::size_t>(count);
      else if (count == 0) error = EIO;
      else if (errno != EINTR) error = errno;
    }
  }
};

/// What the file and the coroutines that wait for its jobs share. The worker's thread.
struct State {
  Relay* owner;
  std::shared_ptr<Descriptor> descriptor;
  std::deque<std::string> pending{};  ///< to be written
  std::uint64_t written = 0;
  bool works = false;
  std::string loaded{};
  std::uint64_t loaded_from = ~std::uint64_t{0};
  std::string fault{};

  void note(const Job& job) {
    if (job.error != 0 && fault.empty()) fault = std::strerror(job.error);
  }
  void done() {
    works = false;
    if (owner) owner->file_ready();
  }
};
using StatePtr = std::shared_ptr<State>;

asio::awaitable<void> write_out(Worker& worker, StatePtr state) {
  while (!state->pending.empty() && state->fault.empty() && state->owner) {
    const auto job = std::make_shared<Job>(Job{state->descriptor, state->written, std::move(state->pending.front())});
    state->pending.pop_front();
    std::function<void()> work = [job] { job->write(); };
    auto round = worker.proxy().disk_threads().run(worker.io(), 0, std::move(work));
    co_await std::move(round);
    state->written += job->bytes.size();
    state->note(*job);
  }
  state->done();
}

asio::awaitable<void> read_in(Worker& worker, StatePtr state, std::uint64_t offset, std::size_t size) {
  const auto job = std::make_shared<Job>(Job{state->descriptor, offset, std::string(size, '\0')});
  std::function<void()> work = [job] { job->read(); };
  auto round = worker.proxy().disk_threads().run(worker.io(), 0, std::move(work));
  co_await std::move(round);
  state->note(*job);
  state->loaded = std::move(job->bytes);
  state->loaded_from = offset;
  state->done();
}

/// To give a large file back to its file system may take a while.
asio::awaitable<void> let_go(Worker& worker, std::shared_ptr<Descriptor> descriptor) {
  std::function<void()> work = [last = std::move(descriptor)]() mutable { last.reset(); };
  auto round = worker.proxy().disk_threads().run(worker.io(), 0, std::move(work));
  co_await std::move(round);
}

class File final : public redshift::SpoolFile {
 public:
  File(Worker& worker, Relay& owner)
      : worker_(worker), state_(std::make_shared<State>(State{&owner, std::make_shared<Descriptor>(folder_of(worker.config()))})) {}
  ~File() override {
    state_->owner = nullptr;
    asio::co_spawn(worker_.io(), let_go(worker_, std::exchange(state_->descriptor, nullptr)), asio::detached);
  }

  void write(std::string bytes) override {
    state_->pending.push_back(std::move(bytes));
    if (std::exchange(state_->works, true)) return;
    asio::co_spawn(worker_.io(), write_out(worker_, state_), asio::detached);
  }
  bool is_writing() const override { return state_->works && !state_->pending.empty(); }
  bool read(std::uint64_t offset, std::size_t size, std::string& into) override {
    if (state_->works || !state_->fault.empty()) return false;
    if (state_->loaded_from == offset && state_->loaded.size() == size) {
      into = std::exchange(state_->loaded, {});
      state_->loaded_from = ~std::uint64_t{0};
      return true;
    }
    state_->works = true;
    asio::co_spawn(worker_.io(), read_in(worker_, state_, offset, size), asio::detached);
    return false;
  }
  const std::string& fault() const override { return state_->fault; }

 private:
  Worker& worker_;
  StatePtr state_;
};

}  // namespace

redshift::SpoolLimits SpoolFiles::limits() const { return {worker_.config().cursor_memory, worker_.config().cursor_spool_max}; }

bool SpoolFiles::take(std::uint64_t bytes) {
  std::atomic<std::uint64_t>& used = worker_.proxy().spooled_bytes();
  if (used.fetch_add(bytes, std::memory_order_relaxed) + bytes <= worker_.config().cursor_spool_total) return true;
  used.fetch_sub(bytes, std::memory_order_relaxed);
  return false;
}

void SpoolFiles::give_back(std::uint64_t bytes) { worker_.proxy().spooled_bytes().fetch_sub(bytes, std::memory_order_relaxed); }

std::unique_ptr<redshift::SpoolFile> SpoolFiles::open(std::string&) { return std::make_unique<File>(worker_, *served_); }

}  // namespace pgswitch
