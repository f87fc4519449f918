#pragma once
#include <array>
#include <optional>
#include <vector>

#include "protocol/writer.hpp"
#include "script.hpp"

/// What both directions of COPY with Redshift say of a table t (a, b).
namespace pgswitch::script {

inline Bytes columns() {
  Bytes out;
  const std::array all{protocol::Column{"a"}, protocol::Column{"b"}};
  protocol::write_row_description(out, all);
  return out;
}

inline Bytes row(std::initializer_list<std::optional<std::string>> values) {
  Bytes out;
  const std::vector<std::optional<std::string>> all(values);
  protocol::write_data_row(out, all);
  return out;
}

inline Bytes copy_response(char type) { return frame(type, std::string_view("\0\0\2\0\0\0\0", 7)); }

}  // namespace pgswitch::script
