#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Rows that pgswitch itself makes, and their encoding in both result formats. No I/O.
namespace pgswitch::admin {

/// Column types of the console, those of pgbouncer.
enum class Type : std::uint8_t { int4, int8, numeric, text };

struct Field {
  std::string_view name;
  Type type = Type::text;
};

/// Values as text, one per field; nullopt is NULL.
using Row = std::vector<std::optional<std::string>>;
using Rows = std::vector<Row>;

/// Result formats as Bind gives them: none (all text), one for all, or one per column (manual, 55.7 Bind).
using Formats = std::vector<std::uint16_t>;
inline constexpr std::uint16_t text_format = 0;
inline constexpr std::uint16_t binary_format = 1;

/// Every code is known and their number fits the columns.
bool are_valid(const Formats& formats, std::size_t columns);

/// RowDescription.
void write_fields(std::string& out, std::span<const Field> fields, const Formats& formats);
/// DataRow. Integers beyond their type are cut to its largest value, so that a counter never breaks a driver.
void write_row(std::string& out, std::span<const Field> fields, const Row& row, const Formats& formats);

/// The binary form of one value (PostgreSQL's int4send, int8send, numeric_send, textsend). `value` of a number: decimal
/// digits with an optional minus sign.
std::string to_binary(Type type, std::string_view value);

}  // namespace pgswitch::admin
