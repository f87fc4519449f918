#include "rules/pg_parse.hpp"

// The scanner's settings are thread-local in libpg_query; PostgreSQL's own headers declare them as plain globals.
extern "C" {
extern __thread bool standard_conforming_strings;
extern __thread bool escape_string_warning;
}

namespace pgswitch::rules {
namespace {

/// PostgreSQL counts characters from 1.
std::uint32_t byte_offset(std::string_view sql, int character) {
  std::uint32_t at = 0;
  for (int n = 1; n < character && at < sql.size(); ++n) {
    ++at;
    while (at < sql.size() && (static_cast<unsigned char>(sql[at]) & 0xc0) == 0x80) ++at;
  }
  return at;
}

}  // namespace

ParsedText::ParsedText(std::string_view sql, bool conforming) : sql_(sql), context_(pg_query_enter_memory_context()) {
  ::standard_conforming_strings = conforming;
  ::escape_string_warning = false;
  const PgQueryInternalParsetreeAndError result = pg_query_raw_parse(sql_.c_str());
  ::standard_conforming_strings = true;
  std::free(result.stderr_buffer);
  if (!result.error) {
    tree_ = result.tree;
    return;
  }
  error_ = text_of(result.error->message);
  if (error_.empty()) error_ = "syntax error";
  error_position_ = byte_offset(sql_, result.error->cursorpos);
  pg_query_free_error(result.error);
}

ParsedText::~ParsedText() { pg_query_exit_memory_context(context_); }

}  // namespace pgswitch::rules
