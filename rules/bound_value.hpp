#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pgswitch::rules {

/// A literal that a condition holds a column against.
struct BoundValue {
  enum class Type : std::uint8_t { number, string, boolean };
  Type type = Type::string;
  std::string text;  ///< without quotes; "true" or "false"
  bool operator==(const BoundValue&) const = default;
};

enum class Order : std::uint8_t { less, equal, greater, unknown };

/// How a server orders two literals, as far as that is the same whatever the type of the column: numbers, dates and times in ISO
/// form, and what is the same text.
Order compare(const BoundValue& one, const BoundValue& other);

/// A date or time in ISO form.
struct Moment {
  std::int64_t microseconds = 0;  ///< since 1970
  bool zoned = false;             ///< it has a time zone, which is reckoned in
};

/// "2024-01-31", "20240131", "2024-01-31 12:00:00.5+01"; nullopt when it is none of the kind.
std::optional<Moment> parse_moment(std::string_view text);

/// From one moment to another, in days. nullopt when one is none, or has a time zone where the other has not.
std::optional<double> days_between(std::string_view from, std::string_view until);

/// Is it a whole number, in digits with a sign or without?
bool is_integer(std::string_view text);
/// Is it a number, without blanks around it?
bool is_number(std::string_view text);

}  // namespace pgswitch::rules
