#include "proxy/config_values.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace pgswitch {
namespace {

constexpr std::string_view blanks = " \t\r\n\v\f";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

template <class T>
bool parse_all(std::string_view text, T& value, int base) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc() && end == text.data() + text.size();
}

/// Takes the prefix that strtol() with base 0 would: "0x" 16, "0" 8, else 10.
int take_base(std::string_view& digits) {
  if (digits.size() > 2 && digits[0] == '0' && lower(digits[1]) == 'x') {
    digits.remove_prefix(2);
    return 16;
  }
  return digits.size() > 1 && digits[0] == '0' ? 8 : 10;
}

template <class E>
std::string_view name_of(E value) {
  for (const auto& [name, candidate] : names_of(E{}))
    if (candidate == value) return name;
  return "";
}

}  // namespace

std::string_view to_string(AuthType value) { return name_of(value); }
std::string_view to_string(PoolMode value) { return name_of(value); }
std::string_view to_string(SslMode value) { return name_of(value); }
std::string_view to_string(LoadBalanceHosts value) { return name_of(value); }
std::string_view to_string(ServerKind value) { return name_of(value); }
std::string_view to_string(RouteConflict value) { return name_of(value); }
std::string_view to_string(rules::OnError value) { return name_of(value); }
std::string_view to_string(rules::RulesMode value) { return name_of(value); }

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const int base = take_base(text);
  if (text.empty() || text[0] == '-') return std::nullopt;
  std::int64_t value = 0;
  if (!parse_all(text, value, base)) return std::nullopt;
  return negative ? -value : value;
}

std::optional<bool> parse_bool(std::string_view text) {
  for (const std::string_view word : {"1", "yes", "y", "on", "true", "t"})
    if (equal_ignoring_case(text, word)) return true;
  for (const std::string_view word : {"0", "no", "n", "off", "false", "f"})
    if (equal_ignoring_case(text, word)) return false;
  return std::nullopt;
}

std::optional<Microseconds> parse_seconds(std::string_view text) {
  constexpr double longest = 1e11;  // three thousand years; far from overflow when added to a clock
  double seconds = 0;
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!std::isfinite(seconds) || seconds < 0 || seconds > longest) return std::nullopt;
  return std::llround(seconds * static_cast<double>(one_second));
}

std::optional<std::size_t> parse_bytes(std::string_view text) {
  const auto digits_end = text.find_first_not_of("0123456789");
  std::uint64_t value = 0;
  if (!parse_all(text.substr(0, digits_end), value, 10)) return std::nullopt;
  const std::string_view unit = digits_end == std::string_view::npos ? "" : trim(text.substr(digits_end));
  for (const auto& [name, shift] : {std::pair<std::string_view, int>{"", 0}, {"B", 0}, {"kB", 10}, {"MB", 20}, {"GB", 30}}) {
    if (!equal_ignoring_case(unit, name)) continue;
    if (value > (std::numeric_limits<std::uint64_t>::max() >> 1) >> shift) return std::nullopt;
    return static_cast<std::size_t>(value << shift);
  }
  return std::nullopt;
}

bool is_network(std::string_view text) {
  const auto slash = text.find('/');
  const std::string address(text.substr(0, slash));
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  const bool v4 = inet_pton(AF_INET, address.c_str(), bytes.data()) == 1;
  if (!v4 && inet_pton(AF_INET6, address.c_str(), bytes.data()) != 1) return false;
  if (slash == std::string_view::npos) return true;
  int bits = -1;
  return parse_all(text.substr(slash + 1), bits, 10) && bits >= 0 && bits <= (v4 ? 32 : 128);
}

std::string format_seconds(Microseconds value) {
  std::string text = std::to_string(value / one_second);
  const Microseconds fraction = value % one_second;
  if (fraction == 0) return text;
  std::string digits = std::to_string(one_second + fraction);
  digits.erase(digits.find_last_not_of('0') + 1);
  return text + "." + digits.substr(1);
}

}  // namespace pgswitch
