// Where the lines of a client's data end: PostgreSQL's rules for line ends, quotes and the end marker (copyfromparse.c, CopyReadLineText).
#include "proxy/copy/copy_decoder.hpp"

namespace pgswitch::copy {

namespace {

constexpr std::string_view bad_format = "22P04";

}  // namespace

/// Decodes the whole lines at the front of `bytes`, which are left behind them.
bool CopyDecoder::take_lines(std::string_view& bytes, bool at_end) {
  while (!ended_) {
    Line line;
    const Scan found = scan(bytes, at_end, line);
    if (found == Scan::failed) return false;
    if (found == Scan::more) return true;
    ended_ = found == Scan::end;
    at_ = 0;
    const bool empty_end = ended_ && line.size == 0;
    const std::string_view text = bytes.substr(0, line.size);
    bytes.remove_prefix(line.next);
    if (empty_end) break;
    line_ += 1 + inner_lines_;
    if (!take_line(text)) return false;
    inner_lines_ = 0;
    in_quote_ = escaped_ = false;
  }
  bytes = {};
  return true;
}

/// Looks for the end of the line that `bytes` begin with, from at_ on.
CopyDecoder::Scan CopyDecoder::scan(std::string_view bytes, bool at_end, Line& line) {
  const bool csv = options_.format == Format::csv;
  while (true) {
    while (at_ < bytes.size() && !special_[static_cast<unsigned char>(bytes[at_])]) {
      escaped_ = false;
      ++at_;
    }
    if (at_ >= bytes.size()) {
      if (!at_end) return Scan::more;
      line = {bytes.size(), bytes.size()};
      return Scan::end;
    }
    const char c = bytes[at_];
    // What may need the byte behind it waits for that; nothing of it has counted then.
    const bool looks_ahead = (c == '\\' && (!csv || at_ == 0)) || c == '\r';
    if (looks_ahead && at_ + 1 >= bytes.size() && !at_end) return Scan::more;
    if (csv && toggle_quote(c)) {
      ++at_;
      continue;
    }
    if (c == '\r') return scan_carriage_return(bytes, line);
    if (c == '\n') return scan_newline(line);
    if (c == '\\' && (!csv || at_ == 0)) {
      bool known = false;
      const Scan found = scan_backslash(bytes, at_end, line, known);
      if (known) return found;
      continue;
    }
    ++at_;
  }
}

/// CSV: counts quotes. True: the byte stands inside quotes, and is data.
bool CopyDecoder::toggle_quote(char c) {
  const bool own_escape = options_.escape != options_.quote;
  if (in_quote_ && own_escape && c == options_.escape) escaped_ = !escaped_;
  if (c == options_.quote && !escaped_) in_quote_ = !in_quote_;
  if (!own_escape || c != options_.escape) escaped_ = false;
  if (in_quote_ && c == (eol_ == Eol::nl ? '\n' : '\r')) ++inner_lines_;
  return in_quote_ && (c == '\n' || c == '\r');
}

/// The line that is being read is the one that is wrong.
CopyDecoder::Scan CopyDecoder::fail_line(const char* what, const char* hint) {
  line_ += 1 + inner_lines_;
  fail(bad_format, what, hint);
  return Scan::failed;
}

CopyDecoder::Scan CopyDecoder::scan_carriage_return(std::string_view bytes, Line& line) {
  const bool csv = options_.format == Format::csv;
  const bool with_newline = at_ + 1 < bytes.size() && bytes[at_ + 1] == '\n';
  if ((eol_ == Eol::unknown || eol_ == Eol::crnl) && with_newline) {
    eol_ = Eol::crnl;
    line = {at_, at_ + 2};
    return Scan::line;
  }
  if (eol_ == Eol::crnl || eol_ == Eol::nl)
    return fail_line(csv ? "unquoted carriage return found in data" : "literal carriage return found in data",
                     csv ? "Use quoted CSV field to represent carriage return." : "Use \"\\r\" to represent carriage return.");
  eol_ = Eol::cr;
  line = {at_, at_ + 1};
  return Scan::line;
}

CopyDecoder::Scan CopyDecoder::scan_newline(Line& line) {
  const bool csv = options_.format == Format::csv;
  if (eol_ == Eol::cr || eol_ == Eol::crnl)
    return fail_line(csv ? "unquoted newline found in data" : "literal newline found in data",
                     csv ? "Use quoted CSV field to represent newline." : "Use \"\\n\" to represent newline.");
  eol_ = Eol::nl;
  line = {at_, at_ + 1};
  return Scan::line;
}

/// `known`: the result counts; else the line goes on at at_.
CopyDecoder::Scan CopyDecoder::scan_backslash(std::string_view bytes, bool at_end, Line& line, bool& known) {
  const bool csv = options_.format == Format::csv;
  const auto wrong = [&](const char* what) {
    known = true;
    return fail_line(what);
  };
  if (at_ + 1 >= bytes.size()) return ++at_, Scan::more;  // the last byte of all
  if (bytes[at_ + 1] != '.') return at_ += csv ? 1 : 2, Scan::more;
  // The end marker: PostgreSQL wants it to be ended as the lines are.
  std::size_t behind = at_ + 2;
  const bool carriage_first = eol_ == Eol::crnl;
  if (behind + carriage_first >= bytes.size() && !at_end) return known = true, Scan::more;
  if (carriage_first && behind < bytes.size() && bytes[behind] == '\r')
    ++behind;
  else if (carriage_first && behind < bytes.size()) {
    if (csv) return ++at_, Scan::more;
    return wrong(bytes[behind] == '\n' ? "end-of-copy marker does not match previous newline style" : "end-of-copy marker corrupt");
  }
  if (behind < bytes.size()) {
    const char c = bytes[behind];
    if (c != '\r' && c != '\n') return csv ? (++at_, Scan::more) : wrong("end-of-copy marker corrupt");
    const bool matches = eol_ == Eol::unknown || (eol_ == Eol::cr ? c == '\r' : c == '\n');
    if (!matches) return csv ? (++at_, Scan::more) : wrong("end-of-copy marker does not match previous newline style");
  }
  known = true;
  line = {at_, bytes.size()};
  return Scan::end;
}

}  // namespace pgswitch::copy
