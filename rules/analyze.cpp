#include "rules/analyze.hpp"

#include <algorithm>

#include "rules/analyze_tokens.hpp"
#include "rules/analyze_utility.hpp"
#include "rules/analyze_variables.hpp"
#include "rules/pg_parse.hpp"
#include "rules/tokens.hpp"

namespace pgswitch::rules {
namespace {

constexpr std::size_t most_hints = 64;

/// A text longer than this many times parse_max_bytes is not parsed piece by piece either: that would hold the worker.
constexpr std::size_t parse_whole_factor = 16;

/// A statement's bytes, and within them those from its first to its last token that is no comment.
struct Piece {
  std::uint32_t begin = 0, end = 0;
  std::uint32_t first = 0, last = 0;
  std::uint32_t hints_end = 0;  ///< the last statement of a text has the comments behind its semicolon too
  bool comments = false;        ///< there may be some before hints_end
  std::uint32_t size() const { return end - begin; }
};

/// A Piece from its tokens.
class PieceBuilder {
 public:
  void add(const Token& token, std::uint32_t offset) {
    const std::uint32_t from = offset + token.begin, to = from + token.size;
    if (piece_.end == 0) piece_.begin = from;
    piece_.end = to;
    if (token.type == TokenType::comment) {
      piece_.comments = true;
    } else {
      if (empty_) piece_.first = from;
      piece_.last = to;
      empty_ = false;
    }
  }
  /// Nothing but comments so far.
  bool empty() const { return empty_; }
  Piece take() {
    if (empty_) piece_.first = piece_.last = piece_.end;
    piece_.hints_end = piece_.end;
    return piece_;
  }

 private:
  Piece piece_;
  bool empty_ = true;
};

TokenOptions token_options(const AnalyzeOptions& options) {
  return TokenOptions{.standard_conforming_strings = options.standard_conforming_strings};
}

/// A literal with backslashes means something else where standard_conforming_strings is on.
void respell_variables(std::string_view text, Statement& statement) {
  if (text.find('\\') == std::string_view::npos) return;
  for (VariableChange& change : statement.variables) {
    if (!change.value.empty()) change.statement = set_config_statement(change.name, change.value);
  }
}

/// What one call of analyze() works with.
class Analysis {
 public:
  Analysis(std::string_view sql, const AnalyzeOptions& options) : sql_(sql), options_(options) {}
  AnalyzedScript run();

 private:
  AnalysisLimit limit_of(std::string_view text) const;
  bool parse_whole();
  void analyze_pieces();
  void analyze_piece(const Piece& piece, bool alone);
  void add_parsed(const Node* raw, const Piece& piece);
  void add_by_tokens(const Piece& piece, bool refused);
  void add_empty();
  void add(Statement statement, const Piece& piece);
  std::vector<Piece> split() const;
  Piece trim(std::uint32_t begin, std::uint32_t end) const;
  void note_comments(std::uint32_t begin, std::uint32_t end, Statement& out) const;
  std::uint64_t fingerprint(const Piece& piece);
  std::string_view text(const Piece& piece) const { return sql_.substr(piece.first, piece.last - piece.first); }
  std::uint32_t size() const { return static_cast<std::uint32_t>(sql_.size()); }

