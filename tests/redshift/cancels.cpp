#include "tests/redshift/cancels.hpp"

#include <map>
#include <mutex>

namespace pgswitch::stand_in {
namespace {

std::mutex mutex;
std::map<std::string, std::atomic<bool>*> sessions;

std::string key_of(std::uint32_t process_id, std::string_view secret) { return std::to_string(process_id) + ":" + std::string(secret); }

}  // namespace

Cancellation::Cancellation(std::uint32_t process_id, std::string_view secret) : key_(key_of(process_id, secret)) {
  const std::lock_guard lock(mutex);
  sessions[key_] = &asked_;
}

Cancellation::~Cancellation() {
  const std::lock_guard lock(mutex);
  sessions.erase(key_);
}

void Cancellation::ask(std::uint32_t process_id, std::string_view secret) {
  const std::lock_guard lock(mutex);
  if (const auto found = sessions.find(key_of(process_id, secret)); found != sessions.end()) *found->second = true;
}

}  // namespace pgswitch::stand_in
