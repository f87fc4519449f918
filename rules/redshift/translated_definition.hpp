#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "rules/decision.hpp"
#include "rules/rewrite.hpp"
#include "rules/tree_tokens.hpp"

namespace pgswitch::rules::redshift {

/// What is to be done with a statement: `query` translated, `edits` made, nothing, or it is refused.
struct Definition {
  Refusal refusal;  ///< without a message: there is none
  std::uint32_t at = 0;
  std::optional<TokenRun> query;  ///< the tokens of the SELECT, INSERT, UPDATE or DELETE that it is, or holds
  std::vector<TokenEdit> edits;
  bool beyond_postgres = false;  ///< as in Translation
};

/// Looks at the one statement of the text; what does not parse is nothing. Finds the query in EXPLAIN, DECLARE, PREPARE, CREATE TABLE AS,
/// CREATE VIEW and COPY (query) TO, translates the columns of CREATE TABLE and ALTER TABLE, and refuses what Redshift has not.
Definition definition_of(std::string_view text, const TreeTokens& tokens, bool standard_conforming_strings);

}  // namespace pgswitch::rules::redshift
