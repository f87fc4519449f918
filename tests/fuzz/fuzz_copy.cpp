// COPY data: however it is cut, its rows are the same; Redshift reads them from what is uploaded, and PostgreSQL from what COPY TO writes.
#include <algorithm>
#include <cstdint>
#include <string>

#include "proxy/copy/copy_writer.hpp"
#include "proxy/copy/redshift_encoder.hpp"
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/proxy/copy_reader.hpp"

namespace {

using namespace pgswitch::copy;
using pgswitch::fuzz::require;

constexpr std::string_view statements[] = {
    "COPY t FROM STDIN",
    "COPY t FROM STDIN CSV",
    "COPY t FROM STDIN (DELIMITER ',', NULL '')",
    "COPY t FROM STDIN (FORMAT csv, QUOTE '''', ESCAPE '\\', NULL 'N', DELIMITER ';')",
    "COPY t FROM STDIN (FORMAT csv, HEADER, FORCE_NULL (a), FORCE_NOT_NULL (b))",
    "COPY t FROM STDIN (HEADER match)",
};

/// What COPY TO writes of the rows, read again.
void check_written(const CopyStatement& copy, const std::vector<std::string>& columns, const Decoded& decoded) {
  CopyStatement plain = copy;  // what it writes has no header to match, and forces nothing
  plain.options.header = Header::no;
  plain.options.force_null.clear();
  plain.options.force_not_null.clear();
  // PostgreSQL's text format cannot tell a value that is written like NULL from it.
  const auto ambiguous = [&](const auto& value) { return plain.options.format == Format::text && value && *value == plain.options.null; };
  for (const TestRow& row : decoded.rows)
    if (std::any_of(row.begin(), row.end(), ambiguous)) return;
  const CopyWriter writer(plain.options, columns);
  std::string written;
  for (const TestRow& row : decoded.rows) {
    std::vector<Field> fields;
    for (const auto& value : row) fields.push_back(value ? Field{*value, false} : Field{{}, true});
    writer.row(written, fields);
  }
  require(decode(plain, columns, {written}).rows == decoded.rows);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size < 3) return 0;
  pgswitch::protocol::SqlError error;
  const auto copy = parse_copy(statements[bytes[0] % std::size(statements)], true, error);
  require(copy.has_value());
  const std::string data(reinterpret_cast<const char*>(bytes) + 3, size - 3);
  const std::string_view all = data;
  const std::vector<std::string> columns = bytes[1] % 2 ? std::vector<std::string>{"a", "b"} : std::vector<std::string>{"a", "b", "c"};
  const Decoded decoded = decode(*copy, columns, {all});
  const std::size_t cut = all.empty() ? 0 : bytes[2] % all.size();
  require(decode(*copy, columns, {all.substr(0, cut), all.substr(cut)}) == decoded);
  std::vector<std::string_view> single;
  for (std::size_t i = 0; i < all.size(); ++i) single.push_back(all.substr(i, 1));
  require(decode(*copy, columns, single) == decoded);

  constexpr std::string_view null = "Null7Zq";
  if (data.find(null) == std::string::npos) {
    std::vector<Column> types;
    for (const std::string& name : columns) types.push_back({name, 1043});
    RedshiftEncoder encoder(types, std::string(null));
    CopyDecoder decoder(*copy, columns, encoder);
    if (decoder.feed(data)) decoder.finish();
    if (encoder.error().message.empty()) require(read_as_redshift(encoder.out(), null) == decoded.rows);
  }
  check_written(*copy, columns, decoded);
  return 0;
}
