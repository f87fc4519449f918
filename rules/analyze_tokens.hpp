#pragma once
#include <string_view>

#include "rules/analyze.hpp"
#include "rules/tokens.hpp"

namespace pgswitch::rules {

/// Fills `out` for a statement that was not parsed, from its tokens: words, Redshift's keywords, tables after FROM, INTO
/// and the like, effects that its words may have. `refused`: PostgreSQL's grammar said no, so the kind is `unparsed`;
/// otherwise the text was over a limit, and what concerns transactions and the session gets its proper kind.
/// `text`: from the first to the last token.
void describe_by_tokens(std::string_view text, bool refused, TokenOptions options, Statement& out);

}  // namespace pgswitch::rules
