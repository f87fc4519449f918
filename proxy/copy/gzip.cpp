#include "proxy/copy/gzip.hpp"

#include <zlib.h>
#include <algorithm>
#include <array>
#include <limits>
#include <new>

namespace pgswitch::copy {

struct Gzip::Stream {
  z_stream z{};
};

Gzip::Gzip() : stream_(std::make_unique<Stream>()) {
  constexpr int window_with_gzip_header = 15 + 16, memory = 8;
  if (deflateInit2(&stream_->z, Z_BEST_SPEED, Z_DEFLATED, window_with_gzip_header, memory, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();
}

Gzip::~Gzip() { deflateEnd(&stream_->z); }

void Gzip::run(std::string_view bytes, bool last, std::string& out) {
  z_stream& z = stream_->z;
  std::array<char, 65536> room;
  do {
    const std::size_t piece = std::min<std::size_t>(bytes.size(), std::numeric_limits<uInt>::max());
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    z.avail_in = static_cast<uInt>(piece);
    bytes.remove_prefix(piece);
    do {
      z.next_out = reinterpret_cast<Bytef*>(room.data());
      z.avail_out = room.size();
      deflate(&z, last && bytes.empty() ? Z_FINISH : Z_NO_FLUSH);
      out.append(room.data(), room.size() - z.avail_out);
    } while (z.avail_out == 0);
  } while (!bytes.empty());
}

}  // namespace pgswitch::copy
