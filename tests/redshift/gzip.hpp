#pragma once
#include <zlib.h>

#include <functional>
#include <string>
#include <string_view>

namespace pgswitch::stand_in {

/// A gzip file, several members too, in pieces. Throws Lost for what is none.
class Inflater {
 public:
  Inflater();
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  void add(std::string_view data, const std::function<void(std::string_view)>& on_data);
  /// Throws Lost when the file stops in the middle.
  void end() const;

 private:
  z_stream stream_{};
  bool in_member_ = false;
};

std::string gzip(std::string_view data);

}  // namespace pgswitch::stand_in
