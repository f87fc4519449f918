#include <cstring>

#include "protocol/buffer.hpp"
#include "protocol/frame.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace pgswitch::protocol;

/// A stream in reads of any size through LinearBuffer and the frame scanner. Frames must come out as one flat scan finds
/// them, whatever the reads were.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pgswitch::fuzz::Input input(data, size);
  const std::size_t step = std::size_t{input.byte()} + 1;
  const std::string_view stream = input.rest();
  constexpr std::size_t block = 64, limit = 256;
  BufferSlab slab(block);
  LinearBuffer buffer(slab, limit);
  std::size_t fed = 0, scanned = 0;
  while (true) {
    FrameHeader header, flat;
    const HeaderStatus status = read_header(buffer.received(), limit, header);
    if (status == HeaderStatus::malformed) {
      pgswitch::fuzz::require(read_header(stream.substr(scanned), limit, flat) == HeaderStatus::malformed);
      return 0;
    }
    if (status == HeaderStatus::complete && buffer.received().size() >= header.frame_size()) {
      const std::string_view frame = buffer.parse(header.frame_size());
      pgswitch::fuzz::require(frame == stream.substr(scanned, header.frame_size()));
      scanned += frame.size();
      if (frame.size() % 3 != 0) buffer.consume(buffer.outstanding().size());
      continue;
    }
    if (fed == stream.size()) return 0;
    std::span<char> room = buffer.prepare();
    if (room.empty()) {
      buffer.consume(buffer.outstanding().size());
      pgswitch::fuzz::require(buffer.reserve(status == HeaderStatus::complete ? header.frame_size() : frame_header_size));
      room = buffer.prepare();
    }
    pgswitch::fuzz::require(!room.empty());
    const std::size_t count = std::min({room.size(), step, stream.size() - fed});
    std::memcpy(room.data(), stream.data() + fed, count);
    buffer.commit(count);
    fed += count;
  }
}
