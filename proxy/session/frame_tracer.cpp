#include "proxy/session/frame_tracer.hpp"

#include <algorithm>
#include <string>

#include "proxy/log.hpp"

namespace pgswitch {

void FrameTracer::trace(protocol::Direction direction, std::string_view prefix, std::string_view bytes) {
  const bool enabled = log_enabled(LogLevel::noise);
  while (!bytes.empty()) {
    if (skip_ > 0) {
      const std::size_t part = std::min<std::size_t>(skip_, bytes.size());
      skip_ -= static_cast<std::uint32_t>(part);
      bytes.remove_prefix(part);
      continue;
    }
    protocol::FrameHeader header;
    if (read_header(bytes, SIZE_MAX, header) != protocol::HeaderStatus::complete) return;
    const std::size_t here = std::min(header.frame_size(), bytes.size());
    if (enabled) {
      std::string line(prefix);
      line += ' ';
      protocol::trace(line, direction, header, bytes.substr(protocol::frame_header_size, here - protocol::frame_header_size));
      std::replace(line.begin(), line.end(), '\t', ' ');  // the log shows control characters as '?'
      log_line(LogLevel::noise, line);
    }
    skip_ = static_cast<std::uint32_t>(header.frame_size() - here);
    bytes.remove_prefix(here);
  }
}

}  // namespace pgswitch
