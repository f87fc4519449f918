#include "proxy/copy/redshift_encoder.hpp"

#include <algorithm>

namespace pgswitch::copy {

namespace {

struct TypeName {
  std::uint32_t oid;
  std::string_view name;
  bool empty = false;
};

/// pg_type.oid; 3000 to 6551 are Redshift's own (amazon-redshift-jdbc-driver, core/Oid.java).
constexpr TypeName types[] = {
    {16, "boolean"},
    {17, "bytea", true},
    {18, "\"char\"", true},
    {19, "name", true},
    {20, "bigint"},
    {21, "smallint"},
    {23, "integer"},
    {25, "text", true},
    {26, "oid"},
    {700, "real"},
    {701, "double precision"},
    {705, "unknown", true},
    {1042, "character", true},
    {1043, "character varying", true},
    {1082, "date"},
    {1083, "time"},
    {1114, "timestamp"},
    {1184, "timestamp with time zone"},
    {1266, "time with time zone"},
    {1700, "numeric"},
    {6551, "varbyte", true},
};

const TypeName* find(std::uint32_t oid) {
  const auto* const found = std::find_if(std::begin(types), std::end(types), [&](const TypeName& type) { return type.oid == oid; });
  return found == std::end(types) ? nullptr : found;
}

constexpr bool needs_escape(char c) { return c == '\\' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

std::string_view type_name(std::uint32_t oid) { return find(oid) ? find(oid)->name : std::string_view{}; }
bool may_be_empty(std::uint32_t oid) { return !find(oid) || find(oid)->empty; }

void LineMap::note(std::uint64_t client, std::uint64_t file) {
  if (full_from_ != 0) return;
  if (!changes_.empty() && changes_.back().client - changes_.back().file == client - file) return;
  if (changes_.size() == most)
    full_from_ = file;
  else
    changes_.push_back({file, client});
}

std::uint64_t LineMap::client_line(std::uint64_t file) const {
  if (changes_.empty() || (full_from_ != 0 && file >= full_from_)) return 0;
  auto behind =
      std::upper_bound(changes_.begin(), changes_.end(), file, [](std::uint64_t line, const Change& change) { return line < change.file; });
  if (behind == changes_.begin()) return 0;
  --behind;
  return behind->client + (file - behind->file);
}

bool RedshiftEncoder::fail(std::string_view sqlstate, std::string message, int column) {
  wrong_ = column;
  error_ = {protocol::Severity::error, std::string(sqlstate), std::move(message), "", "", 0};
  return false;
}

bool RedshiftEncoder::row(std::uint64_t line, std::span<const Field> fields) {
  const std::size_t begin = out_.size();
  lines_.note(line, file_line_);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto [value, null] = fields[i];
    if (i > 0) out_ += '\t';
    if (null) {
      out_ += null_;
      continue;
    }
    // Redshift loads an empty field of any other type as NULL.
    if (value.empty() && i < columns_.size() && !may_be_empty(columns_[i].type_oid))
      return fail("22P02", "invalid input syntax for type " + std::string(type_name(columns_[i].type_oid)) + ": \"\"", static_cast<int>(i));
    if (value == null_) return fail("22000", "a value cannot be told from NULL", static_cast<int>(i));
    for (std::size_t at = 0; at < value.size();) {
      std::size_t end = at;
      while (end < value.size() && !needs_escape(value[end])) ++end;
      out_.append(value.substr(at, end - at));
      if (end < value.size()) {
        out_ += '\\';
        out_ += value[end];
        file_line_ += value[end] == '\n';
      }
      at = end + 1;
    }
  }
  out_ += '\n';
  ++file_line_;
  const std::size_t size = out_.size() - begin;
  if (size <= longest_row) return true;
  return fail("54000", "row is too large: size " + std::to_string(size) + ", maximum size " + std::to_string(longest_row), -1);
}

}  // namespace pgswitch::copy
