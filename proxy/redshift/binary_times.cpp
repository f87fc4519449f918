#include "proxy/redshift/binary_times.hpp"

#include <charconv>
#include <limits>

namespace pgswitch::redshift {

namespace {

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t day = 86'400 * second;
/// Of a timestamp: December 31st, 294276.
constexpr std::int64_t last_day = 106'751'990;

/// A number of so many digits, and the sign behind it (0: none), which are taken off.
std::optional<int> take_number(std::string_view& text, std::size_t least, std::size_t most, char behind) {
  std::size_t size = 0;
  while (size < text.size() && text[size] >= '0' && text[size] <= '9') ++size;
  if (size < least || size > most) return std::nullopt;
  int number = 0;
  std::from_chars(text.data(), text.data() + size, number);
  text.remove_prefix(size);
  if (behind == '\0') return number;
  if (!text.starts_with(behind)) return std::nullopt;
  text.remove_prefix(1);
  return number;
}

bool take_era(std::string_view& text) {
  constexpr std::string_view before_christ = " BC";
  if (!text.ends_with(before_christ)) return false;
  text.remove_suffix(before_christ.size());
  return true;
}

/// YYYY-MM-DD; the year has more digits from 10000 on.
std::optional<std::int64_t> days_since_2000(std::string_view text, bool bc) {
  const auto year = take_number(text, 4, 7, '-');
  const auto month = year ? take_number(text, 2, 2, '-') : std::nullopt;
  const auto of_month = month ? take_number(text, 2, 2, '\0') : std::nullopt;
  if (!of_month || !text.empty() || *month < 1 || *month > 12 || *of_month < 1 || *of_month > 31) return std::nullopt;
  // Days since March 1st of the year 0, in eras of 400 years (the proleptic Gregorian calendar). There is no year 0: 1 BC is it.
  if (*year == 0) return std::nullopt;
  const std::int64_t y = (bc ? 1 - std::int64_t{*year} : std::int64_t{*year}) - (*month <= 2);
  const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
  const std::int64_t of_era = y - era * 400;
  const std::int64_t of_year = (153 * (*month + (*month > 2 ? -3 : 9)) + 2) / 5 + *of_month - 1;
  constexpr std::int64_t until_2000 = 730'425;
  return era * 146'097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - until_2000;
}

}  // namespace

std::optional<std::int32_t> days_of(std::string_view date) {
  using limits = std::numeric_limits<std::int32_t>;
  if (date == "infinity") return limits::max();
  if (date == "-infinity") return limits::min();
  const bool bc = take_era(date);
  const auto days = days_since_2000(date, bc);
  return days ? std::optional(static_cast<std::int32_t>(*days)) : std::nullopt;
}

std::optional<std::int64_t> time_of_day(std::string_view text) {
  const auto hours = take_number(text, 2, 2, ':');
  const auto minutes = hours ? take_number(text, 2, 2, ':') : std::nullopt;
  const auto seconds = minutes ? take_number(text, 2, 2, '\0') : std::nullopt;
  if (!seconds || *hours > 24 || *minutes > 59 || *seconds > 60) return std::nullopt;
  std::int64_t fraction = 0;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    const std::size_t digits = text.size();
    const auto number = take_number(text, 1, 6, '\0');
    if (!number) return std::nullopt;
    fraction = *number;
    for (std::size_t i = digits; i < 6; ++i) fraction *= 10;
  }
  const std::int64_t time = ((std::int64_t{*hours} * 60 + *minutes) * 60 + *seconds) * second + fraction;
  return text.empty() && time <= day ? std::optional(time) : std::nullopt;
}

std::optional<std::int32_t> take_zone(std::string_view& text) {
  const std::size_t sign = text.find_last_of("+-");
  if (sign == std::string_view::npos) return std::nullopt;
  std::string_view zone = text.substr(sign + 1);
  const auto hours = take_number(zone, 2, 2, '\0');
  int rest = 0;
  for (const int unit : {60, 1}) {
    if (!hours || zone.empty()) break;
    if (!zone.starts_with(':')) return std::nullopt;
    zone.remove_prefix(1);
    const auto part = take_number(zone, 2, 2, '\0');
    if (!part) return std::nullopt;
    rest += *part * unit;
  }
  if (!hours || !zone.empty()) return std::nullopt;
  const bool west = text[sign] == '-';
  text = text.substr(0, sign);
  const std::int32_t seconds = *hours * 3600 + rest;
  return west ? -seconds : seconds;
}

std::optional<std::int64_t> microseconds_of(std::string_view text, bool with_zone) {
  using limits = std::numeric_limits<std::int64_t>;
  if (text == "infinity") return limits::max();
  if (text == "-infinity") return limits::min();
  const bool bc = take_era(text);
  const std::size_t blank = text.find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  std::string_view clock = text.substr(blank + 1);
  const auto zone = with_zone ? take_zone(clock) : std::optional<std::int32_t>(0);
  const auto days = days_since_2000(text.substr(0, blank), bc);
  const auto time = time_of_day(clock);
  if (!zone || !days || !time || *days > last_day) return std::nullopt;
  return *days * day + *time - *zone * second;
}

}  // namespace pgswitch::redshift
