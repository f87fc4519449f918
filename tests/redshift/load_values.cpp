#include "tests/redshift/load_values.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace pgswitch::stand_in {
namespace {

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\n\r\v\f") == std::string_view::npos; }

std::string_view trim(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(' '), text.size());
  return text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
}

bool is_text(const LoadColumn& column) {
  return column.type == "varchar" || column.type == "bpchar" || column.type == "text" || column.type == "name";
}

/// Length of the UTF-8 character at `at`; 0: it is none.
std::size_t character(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(i < text.size() ? text[i] : 0); };
  const unsigned char first = byte(at);
  const std::size_t size = first < 0x80                    ? 1
                           : first >= 0xc2 && first < 0xe0 ? 2
                           : first >= 0xe0 && first < 0xf0 ? 3
                           : first >= 0xf0 && first < 0xf5 ? 4
                                                           : 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((byte(at + i) & 0xc0) != 0x80) return 0;
  if (first == 0xe0 && byte(at + 1) < 0xa0) return 0;
  if (first == 0xed && byte(at + 1) > 0x9f) return 0;
  if (first == 0xf0 && byte(at + 1) < 0x90) return 0;
  if (first == 0xf4 && byte(at + 1) > 0x8f) return 0;
  return size;
}

std::optional<LoadError> convert_text(Field& field, const LoadColumn& column, const LoadFormat& format) {
  std::string& value = field.value;
  for (std::size_t at = 0; at < value.size();) {
    const std::size_t size = character(value, at);
    if (size == 0) {
      if (!format.replacement || column.type == "bpchar") {
        char hex[3];
        std::snprintf(hex, sizeof hex, "%02x", static_cast<unsigned>(static_cast<unsigned char>(value[at])));
        return LoadError{
            1220, std::string("String contains invalid or unsupported UTF8 codepoints. Bad UTF8 hex sequence: ") + hex + " (error 4)"};
      }
      value[at] = *format.replacement;
    } else if (size > 1 && column.type == "bpchar") {
      return LoadError{1220, "Multibyte character not supported for CHAR (Hint: try using VARCHAR)."};
    }
    at += std::max<std::size_t>(size, 1);
  }
  if (format.trim_blanks && column.type == "varchar") value.erase(value.find_last_not_of(' ') + 1);
  // Lengths are bytes (facts 2.2 "semantics").
  const std::size_t limit = column.modifier >= 4 ? static_cast<std::size_t>(column.modifier - 4) : 65535;
  const std::size_t size = column.type == "bpchar" ? value.find_last_not_of(' ') + 1 : value.size();
  if (size <= limit) return std::nullopt;
  if (!format.truncate_columns) return LoadError{1204, "String length exceeds DDL length"};
  std::size_t end = 0;
  while (end + character(value, end) <= limit) end += character(value, end);
  value.resize(end);
  return std::nullopt;
}

std::string type_name(const LoadColumn& column) {
  if (column.type == "int2") return "Short";
  if (column.type == "int4") return "Integer";
  if (column.type == "int8") return "Long";
  return "Decimal";
}

LoadError invalid_digit(std::string_view text, std::size_t place, const LoadColumn& column) {
  const std::string digit = place < text.size() ? std::string(1, text[place]) : "";
  return {1207, "Invalid digit, Value '" + digit + "', Pos " + std::to_string(place) + ", Type: " + type_name(column)};
}

std::optional<LoadError> convert_integer(Field& field, const LoadColumn& column) {
  const std::string_view text = trim(field.value);
  const std::size_t sign = !text.empty() && (text[0] == '-' || text[0] == '+');
  for (std::size_t i = sign; i < std::max(text.size(), sign + 1); ++i)
    if (i >= text.size() || text[i] < '0' || text[i] > '9') return invalid_digit(text, i, column);
  std::int64_t value = 0;
  const bool fits = std::from_chars(text.data() + (text[0] == '+'), text.data() + text.size(), value).ec == std::errc();
  const std::int64_t limit = column.type == "int2" ? INT16_MAX : column.type == "int4" ? INT32_MAX : INT64_MAX;
  if (!fits || value > limit || value < -limit - 1) return LoadError{1204, "Overflow, Column type: " + type_name(column)};
  field.value = std::string(text);
  return std::nullopt;
}

