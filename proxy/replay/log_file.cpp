#include "proxy/replay/log_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace pgswitch::replay {
namespace {

constexpr std::size_t block_size = 1024 * 1024;

/// A descriptor that is closed with the object.
struct File {
  explicit File(const std::string& path) : descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~File() {
    if (descriptor >= 0) ::close(descriptor);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int descriptor;
};

/// Appends what the file has next, up to a block. Bytes read, 0 at its end, negative: errno.
ssize_t append_block(int descriptor, std::string& bytes) {
  const std::size_t before = bytes.size();
  bytes.resize(before + block_size);
  ssize_t got = 0;
  do got = ::read(descriptor, bytes.data() + before, block_size);
  while (got < 0 && errno == EINTR);
  bytes.resize(before + static_cast<std::size_t>(got > 0 ? got : 0));
  return got;
}

/// Puts a block behind `bytes`, or as much as there is already, so that a long entry is not looked at from its beginning too often. A pipe
/// gives little at a time.
ssize_t append_full_block(int descriptor, std::string& bytes) {
  const std::size_t before = bytes.size();
  const std::size_t wanted = before + std::max(block_size, before);
  while (bytes.size() < wanted) {
    const ssize_t got = append_block(descriptor, bytes);
    if (got < 0) return got;
    if (got == 0) break;
  }
  return static_cast<ssize_t>(bytes.size() - before);
}

}  // namespace

bool read_log(const std::string& path, const Sink& sink, const std::function<void(std::size_t)>& progress, std::string& error) {
  const File file(path);
  std::unique_ptr<LogReader> reader;
  std::string bytes;
  while (file.descriptor >= 0) {
    const ssize_t got = append_full_block(file.descriptor, bytes);
    if (got < 0) break;
    if (!reader) reader = make_reader(detect_format(bytes));
    const bool last = got == 0;
    const std::size_t used = reader->read(bytes, last, sink);
    if (used == 0 && bytes.size() >= longest_entry) return error = path + ": an entry is longer than 64 MB; what is behind it is not read", false;
    progress(static_cast<std::size_t>(got));
    if (last) return true;
    bytes.erase(0, used);
  }
  error = path + ": " + std::strerror(errno);
  return false;
}

std::uint64_t total_size(const std::vector<std::string>& paths) {
  std::uint64_t sum = 0;
  for (const std::string& path : paths) {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode)) sum += static_cast<std::uint64_t>(status.st_size);
  }
  return sum;
}

}  // namespace pgswitch::replay
