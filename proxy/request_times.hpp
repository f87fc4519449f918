#pragma once
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace pgswitch {

/// How long requests took, counted in steps of an eighth of each power of two: what is read off it is at most 12.5 % too large. Plain numbers of one worker.
class Histogram {
 public:
  void add(std::int64_t time_us) {
    ++counts_[bucket(time_us)];
    ++total_;
  }
  Histogram& operator+=(const Histogram& other);
  /// µs that `percent` of the requests did not exceed; 0 when there were none.
  std::int64_t quantile_us(unsigned percent) const;
  std::uint64_t total() const { return total_; }

 private:
  static constexpr unsigned fine_bits = 3;
  static constexpr unsigned longest_bits = 28;  ///< 2^28 µs are four minutes; longer ones count as that
  static constexpr std::size_t bucket_count = (longest_bits - fine_bits + 1) << fine_bits;

  static std::size_t bucket(std::int64_t time_us) {
    const auto time = static_cast<std::uint64_t>(time_us > 0 ? time_us : 0);
    const auto width = static_cast<unsigned>(std::bit_width(time));
    if (width <= fine_bits) return time;
    if (width > longest_bits) return bucket_count - 1;
    const unsigned shift = width - fine_bits - 1;
    return ((std::size_t{shift} + 1) << fine_bits) + ((time >> shift) & ((1u << fine_bits) - 1));
  }
  static std::int64_t most_of(std::size_t bucket);

  std::array<std::uint32_t, bucket_count> counts_{};
  std::uint64_t total_ = 0;
};

/// The requests of the last minute, or a little less: of the present half of a minute and of the one before.
class RecentTimes {
 public:
  void add(std::int64_t time_us) { halves_[0].add(time_us); }
  /// To be called now and then.
  void move_on(std::int64_t now_us) {
    if (now_us < half_ends_us_) return;
    halves_[1] = now_us < half_ends_us_ + half_us ? halves_[0] : Histogram();
    halves_[0] = Histogram();
    half_ends_us_ = now_us + half_us;
  }
  Histogram all() const { return Histogram(halves_[0]) += halves_[1]; }

 private:
  static constexpr std::int64_t half_us = 30'000'000;
  std::array<Histogram, 2> halves_;
  std::int64_t half_ends_us_ = 0;
};

}  // namespace pgswitch