/// Digits behind the scale are cut off, or rounded with ROUNDEC.
std::optional<LoadError> convert_decimal(Field& field, const LoadColumn& column, const LoadFormat& format) {
  const std::string_view text = trim(field.value);
  const std::size_t sign = !text.empty() && (text[0] == '-' || text[0] == '+');
  std::size_t point = std::string_view::npos, digits = 0;
  for (std::size_t i = sign; i < text.size(); ++i) {
    if (text[i] == '.' && point == std::string_view::npos)
      point = i;
    else if (text[i] < '0' || text[i] > '9')
      return invalid_digit(text, i, column);
    else
      ++digits;
  }
  if (digits == 0) return invalid_digit(text, sign, column);
  const int precision = column.modifier >= 4 ? (column.modifier - 4) >> 16 : 18;
  const int scale = column.modifier >= 4 ? (column.modifier - 4) & 0xffff : 0;
  std::string whole(text.substr(sign, std::min(point, text.size()) - sign));
  whole.erase(0, whole.find_first_not_of('0'));
  if (static_cast<int>(whole.size()) > precision - scale)
    return LoadError{1204, "Overflow for NUMERIC(" + std::to_string(precision) + "," + std::to_string(scale) + ")"};
  field.value = std::string(text);
  // PostgreSQL rounds; cutting off is done here.
  if (point != std::string_view::npos && !format.round)
    field.value.resize(std::min(field.value.size(), point + 1 + static_cast<std::size_t>(scale)));
  return std::nullopt;
}

std::optional<LoadError> convert_float(Field& field) {
  const std::string text(trim(field.value));
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  const bool words = text.find_first_of("xXiInN") != std::string::npos;
  if (text.empty() || *end != '\0' || (words && !std::isnan(value) && !std::isinf(value)))
    return LoadError{1208, "Invalid value '" + text + "', Type: Double"};
  field.value = text;
  return std::nullopt;
}

std::optional<LoadError> convert_boolean(Field& field) {
  const std::string text = lower(trim(field.value));
  for (const char* word : {"1", "t", "true", "y", "yes"})
    if (text == word) return field.value = "t", std::nullopt;
  for (const char* word : {"0", "f", "false", "n", "no"})
    if (text == word) return field.value = "f", std::nullopt;
  return LoadError{1210, "Unknown boolean format"};
}

std::optional<LoadError> convert_time(Field& field, const LoadColumn& column, const LoadFormat& format) {
  const bool is_date = column.type == "date";
  const std::string_view text = trim(field.value);
  std::string_view wanted = is_date ? std::string_view(format.date_format) : std::string_view(format.time_format);
  if (wanted.empty()) wanted = is_date ? "YYYY-MM-DD" : "YYYY-MM-DD HH:MI:SS";
  const auto found = read_time(text, wanted, !is_date);
  if (!found && is_date)
    return LoadError{
        1205, text.size() < 10 ? "Invalid Date Format - length must be 10 or more" : "Invalid Date Format [" + std::string(wanted) + "]"};
  if (!found) return LoadError{1206, "Invalid timestamp format or value [" + std::string(wanted) + "]"};
  field.value = *found;
  return std::nullopt;
}

}  // namespace

std::string LoadColumn::length() const {
  if (modifier < 4) return "0";
  if (type == "numeric") return std::to_string((modifier - 4) >> 16) + ", " + std::to_string((modifier - 4) & 0xffff);
  return std::to_string(modifier - 4);
}

std::optional<LoadError> convert(Field& field, const LoadColumn& column, const LoadFormat& format) {
  const bool text = is_text(column);
  if (!field.is_null && text) {
    field.is_null =
        (format.empty_as_null && field.value.empty()) || (format.blanks_as_null && !field.value.empty() && is_blank(field.value));
  } else if (!field.is_null) {
    field.is_null = is_blank(field.value);
  }
  if (field.is_null) {
    if (column.not_null && !column.ignored) return LoadError{1213, "Missing data for not-null field"};
    return std::nullopt;
  }
  if (column.ignored) return std::nullopt;
  if (text) return convert_text(field, column, format);
  if (column.type == "int2" || column.type == "int4" || column.type == "int8") return convert_integer(field, column);
  if (column.type == "numeric") return convert_decimal(field, column, format);
  if (column.type == "float4" || column.type == "float8") return convert_float(field);
  if (column.type == "bool") return convert_boolean(field);
  if (column.type == "date" || column.type == "timestamp" || column.type == "timestamptz") return convert_time(field, column, format);
  return std::nullopt;
}

}  // namespace pgswitch::stand_in
