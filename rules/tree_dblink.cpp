// TreePlanner: a whole SELECT handed to another server by dblink().
#include <algorithm>

#include "rules/quoting.hpp"
#include "rules/tree_planner.hpp"

namespace pgswitch::rules {
namespace {

/// A tag that is in none of the texts between the quotes.
template <class Contains>
std::string dollar_tag(Contains contains) {
  std::string tag = "pgswitch";
  for (std::size_t n = 1; contains(tag); ++n) tag = "pgswitch" + std::to_string(n);
  return "$" + tag + "$";
}

}  // namespace

bool is_column_list(std::string_view columns) {
  const ParsedText parsed("SELECT * FROM f() AS t(" + std::string(columns) + ")", true);
  if (!parsed.ok() || length(parsed.statements()) != 1) return false;
  const auto* select = as<SelectStmt>(as<RawStmt>(first(parsed.statements()))->stmt);
  const bool plain = nodeTag(reinterpret_cast<const Node*>(select)) == T_SelectStmt && select->op == SETOP_NONE && !select->whereClause &&
                     !select->groupClause && !select->havingClause && !select->sortClause && !select->limitCount && !select->limitOffset &&
                     !select->lockingClause && !select->windowClause && length(select->fromClause) == 1;
  const Node* item = plain ? first(select->fromClause) : nullptr;
  return item && nodeTag(item) == T_RangeFunction && as<RangeFunction>(item)->coldeflist && columns.find("--") == std::string_view::npos;
}

void TreePlanner::wrap_dblink() {
  const auto* select = as<SelectStmt>(tree_);
  if (nodeTag(tree_) != T_SelectStmt) return void(refuse("dblink() takes a SELECT, not " + statement_.command));
  if (statement_.for_update) return void(refuse("dblink() takes no FOR UPDATE or FOR SHARE"));
  if (!statement_.read_only || select->intoClause) return void(refuse("dblink() takes a SELECT that is known to write nothing"));
  if (statement_.effects != 0) return void(refuse("what the SELECT leaves behind in its session would be in another one"));
  if (statement_.parameters > 0) return void(refuse("dblink() takes no parameters"));
  if (!facts_.standard_conforming_strings) return void(refuse("the other server reads strings otherwise, standard_conforming_strings is off"));
  const std::uint32_t begin = tokens_.is(0, TokenType::comment) ? tokens_.next(0) : 0;
  std::uint32_t end = tokens_.previous(tokens_.size());
  while (end != TreeTokens::none && tokens_.is(end, TokenType::semicolon)) end = tokens_.previous(end);
  if (begin == TreeTokens::none || end == TreeTokens::none) return void(refuse("where the SELECT begins and ends cannot be told"));
  const std::string tag = dollar_tag([&](const std::string& name) { return is_in_text(name); });
  // The tag is good for this text alone: others of its shape have other literals.
  plan_.depends_on |= bit(Dependency::text);
  const DblinkCall& call = *wanted_.dblink;
  plan_.edits.insert(plan_.edits.begin(), {begin, 0, false, "SELECT * FROM dblink(" + quote_literal(call.server) + ", " + tag});
  insert_behind(end, tag + ") AS t(" + call.columns + ")");
}

/// Is it in the statement, or in what the other edits put into it?
bool TreePlanner::is_in_text(std::string_view word) const {
  const auto holds = [&](const TokenEdit& edit) { return edit.text.find(word) != std::string::npos; };
  return tokens_.whole().find(word) != std::string_view::npos || std::any_of(plan_.edits.begin(), plan_.edits.end(), holds);
}

}  // namespace pgswitch::rules
