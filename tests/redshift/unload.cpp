#include <optional>

#include "protocol/backend.hpp"
#include "tests/redshift/gzip.hpp"
#include "tests/redshift/load.hpp"

namespace pgswitch::stand_in {
namespace {
namespace wire = protocol::backend;

std::string quoted(std::string_view value, char quote, bool escape) {
  std::string text(1, quote);
  for (const char c : value) {
    if (c == quote) text += escape ? '\\' : quote;
    text += c;
  }
  return text + quote;
}

/// A field as UNLOAD writes it (Developer Guide, UNLOAD: CSV, ADDQUOTES, ESCAPE, NULL AS).
std::string written(const std::optional<std::string>& value, const LoadFormat& format) {
  if (!value)
    return format.csv                                    ? (format.null_text == "\\N" ? "" : format.null_text)
           : format.null_text == "\\N" && !format.escape ? ""
                                                         : format.null_text;
  if (format.csv) {
    const bool special = value->find_first_of(std::string("\"\n\r") + format.delimiter) != std::string::npos;
    return special ? quoted(*value, '"', false) : *value;
  }
  if (format.add_quotes) return quoted(*value, '"', format.escape);
  if (!format.escape) return *value;
  std::string text;
  for (const char c : *value) {
    if (c == '\\' || c == '\n' || c == '\r' || c == '"' || c == '\'' || c == format.delimiter) text += '\\';
    text += c;
  }
  return text;
}

std::string line_of(const Row& row, const LoadFormat& format) {
  std::string line;
  for (std::size_t i = 0; i < row.size(); ++i) line += (i > 0 ? std::string(1, format.delimiter) : "") + written(row[i], format);
  return line + "\n";
}

Row names_of(protocol::ByteView columns);

}  // namespace

std::uint64_t unload(const LoadCommand& command, const Options& options, Backend& backend, std::string_view sql) {
  S3 s3(options.s3_endpoint, command.key, command.region);
  if (!command.allow_overwrite && !s3.list(command.place.bucket, command.place.key).empty())
    throw LoadFailed{
        "Specified unload destination on S3 is not empty. Consider using a different bucket / prefix, manually removing the target files "
        "in S3, or using the ALLOWOVERWRITE option."};
  std::string content;
  std::uint64_t rows = 0;
  std::optional<protocol::SqlError> error;
  backend.query(sql, [&](const protocol::Frame& frame) {
    if (frame.type == wire::row_description && command.format.header) content += line_of(names_of(frame.body), command.format);
    if (frame.type == wire::data_row) {
      content += line_of(read_row(frame.body), command.format);
      ++rows;
    }
    if (frame.type == wire::error_response) error = wire::read_error(frame.body);
  });
  if (error) throw Refused{*error};
  const std::string name = command.place.key + (command.parallel ? "0000_part_00" : "000") + (command.format.gzip ? ".gz" : "");
  s3.put({command.place.bucket, name}, command.format.gzip ? gzip(content) : content);
  return rows;
}

namespace {

Row names_of(protocol::ByteView columns) {
  Row names;
  for (std::size_t at = 2; at < columns.size();) {
    const std::size_t end = columns.find('\0', at);
    names.emplace_back(std::string(columns.substr(at, end - at)));
    at = end + 19;
  }
  return names;
}

}  // namespace
}  // namespace pgswitch::stand_in
