#include "tests/redshift/gzip.hpp"

#include "tests/redshift/channel.hpp"

namespace pgswitch::stand_in {
namespace {
constexpr int gzip_window = 16 + MAX_WBITS;
Bytef* bytes(std::string_view data) { return reinterpret_cast<Bytef*>(const_cast<char*>(data.data())); }
}  // namespace

Inflater::Inflater() { inflateInit2(&stream_, gzip_window); }
Inflater::~Inflater() { inflateEnd(&stream_); }

void Inflater::add(std::string_view data, const std::function<void(std::string_view)>& on_data) {
  std::string out(1 << 18, '\0');
  stream_.next_in = bytes(data);
  stream_.avail_in = static_cast<uInt>(data.size());
  bool full = false;
  while (stream_.avail_in > 0 || full) {
    if (!in_member_) inflateReset(&stream_);
    in_member_ = true;
    stream_.next_out = bytes(out);
    stream_.avail_out = static_cast<uInt>(out.size());
    const int result = inflate(&stream_, Z_NO_FLUSH);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) throw Lost("the file is not in gzip format");
    full = stream_.avail_out == 0;
    if (out.size() != stream_.avail_out) on_data(std::string_view(out).substr(0, out.size() - stream_.avail_out));
    if (result == Z_STREAM_END) in_member_ = full = false;
  }
}

void Inflater::end() const {
  if (in_member_) throw Lost("the gzip file has no end");
}

std::string gzip(std::string_view data) {
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, data.size()), '\0');
  stream.next_in = bytes(data);
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = bytes(out);
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace pgswitch::stand_in
