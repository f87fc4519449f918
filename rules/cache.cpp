#include "rules/cache.hpp"

#include <array>
#include <utility>

namespace pgswitch::rules {

namespace {

constexpr std::size_t first_buckets = 256;
constexpr std::size_t node = 32;  // what an allocation costs beside its bytes

/// A string of the facts, where a variant keeps it, and what says that it depends on it.
struct KeptString {
  Dependency dependency;
  std::string_view (*fact)(const Facts&);
  std::string CachedVariant::*kept;
};
constexpr std::array kept_strings = {
    KeptString{Dependency::user, [](const Facts& facts) { return std::string_view(facts.user); }, &CachedVariant::user},
    KeptString{Dependency::database, [](const Facts& facts) { return std::string_view(facts.database); }, &CachedVariant::database},
    KeptString{Dependency::application_name, [](const Facts& facts) { return std::string_view(facts.application_name); }, &CachedVariant::application_name},
    KeptString{Dependency::client_address, [](const Facts& facts) { return std::string_view(facts.client_address); }, &CachedVariant::client_address},
    KeptString{Dependency::tls, [](const Facts& facts) { return std::string_view(facts.certificate); }, &CachedVariant::certificate},
    KeptString{Dependency::search_path, [](const Facts& facts) { return std::string_view(facts.search_path); }, &CachedVariant::search_path},
    KeptString{Dependency::wished_route, [](const Facts& facts) { return std::string_view(facts.wished_route); }, &CachedVariant::wished_route},
};
constexpr Dependencies string_dependencies = [] {
  Dependencies all = 0;
  for (const KeptString& one : kept_strings) all |= bit(one.dependency);
  return all;
}();

std::size_t footprint(const std::string& text) { return text.capacity() > 15 ? text.capacity() + node : 0; }

template <class T>
std::size_t footprint_of(const std::vector<T>& all) {
  return all.capacity() * sizeof(T) + (all.empty() ? 0 : node);
}

std::size_t footprint(const std::vector<std::string>& strings) {
  std::size_t bytes = footprint_of(strings);
  for (const std::string& text : strings) bytes += footprint(text);
  return bytes;
}

std::size_t footprint(const std::vector<TableName>& tables) {
  std::size_t bytes = footprint_of(tables);
  for (const TableName& table : tables) bytes += footprint(table.schema) + footprint(table.name);
  return bytes;
}

std::size_t footprint(const Answer& answer) {
  std::size_t bytes = footprint(answer.columns) + footprint_of(answer.rows);
  for (const auto& row : answer.rows) {
    bytes += footprint_of(row);
    for (const auto& cell : row) bytes += cell ? footprint(*cell) : 0;
  }
  return bytes;
}

std::size_t footprint(const Decision& decision) {
  const Refusal& refusal = decision.refusal;
  std::size_t edits = decision.edits ? sizeof *decision.edits + footprint_of(*decision.edits) + node + decision.positions.bytes() : 0;
  for (std::size_t i = 0; decision.edits && i < decision.edits->size(); ++i) edits += footprint((*decision.edits)[i].text);
  return sizeof decision + node + edits + (decision.rewritten ? footprint(*decision.rewritten) : 0) + footprint(refusal.message) +
         footprint(refusal.detail) + footprint(refusal.hint) + footprint(decision.answer) + footprint(decision.rule);
}

std::size_t footprint(const CachedVariant& variant) {
  std::size_t bytes = sizeof variant + footprint(*variant.script);
  for (const KeptString& one : kept_strings) bytes += footprint(variant.*one.kept);
  return bytes;
}

}  // namespace

std::size_t footprint(const Statement& s) {
  std::size_t bytes = sizeof s + node + footprint(s.command) + footprint(s.reads) + footprint(s.writes) + footprint(s.functions) +
                      footprint_of(s.variables) + footprint(s.object) + footprint(s.hints) + footprint(s.words) + footprint(s.redshift_keyword);
  for (const VariableChange& change : s.variables) bytes += footprint(change.name) + footprint(change.statement) + footprint(change.value);
  return bytes;
}

std::size_t footprint(const Script& script) {
  std::size_t bytes = sizeof script + node + footprint_of(script.items);
  for (const ScriptItem& item : script.items) bytes += footprint(*item.decision);
  return bytes;
}

CachedVariant::CachedVariant(Dependencies on, const Facts& facts, ScriptPtr made)
    : depends_on(on), identity(facts.identity), in_transaction(facts.in_transaction), tls(facts.tls), script(std::move(made)) {
  for (const KeptString& one : kept_strings)
    if (has(on, one.dependency)) this->*one.kept = one.fact(facts);
}

bool CachedVariant::matches(const Facts& facts) {
  if (has(depends_on, Dependency::in_transaction) && in_transaction != facts.in_transaction) return false;
  if ((depends_on & string_dependencies) == 0 || (identity != 0 && identity == facts.identity)) return true;
  if (has(depends_on, Dependency::tls) && tls != facts.tls) return false;
  for (const KeptString& one : kept_strings)
    if (has(depends_on, one.dependency) && this->*one.kept != one.fact(facts)) return false;
  identity = facts.identity;
  return true;
}

const ScriptPtr* CacheEntry::find_variant(const Facts& facts) {
  for (CachedVariant& variant : variants) {
    if (variant.matches(facts)) return &variant.script;
  }
  return nullptr;
}

CacheLevel::CacheLevel(std::size_t max_bytes) : max_bytes_(max_bytes), buckets_(first_buckets, nullptr) {}

CacheLevel::~CacheLevel() {
  while (newest_ != nullptr) delete std::exchange(newest_, newest_->older);
}

CacheEntry* CacheLevel::find(std::uint64_t hash, std::string_view key) {
  for (CacheEntry* entry = buckets_[bucket_of(hash)]; entry != nullptr; entry = entry->next_in_bucket) {
    if (entry->hash != hash || entry->key != key) continue;
    if (entry != newest_) {
      unlink(entry);
      link_newest(entry);
    }
    return entry;
  }
  return nullptr;
}

CacheEntry* CacheLevel::insert(std::uint64_t hash, std::string_view key, std::vector<ScriptItem> items) {
  std::size_t bytes = sizeof(CacheEntry) + node + key.size() + footprint_of(items);
  for (const ScriptItem& item : items) bytes += footprint(*item.statement);
  if (bytes > largest()) return nullptr;
  if (entries_ >= buckets_.size()) grow();
  auto* entry = new CacheEntry;
  entry->hash = hash;
  entry->key = key;
  entry->items = std::move(items);
  entry->bytes = bytes;
  entry->next_in_bucket = std::exchange(buckets_[bucket_of(hash)], entry);
  link_newest(entry);
  ++entries_;
  bytes_ += bytes;
  evict_for(entry);
  return entry;
}

void CacheLevel::add_variant(CacheEntry& entry, Dependencies depends_on, const Facts& facts, ScriptPtr script) {
  CachedVariant variant(depends_on, facts, std::move(script));
  const std::size_t bytes = footprint(variant);
  const bool replace = entry.variants.size() >= CacheEntry::max_variants;
  const std::size_t freed = replace ? footprint(entry.variants[entry.next_variant]) : 0;
  if (entry.bytes - freed + bytes > largest()) return;
  if (replace) {
    entry.variants[entry.next_variant] = std::move(variant);
    entry.next_variant = (entry.next_variant + 1) % CacheEntry::max_variants;
  } else {
    entry.variants.push_back(std::move(variant));
  }
  entry.bytes += bytes - freed;
  bytes_ += bytes - freed;
  evict_for(&entry);
}

void CacheLevel::link_newest(CacheEntry* entry) {
  entry->newer = nullptr;
  entry->older = newest_;
  (newest_ != nullptr ? newest_->newer : oldest_) = entry;
  newest_ = entry;
}

void CacheLevel::unlink(CacheEntry* entry) {
  (entry->newer != nullptr ? entry->newer->older : newest_) = entry->older;
  (entry->older != nullptr ? entry->older->newer : oldest_) = entry->newer;
}

void CacheLevel::erase(CacheEntry* entry) {
  unlink(entry);
  CacheEntry** link = &buckets_[bucket_of(entry->hash)];
  while (*link != entry) link = &(*link)->next_in_bucket;
  *link = entry->next_in_bucket;
  bytes_ -= entry->bytes;
  --entries_;
  delete entry;
}

void CacheLevel::evict_for(const CacheEntry* keep) {
  while (bytes_ > max_bytes_ && oldest_ != nullptr && oldest_ != keep) {
    erase(oldest_);
    ++evictions_;
  }
}

void CacheLevel::grow() {
  std::vector<CacheEntry*> larger(buckets_.size() * 2, nullptr);
  buckets_.swap(larger);
  for (CacheEntry* entry = newest_; entry != nullptr; entry = entry->older) {
    entry->next_in_bucket = std::exchange(buckets_[bucket_of(entry->hash)], entry);
  }
}

}  // namespace pgswitch::rules
