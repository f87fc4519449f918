#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/redshift/lexer.hpp"

/// A statement of Redshift as the PostgreSQL behind has to be told it (redshift facts 1.6, 2.1, 2.2).
namespace pgswitch::stand_in {

enum class Kind : std::uint8_t {
  plain,
  begin,
  commit,
  rollback,
  declare,
  fetch,
  close,
  truncate,
  set,
  copy,
  unload,
};

struct Translation {
  Kind kind = Kind::plain;
  std::string sql;
  /// (byte of `sql`, byte of the text) of each token, ascending: where positions of errors lie.
  std::vector<std::pair<std::size_t, std::size_t>> moved;
  bool uses_user_tables = false;
  bool reads_catalog = false;  ///< tables of the catalog, or leader-node functions, and no user table: runs on the leader node
  std::vector<std::string> leader_functions;  ///< as the notice names them: "now()"
  bool needs_user_table = false;              ///< has a compute-node function
};

struct TranslateOptions {
  std::string user;                        ///< who logged in: what RESET SESSION AUTHORIZATION goes back to
  std::string isolation = "SERIALIZABLE";  ///< what every isolation level is processed as
  bool knows_intervalstyle = false;        ///< facts 2.2: whether SET intervalstyle is accepted is not known
};

/// Throws TextError for what Redshift refuses by name: settings.
Translation translate(std::string_view text, const Statement& statement, const TranslateOptions& options);

std::string quote_literal(std::string_view value);  ///< for PostgreSQL with standard_conforming_strings
std::string quote_identifier(std::string_view value);

/// Byte of the text that byte `place` of the translated one came from.
std::size_t place_before(const Translation& translation, std::size_t place);
/// `message` of PostgreSQL without the names of the schemas that the translation puts in.
std::string without_own_schemas(std::string message);

}  // namespace pgswitch::stand_in
