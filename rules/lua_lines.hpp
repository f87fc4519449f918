#pragma once
#include <string_view>
#include <vector>

namespace pgswitch::rules {

/// The lines on which the elements of a table begin that is written behind the word `function` on line `line` of a Lua text.
/// Lua does not tell. Empty when the table is not written there.
std::vector<int> element_lines(std::string_view text, int line, std::string_view function);

}  // namespace pgswitch::rules
