#pragma once
#include <spdlog/sinks/base_sink.h>

#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "proxy/log.hpp"

namespace pgswitch {

/// A descriptor that lines go to. A full disk, a closed stderr or a pipe that nobody reads loses lines, never the process:
/// who has let one line wait too long gets the next ones only when there is room for them.
class LogOutlet {
 public:
  explicit LogOutlet(int descriptor = -1);
  int descriptor() const { return descriptor_; }
  /// Whole lines; how many of them were lost.
  std::size_t write(std::string_view lines);

 private:
  std::size_t size_at_once(std::string_view lines) const;
  bool has_room();

  int descriptor_;
  bool is_file_ = false;
  bool stuck_ = false;
};

/// The end of the way: stderr (or the journal that reads it), the file and syslog. Whoever logs appends to one text; a thread takes all of it and writes it
/// at once. The first line wakes that thread, which then looks again by itself: lines that come in a storm cost no system call
/// where they come from, and few where they are written. Any thread; change() by whoever handles SIGHUP.
class LineSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  /// `file`: a descriptor, owned from now on; -1 = none.
  LineSink(const LogOptions& options, int file);
  ~LineSink() override;  ///< writes what is queued

  LogOptions options();
  void change(const LogOptions& options, int file);

 private:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}
  void write_queued();
  void write(std::string_view lines);

  const int pid_;
  const bool to_stderr_;
  const bool to_journal_;  ///< stderr is read by systemd's journal
  std::string queue_;  ///< whole lines; guarded by mutex_, as the next
  bool idle_ = false;  ///< the writer waits for a line
  bool urgent_ = false;
  bool closing_ = false;
  std::condition_variable wake_;
  std::mutex outlet_mutex_;  ///< the members below
  LogOptions options_;
  LogOutlet stderr_;
  LogOutlet file_;
  std::thread writer_;
};

/// spdlog's name of a level.
spdlog::level::level_enum spdlog_level(LogLevel level);

}  // namespace pgswitch
