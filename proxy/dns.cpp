#include "proxy/dns.hpp"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

namespace pgswitch {

namespace asio = boost::asio;
using boost::system::error_code;

/// A name: its last answer, and who waits for the next one.
struct DnsCache::Lookup {
  Entry entry;
  bool running = false;
  std::vector<asio::steady_timer*> waiting;
};

DnsCache::DnsCache(asio::io_context& io) : io_(io), resolver_(io) {}

DnsCache::~DnsCache() = default;

asio::awaitable<bool> DnsCache::resolve(std::string host, Lifetimes lifetimes, std::int64_t now_us,
                                        std::int64_t deadline_us, Addresses& addresses, error_code& error) {
  const asio::ip::address numeric = asio::ip::make_address(host, error);
  if (!error) {
    addresses.assign(1, numeric);
    co_return true;
  }
  std::unique_ptr<Lookup>& slot = lookups_[host];
  if (!slot) slot = std::make_unique<Lookup>();
  Lookup& lookup = *slot;  // entries are never removed: the names are those of the configuration
  if (lookup.entry.expires_us <= now_us) {
    if (!lookup.running) start(host, lifetimes, now_us);
    using Clock = std::chrono::steady_clock;
    asio::steady_timer timer(io_, deadline_us > 0 ? Clock::time_point(std::chrono::microseconds(deadline_us))
                                                  : Clock::time_point::max());
    lookup.waiting.push_back(&timer);
    error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    std::erase(lookup.waiting, &timer);
    if (lookup.running) {
      error = asio::error::timed_out;
      co_return false;
    }
  }
  addresses = lookup.entry.addresses;
  error = lookup.entry.error;
  co_return !addresses.empty();
}

void DnsCache::start(const std::string& host, Lifetimes lifetimes, std::int64_t now_us) {
  lookups_[host]->running = true;
  resolver_.async_resolve(
      host, "", [this, host, lifetimes, now_us, alive = std::weak_ptr<int>(alive_)](
                    const error_code& error, const asio::ip::tcp::resolver::results_type& results) {
        if (alive.expired()) return;
        Addresses addresses;
        for (const auto& result : results) {
          const asio::ip::address address = result.endpoint().address();
          if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) addresses.push_back(address);
        }
        finish(host, error, std::move(addresses), now_us + (error ? lifetimes.failed_us : lifetimes.found_us));
      });
}

void DnsCache::finish(const std::string& host, const error_code& error, Addresses addresses, std::int64_t expires_us) {
  Lookup& lookup = *lookups_[host];
  lookup.running = false;
  std::vector<std::string> texts;
  for (const auto& address : addresses) texts.push_back(address.to_string());
  const auto sorted = [](Addresses list) {
    std::sort(list.begin(), list.end());
    return list;
  };
  // A failed lookup says nothing about connections that work.
  const bool changed = !error && !lookup.entry.addresses.empty() && sorted(addresses) != sorted(lookup.entry.addresses);
  lookup.entry.error = error;
  lookup.entry.expires_us = expires_us;
  lookup.entry.addresses = std::move(addresses);
  for (asio::steady_timer* timer : lookup.waiting) timer->cancel();
  if (changed && changed_) changed_(host, texts);
}

std::map<std::string, DnsCache::Entry> DnsCache::entries() const {
  std::map<std::string, Entry> entries;
  for (const auto& [host, lookup] : lookups_) entries[host] = lookup->entry;
  return entries;
}

}  // namespace pgswitch
