#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/redshift/load_command.hpp"

/// Records of a file as COPY reads them, delimited or CSV (redshift facts 3.2; Developer Guide, "Data conversion parameters").
namespace pgswitch::stand_in {

struct Field {
  std::string value;
  bool is_null = false, quoted = false;
  std::size_t place = 0;  ///< byte in the record
};

/// Error codes and words as STL_LOAD_ERRORS has them (as users report them, [I]).
struct LoadError {
  int code = 0;
  std::string reason;
};

struct Record {
  std::vector<Field> fields;
  std::string_view raw;    ///< without its line end; valid until the next call
  std::uint64_t line = 0;  ///< the line of the file in which it begins, from 1
  LoadError error;         ///< code 0: none
};

/// Takes a file in pieces. No record is longer than 4 MB.
class RecordReader {
 public:
  explicit RecordReader(const LoadFormat& format) : format_(format) {}
  void add(std::string_view data);
  void end() { ended_ = true; }
  /// False: more data is needed, or there is none.
  bool next(Record& record);

 private:
  enum class Step : std::uint8_t { done, need_more };
  Step read(Record& record);
  Step read_delimited_field(Field& field, Record& record);
  Step read_csv_field(Field& field, Record& record);
  Step take_quoted(Field& field, char quote, bool csv, Record& record);
  bool at_end_of_field(char c) const { return c == format_.delimiter || c == '\n' || c == '\r' || c == '\0'; }
  void set_null(Field& field, std::string_view raw) const;
  /// Behind a field: the delimiter, the line end, or the end.
  Step end_field(bool& more_fields);

  LoadFormat format_;
  std::string data_;
  std::size_t begin_ = 0, at_ = 0, record_end_ = 0;
  std::uint64_t lines_ = 0;
  bool ended_ = false;
};

}  // namespace pgswitch::stand_in
