#pragma once
#include <string>
#include <string_view>

/// Names and values as SQL has them.
namespace pgswitch::rules {

/// 'text', or E'text' when it has backslashes: read alike with and without standard_conforming_strings.
std::string quote_literal(std::string_view text);
/// As it is where that reads as the same name, else in quotes.
std::string quote_name(std::string_view name);
/// "archive.sales": each part of a dotted name quoted where it must be.
std::string quote_dotted(std::string_view name);

}  // namespace pgswitch::rules
