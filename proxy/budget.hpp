#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace pgswitch {

class Permit;

/// A limit over all workers: how many server sockets may exist (of a pool, a database, a server user). Shared, atomic.
/// Sum of the permits in use = live server sockets, those still connecting included, at every instant.
class Budget {
 public:
  /// 0 = unlimited.
  explicit Budget(std::uint32_t limit) : limit_(limit) {}
  void set_limit(std::uint32_t limit) { limit_.store(limit, std::memory_order_relaxed); }
  std::uint32_t limit() const { return limit_.load(std::memory_order_relaxed); }
  std::uint32_t used() const { return used_.load(std::memory_order_relaxed); }
  bool has_room() const { return limit() == 0 || used() < limit(); }
  /// `extra`: allowed above the limit (reserve pool).
  bool try_take(std::uint32_t extra = 0);

 private:
  friend class Permit;
  friend class ClientPermit;
  void give_back() { used_.fetch_sub(1, std::memory_order_relaxed); }
  std::atomic<std::uint32_t> limit_;
  std::atomic<std::uint32_t> used_{0};
};
using BudgetPtr = std::shared_ptr<Budget>;

/// One taken unit of a Budget; move-only, gives it back when it dies. Default: holds nothing.
class Permit {
 public:
  Permit() = default;
  static Permit try_take(const BudgetPtr& budget, std::uint32_t extra = 0);
  Permit(Permit&& other) noexcept : budget_(std::move(other.budget_)) {}
  Permit& operator=(Permit&& other) noexcept;
  ~Permit() { reset(); }
  void reset();
  explicit operator bool() const { return budget_ != nullptr; }

 private:
  BudgetPtr budget_;
};

}  // namespace pgswitch
