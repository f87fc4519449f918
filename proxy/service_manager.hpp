#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// What systemd is told and what it hands over (sd_notify(3), sd_listen_fds(3)). Everything does nothing when the process was
/// not started by systemd.
namespace pgswitch::service_manager {

/// "READY=1" and the like, see states below. May block for as long as systemd does not read: not on a worker's thread.
void notify(const std::string& state);

inline constexpr std::string_view ready = "READY=1";
inline constexpr std::string_view stopping = "STOPPING=1";
/// RELOADING=1 with the time of the monotonic clock that Type=notify-reload asks for.
std::string reloading();
/// The line that `systemctl status` shows.
std::string status(std::string_view text);

/// The listening sockets that systemd opened (socket activation), owned by the caller. A second call returns none. Main thread,
/// before there are others: it changes the environment.
std::vector<int> take_sockets();

/// True when standard error is the journal's stream (JOURNAL_STREAM, systemd.exec(5)): it takes a priority in front of each line
/// and has its own time and process id.
bool logs_to_journal();

}  // namespace pgswitch::service_manager
