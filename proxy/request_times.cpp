#include "proxy/request_times.hpp"

namespace pgswitch {

Histogram& Histogram::operator+=(const Histogram& other) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  total_ += other.total_;
  return *this;
}

std::int64_t Histogram::quantile_us(unsigned percent) const {
  if (total_ == 0) return 0;
  const std::uint64_t wanted = (total_ * percent + 99) / 100;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= wanted && seen > 0) return most_of(i);
  }
  return most_of(counts_.size() - 1);
}

std::int64_t Histogram::most_of(std::size_t bucket) {
  if (bucket < 1u << fine_bits) return static_cast<std::int64_t>(bucket);
  const std::size_t shift = (bucket >> fine_bits) - 1;
  const std::size_t fine = bucket & ((1u << fine_bits) - 1);
  return static_cast<std::int64_t>((((std::size_t{1} << fine_bits) + fine + 1) << shift) - 1);
}

}  // namespace pgswitch
