#include "proxy/copy/copy_writer.hpp"

#include <algorithm>

namespace pgswitch::copy {

namespace {

/// The letter that stands for a control character in the text format; 0: it stands for itself.
char letter_of(char c) {
  switch (c) {
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    case '\v': return 'v';
    default: return 0;
  }
}

}  // namespace

CopyWriter::CopyWriter(const CopyOptions& options, std::vector<std::string> columns) : options_(options), columns_(std::move(columns)) {
  for (const std::string& name : columns_)
    forced_.push_back(options_.force_quote_all ||
                      std::find(options_.force_quote.begin(), options_.force_quote.end(), name) != options_.force_quote.end());
}

void CopyWriter::text(std::string& out, std::string_view value) const {
  for (const char c : value) {
    const char letter = letter_of(c);
    // A delimiter that has a letter of its own is written by that.
    if (letter != 0) {
      out += '\\';
      out += letter;
      continue;
    }
    if (c == '\\' || c == options_.delimiter) out += '\\';
    out += c;
  }
}

void CopyWriter::csv(std::string& out, std::string_view value, bool forced, bool alone) const {
  const char quote = options_.quote, escape = options_.escape;
  const bool quoted = forced || value == options_.null || (alone && value == "\\.") || std::any_of(value.begin(), value.end(), [&](char c) {
                        return c == options_.delimiter || c == quote || c == '\n' || c == '\r';
                      });
  if (!quoted) {
    out += value;
    return;
  }
  out += quote;
  for (const char c : value) {
    if (c == quote || c == escape) out += escape;
    out += c;
  }
  out += quote;
}

void CopyWriter::header(std::string& out) const {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (i > 0) out += options_.delimiter;
    if (options_.format == Format::csv)
      csv(out, columns_[i], false, columns_.size() == 1);
    else
      text(out, columns_[i]);
  }
  out += '\n';
}

void CopyWriter::row(std::string& out, std::span<const Field> fields) const {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) out += options_.delimiter;
    if (fields[i].null)
      out += options_.null;
    else if (options_.format == Format::csv)
      csv(out, fields[i].value, i < forced_.size() && forced_[i], fields.size() == 1);
    else
      text(out, fields[i].value);
  }
  out += '\n';
}

}  // namespace pgswitch::copy
