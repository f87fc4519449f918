#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rules/declarations.hpp"
#include "rules/statement.hpp"

namespace pgswitch::rules {

/// Limits of the analysis. What is over one of them is not parsed but understood by its tokens alone: libpg_query has no
/// stack guard, its lexer is quadratic in the depth of comments and in runs of operator characters, and it ends the
/// process when memory fails.
struct AnalyzeOptions {
  std::size_t parse_max_bytes = 64 * 1024;
  std::uint32_t max_comment_depth = 32;
  std::uint32_t max_paren_depth = 500;
  std::uint32_t max_operators = 2000;
  std::uint32_t max_operator_run = 512;
  std::uint32_t max_tree_depth = 500;        ///< of the parse tree
  std::size_t max_statements = 10'000;       ///< in one text that is not parsed as a whole
  bool standard_conforming_strings = true;   ///< as the client's session has it
  const Declarations* declarations = nullptr;  ///< what the rules file says of functions and tables; none: nothing
};

enum class AnalysisLimit : std::uint8_t { none, bytes, comment_depth, paren_depth, operators, operator_run, tree_depth, statements };

/// "parse_max_bytes", "comment depth", ...: for messages.
std::string_view to_string(AnalysisLimit limit);

/// A statement and its bytes in the text: without the semicolon and the blanks around it, with the comments before it.
struct AnalyzedStatement {
  StatementPtr statement;
  std::uint32_t begin = 0;
  std::uint32_t size = 0;
};

struct AnalyzedScript {
  std::vector<AnalyzedStatement> statements;  ///< never empty: a text without statements has one of Kind::empty
  /// The first limit that one of the statements is over: it was understood by its tokens alone. A long text of short
  /// statements is over none; they are parsed one by one.
  AnalysisLimit limit = AnalysisLimit::none;
  /// PostgreSQL's grammar refuses the text as a whole. Its statements were told apart by semicolons and analysed one by
  /// one; a PostgreSQL server would run none of them.
  bool syntax_error = false;
  std::string error;                 ///< PostgreSQL's message for it
  std::uint32_t error_position = 0;  ///< byte offset in the text

  bool oversized() const { return limit != AnalysisLimit::none; }
};

/// Understands a query string: one Statement for each statement in it. Never throws on input, and never fails: text that
/// PostgreSQL's grammar refuses comes back as Kind::unparsed. So does text that is over a limit, except that statements
/// about the transaction or the session (BEGIN, COMMIT, SET, PREPARE, LISTEN, ...) keep their kind, with `parsed = false`.
///
/// Call it on a thread with at least 16 MB of stack: PostgreSQL's parser recurses without a guard. Any number of threads
/// may call it at a time. The text must be without NUL bytes to be parsed; with one it is understood by its tokens.
AnalyzedScript analyze(std::string_view sql, const AnalyzeOptions& options = {});

}  // namespace pgswitch::rules
