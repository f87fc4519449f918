#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "proxy/replay/log_reader.hpp"

namespace pgswitch::replay {

/// The longest entry, or statement of a file of them, that is read.
inline constexpr std::size_t longest_entry = 64 * 1024 * 1024;

/// Reads a log from its beginning to its end in blocks, and tells `progress` the bytes of each. False and `error` when it cannot be read, or
/// not to its end.
/// What comes to `sink` is good during the call.
bool read_log(const std::string& path, const Sink& sink, const std::function<void(std::size_t bytes)>& progress, std::string& error);

/// Bytes of the files that there are; 0 for what has no size.
std::uint64_t total_size(const std::vector<std::string>& paths);

}  // namespace pgswitch::replay
