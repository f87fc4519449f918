#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/sql_error.hpp"

namespace pgswitch::redshift {

/// In which format a client wants each column of rows that are kept as text, and how they get it. A value; one for a result.
class RowFormats {
 public:
  /// All are text.
  RowFormats() = default;
  /// `formats` as a Bind has them: their number, and each, 16 bits wide. `description`: the RowDescription of the rows. nullopt: `error`
  /// is what the Bind deserves: 08P01 when their number is wrong, 22023 when there is no such format, 0A000 for a type that has none.
  static std::optional<RowFormats> of(std::string_view description, std::string_view formats, protocol::SqlError& error);

  bool are_text() const { return types_.empty(); }
  /// The RowDescription with these formats.
  void describe(std::string& out, std::string_view description) const;
  /// Appends DataRow messages, which `rows` are one behind the other, with their values in these formats. False: `error` says which has none.
  bool convert(std::string& out, std::string_view rows, protocol::SqlError& error) const;

  /// As a Bind that wants all columns in binary.
  static constexpr std::string_view all_binary{"\0\1\0\1", 4};

 private:
  std::vector<std::uint32_t> types_;  ///< pg_type.oid of each column that is to be binary, 0 of the others
};

}  // namespace pgswitch::redshift
