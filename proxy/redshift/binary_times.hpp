#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

/// Dates and times as PostgreSQL writes them in DateStyle ISO, and as its binary format has them: since 2000-01-01. nullopt: it is none.
/// Pure functions.
namespace pgswitch::redshift {

/// date: days. `infinity` and `-infinity` are the ends of the type.
std::optional<std::int32_t> days_of(std::string_view date);
/// time: microseconds since midnight.
std::optional<std::int64_t> time_of_day(std::string_view time);
/// timestamp and (`with_zone`) timestamptz: microseconds, of the latter in UTC.
std::optional<std::int64_t> microseconds_of(std::string_view timestamp, bool with_zone);
/// Seconds east of UTC: what stands at the end of `text`, as +02, -03:30 or +05:53:28, and is taken off.
std::optional<std::int32_t> take_zone(std::string_view& text);

}  // namespace pgswitch::redshift
