#pragma once
#include <memory>
#include <string>
#include <string_view>

namespace pgswitch::copy {

/// A gzip stream (RFC 1952) that is written piece by piece. Holds a quarter of a megabyte.
class Gzip {
 public:
  Gzip();
  ~Gzip();
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  /// Appends to `out` what of the compressed bytes is ready.
  void write(std::string_view bytes, std::string& out) { run(bytes, false, out); }
  /// Appends the rest. Nothing may be written behind it.
  void finish(std::string& out) { run({}, true, out); }

 private:
  struct Stream;
  void run(std::string_view bytes, bool last, std::string& out);
  std::unique_ptr<Stream> stream_;
};

}  // namespace pgswitch::copy
