#pragma once
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace pgswitch::stand_in {

/// CancelRequests on their way to a session that waits for S3: PostgreSQL does not look for them while it waits for the data of a COPY.
class Cancellation {
 public:
  Cancellation(std::uint32_t process_id, std::string_view secret);
  ~Cancellation();
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;

  /// Was the session cancelled since the last clear()?
  bool is_asked() const { return asked_; }
  void clear() { asked_ = false; }
  /// From any thread.
  static void ask(std::uint32_t process_id, std::string_view secret);

 private:
  std::string key_;
  std::atomic<bool> asked_ = false;
};

}  // namespace pgswitch::stand_in
