#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "rules/pg_nodes.hpp"

namespace pgswitch::rules {

/// A text parsed by PostgreSQL's grammar. Owns libpg_query's memory context of this thread for its life: one at a time,
/// on the stack, and no node outlives it. PostgreSQL's longjmp stays inside pg_query_raw_parse(), which returns errors as
/// values, so no destructor of ours is jumped over.
class ParsedText {
 public:
  ParsedText(std::string_view sql, bool standard_conforming_strings);
  ~ParsedText();
  ParsedText(const ParsedText&) = delete;
  ParsedText& operator=(const ParsedText&) = delete;

  bool ok() const { return error_.empty(); }
  /// RawStmt nodes, one for each statement that is not empty.
  const List* statements() const { return tree_; }
  const std::string& error() const { return error_; }
  /// Byte offset in the text.
  std::uint32_t error_position() const { return error_position_; }

 private:
  std::string sql_;
  MemoryContext context_;
  const List* tree_ = nullptr;
  std::string error_;
  std::uint32_t error_position_ = 0;
};

}  // namespace pgswitch::rules
