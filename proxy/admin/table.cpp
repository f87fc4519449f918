#include "proxy/admin/table.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "protocol/writer.hpp"

namespace pgswitch::admin {
namespace {

struct Layout {
  std::uint32_t oid;
  std::int16_t size;
};

/// pg_type.oid and pg_type.typlen.
Layout layout_of(Type type) {
  switch (type) {
    case Type::int4: return {23, 4};
    case Type::int8: return {20, 8};
    case Type::numeric: return {1700, -1};
    case Type::text: return {25, -1};
  }
  return {25, -1};
}

std::uint16_t format_of(const Formats& formats, std::size_t column) {
  if (formats.empty()) return text_format;
  return formats.size() == 1 ? formats[0] : formats[column];
}

/// The nearest number of the type; 0 for what is no number.
template <class Number>
Number number_of(std::string_view text) {
  Number value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec == std::errc::result_out_of_range)
    return text.starts_with('-') ? std::numeric_limits<Number>::min() : std::numeric_limits<Number>::max();
  return value;
}

std::string big_endian(std::uint64_t value, int size) {
  std::string octets;
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) octets.push_back(static_cast<char>(value >> shift));
  return octets;
}

/// numeric_send: count of base-10000 digits, weight of the first one, sign, scale, digits.
std::string binary_numeric(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  text.remove_prefix(std::min(text.find_first_not_of('0'), text.size()));
  std::vector<std::uint16_t> digits;
  for (std::size_t end = text.size(); end > 0;) {
    const std::size_t begin = end > 4 ? end - 4 : 0;
    digits.insert(digits.begin(), number_of<std::uint16_t>(text.substr(begin, end - begin)));
    end = begin;
  }
  const std::size_t weight = digits.empty() ? 0 : digits.size() - 1;
  while (!digits.empty() && digits.back() == 0) digits.pop_back();
  std::string octets = big_endian(digits.size(), 2) + big_endian(weight, 2) +
                       big_endian(negative && !digits.empty() ? 0x4000 : 0, 2) + big_endian(0, 2);
  for (const std::uint16_t digit : digits) octets += big_endian(digit, 2);
  return octets;
}

std::string text_of(Type type, const std::string& value) {
  return type == Type::int4 ? std::to_string(number_of<std::int32_t>(value)) : value;
}

}  // namespace

bool are_valid(const Formats& formats, std::size_t columns) {
  if (formats.size() > 1 && formats.size() != columns) return false;
  return std::all_of(formats.begin(), formats.end(), [](std::uint16_t format) { return format <= binary_format; });
}

std::string to_binary(Type type, std::string_view value) {
  switch (type) {
    case Type::int4: return big_endian(static_cast<std::uint32_t>(number_of<std::int32_t>(value)), 4);
    case Type::int8: return big_endian(static_cast<std::uint64_t>(number_of<std::int64_t>(value)), 8);
    case Type::numeric: return binary_numeric(value);
    case Type::text: return std::string(value);
  }
  return {};
}

void write_fields(std::string& out, std::span<const Field> fields, const Formats& formats) {
  protocol::MessageWriter message(out, 'T');
  message.int16(static_cast<std::uint16_t>(fields.size()));
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const Layout layout = layout_of(fields[i].type);
    message.string(fields[i].name).int32(0).int16(0);  // of no table
    message.int32(layout.oid).int16(static_cast<std::uint16_t>(layout.size)).int32(0xffffffff).int16(format_of(formats, i));
  }
}

void write_row(std::string& out, std::span<const Field> fields, const Row& row, const Formats& formats) {
  protocol::MessageWriter message(out, 'D');
  message.int16(static_cast<std::uint16_t>(fields.size()));
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i >= row.size() || !row[i]) {
      message.int32(0xffffffff);
      continue;
    }
    const Type type = fields[i].type;
    const std::string value = format_of(formats, i) == binary_format ? to_binary(type, *row[i]) : text_of(type, *row[i]);
    message.int32(static_cast<std::uint32_t>(value.size())).bytes(value);
  }
}

}  // namespace pgswitch::admin
