#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "rules/decision.hpp"
#include "rules/rewrite.hpp"

namespace pgswitch::rules::redshift {

/// Redshift's lexer descends from PostgreSQL 8.0's: a backslash escapes in every string, E'text' and U&'text' are a word with a string behind
/// it, dollar quotes are known. Clients write literals as PostgreSQL reads them, so a text is spelled anew on its way to Redshift:
///
///   'a\b', $$a\b$$, E'a\\b', U&'a\\b'    'a\\b'      nothing but \\ and '' stands for something else in what is written
///   'a'<line break>'b'                   'ab'
///   U&"d\0061ta"                         "data"
///   /* a /* b */ c */                    /* a |+ b +| c */
///   N'text', "text", $$ body $$          as they are, the last in CREATE FUNCTION and CREATE PROCEDURE behind AS
///   B'01', X'1f'                         refused
///
/// Where literals and comments end does not depend on whether a server takes backslashes for escapes, nor on whether it nests comments.

/// Why a text cannot be sent to Redshift.
struct SpellingFault {
  Refusal refusal;
  std::uint32_t at = 0;        ///< byte of the text
  std::uint32_t position = 0;  ///< the same as PostgreSQL counts in an error: characters from 1
};

/// False: Redshift's lexer reads `text` as PostgreSQL's does. Its cost is that of five calls of memchr, without allocation. True tells nothing:
/// what spell() writes may be the same.
bool needs_spelling(std::string_view text);

/// `text`, written for PostgreSQL, of one statement or several, with every literal written for Redshift's lexer; it must be in UTF-8.
/// `standard_conforming_strings`: how the client was told that its plain strings are read. nullopt: `fault` says why, nothing may be sent.
/// `positions`: leads positions in errors of the server back to `text`. Linear time. A pure function: any thread.
std::optional<std::string> spell(std::string_view text, bool standard_conforming_strings, SpellingFault& fault, PositionMap* positions = nullptr);

/// `value` as a literal that both lexers read alike but for backslashes, which Redshift alone needs doubled. `value` has no NUL.
void append_literal(std::string_view value, std::string& out);

}  // namespace pgswitch::rules::redshift
