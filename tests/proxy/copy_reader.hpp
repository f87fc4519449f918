#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/copy/copy_decoder.hpp"

namespace pgswitch::copy {

using TestRow = std::vector<std::optional<std::string>>;

/// What Redshift's COPY makes of a file with DELIMITER '\t' ESCAPE NULL AS `null`: written from the Redshift Developer Guide alone (ESCAPE:
/// the character behind a backslash is taken as it is; NULL AS: a field that is exactly that).
inline std::vector<TestRow> read_as_redshift(std::string_view file, std::string_view null) {
  std::vector<TestRow> rows;
  TestRow row;
  std::string value, raw;
  const auto end_field = [&] {
    row.push_back(raw == null ? std::nullopt : std::optional(value));
    value.clear();
    raw.clear();
  };
  for (std::size_t i = 0; i < file.size(); ++i) {
    const char c = file[i];
    if (c == '\\' && i + 1 < file.size()) {
      raw += c;
      raw += file[++i];
      value += file[i];
    } else if (c == '\t') {
      end_field();
    } else if (c == '\n') {
      end_field();
      rows.push_back(std::exchange(row, {}));
    } else {
      raw += c;
      value += c;
    }
  }
  if (!raw.empty() || !row.empty()) rows.push_back({std::nullopt, "the last line has no end"});
  return rows;
}

/// Collects rows as they are.
struct Rows final : RowSink {
  std::vector<TestRow> rows;
  std::vector<std::uint64_t> lines;
  bool row(std::uint64_t line, std::span<const Field> fields) override {
    TestRow taken;
    for (const Field& field : fields) taken.push_back(field.null ? std::nullopt : std::optional(std::string(field.value)));
    rows.push_back(std::move(taken));
    lines.push_back(line);
    return true;
  }
  protocol::SqlError error() const override { return {}; }
};

/// The statement's data, cut at the places; errors as "sqlstate message | context".
struct Decoded {
  std::vector<TestRow> rows;
  std::vector<std::uint64_t> lines;
  std::string error;
  bool operator==(const Decoded&) const = default;
};

inline Decoded decode(const CopyStatement& copy, const std::vector<std::string>& columns, const std::vector<std::string_view>& pieces) {
  Rows rows;
  CopyDecoder decoder(copy, columns, rows);
  bool good = true;
  for (const std::string_view piece : pieces) good = good && decoder.feed(piece);
  good = good && decoder.finish();
  Decoded decoded{std::move(rows.rows), std::move(rows.lines), ""};
  if (!good) decoded.error = decoder.error().sqlstate + ' ' + decoder.error().message + " | " + decoder.error().context;
  return decoded;
}

}  // namespace pgswitch::copy
