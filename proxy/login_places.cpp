#include "proxy/login_places.hpp"

#include <utility>

namespace pgswitch {

LoginPlace::LoginPlace(LoginPlace&& other) noexcept
    : places_(std::exchange(other.places_, nullptr)), address_(std::move(other.address_)) {}

LoginPlace& LoginPlace::operator=(LoginPlace&& other) noexcept {
  std::swap(places_, other.places_);
  address_.swap(other.address_);
  return *this;
}

LoginPlace::~LoginPlace() {
  if (places_) places_->give_back(address_);
}

LoginPlace LoginPlaces::take(const std::string& address, int limit) {
  const std::lock_guard lock(mutex_);
  std::uint32_t& taken = taken_[address];
  if (taken >= static_cast<std::uint32_t>(limit)) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    return {};
  }
  ++taken;
  return LoginPlace(*this, address);
}

std::size_t LoginPlaces::size() const {
  const std::lock_guard lock(mutex_);
  return taken_.size();
}

void LoginPlaces::give_back(const std::string& address) {
  const std::lock_guard lock(mutex_);
  const auto found = taken_.find(address);
  if (found != taken_.end() && --found->second == 0) taken_.erase(found);
}

}  // namespace pgswitch
