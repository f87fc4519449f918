#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/sql_error.hpp"
#include "proxy/copy/copy_statement.hpp"

namespace pgswitch::copy {

/// A value of a row: what it is, not how it was written.
struct Field {
  std::string_view value;
  bool null = false;
};

/// Takes the rows of a decoder.
class RowSink {
 public:
  virtual ~RowSink() = default;
  /// `line`: of the client's data, from 1, on which the row ends. False: error() says what is wrong with it, wrong_column() where.
  virtual bool row(std::uint64_t line, std::span<const Field> fields) = 0;
  virtual protocol::SqlError error() const = 0;
  /// -1: no column in particular.
  virtual int wrong_column() const { return -1; }
};

/// Decodes what a client sends for COPY FROM STDIN in the text or the CSV format (manual, COPY, File Formats), cut as it likes. Rows are
/// UTF-8. Errors are those of PostgreSQL (src/backend/commands/copyfromparse.c), with its CONTEXT. Holds one line at most.
class CopyDecoder {
 public:
  /// `columns`: names of what is loaded, in the order of the data.
  CopyDecoder(const CopyStatement& copy, std::vector<std::string> columns, RowSink& sink);

  /// The next bytes of the data; false: error(), and nothing more is taken.
  bool feed(std::string_view bytes);
  /// All of it has come.
  bool finish();
  /// The end marker has been seen: what is still fed is ignored.
  bool has_ended() const { return ended_; }
  /// What stands behind the last bytes that were fed has this fault. True: they were behind the end of the data.
  bool refuse(protocol::SqlError fault);
  const protocol::SqlError& error() const { return error_; }
  std::uint64_t rows() const { return rows_; }
  /// That was taken last, from 1; where a load fails that the client gives up, PostgreSQL tells the one behind it.
  std::uint64_t line() const { return line_; }

  /// A line may be that long. A row for Redshift cannot be longer than 4 MB.
  static constexpr std::size_t longest_line = 8u << 20;

 private:
  enum class Eol : std::uint8_t { unknown, nl, cr, crnl };
  enum class Scan : std::uint8_t { more, line, end, failed };
  struct Line {
    std::size_t size = 0;  ///< of what it says
    std::size_t next = 0;  ///< where the one behind it begins
  };
  Scan scan(std::string_view bytes, bool at_end, Line& line);
  Scan scan_carriage_return(std::string_view bytes, Line& line);
  Scan scan_newline(Line& line);
  Scan scan_backslash(std::string_view bytes, bool at_end, Line& line, bool& ended);
  bool toggle_quote(char c);
  bool take_lines(std::string_view& bytes, bool at_end);
  bool take_line(std::string_view line);
  bool split_text(std::string_view line);
  bool split_csv(std::string_view line);
  void unescape(std::string_view raw);
  bool check_header(std::string_view line);
  bool check_encoding(std::string_view line);
  void force_nulls();
  Scan fail_line(const char* what, const char* hint = "");
  bool fail(std::string_view sqlstate, std::string message, std::string hint = "", std::string_view line = {});

  const CopyOptions options_;
  const std::string table_;
  const std::vector<std::string> columns_;
  std::vector<bool> force_null_, force_not_null_;
  RowSink& sink_;
  protocol::SqlError error_;

  std::string pending_;      ///< the beginning of a line
  std::size_t at_ = 0;       ///< of the line's bytes that have been looked at
  bool in_quote_ = false, escaped_ = false;
  Eol eol_ = Eol::unknown;
  bool header_due_ = false, ended_ = false, failed_ = false;
  std::uint64_t line_ = 0, rows_ = 0;
  std::uint64_t inner_lines_ = 0;  ///< line ends inside quotes of the line that is being looked for
  std::vector<Field> fields_;
  std::string unescaped_;    ///< room for the values of one line
  bool special_[256] = {};   ///< bytes at which scan() looks twice
};

/// Data of an error's CONTEXT: at most 100 bytes of it, then "...".
std::string shortened(std::string_view data);

}  // namespace pgswitch::copy
