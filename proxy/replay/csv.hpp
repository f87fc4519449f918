#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace pgswitch::replay {

/// Records of a CSV text as PostgreSQL writes it: quotes doubled inside of quotes, line ends only there. Fields are kept until the next
/// record, so that their memory is used again.
class CsvRecord {
 public:
  /// Reads the record at the start of `bytes`; its size with the line end, 0 when its end is not there yet. `last`: the end of the bytes
  /// is the end of the record.
  std::size_t read(std::string_view bytes, bool last);
  std::size_t size() const { return count_; }
  /// Empty when there are fewer fields.
  std::string_view operator[](std::size_t place) const { return place < count_ ? std::string_view(fields_[place]) : std::string_view(); }

 private:
  std::string& next_field();
  std::vector<std::string> fields_;
  std::size_t count_ = 0;
};

}  // namespace pgswitch::replay
