#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/sql_error.hpp"

namespace pgswitch::copy {

enum class Format : std::uint8_t { text, csv };
enum class Header : std::uint8_t { no, yes, match };

/// How the data of a COPY is written (manual, COPY, Parameters). Checked: what parse_copy() gives is consistent.
struct CopyOptions {
  Format format = Format::text;
  char delimiter = '\t';
  std::string null = "\\N";
  Header header = Header::no;
  char quote = '"';
  char escape = '"';
  std::string encoding;                   ///< as written, "" = the client's
  bool force_quote_all = false;
  std::vector<std::string> force_quote;   ///< columns; of COPY TO
  std::vector<std::string> force_not_null, force_null;  ///< of COPY FROM
};

/// COPY ... FROM STDIN or TO STDOUT, taken apart.
struct CopyStatement {
  bool from = false;
  std::string target;                ///< `schema.t` as SQL, quoted as the client did; "" for COPY (query)
  std::string table;                 ///< its last name, as PostgreSQL tells it in errors
  std::vector<std::string> columns;  ///< names, folded; empty: all of the table
  std::string column_list;           ///< `("a", b)` as SQL; "" without one
  std::string query;                 ///< of COPY (query) TO, as written
  std::uint32_t query_position = 0;  ///< characters of the client's text before it
  CopyOptions options;
};

/// Whether `text` is a COPY between the client and the server: "FROM STDIN" or "TO STDOUT". One pass over its beginning.
bool is_client_copy(std::string_view text, bool standard_conforming_strings);

/// Takes a statement apart for which is_client_copy() holds, and that PostgreSQL's grammar accepts. Otherwise, or when it asks for what
/// no such server gives (the binary format, WHERE), nullopt and `error`, in PostgreSQL's words where it has some.
std::optional<CopyStatement> parse_copy(std::string_view text, bool standard_conforming_strings, protocol::SqlError& error);

}  // namespace pgswitch::copy