  std::string_view sql_;
  const AnalyzeOptions& options_;
  AnalyzedScript script_;
  std::vector<char> scratch_;
};

AnalyzedScript Analysis::run() {
  const AnalysisLimit limit = limit_of(sql_);
  if (limit != AnalysisLimit::none || !parse_whole()) analyze_pieces();
  if (!script_.statements.empty()) return std::move(script_);
  // Only a comment that does not end is refused without having a statement in it.
  const TokenDanger danger = scan(sql_, {}, {}, token_options(options_)).danger;
  if (danger.unterminated) {
    script_.limit = limit;
    add_by_tokens(trim(0, size()), true);
  } else {
    add_empty();
  }
  return std::move(script_);
}

AnalysisLimit Analysis::limit_of(std::string_view text) const {
  if (text.size() > options_.parse_max_bytes) return AnalysisLimit::bytes;
  const TokenDanger danger = scan(text, {}, {}, token_options(options_)).danger;
  if (danger.comment_depth > options_.max_comment_depth) return AnalysisLimit::comment_depth;
  if (danger.paren_depth > options_.max_paren_depth) return AnalysisLimit::paren_depth;
  if (danger.operators > options_.max_operators) return AnalysisLimit::operators;
  if (danger.operator_run > options_.max_operator_run) return AnalysisLimit::operator_run;
  return AnalysisLimit::none;
}

/// False when PostgreSQL would refuse the text, or cannot be asked.
bool Analysis::parse_whole() {
  if (sql_.find('\0') != std::string_view::npos) return false;
  const ParsedText parsed(sql_, options_.standard_conforming_strings);
  if (!parsed.ok()) {
    script_.syntax_error = true;
    script_.error = parsed.error();
    script_.error_position = parsed.error_position();
    return false;
  }
  const Node* last = nullptr;
  for (const Node* node : NodeList(parsed.statements())) last = node;
  for (const Node* node : NodeList(parsed.statements())) {
    const auto* raw = as<RawStmt>(node);
    const auto begin = static_cast<std::uint32_t>(std::max(raw->stmt_location, 0));
    const std::uint32_t end = raw->stmt_len > 0 ? begin + static_cast<std::uint32_t>(raw->stmt_len) : size();
    Piece piece = trim(begin, end);
    if (node == last && piece.hints_end < size()) {
      piece.hints_end = size();
      piece.comments = true;
    }
    add_parsed(raw->stmt, piece);
  }
  return true;
}

/// Statement by statement, told apart by their semicolons.
void Analysis::analyze_pieces() {
  const std::vector<Piece> pieces = split();
  if (pieces.size() > options_.max_statements) {
    script_.limit = AnalysisLimit::statements;
    add_by_tokens(trim(0, size()), true);
    return;
  }
  for (const Piece& piece : pieces) analyze_piece(piece, pieces.size() == 1);
}

void Analysis::analyze_piece(const Piece& piece, bool alone) {
  const std::string_view own = sql_.substr(piece.begin, piece.size());
  const bool too_much = sql_.size() > options_.parse_max_bytes * parse_whole_factor;
  const AnalysisLimit limit = too_much ? AnalysisLimit::bytes : limit_of(own);
  if (limit != AnalysisLimit::none) {
    if (script_.limit == AnalysisLimit::none) script_.limit = limit;
    return add_by_tokens(piece, false);
  }
  const bool known_bad = (alone && script_.syntax_error) || own.find('\0') != std::string_view::npos;
  if (known_bad) return add_by_tokens(piece, true);
  const ParsedText parsed(own, options_.standard_conforming_strings);
  if (parsed.ok() && length(parsed.statements()) == 1) {
    return add_parsed(as<RawStmt>(first(parsed.statements()))->stmt, piece);
  }
  if (!parsed.ok() && !script_.syntax_error) {
    script_.syntax_error = true;
    script_.error = parsed.error();
    script_.error_position = piece.begin + parsed.error_position();
  }
  add_by_tokens(piece, true);
}

void Analysis::add_parsed(const Node* node, const Piece& piece) {
  Statement statement;
  TreeWalker walker(statement, options_.max_tree_depth, options_.declarations);
  describe(node, text(piece), walker, statement);
  if (!options_.standard_conforming_strings) respell_variables(text(piece), statement);
  if (!walker.over_limit()) return add(std::move(statement), piece);
  if (script_.limit == AnalysisLimit::none) script_.limit = AnalysisLimit::tree_depth;
  add_by_tokens(piece, false);
}

void Analysis::add_by_tokens(const Piece& piece, bool refused) {
  Statement statement;
  describe_by_tokens(text(piece), refused, token_options(options_), statement);
  add(std::move(statement), piece);
}

void Analysis::add_empty() {
  Statement statement;
  statement.kind = Kind::empty;
  statement.read_only = true;
  Piece whole;
  whole.end = whole.first = whole.last = whole.hints_end = size();
  whole.comments = true;
  add(std::move(statement), whole);
}

void Analysis::add(Statement statement, const Piece& piece) {
  if (piece.comments) note_comments(piece.begin, piece.hints_end, statement);
  statement.fingerprint = fingerprint(piece);
  script_.statements.push_back({std::make_shared<const Statement>(std::move(statement)), piece.begin, piece.size()});
}

std::vector<Piece> Analysis::split() const {
  std::vector<Piece> pieces;
  TokenReader reader(sql_, token_options(options_));
  StatementSplitter splitter;
  PieceBuilder piece;
  for (Token t = reader.next(); t.type != TokenType::end; t = reader.next()) {
    if (t.type == TokenType::comment || !splitter.ends_statement(t, reader.text(t))) {
      piece.add(t, 0);
      continue;
    }
    if (!piece.empty()) pieces.push_back(piece.take());
    piece = PieceBuilder();
  }
  if (!piece.empty()) pieces.push_back(piece.take());
  if (!pieces.empty()) {
    pieces.back().hints_end = size();
    pieces.back().comments = true;
  }
  return pieces;
}

/// Without the blanks around; `first` and `last` without the comments around either.
Piece Analysis::trim(std::uint32_t begin, std::uint32_t end) const {
  end = std::min(end, size());
  begin = std::min(begin, end);
  TokenReader reader(sql_.substr(begin, end - begin), token_options(options_));
  PieceBuilder piece;
  for (Token t = reader.next(); t.type != TokenType::end; t = reader.next()) piece.add(t, begin);
  return piece.take();
}

void Analysis::note_comments(std::uint32_t begin, std::uint32_t end, Statement& out) const {
  TokenReader reader(sql_.substr(begin, end - begin), token_options(options_));
  for (Token t = reader.next(); t.type != TokenType::end; t = reader.next()) {
    if (t.type == TokenType::comment && out.hints.size() < most_hints) out.hints.emplace_back(comment_text(reader.text(t)));
  }
}

std::uint64_t Analysis::fingerprint(const Piece& piece) {
  const std::string_view own = sql_.substr(piece.begin, piece.size());
  if (scratch_.size() < shape_capacity(own.size())) scratch_.resize(shape_capacity(own.size()));
  const Scan result = scan(own, scratch_, {}, token_options(options_));
  return result.has_shape ? result.shape_hash : hash_bytes(own);
}

}  // namespace

std::string_view to_string(AnalysisLimit limit) {
  switch (limit) {
    case AnalysisLimit::none: return "none";
    case AnalysisLimit::bytes: return "parse_max_bytes";
    case AnalysisLimit::comment_depth: return "depth of comments";
    case AnalysisLimit::paren_depth: return "depth of parentheses";
    case AnalysisLimit::operators: return "number of operators";
    case AnalysisLimit::operator_run: return "length of an operator";
    case AnalysisLimit::tree_depth: return "depth of the statement";
    case AnalysisLimit::statements: return "number of statements";
  }
  return "unknown";
}

AnalyzedScript analyze(std::string_view sql, const AnalyzeOptions& options) { return Analysis(sql, options).run(); }

}  // namespace pgswitch::rules
