#pragma once
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proxy/alarm.hpp"
#include "proxy/copy/gzip.hpp"
#include "proxy/helper_threads.hpp"
#include "proxy/s3/bucket.hpp"
#include "proxy/s3/service.hpp"

namespace pgswitch::s3 {

/// One object on its way to S3, and until it is deleted there: what is added is compressed and sent in parts while it comes, by helper
/// threads. Small ones are sent by one PUT. Lives as long as its coroutine; the thread of `io`, but for what the threads do meanwhile.
class Upload : public std::enable_shared_from_this<Upload> {
 public:
  struct Options {
    Location location;      ///< without a region: that of the environment or the profile, which is looked up first
    std::string key;
    std::size_t part_size = 8u << 20;
    int parallel = 3;       ///< parts on their way at once
    bool gzip = true;
    bool needs_keys = true; ///< whoever reads the object is given keys()
  };
  /// Something has changed: there is room again, it is complete, or it has failed.
  using Changed = std::function<void()>;

  Upload(boost::asio::io_context& io, HelperThreads& threads, std::shared_ptr<Service> service, Options options, Changed changed);
  ~Upload();

  void start();
  void add(std::string bytes, bool last);
  bool has_room() const { return waiting_.size() < most_waiting; }
  bool is_complete() const { return complete_; }
  /// Why it has failed; "": it has not.
  const std::string& error() const { return error_; }
  /// With which the object can be read; fresh ones.
  const Keys& keys() const { return keys_; }
  std::uint64_t sent_bytes() const { return sent_; }
  const Options& options() const { return options_; }
  /// Whatever there is of it is deleted, now or when what is under way has ended. Nothing is said any more.
  void discard();

  static constexpr std::size_t most_waiting = 4u << 20;
  static constexpr int most_parts = 10'000;

 private:
  boost::asio::awaitable<void> run();
  boost::asio::awaitable<void> find_region();
  boost::asio::awaitable<void> transfer();
  boost::asio::awaitable<void> send_parts(bool last);
  boost::asio::awaitable<void> send_part(int number, std::string part);
  boost::asio::awaitable<void> finish();
  boost::asio::awaitable<void> clean_up();
  boost::asio::awaitable<bool> begin();
  void fail(std::string why);
  void tell();
  bool is_over() const { return discarded_ || !error_.empty(); }
  Bucket bucket(const std::atomic<bool>* stop) const;

  boost::asio::io_context& io_;
  HelperThreads& threads_;
  const std::shared_ptr<Service> service_;
  Options options_;
  Changed changed_;
  Alarm wake_;
  std::string waiting_;       ///< added, not compressed
  std::string part_;          ///< compressed, not sent
  std::unique_ptr<copy::Gzip> gzip_;
  std::string id_;            ///< of the multipart upload
  std::vector<std::string> etags_;
  Keys keys_;
  std::string error_;
  std::uint64_t sent_ = 0;
  int sending_ = 0;
  bool last_ = false, complete_ = false, discarded_ = false, touched_ = false;
  std::atomic<bool> stop_{false};
  Registration registration_;
};

}  // namespace pgswitch::s3
