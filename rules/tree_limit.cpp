// TreePlanner: LIMIT and comments.
#include "rules/patterns.hpp"
#include "rules/tree_planner.hpp"

namespace pgswitch::rules {

/// The LIMIT or FETCH of the outermost query, and where that ends.
struct TreePlanner::Clause {
  std::uint32_t keyword = TreeTokens::none;
  std::uint32_t end = TreeTokens::none;   ///< the last token of the clause
  std::uint32_t last = TreeTokens::none;  ///< of the query
  bool fetch = false;
};

void TreePlanner::set_limit() {
  const SelectStmt* query = map_.query();
  if (!query) return;
  const Node* outer = nodeTag(tree_) == T_ExplainStmt ? as<ExplainStmt>(tree_)->query : tree_;
  if (nodeTag(outer) == T_CreateTableAsStmt) return void(refuse("a LIMIT for CREATE TABLE AS"));
  std::uint32_t begin = 0;
  const bool copy = nodeTag(outer) == T_CopyStmt;
  while (copy && begin < tokens_.size() && !tokens_.is(begin, TokenType::left_paren)) ++begin;
  const Clause clause = find_limit(copy ? begin + 1 : 0);
  const std::string most = std::to_string(*wanted_.limit);
  if (clause.last == TreeTokens::none || (clause.keyword != TreeTokens::none) != (query->limitCount != nullptr)) {
    return void(refuse("where the LIMIT of the query stands cannot be told"));
  }
  if (!query->limitCount) return insert_behind(clause.last, " LIMIT " + most);
  lower_limit(clause, most);
}

TreePlanner::Clause TreePlanner::find_limit(std::uint32_t begin) const {
  Clause clause;
  std::uint32_t depth = 0;
  std::uint32_t before = TreeTokens::none;
  bool open = false;  // the clause has not ended
  for (std::uint32_t at = begin < tokens_.size() && tokens_[begin].type == TokenType::comment ? tokens_.next(begin) : begin; at < tokens_.size();
       before = at, at = tokens_.next(at)) {
    const TokenType type = tokens_[at].type;
    if (depth == 0 && type == TokenType::right_paren) break;
    if (type == TokenType::semicolon && clause.last != TreeTokens::none) break;
    if (type == TokenType::semicolon) continue;
    const bool keyword = depth == 0 && !tokens_.is(before, TokenType::dot) && !tokens_.is_word(before, "as");
    const bool fetch = tokens_.is_word(at, "fetch");
    if (keyword && (fetch || tokens_.is_word(at, "limit"))) {
      clause.keyword = at;
      clause.fetch = fetch;
      open = true;
    } else if (keyword && (tokens_.is_word(at, "offset") || tokens_.is_word(at, "for"))) {
      open = false;
    }
    if (open) clause.end = at;
    depth += type == TokenType::left_paren;
    depth -= type == TokenType::right_paren;
    clause.last = at;
  }
  return clause;
}

void TreePlanner::lower_limit(const Clause& clause, const std::string& most) {
  std::uint32_t from = tokens_.next(clause.keyword), to = clause.end;
  if (clause.fetch) {  // FETCH FIRST [count] ROWS ONLY, FETCH NEXT [count] ROW WITH TIES
    from = tokens_.next(from);
    while (to != from && !tokens_.is_word(to, "rows") && !tokens_.is_word(to, "row")) to = tokens_.previous(to);
    if (to == from) return;  // one row
    to = tokens_.previous(to);
  }
  if (from == TreeTokens::none || to < from) return void(refuse("where the LIMIT of the query ends cannot be told"));
  if (from == to && (tokens_.is_word(from, "all") || tokens_.is_word(from, "null"))) return replace({from, to}, most);
  insert_before(from, "least(");
  insert_behind(to, ", " + most + "::bigint)");
}

void TreePlanner::drop_hints() {
  for (const std::string& pattern : wanted_.dropped_hints)
    for (std::uint32_t at = 0; at < tokens_.size(); ++at)
      if (tokens_[at].type == TokenType::comment && glob(comment_text(tokens_.text(at)), pattern)) replace({at, at}, " ");
}

}  // namespace pgswitch::rules
