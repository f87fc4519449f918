#include "proxy/dns.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "proxy/alarm.hpp"

namespace pgswitch {

namespace asio = boost::asio;
using boost::system::error_code;

/// A name: its last answer, and who waits for the next one.
struct DnsCache::Lookup {
  Entry entry;
  bool running = false;
  std::vector<Alarm*> waiting;
};

namespace {

/// Blocks for as long as the system's resolver takes.
DnsCache::Addresses look_up(const std::string& host, error_code& error) {
  asio::io_context unused;
  asio::ip::tcp::resolver resolver(unused);
  DnsCache::Addresses addresses;
  for (const auto& result : resolver.resolve(host, "", error)) {
    const asio::ip::address address = result.endpoint().address();
    if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) addresses.push_back(address);
  }
  return addresses;
}

}  // namespace

DnsCache::DnsCache(asio::io_context& io) : io_(io) {}

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
    Alarm alarm(io_);
    lookup.waiting.push_back(&alarm);
    co_await alarm.wait(deadline_us);
    std::erase(lookup.waiting, &alarm);
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
  if (!thread_) thread_ = std::make_unique<asio::thread_pool>(1);
  asio::post(*thread_, [this, &io = io_, host, lifetimes, now_us, alive = std::weak_ptr<int>(alive_)] {
    error_code error;
    Addresses addresses = look_up(host, error);
    post_to(io, [this, host, lifetimes, now_us, alive, error, addresses = std::move(addresses)]() mutable {
      if (!alive.expired()) finish(host, error, std::move(addresses), now_us + (error ? lifetimes.failed_us : lifetimes.found_us));
    });
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
  for (Alarm* alarm : lookup.waiting) alarm->wake();
  if (changed && changed_) changed_(host, texts);
}

std::map<std::string, DnsCache::Entry> DnsCache::entries() const {
  std::map<std::string, Entry> entries;
  for (const auto& [host, lookup] : lookups_) entries[host] = lookup->entry;
  return entries;
}

}  // namespace pgswitch
