#include "proxy/redshift/row_formats.hpp"

#include <algorithm>

#include "protocol/backend.hpp"
#include "protocol/frame.hpp"
#include "protocol/reader.hpp"
#include "protocol/writer.hpp"
#include "proxy/redshift/binary_values.hpp"

namespace pgswitch::redshift {

namespace {

using protocol::BodyReader;
using protocol::SqlError;

SqlError format_error(std::string_view sqlstate, std::string message, std::string detail = {}, std::string hint = {}) {
  return {protocol::Severity::error, std::string(sqlstate), std::move(message), std::move(detail), std::move(hint), 0};
}

constexpr const char* as_text = "Ask for the result in text format, or leave BINARY out of DECLARE.";

/// A column of a RowDescription.
struct Column {
  std::string_view name;
  std::string_view before;  ///< bytes between the name and the format, the type among them
  std::uint32_t type = 0;
};

Column read_column(BodyReader& in) {
  constexpr std::size_t size_before = 16, type_at = 6;
  Column column;
  column.name = in.string();
  column.before = in.bytes(size_before);
  in.int16();
  if (in.ok()) column.type = BodyReader(column.before.substr(type_at)).int32();
  return column;
}

BodyReader body_of(std::string_view message) { return BodyReader(message.substr(std::min(message.size(), protocol::frame_header_size))); }

}  // namespace

std::optional<RowFormats> RowFormats::of(std::string_view description, std::string_view formats, SqlError& fault) {
  BodyReader asked(formats), columns = body_of(description);
  const std::size_t count = asked.int16(), width = columns.int16();
  if (count > 1 && count != width)
    return fault = format_error("08P01", "bind message has " + std::to_string(count) + " result formats but query has " + std::to_string(width) + " columns"), std::nullopt;
  RowFormats made;
  bool any = false;
  int format = 0;
  for (std::size_t i = 0; i < width; ++i) {
    if (i < count) format = asked.int16();
    const Column column = read_column(columns);
    if (format != 0 && format != 1) return fault = format_error("22023", "unsupported format code: " + std::to_string(format)), std::nullopt;
    if (format == 1 && !has_binary_format(column.type))
      return fault = format_error("0A000", "the rows of a cursor of Redshift have no binary format for column \"" + std::string(column.name) + "\"",
                           "They are kept as text, and the type with OID " + std::to_string(column.type) + " is none that can be made binary.", as_text), std::nullopt;
    made.types_.push_back(format == 1 ? column.type : 0);
    any |= format == 1;
  }
  if (!any) made.types_.clear();
  return made;
}

void RowFormats::describe(std::string& out, std::string_view description) const {
  if (are_text()) return void(out += description);
  BodyReader columns = body_of(description);
  protocol::MessageWriter writer(out, protocol::backend::row_description);
  writer.int16(columns.int16());
  for (const std::uint32_t type : types_) {
    const Column column = read_column(columns);
    writer.string(column.name).bytes(column.before).int16(type != 0);
  }
}

bool RowFormats::convert(std::string& out, std::string_view rows, SqlError& fault) const {
  std::string value;
  while (!rows.empty()) {
    protocol::FrameHeader header;
    read_header(rows, 0x7fffffff, header);
    BodyReader in(rows.substr(protocol::frame_header_size, header.body_size));
    rows.remove_prefix(header.frame_size());
    protocol::MessageWriter row(out, protocol::backend::data_row);
    row.int16(in.int16());
    for (const std::uint32_t type : types_) {
      constexpr std::uint32_t null = 0xffffffff;
      const std::uint32_t size = in.int32();
      const std::string_view text = size == null ? std::string_view() : in.bytes(size);
      value.clear();
      if (size != null && type != 0 && !append_binary(value, type, text)) {
        fault = format_error("0A000", "a value of a cursor of Redshift cannot be made binary",
                      "The type with OID " + std::to_string(type) + " is not read in such a text. Dates and times are read in DateStyle ISO.", as_text);
        return false;
      }
      row.int32(size == null ? null : static_cast<std::uint32_t>(type != 0 ? value.size() : text.size())).bytes(type != 0 ? std::string_view(value) : text);
    }
  }
  return true;
}

}  // namespace pgswitch::redshift
