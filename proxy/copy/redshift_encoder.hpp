#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/copy/copy_decoder.hpp"

namespace pgswitch::copy {

/// Where lines of the client's data ended up in the file that is loaded: values with line ends in them are written another way. Bounded:
/// behind so many changes nothing is known.
class LineMap {
 public:
  /// A row that ends on `client` in the data begins on `file`, from 1.
  void note(std::uint64_t client, std::uint64_t file);
  /// 0: not known.
  std::uint64_t client_line(std::uint64_t file) const;

 private:
  struct Change {
    std::uint64_t file, client;
  };
  static constexpr std::size_t most = 65536;
  std::vector<Change> changes_;
  std::uint64_t full_from_ = 0;  ///< a line of the file
};

/// A column that is loaded.
struct Column {
  std::string name;
  std::uint32_t type_oid = 0;
};

/// Writes rows as Redshift's COPY reads them with load_format(): fields between tabs, line ends, tabs and backslashes behind a backslash, a
/// NULL as a marker that no value is (Redshift Developer Guide, COPY, Data format parameters: ESCAPE takes the next character literally and
/// knows no \n; NULL AS '\N' would be ambiguous, for the value "\N" is written "\\N", which is taken for it too).
class RedshiftEncoder final : public RowSink {
 public:
  /// `null`: letters and digits by chance.
  RedshiftEncoder(std::vector<Column> columns, std::string null) : columns_(std::move(columns)), null_(std::move(null)) {}

  bool row(std::uint64_t line, std::span<const Field> fields) override;
  protocol::SqlError error() const override { return error_; }
  int wrong_column() const override { return wrong_; }

  /// What has been encoded; taken away by whoever moves it on.
  std::string& out() { return out_; }
  const LineMap& lines() const { return lines_; }
  const std::vector<Column>& columns() const { return columns_; }

  /// Redshift Developer Guide, COPY: "the maximum size of a single input row".
  static constexpr std::size_t longest_row = 4u << 20;

 private:
  bool fail(std::string_view sqlstate, std::string message, int column);
  std::vector<Column> columns_;
  std::string null_;
  std::string out_;
  LineMap lines_;
  std::uint64_t file_line_ = 1;
  protocol::SqlError error_;
  int wrong_ = -1;
};

/// The name of a type as PostgreSQL tells it in errors; "" when it is none of the usual ones.
std::string_view type_name(std::uint32_t oid);
/// Values of the type may be empty.
bool may_be_empty(std::uint32_t oid);

}  // namespace pgswitch::copy
