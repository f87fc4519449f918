#include "tests/redshift/load_records.hpp"

#include <algorithm>

namespace pgswitch::stand_in {

void RecordReader::add(std::string_view data) {
  data_.erase(0, begin_);
  begin_ = 0;
  data_ += data;
}

bool RecordReader::next(Record& record) {
  for (;;) {
    if (begin_ >= data_.size()) return false;
    at_ = begin_;
    record.fields.clear();
    record.error = {};
    record.line = lines_ + 1;
    if (read(record) == Step::need_more) return false;
    record.raw = std::string_view(data_).substr(begin_, record_end_ - begin_);
    lines_ += static_cast<std::uint64_t>(std::max<std::ptrdiff_t>(
        1, std::count(data_.begin() + static_cast<std::ptrdiff_t>(begin_), data_.begin() + static_cast<std::ptrdiff_t>(at_), '\n')));
    begin_ = at_;
    if (record.line <= format_.ignore_header) continue;
    if (record.raw.empty() && format_.ignore_blank_lines) continue;
    if (record.raw.size() > (4 << 20)) record.error = {1216, "Input line is not valid: longer than 4 MB"};
    return true;
  }
}

RecordReader::Step RecordReader::read(Record& record) {
  for (bool more_fields = true; more_fields;) {
    Field field;
    field.place = at_ - begin_;
    if ((format_.csv ? read_csv_field(field, record) : read_delimited_field(field, record)) == Step::need_more) return Step::need_more;
    record.fields.push_back(std::move(field));
    if (end_field(more_fields) == Step::need_more) return Step::need_more;
  }
  return Step::done;
}

RecordReader::Step RecordReader::end_field(bool& more_fields) {
  more_fields = false;
  record_end_ = at_;
  if (at_ >= data_.size()) return ended_ ? Step::done : Step::need_more;
  const char c = data_[at_];
  if (c == format_.delimiter) {
    ++at_;
    more_fields = true;
  } else if (c == '\0') {
    // Ends the record; the rest of the line is lost.
    const std::size_t line_end = data_.find('\n', at_);
    if (line_end == std::string::npos && !ended_) return Step::need_more;
    at_ = std::min(line_end, data_.size() - 1) + 1;
  } else if (c == '\r') {
    if (at_ + 1 >= data_.size() && !ended_) return Step::need_more;
    at_ += at_ + 1 < data_.size() && data_[at_ + 1] == '\n' ? 2 : 1;
  } else {
    ++at_;
  }
  return Step::done;
}

/// With NULL AS left alone both \N and, under ESCAPE, \\N are NULL; another null text is compared with what the field stands for.
void RecordReader::set_null(Field& field, std::string_view raw) const {
  field.is_null = !field.quoted && (raw == format_.null_text || field.value == format_.null_text);
}

RecordReader::Step RecordReader::read_delimited_field(Field& field, Record& record) {
  const std::size_t begin = at_;
  if (format_.remove_quotes && at_ < data_.size() && (data_[at_] == '"' || data_[at_] == '\''))
    return take_quoted(field, data_[at_], false, record);
  for (; at_ < data_.size(); ++at_) {
    const char c = data_[at_];
    if (at_end_of_field(c)) break;
    if (c == '\\' && format_.escape) {
      if (++at_ >= data_.size()) break;
      if (data_[at_] == '\0') break;
    }
    field.value += data_[at_];
  }
  if (at_ >= data_.size() && !ended_) return Step::need_more;
  at_ = std::min(at_, data_.size());
  set_null(field, std::string_view(data_).substr(begin, at_ - begin));
  return Step::done;
}

RecordReader::Step RecordReader::read_csv_field(Field& field, Record& record) {
  const std::size_t begin = at_;
  std::size_t first = at_;
  while (first < data_.size() && data_[first] == ' ') ++first;
  if (first < data_.size() && data_[first] == format_.quote) {
    at_ = first;
    return take_quoted(field, format_.quote, true, record);
  }
  for (; at_ < data_.size() && !at_end_of_field(data_[at_]); ++at_) {
    if (data_[at_] == format_.quote) record.error = {1214, "Invalid quote formatting for CSV"};
    field.value += data_[at_];
  }
  if (at_ >= data_.size() && !ended_) return Step::need_more;
  set_null(field, std::string_view(data_).substr(begin, at_ - begin));
  return Step::done;
}

/// The text between quotes, everything in it as it stands; CSV doubles a quote inside, delimited text with ESCAPE escapes it.
RecordReader::Step RecordReader::take_quoted(Field& field, char quote, bool csv, Record& record) {
  field.quoted = csv;
  bool closed = false;
  for (++at_; at_ < data_.size();) {
    const char c = data_[at_++];
    if (c == quote) {
      if (csv && at_ >= data_.size() && !ended_) return Step::need_more;
      if (csv && at_ < data_.size() && data_[at_] == quote) {
        ++at_;
        field.value += quote;
        continue;
      }
      closed = true;
      break;
    }
    if (c == '\\' && format_.escape && !csv && at_ < data_.size()) {
      field.value += data_[at_++];
      continue;
    }
    field.value += c;
  }
  if (!closed && !ended_) return Step::need_more;
  if (!closed) record.error = {1214, csv ? "Invalid quote formatting for CSV" : "Quoted field has no end"};
  const std::size_t end = at_;
  while (at_ < data_.size() && !at_end_of_field(data_[at_])) ++at_;
  if (at_ >= data_.size() && !ended_) return Step::need_more;
  if (std::string_view(data_).substr(end, at_ - end).find_first_not_of(' ') != std::string_view::npos)
    record.error = {1214, csv ? "Invalid quote formatting for CSV" : "Quoted field has no end"};
  return Step::done;
}

}  // namespace pgswitch::stand_in
