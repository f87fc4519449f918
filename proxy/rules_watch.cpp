#include "proxy/rules_watch.hpp"

#include <sys/stat.h>

namespace pgswitch {

RulesWatch::State RulesWatch::look(const std::string& path) {
  constexpr std::int64_t second_ns = 1'000'000'000;
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return {status.st_mtim.tv_sec * second_ns + status.st_mtim.tv_nsec, status.st_size, status.st_ino};
}

void RulesWatch::add(const std::string& path) { read_.try_emplace(path, look(path)); }

bool RulesWatch::has_settled_change() {
  States now;
  for (const auto& [path, state] : read_) now.emplace(path, look(path));
  if (now == read_) {
    seen_.clear();
    return false;
  }
  const bool settled = now == seen_;
  seen_ = std::move(now);
  return settled;
}

}  // namespace pgswitch
