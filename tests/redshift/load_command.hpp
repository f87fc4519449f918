#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/redshift/lexer.hpp"
#include "tests/redshift/options.hpp"
#include "tests/redshift/s3.hpp"

/// COPY ... FROM 's3://...' and UNLOAD as they are written (redshift facts 3.2).
namespace pgswitch::stand_in {

struct LoadFormat {
  bool csv = false, escape = false, remove_quotes = false, add_quotes = false, gzip = false, header = false;
  bool empty_as_null = false, blanks_as_null = false, trim_blanks = false, truncate_columns = false, round = false;
  bool fill_record = false, ignore_blank_lines = false, explicit_ids = false;
  char delimiter = '|', quote = '"';
  std::string null_text = "\\N";
  std::uint64_t ignore_header = 0, max_errors = 0;
  std::string date_format, time_format;  ///< empty: the default
  std::optional<char> replacement;       ///< ACCEPTINVCHARS
};

struct LoadCommand {
  std::string table;                 ///< as PostgreSQL is told it, schema included
  std::string table_name;            ///< as notices name it
  std::vector<std::string> columns;  ///< empty: all
  std::string query;                 ///< of UNLOAD
  S3Place place;
  S3Key key;
  std::string region = "us-east-1";
  LoadFormat format;
  bool manifest = false, allow_overwrite = false, parallel = true, no_load = false;
};

/// Throws TextError: 42601 for what is no COPY or UNLOAD, 0A000 for sources and formats that the stand-in cannot read, XX000 for roles that
/// nobody gave it.
LoadCommand read_load_command(std::string_view text, const Statement& statement, const Options& options);

}  // namespace pgswitch::stand_in
