#include "rules/shared_store.hpp"

#include <new>
#include <utility>

namespace pgswitch::rules {

namespace {

/// Of an element of the map, beside what its strings have.
constexpr std::size_t entry_bytes = 128;
/// A full store is looked through for what is over no more often than that.
constexpr std::int64_t sweep_period_us = 100'000;

}  // namespace

std::size_t SharedStore::cost(std::string_view key, const Value& value) {
  const auto* text = std::get_if<std::string>(&value);
  return entry_bytes + key.size() + (text ? text->size() : 0);
}

bool SharedStore::get(std::string_view key, std::int64_t now_us, Value& value) const noexcept {
  try {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end() || found->second.until_us <= now_us) return false;
    value = found->second.value;
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

bool SharedStore::set(std::string_view key, Value&& value, std::int64_t now_us, std::int64_t until_us) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    return put(key, std::move(value), now_us, until_us);
  } catch (const std::bad_alloc&) {
    return false;
  }
}

bool SharedStore::add(std::string_view key, std::int64_t number, std::int64_t now_us, std::int64_t until_us, std::int64_t& sum) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end() || found->second.until_us <= now_us) {
      sum = number;
      return put(key, number, now_us, until_us);
    }
    auto* const held = std::get_if<std::int64_t>(&found->second.value);
    if (!held || __builtin_add_overflow(*held, number, held)) return false;
    sum = *held;
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void SharedStore::remove(std::string_view key) noexcept {
  const std::lock_guard lock(mutex_);
  if (const auto found = entries_.find(key); found != entries_.end()) forget(found);
}

void SharedStore::clear() noexcept {
  const std::lock_guard lock(mutex_);
  entries_.clear();
  bytes_ = 0;
}

std::size_t SharedStore::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

std::size_t SharedStore::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

void SharedStore::forget(Entries::iterator entry) {
  bytes_ -= cost(entry->first, entry->second.value);
  entries_.erase(entry);
}

bool SharedStore::make_room(std::size_t size, std::int64_t now_us) {
  if (bytes_ + size <= most_bytes_) return true;
  if (now_us < next_sweep_us_) return false;
  next_sweep_us_ = now_us + sweep_period_us;
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto next = std::next(entry);
    if (entry->second.until_us <= now_us) forget(entry);
    entry = next;
  }
  return bytes_ + size <= most_bytes_;
}

bool SharedStore::put(std::string_view key, Value&& value, std::int64_t now_us, std::int64_t until_us) {
  const auto* text = std::get_if<std::string>(&value);
  if (key.size() > longest_key || (text && text->size() > longest_value)) return false;
  if (const auto before = entries_.find(key); before != entries_.end()) forget(before);
  const std::size_t size = cost(key, value);
  if (!make_room(size, now_us)) return false;
  entries_.emplace(std::string(key), Entry{std::move(value), until_us});
  bytes_ += size;
  return true;
}

// FNV-1a, and the finalizer of MurmurHash3, for its low bits are used for splits.
std::int64_t stable_hash(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdu;
  hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53u;
  hash ^= hash >> 33;
  return static_cast<std::int64_t>(hash >> 11);
}

}  // namespace pgswitch::rules
