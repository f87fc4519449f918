#pragma once
#include <string>
#include <string_view>

/// Names and values as SQL has them.
namespace pgswitch::rules {

/// 'text', or E'text' when it has backslashes: read alike with and without standard_conforming_strings.
std::string quote_literal(std::string_view text);
/// `sql`, which is read with standard_conforming_strings on, with E'...' for each '...' that has backslashes: read alike without it, too.
std::string quote_alike(std::string_view sql);
/// As it is where that reads as the same name, for PostgreSQL and for Redshift, else in quotes.
std::string quote_name(std::string_view name);
/// "archive.sales": each part of a dotted name quoted where it must be.
std::string quote_dotted(std::string_view name);
/// The name that the quoted identifier `text` writes.
std::string unquote_name(std::string_view text);
/// The name that `text`, an identifier without quotes, writes: its ASCII letters in lower case.
std::string fold_name(std::string_view text);

}  // namespace pgswitch::rules
