#include "proxy/redshift/binary_values.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <limits>

#include "proxy/redshift/binary_times.hpp"

namespace pgswitch::redshift {

namespace {

/// pg_type.oid (pg_type.dat).
enum Type : std::uint32_t {
  boolean = 16, bytea = 17, one_char = 18, name = 19, int8 = 20, int2 = 21, int4 = 23, text = 25, oid = 26, float4 = 700, float8 = 701,
  unknown = 705, bpchar = 1042, varchar = 1043, date = 1082, time_ = 1083, timestamp = 1114, timestamptz = 1184, timetz = 1266, numeric = 1700,
};

template <class Number>
void append(std::string& out, Number number) {
  for (int shift = 8 * (static_cast<int>(sizeof number) - 1); shift >= 0; shift -= 8)
    out += static_cast<char>(static_cast<std::uint64_t>(number) >> shift & 0xff);
}

template <class Number>
bool append_integer(std::string& out, std::string_view text) {
  Number number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || end != text.data() + text.size()) return false;
  append(out, number);
  return true;
}

/// The nearest there is: the very value when the text has all of its digits (extra_float_digits).
template <class Number, class Bits>
bool append_float(std::string& out, std::string_view text) {
  Number number = 0;
  using limits = std::numeric_limits<Number>;
  if (text == "NaN") {
    number = limits::quiet_NaN();
  } else if (text == "Infinity" || text == "-Infinity") {
    number = text.front() == '-' ? -limits::infinity() : limits::infinity();
  } else {
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc() || end != text.data() + text.size()) return false;
  }
  append(out, std::bit_cast<Bits>(number));
  return true;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Digits to the base of 10,000: their number, the weight of the first, the sign, the digits behind the point, and they themselves.
bool append_numeric(std::string& out, std::string_view text) {
  constexpr std::size_t group = 4;
  constexpr std::uint16_t negative = 0x4000, not_a_number = 0xc000, infinite = 0xd000, minus_infinite = 0xf000;
  constexpr std::uint16_t scale_of_infinity = 0x20;
  const auto special = [&](std::uint16_t sign, std::uint16_t scale) { return append<std::uint32_t>(out, 0), append(out, sign), append(out, scale), true; };
  if (text == "NaN") return special(not_a_number, 0);
  if (text == "Infinity") return special(infinite, scale_of_infinity);
  if (text == "-Infinity") return special(minus_infinite, scale_of_infinity);
  const bool minus = text.starts_with('-');
  if (minus) text.remove_prefix(1);
  const std::size_t point = std::min(text.find('.'), text.size());
  std::string digits(text.substr(0, point));
  const std::string_view fraction = text.substr(std::min(point + 1, text.size()));
  if (digits.empty() || (point < text.size() && fraction.empty()) || fraction.size() > 0x3fff || digits.size() > 0x20000) return false;
  digits.insert(0, (group - digits.size() % group) % group, '0');
  const std::size_t whole = digits.size() / group;
  digits.append(fraction).append((group - fraction.size() % group) % group, '0');
  if (!std::all_of(digits.begin(), digits.end(), is_digit)) return false;
  std::size_t first = digits.find_first_not_of('0');
  const std::size_t last = digits.find_last_not_of('0');
  const bool zero = first == std::string::npos;
  first = zero ? 0 : first / group;
  const std::size_t count = zero ? 0 : last / group + 1 - first;
  append(out, static_cast<std::uint16_t>(count));
  append(out, static_cast<std::uint16_t>(zero ? 0 : static_cast<int>(whole) - 1 - static_cast<int>(first)));
  append(out, minus && !zero ? negative : std::uint16_t{0});
  append(out, static_cast<std::uint16_t>(fraction.size()));
  for (std::size_t i = first * group; count > 0 && i < (first + count) * group; i += group)
    if (!append_integer<std::uint16_t>(out, std::string_view(digits).substr(i, group))) return false;
  return true;
}

int digit_of(char c, int base) {
  const int value = is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : base;
  return value < base ? value : -1;
}

/// In hex, behind \x, or escaped: \\ and \nnn (bytea_output).
bool append_bytes(std::string& out, std::string_view value) {
  if (value.starts_with("\\x")) {
    value.remove_prefix(2);
    if (value.size() % 2 != 0) return false;
    for (std::size_t i = 0; i < value.size(); i += 2) {
      const int high = digit_of(value[i], 16), low = digit_of(value[i + 1], 16);
      if (high < 0 || low < 0) return false;
      out += static_cast<char>(high * 16 + low);
    }
    return true;
  }
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] != '\\') {
      out += value[i];
    } else if (value.substr(i + 1).starts_with('\\')) {
      out += value[++i];
    } else {
      if (i + 3 >= value.size()) return false;
      int byte = 0;
      for (std::size_t at = i + 1; at <= i + 3; ++at) {
        const int digit = digit_of(value[at], 8);
        if (digit < 0) return false;
        byte = byte * 8 + digit;
      }
      if (byte > 0xff) return false;
      out += static_cast<char>(byte);
      i += 3;
    }
  }
  return true;
}

bool append_time(std::string& out, std::uint32_t type, std::string_view value) {
  const auto add = [&out](auto number) { return number ? (append(out, *number), true) : false; };
  switch (type) {
    case date: return add(days_of(value));
    case time_: return add(time_of_day(value));
    case timestamp: return add(microseconds_of(value, false));
    case timestamptz: return add(microseconds_of(value, true));
    default: break;
  }
  const auto zone = take_zone(value);
  const auto time = time_of_day(value);
  if (!zone || !time) return false;
  append(out, *time);
  append(out, -*zone);
  return true;
}

}  // namespace

bool has_binary_format(std::uint32_t type) {
  constexpr std::uint32_t types[] = {boolean, bytea, one_char, name, int8, int2, int4, text, oid, float4, float8, unknown, bpchar, varchar,
                                     date, time_, timestamp, timestamptz, timetz, numeric};
  return std::find(std::begin(types), std::end(types), type) != std::end(types);
}

bool append_binary(std::string& out, std::uint32_t type, std::string_view value) {
  switch (type) {
    case boolean: return (value == "t" || value == "f") && (out += value == "t" ? '\1' : '\0', true);
    case bytea: return append_bytes(out, value);
    case one_char: return value.size() <= 1 && (out += value.empty() ? '\0' : value.front(), true);
    case int2: return append_integer<std::int16_t>(out, value);
    case int4: return append_integer<std::int32_t>(out, value);
    case int8: return append_integer<std::int64_t>(out, value);
    case oid: return append_integer<std::uint32_t>(out, value);
    case float4: return append_float<float, std::uint32_t>(out, value);
    case float8: return append_float<double, std::uint64_t>(out, value);
    case numeric: return append_numeric(out, value);
    case name:
    case text:
    case unknown:
    case bpchar:
    case varchar: out += value; return true;
    default: return has_binary_format(type) && append_time(out, type, value);
  }
}

}  // namespace pgswitch::redshift
