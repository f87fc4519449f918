// The rows of the lines, and what is wrong with them. copy_lines.cpp finds the lines.
#include "proxy/copy/copy_decoder.hpp"

#include <algorithm>
#include <utility>

#include "protocol/utf8.hpp"

namespace pgswitch::copy {

using protocol::Severity;

namespace {

constexpr std::string_view bad_format = "22P04", bad_encoding = "22021", too_large = "54000";

int octal(char c) { return c >= '0' && c <= '7' ? c - '0' : -1; }
int hexadecimal(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char low = static_cast<char>(c | 32);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

std::vector<bool> flags(const std::vector<std::string>& columns, const std::vector<std::string>& chosen) {
  std::vector<bool> found(chosen.empty() ? 0 : columns.size());
  for (std::size_t i = 0; i < found.size(); ++i) found[i] = std::find(chosen.begin(), chosen.end(), columns[i]) != chosen.end();
  return found;
}

}  // namespace

std::string shortened(std::string_view data) {
  constexpr std::size_t most = 100;
  if (data.size() <= most) return std::string(data);
  std::size_t size = most;
  while (size > 0 && (data[size] & 0xC0) == 0x80) --size;
  return std::string(data.substr(0, size)) + "...";
}

CopyDecoder::CopyDecoder(const CopyStatement& copy, std::vector<std::string> columns, RowSink& sink)
    : options_(copy.options),
      table_(copy.table),
      columns_(std::move(columns)),
      force_null_(flags(columns_, options_.force_null)),
      force_not_null_(flags(columns_, options_.force_not_null)),
      sink_(sink) {
  const auto mark = [&](char c) { special_[static_cast<unsigned char>(c)] = true; };
  header_due_ = options_.header != Header::no;
  mark('\n');
  mark('\r');
  mark('\\');
  if (options_.format == Format::csv) mark(options_.quote), mark(options_.escape);
}

bool CopyDecoder::fail(std::string_view sqlstate, std::string message, std::string hint, std::string_view line) {
  failed_ = true;
  error_ = {Severity::error, std::string(sqlstate), std::move(message), "", std::move(hint), 0};
  error_.context = "COPY " + table_ + ", line " + std::to_string(line_);
  if (!line.empty()) error_.context += ": \"" + shortened(line) + '"';
  return false;
}

bool CopyDecoder::check_encoding(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return fail(bad_encoding, "invalid byte sequence for encoding \"UTF8\": 0x00");
  std::string fault = protocol::utf8_fault(text);
  return fault.empty() || fail(bad_encoding, std::move(fault));
}

bool CopyDecoder::take_line(std::string_view line) {
  if (!check_encoding(line)) return false;
  fields_.clear();
  unescaped_.clear();
  unescaped_.reserve(line.size() + options_.null.size() * 2);  // views into it stay good
  const bool csv = options_.format == Format::csv;
  const bool header = std::exchange(header_due_, false);
  if (header && options_.header == Header::yes) return true;
  if (!(csv ? split_csv(line) : split_text(line))) return false;
  if (header) return check_header(line);
  if (fields_.size() > columns_.size()) return fail(bad_format, "extra data after last expected column", "", line);
  if (fields_.size() < columns_.size()) return fail(bad_format, "missing data for column \"" + columns_[fields_.size()] + '"', "", line);
  if (csv) force_nulls();
  if (!sink_.row(line_, fields_)) {
    error_ = sink_.error();
    error_.context = "COPY " + table_ + ", line " + std::to_string(line_);
    if (const int wrong = sink_.wrong_column(); wrong >= 0) {
      const Field& field = fields_[static_cast<std::size_t>(wrong)];
      error_.context +=
          ", column " + columns_[static_cast<std::size_t>(wrong)] + (field.null ? ": null input" : ": \"" + shortened(field.value) + '"');
    }
    failed_ = true;
    return false;
  }
  ++rows_;
  return true;
}

/// FORCE_NULL and FORCE_NOT_NULL.
void CopyDecoder::force_nulls() {
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    Field& field = fields_[i];
    if (field.null && i < force_not_null_.size() && force_not_null_[i])
      field = {options_.null, false};
    else if (!field.null && i < force_null_.size() && force_null_[i] && field.value == options_.null)
      field = {{}, true};
  }
}

/// HEADER MATCH.
bool CopyDecoder::check_header(std::string_view line) {
  if (fields_.size() != columns_.size())
    return fail(
        bad_format,
        "wrong number of fields in header line: got " + std::to_string(fields_.size()) + ", expected " + std::to_string(columns_.size()),
        "", line);
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    const std::string where = "column name mismatch in header line field " + std::to_string(i + 1) + ": got ";
    if (fields_[i].null)
      return fail(bad_format, where + "null value (\"" + options_.null + "\"), expected \"" + columns_[i] + '"', "", line);
    if (fields_[i].value != columns_[i])
      return fail(bad_format, where + '"' + std::string(fields_[i].value) + "\", expected \"" + columns_[i] + '"', "", line);
  }
  return true;
}

