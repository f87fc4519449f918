#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "rules/decision.hpp"
#include "rules/statement.hpp"

namespace pgswitch::rules {

/// A rule of the table or a hook that was asked and what came of it.
struct ChainStep {
  std::string who;  ///< "rules.lua:12 route"
  std::string said; ///< "\"analytics\"", "nothing", "an error: ..."
};

/// For what else a decision is good.
enum class Reuse : std::uint8_t {
  shape,  ///< all statements that differ in literals only
  text,   ///< the same text
  moment, ///< nothing: it depends on what changes by itself
  limit,  ///< nothing: the text is over a limit of the analysis
};

/// What was understood of one statement, who was asked about it and what was decided.
struct StatementAccount {
  std::string text;        ///< as it stands in the query string
  StatementPtr statement;  ///< of that text
  std::vector<ChainStep> steps;
  DecisionPtr decision;
  Reuse reuse = Reuse::shape;
};

/// The whole story of a query string. A plain value; text and JSON are two ways to write it down.
struct Account {
  std::string own_database;  ///< of the client; may be empty
  std::string limit;         ///< of the analysis that it is over: "parse_max_bytes"; mostly empty
  bool syntax_error = false;
  std::string error;         ///< with syntax_error: PostgreSQL's message
  std::uint32_t error_position = 0;  ///< byte offset
  std::vector<StatementAccount> statements;
};

/// Lines of at most one fact, aligned, the same for the same account.
std::string to_text(const Account& account);
/// One JSON object, in lines; the README lists its fields. Bytes that are not UTF-8 are replaced.
std::string to_json(const Account& account);

}  // namespace pgswitch::rules
