#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rules/decision.hpp"
#include "rules/facts.hpp"

namespace pgswitch::rules {

/// A Script and the session facts for which it holds.
struct CachedVariant {
  Dependencies depends_on = 0;
  std::uint64_t identity = 0;  ///< of the facts that last matched
  bool in_transaction = false;
  bool tls = false;
  /// Those it depends on; else empty.
  std::string user, database, application_name, client_address, certificate, search_path, wished_route;
  ScriptPtr script;

  CachedVariant(Dependencies depends_on, const Facts& facts, ScriptPtr script);
  /// Does the script hold for `facts`? Compares strings only when the identity is another than last time.
  bool matches(const Facts& facts);
};

/// What is known of one key: the analysis, and the scripts that the rules made of it.
struct CacheEntry {
  static constexpr std::size_t max_variants = 32;

  std::uint64_t hash = 0;
  std::string key;
  std::vector<ScriptItem> items;  ///< without decisions
  std::vector<CachedVariant> variants;
  std::size_t next_variant = 0;   ///< the one to be replaced when there are too many
  std::size_t bytes = 0;
  CacheEntry* next_in_bucket = nullptr;
  CacheEntry* newer = nullptr;
  CacheEntry* older = nullptr;

  /// nullptr when none holds for `facts`.
  const ScriptPtr* find_variant(const Facts& facts);
};

/// One level of the statement cache: texts or shapes, least recently used last, bounded in bytes. Owned by the Engine of
/// one worker. Keys are compared as bytes; the hash only finds them. find() does not allocate.
class CacheLevel {
 public:
  explicit CacheLevel(std::size_t max_bytes);
  ~CacheLevel();
  CacheLevel(const CacheLevel&) = delete;
  CacheLevel& operator=(const CacheLevel&) = delete;

  /// The entry, now the most recently used; nullptr if there is none.
  CacheEntry* find(std::uint64_t hash, std::string_view key);
  /// A new entry for a key that is not there; nullptr when it is too large to be kept. May evict any other.
  CacheEntry* insert(std::uint64_t hash, std::string_view key, std::vector<ScriptItem> items);
  /// Keeps `script` for facts like these, unless it is too large. May evict any other entry.
  void add_variant(CacheEntry& entry, Dependencies depends_on, const Facts& facts, ScriptPtr script);

  std::size_t entries() const { return entries_; }
  std::size_t bytes() const { return bytes_; }
  std::uint64_t evictions() const { return evictions_; }

 private:
  std::size_t bucket_of(std::uint64_t hash) const { return hash & (buckets_.size() - 1); }
  std::size_t largest() const { return max_bytes_ / 4; }
  void link_newest(CacheEntry* entry);
  void unlink(CacheEntry* entry);
  void erase(CacheEntry* entry);
  void evict_for(const CacheEntry* keep);
  void grow();

  std::size_t max_bytes_;
  std::vector<CacheEntry*> buckets_;
  CacheEntry* newest_ = nullptr;
  CacheEntry* oldest_ = nullptr;
  std::size_t entries_ = 0;
  std::size_t bytes_ = 0;
  std::uint64_t evictions_ = 0;
};

/// Bytes that a Statement, or a Script without its Statements, holds; near enough for a bound.
std::size_t footprint(const Statement& statement);
std::size_t footprint(const Script& script);

}  // namespace pgswitch::rules