/// Appends what a field of the text format says (manual, COPY, Text Format).
void CopyDecoder::unescape(std::string_view raw) {
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\') {
      unescaped_ += raw[i];
      continue;
    }
    if (++i == raw.size()) return;  // a backslash at the very end says nothing
    switch (const char c = raw[i]) {
      case 'b': unescaped_ += '\b'; break;
      case 'f': unescaped_ += '\f'; break;
      case 'n': unescaped_ += '\n'; break;
      case 'r': unescaped_ += '\r'; break;
      case 't': unescaped_ += '\t'; break;
      case 'v': unescaped_ += '\v'; break;
      case 'x': {
        int value = -1;
        for (int digits = 0; digits < 2 && i + 1 < raw.size() && hexadecimal(raw[i + 1]) >= 0; ++digits)
          value = std::max(value, 0) * 16 + hexadecimal(raw[++i]);
        unescaped_ += value < 0 ? 'x' : static_cast<char>(value);
        break;
      }
      default: {
        int value = octal(c);
        for (int digits = 1; value >= 0 && digits < 3 && i + 1 < raw.size() && octal(raw[i + 1]) >= 0; ++digits)
          value = value * 8 + octal(raw[++i]);
        unescaped_ += value < 0 ? c : static_cast<char>(value);
      }
    }
  }
}

bool CopyDecoder::split_text(std::string_view line) {
  for (std::size_t i = 0;; ++i) {
    const std::size_t begin = i;
    bool escapes = false;
    while (i < line.size() && line[i] != options_.delimiter) {
      const bool escape = line[i] == '\\';
      escapes |= escape;
      i += escape ? 2 : 1;  // what stands behind a backslash separates nothing
    }
    const std::string_view raw = line.substr(begin, i - begin);
    if (raw == options_.null) {
      fields_.push_back({{}, true});
    } else if (!escapes) {
      fields_.push_back({raw, false});
    } else {
      const std::size_t start = unescaped_.size();
      unescape(raw);
      const std::string_view value = std::string_view(unescaped_).substr(start);
      if (!check_encoding(value)) return false;
      fields_.push_back({value, false});
    }
    if (i >= line.size()) return true;
  }
}

bool CopyDecoder::split_csv(std::string_view line) {
  const char quote = options_.quote, escape = options_.escape, delimiter = options_.delimiter;
  std::size_t i = 0;
  while (true) {
    const std::size_t begin = i, start = unescaped_.size();
    bool quoted = false;
    while (i < line.size() && line[i] != delimiter) {
      if (line[i] != quote) {
        unescaped_ += line[i++];
        continue;
      }
      quoted = true;
      ++i;
      while (true) {
        if (i >= line.size()) return fail(bad_format, "unterminated CSV quoted field", "", line);
        const char c = line[i++];
        if (c == escape && i < line.size() && (line[i] == escape || line[i] == quote)) {
          unescaped_ += line[i++];
        } else if (c == quote) {
          break;
        } else {
          unescaped_ += c;
        }
      }
    }
    const std::string_view raw = line.substr(begin, i - begin);
    if (!quoted && raw == options_.null)
      fields_.push_back({{}, true});
    else
      fields_.push_back({std::string_view(unescaped_).substr(start), false});
    if (i >= line.size()) return true;
    ++i;  // the delimiter
  }
}

bool CopyDecoder::feed(std::string_view bytes) {
  if (failed_) return false;
  if (ended_) return true;  // what stands behind \. is ignored
  if (!pending_.empty()) {
    pending_.append(bytes);
    std::string_view rest = pending_;
    if (!take_lines(rest, false)) return false;
    pending_.erase(0, pending_.size() - rest.size());
  } else {
    if (!take_lines(bytes, false)) return false;
    pending_.assign(bytes);
  }
  if (pending_.size() <= longest_line) return true;
  ++line_;
  return fail(too_large, "row is too large", "A row for Redshift can have 4 MB at most.");
}

bool CopyDecoder::refuse(protocol::SqlError fault) {
  if (failed_ || ended_) return !failed_;
  line_ += 1 + inner_lines_;
  fail(fault.sqlstate, std::move(fault.message));
  return false;
}

bool CopyDecoder::finish() {
  if (failed_) return false;
  std::string_view rest = pending_;
  return ended_ || take_lines(rest, true);
}

}  // namespace pgswitch::copy
