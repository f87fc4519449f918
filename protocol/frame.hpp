#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pgswitch::protocol {

using ByteView = std::string_view;

/// Type byte and length word of a frame (manual, 55.7). The length word counts itself but not the type byte.
inline constexpr std::size_t frame_header_size = 5;

struct FrameHeader {
  char type = 0;
  std::uint32_t body_size = 0;  ///< bytes after the length word
  std::size_t frame_size() const { return frame_header_size + body_size; }
};

enum class HeaderStatus : std::uint8_t { complete, need_more, malformed };

/// Reads the header at the start of `in`. `malformed`: a length word below 4 or a frame of more than `max_frame_size`
/// bytes; the only answer is 08P01 and a closed connection, for the stream has lost its boundaries.
inline HeaderStatus read_header(ByteView in, std::size_t max_frame_size, FrameHeader& header) {
  if (in.size() < frame_header_size) return HeaderStatus::need_more;
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(in[i])); };
  const std::uint32_t length = byte(1) << 24 | byte(2) << 16 | byte(3) << 8 | byte(4);
  if (length < 4 || length - 4 > 0x7ffffff0u || std::size_t{length} + 1 > max_frame_size) return HeaderStatus::malformed;
  header.type = in[0];
  header.body_size = length - 4;
  return HeaderStatus::complete;
}

/// Bytes of the complete frames of that type at the start of `in`, up to the first that is another, malformed or not here as a whole.
inline std::size_t run_of(char type, ByteView in, std::size_t max_frame_size) {
  std::size_t run = 0;
  FrameHeader header;
  while (read_header(in.substr(run), max_frame_size, header) == HeaderStatus::complete && header.type == type && header.frame_size() <= in.size() - run)
    run += header.frame_size();
  return run;
}

/// A complete frame, viewed where it lies.
struct Frame {
  char type = 0;
  ByteView body;
};

}  // namespace pgswitch::protocol
