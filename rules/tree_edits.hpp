#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/facts.hpp"
#include "rules/filter_condition.hpp"
#include "rules/redshift/translate.hpp"
#include "rules/rewrite.hpp"
#include "rules/statement.hpp"

namespace pgswitch::rules {

/// One name for another.
struct Renaming {
  std::string from, to;
};

struct ColumnRenaming {
  std::string table, from, to;
};

/// The rows of a table that its readers may see.
struct RowFilter {
  std::string table;
  FilterConditionPtr condition;
  std::vector<FilterValue> values;  ///< one for each place of the condition
};

/// A SELECT that another server runs: the foreign server, connection or connection string that dblink() is given, and the columns it
/// returns with their types, as SQL has them.
struct DblinkCall {
  std::string server, columns;
};

/// Is it a list of columns as dblink() takes it, "sellerid int, sales numeric(10, 2)"? Parses it.
bool is_column_list(std::string_view columns);

/// A key and a value of the comment that a statement is given; "$user", "$database", "$application_name", "$client_address" and "$rule"
/// stand for what they say.
struct SqlTag {
  std::string key, value;
};

/// What a rule wants changed in a statement: told first and done at once, in one pass over the statement as the client wrote it.
/// Names are exact: not folded, no patterns. "sales" is a table of any schema, "analytics.sales" that of one.
struct TreeEdits {
  std::vector<Renaming> tables, schemas, functions;
  std::vector<ColumnRenaming> columns;
  std::vector<RowFilter> filters;
  std::optional<std::int64_t> limit;
  std::vector<std::string> dropped_hints;  ///< patterns of comments
  std::optional<DblinkCall> dblink;
  std::vector<SqlTag> tags;                ///< in the order of their keys
  redshift::Translate translate = redshift::Translate::off;  ///< after all else: plan_edits() leaves it alone
  /// Refuse what is not proven to see filtered rows alone: each table must have a filter or be one of `unfiltered`.
  bool strict = false;
  std::vector<std::string> unfiltered;

  bool empty() const {
    return tables.empty() && schemas.empty() && functions.empty() && columns.empty() && filters.empty() && !limit && dropped_hints.empty() && !dblink && tags.empty() &&
           !strict && translate == redshift::Translate::off;
  }
};

/// What came of the edits: the places of a text, or why they cannot be made.
struct EditPlan {
  std::string error;             ///< "" when they can be made
  std::vector<TokenEdit> edits;  ///< in the order of their places; none: the statement has nothing in it that is to be changed
  Dependencies depends_on = 0;   ///< on what the filters bind, beside the shape
};

/// Finds out what to change in `text`, which holds the one statement `statement` (and comments and semicolons around it). What
/// cannot be changed for sure, or cannot be seen, is an error. The same edits hold for each text of the same shape.
/// Parses the text: see analyze() for the stack it takes. `rule`: whose edits they are.
EditPlan plan_edits(const TreeEdits& edits, std::string_view text, const Statement& statement, const Facts& facts, std::string_view rule = {});

}  // namespace pgswitch::rules
