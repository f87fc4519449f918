#include "rules/bound_value.hpp"

#include <algorithm>
#include <charconv>

namespace pgswitch::rules {
namespace {

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t day = 86'400 * second;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_digits(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_digit); }

std::string_view without_sign(std::string_view text) { return text.starts_with('-') ? text.substr(1) : text; }

template <class Number>
std::optional<Number> read(std::string_view text) {
  Number number{};
  const auto [stop, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return number;
}

template <class Number>
Order order_of(Number one, Number other) {
  if (one < other) return Order::less;
  return one > other ? Order::greater : Order::equal;
}

/// Numbers that differ by less than a double can tell have no order here.
Order compare_numbers(std::string_view one, std::string_view other) {
  const auto a = read<std::int64_t>(one), b = read<std::int64_t>(other);
  if (a && b) return order_of(*a, *b);
  const auto x = read<double>(one), y = read<double>(other);
  if (!x || !y) return Order::unknown;
  const Order order = order_of(*x, *y);
  return order == Order::equal ? Order::unknown : order;
}

Order compare_strings(std::string_view one, std::string_view other) {
  if (is_digits(one) && is_digits(other) && one.size() == other.size()) return order_of(one, other);
  const auto a = parse_moment(one), b = parse_moment(other);
  if (!a || !b || a->zoned != b->zoned) return Order::unknown;
  return order_of(a->microseconds, b->microseconds);
}

/// Reads a moment from the left.
class MomentReader {
 public:
  explicit MomentReader(std::string_view text) : rest_(text) {}

  std::optional<Moment> read() {
    if (!read_date()) return std::nullopt;
    if (take(' ') || take('T') || take('t')) {
      if (!read_time()) return std::nullopt;
      if (!read_zone()) return std::nullopt;
    }
    if (!rest_.empty()) return std::nullopt;
    return moment_;
  }

 private:
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  /// A number of so many digits that is at most `most`.
  bool number(std::size_t digits, int most, int& value) {
    if (!is_digits(rest_.substr(0, digits)) || rest_.size() < digits) return false;
    std::from_chars(rest_.data(), rest_.data() + digits, value);
    rest_.remove_prefix(digits);
    return value <= most;
  }
  bool read_date() {
    int year = 0, month = 0, date = 0;
    if (!number(4, 9999, year)) return false;
    const bool dashes = take('-');
    if (!number(2, 12, month) || (dashes && !take('-')) || !number(2, 31, date)) return false;
    if (year < 1 || month < 1 || date < 1 || date > length_of(month, year)) return false;
    moment_.microseconds = days_from_1970(year, month, date) * day;
    return true;
  }
  bool read_time() {
    int hour = 0, minute = 0, whole = 0;
    if (!number(2, 24, hour) || !take(':') || !number(2, 59, minute)) return false;
    moment_.microseconds += (hour * 3600 + minute * 60) * second;
    if (!take(':')) return true;
    if (!number(2, 60, whole)) return false;
    moment_.microseconds += whole * second;
    return !take('.') || read_fraction();
  }
  bool read_fraction() {
    std::int64_t unit = second;
    if (rest_.empty() || !is_digit(rest_.front())) return false;
    for (; !rest_.empty() && is_digit(rest_.front()); rest_.remove_prefix(1)) {
      unit /= 10;
      moment_.microseconds += (rest_.front() - '0') * unit;
    }
    return true;
  }
  bool read_zone() {
    if (take('Z') || take('z')) return moment_.zoned = true;
    const bool west = rest_.starts_with('-');
    if (!take('+') && !take('-')) return true;
    int hour = 0, minute = 0;
    if (!number(2, 15, hour)) return false;
    if ((take(':') || !rest_.empty()) && !number(2, 59, minute)) return false;
    moment_.microseconds += (west ? 1 : -1) * (hour * 3600 + minute * 60) * second;
    return moment_.zoned = true;
  }
  static int length_of(int month, int year) {
    if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
  }
  /// Of the Gregorian calendar; years begin in March here.
  static std::int64_t days_from_1970(int year, int month, int date) {
    const int y = month > 2 ? year : year - 1;
    const int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + date - 1;
    return std::int64_t{365} * y + y / 4 - y / 100 + y / 400 + day_of_year - 719'468;
  }

  std::string_view rest_;
  Moment moment_;
};

}  // namespace

bool is_integer(std::string_view text) { return is_digits(without_sign(text)); }

bool is_number(std::string_view text) {
  const std::string_view digits = without_sign(text);
  return !digits.empty() && (is_digit(digits.front()) || digits.front() == '.') && read<double>(text).has_value();
}

std::optional<Moment> parse_moment(std::string_view text) { return MomentReader(text).read(); }

std::optional<double> days_between(std::string_view from, std::string_view until) {
  const auto begin = parse_moment(from), end = parse_moment(until);
  if (!begin || !end || begin->zoned != end->zoned) return std::nullopt;
  return static_cast<double>(end->microseconds - begin->microseconds) / static_cast<double>(day);
}

Order compare(const BoundValue& one, const BoundValue& other) {
  if (one == other) return Order::equal;
  if (one.type == BoundValue::Type::boolean || other.type == BoundValue::Type::boolean) return Order::unknown;
  if (one.type == BoundValue::Type::string && other.type == BoundValue::Type::string) return compare_strings(one.text, other.text);
  return is_number(one.text) && is_number(other.text) ? compare_numbers(one.text, other.text) : Order::unknown;
}

}  // namespace pgswitch::rules
