#include "proxy/copy/load_error.hpp"

#include <charconv>

namespace pgswitch::copy {

using protocol::SqlError;

namespace {

template <class Number>
void read(const Field& field, Number& number) {
  std::from_chars(field.value.data(), field.value.data() + field.value.size(), number);
}

/// Behind the value in "Invalid digit, Value 'a', Pos 0, Type: Integer".
std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

/// PostgreSQL's name of a type as STL_LOAD_ERRORS has it ("int4", "varchar", "timestamp without time zone").
std::string postgres_type(std::string_view type) {
  constexpr std::pair<std::string_view, std::string_view> names[] = {
      {"int2", "smallint"},
      {"int4", "integer"},
      {"int", "integer"},
      {"int8", "bigint"},
      {"float4", "real"},
      {"float8", "double precision"},
      {"bool", "boolean"},
      {"varchar", "character varying"},
      {"bpchar", "character"},
      {"char", "character"},
      {"decimal", "numeric"},
      {"timestamp without time zone", "timestamp"},
      {"timestamptz", "timestamp with time zone"},
      {"timetz", "time with time zone"},
  };
  for (const auto& [ours, theirs] : names)
    if (type == ours) return std::string(theirs);
  return std::string(type);
}

SqlError make(std::string_view sqlstate, std::string message) {
  return {protocol::Severity::error, std::string(sqlstate), std::move(message), "", "", 0};
}

SqlError by_code(const LoadError& error) {
  const std::string type = postgres_type(error.type);
  const auto invalid = [&](std::string_view sqlstate) {
    return make(sqlstate, "invalid input syntax for type " + type + ": \"" + shortened(error.value) + '"');
  };
  switch (error.code) {
    case 1201:
    case 1203:
    case 1214: return make("22P04", error.column.empty() ? error.reason : "missing data for column \"" + error.column + '"');
    case 1202: return make("22P04", "extra data after last expected column");
    case 1204: {
      const bool text = type == "character varying" || type == "character" || type == "text";
      if (text) return make("22001", "value too long for type " + type);
      return make("22003", "value \"" + shortened(error.value) + "\" is out of range for type " + type);
    }
    case 1205:
    case 1206: return invalid("22007");
    case 1207:
    case 1208:
    case 1209:
    case 1210: return invalid("22P02");
    case 1213: return make("23502", "null value in column \"" + error.column + "\" violates not-null constraint");
    case 1215: return make("22001", "value too long for type " + type);
    case 1219:
    case 1220:
    case 1221: return make("22021", "invalid byte sequence for encoding \"UTF8\"");
    default: return make("22000", error.reason);
  }
}

}  // namespace

LoadError read_load_error(const std::vector<Field>& row) {
  LoadError error;
  if (row.size() < 6) return error;
  read(row[0], error.line);
  error.column = trimmed(row[1].value);
  error.type = trimmed(row[2].value);
  error.value = trimmed(row[3].value);
  read(row[4], error.code);
  error.reason = trimmed(row[5].value);
  return error;
}

SqlError to_error(const LoadError& error, const CopyStatement& copy, const LineMap& lines, const SqlError& told) {
  SqlError made = by_code(error);
  made.detail = "Redshift: " + (error.reason.empty() ? told.message : error.reason) + " (code " + std::to_string(error.code) + ").";
  made.context = "COPY " + copy.table;
  if (const std::uint64_t line = lines.client_line(error.line); line != 0) made.context += ", line " + std::to_string(line);
  if (!error.column.empty()) made.context += ", column " + error.column;
  if (!error.value.empty()) made.context += ": \"" + shortened(error.value) + '"';
  return made;
}

}  // namespace pgswitch::copy
