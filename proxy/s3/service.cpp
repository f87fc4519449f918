#include "proxy/s3/service.hpp"

#include <chrono>

namespace pgswitch::s3 {

Service::Service() : credentials_(Surroundings::of_process(http_)) {}

Bucket Service::bucket(const Location& location, const std::atomic<bool>* stop) {
  return {http_, location, [this](bool fresh, std::string& error) { return credentials_.get(fresh, error); }, stop};
}

std::string Service::remove(const Leftover& leftover, int attempts) {
  Bucket there = bucket(leftover.location, nullptr);
  there.attempts = attempts;
  if (!leftover.upload.empty())
    if (const Outcome outcome = there.abort(leftover.key, leftover.upload); !outcome.ok) return outcome.message;
  const Outcome outcome = there.remove(leftover.key);
  return outcome.ok ? std::string() : outcome.message;
}

std::vector<Service::Leftover> Service::remove_all(int seconds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  std::list<Leftover> found;
  {
    const std::lock_guard lock(mutex_);
    found = leftovers_;
  }
  std::vector<Leftover> left;
  for (const Leftover& one : found)
    if (std::chrono::steady_clock::now() > deadline || !remove(one, 2).empty()) left.push_back(one);
  return left;
}

void Service::stop_all() {
  const std::lock_guard lock(mutex_);
  for (const Leftover& one : leftovers_) one.stop->store(true);
}

Registration::Registration(std::shared_ptr<Service> service, Location location, std::string key, std::atomic<bool>& stop)
    : service_(std::move(service)) {
  const std::lock_guard lock(service_->mutex_);
  place_ = service_->leftovers_.insert(service_->leftovers_.end(), {std::move(location), std::move(key), {}, &stop});
}

Registration& Registration::operator=(Registration&& other) noexcept {
  clear();
  service_ = std::move(other.service_);
  place_ = other.place_;
  return *this;
}

void Registration::set_upload(const std::string& id) {
  if (!service_) return;
  const std::lock_guard lock(service_->mutex_);
  place_->upload = id;
}

void Registration::clear() {
  if (!service_) return;
  {
    const std::lock_guard lock(service_->mutex_);
    service_->leftovers_.erase(place_);
  }
  service_.reset();
}

}  // namespace pgswitch::s3
