#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace pgswitch {

/// Addresses of server hosts, looked up on a thread of its own and remembered for dns_max_ttl, failures for dns_nxdomain_ttl.
/// One per worker, its thread only. One lookup at a time per name, however many wait for it; the loop never waits.
class DnsCache {
 public:
  using Addresses = std::vector<boost::asio::ip::address>;
  struct Lifetimes {
    std::int64_t found_us = 0;
    std::int64_t failed_us = 0;
    Lifetimes(std::int64_t found, std::int64_t failed) : found_us(found), failed_us(failed) {}
  };
  /// A row of SHOW DNS_HOSTS.
  struct Entry {
    Addresses addresses;
    boost::system::error_code error;
    std::int64_t expires_us = 0;
  };

  explicit DnsCache(boost::asio::io_context& io);
  ~DnsCache();

  /// False with `error` when the name has no address or `deadline_us` (steady clock, as `now_us`) passes first. Numeric
  /// addresses are answered at once.
  boost::asio::awaitable<bool> resolve(std::string host, Lifetimes lifetimes, std::int64_t now_us,
                                       std::int64_t deadline_us, Addresses& addresses, boost::system::error_code& error);

  /// Called when a name's addresses have changed.
  void on_change(std::function<void(const std::string& host, const std::vector<std::string>& addresses)> listener) {
    changed_ = std::move(listener);
  }
  std::map<std::string, Entry> entries() const;

 private:
  struct Lookup;
  void start(const std::string& host, Lifetimes lifetimes, std::int64_t now_us);
  void finish(const std::string& host, const boost::system::error_code& error, Addresses addresses,
              std::int64_t expires_us);

  boost::asio::io_context& io_;
  std::map<std::string, std::unique_ptr<Lookup>> lookups_;
  std::function<void(const std::string&, const std::vector<std::string>&)> changed_;
  std::unique_ptr<boost::asio::thread_pool> thread_;  ///< once there is a name to look up
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace pgswitch
