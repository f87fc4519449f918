#pragma once
#include <string_view>

#include "rules/decision.hpp"
#include "rules/tokens.hpp"

namespace pgswitch::rules {

/// In these client encodings the second byte of a character may be an ASCII sign. A server converts a text before it reads it; here it is
/// read as it came, so that a backslash, or an operator, may be seen where there is none.

/// Whether the encoding (any name that PostgreSQL knows it by) is one of them: SJIS, BIG5, GBK, UHC, GB18030, JOHAB, SHIFT_JIS_2004.
bool has_ascii_in_characters(std::string_view encoding);

/// Whether a text in such an encoding may be something else to the server: the second byte of a character may be a backslash of an
/// escape string, or stand outside of strings and quoted identifiers where it ends a word. Linear time, no allocation.
bool may_be_misread(std::string_view sql, TokenOptions options);

/// What its client is told: nothing of such a text is sent.
Refusal misreading_refusal();

}  // namespace pgswitch::rules
