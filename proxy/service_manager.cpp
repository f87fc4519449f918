#include "proxy/service_manager.hpp"

#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cstdlib>

#include "proxy/clock.hpp"

namespace pgswitch::service_manager {

void notify(const std::string& state) { sd_notify(0, state.c_str()); }

std::string reloading() { return "RELOADING=1\nMONOTONIC_USEC=" + std::to_string(steady_us()); }

std::string status(std::string_view text) { return "STATUS=" + std::string(text); }

std::vector<int> take_sockets() {
  std::vector<int> sockets;
  const int count = sd_listen_fds(1);
  for (int i = 0; i < count; ++i) sockets.push_back(SD_LISTEN_FDS_START + i);
  return sockets;
}

bool logs_to_journal() {
  const char* const stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &status) != 0) return false;
  return stream == std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

}  // namespace pgswitch::service_manager
