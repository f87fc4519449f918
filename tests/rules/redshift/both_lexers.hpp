#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace pgswitch::rules::redshift {

/// A piece of a text as a lexer sees it.
struct Piece {
  char kind;         ///< ' ' what stands between: words, numbers, signs; 's' a string, 'n' N'text', 'i' an identifier in quotes; '~' one without an end
  std::string text;  ///< what a literal stands for; else the characters, a run of blanks and comments as one blank, none at both ends
  bool operator==(const Piece&) const = default;
};

/// How a server may read what Redshift is sent: nobody outside knows it for sure.
struct OldLexer {
  bool backslash_escapes = true;
  bool nested_comments = true;
};

/// What PostgreSQL makes of a text, by TokenReader and a second reading of the literals' escapes. Nothing is said of literals that it refuses.
std::vector<Piece> postgres_pieces(std::string_view text, bool standard_conforming_strings);

/// What a lexer like that of PostgreSQL 8.0 (src/backend/parser/scan.l, REL8_0_STABLE) makes of it: written from its rules, without any code of rules/.
std::vector<Piece> redshift_pieces(std::string_view text, OldLexer lexer = {});

}  // namespace pgswitch::rules::redshift
