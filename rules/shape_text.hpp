#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace pgswitch::rules {

/// A statement to show to people: '?' for each literal, no comments, no semicolon at its end, one blank for a run of them, at most `most` bytes and "..." behind
/// what was cut. Text behind something unterminated is cut too, for nobody knows where its literals are.
std::string shape_text(std::string_view sql, std::size_t most);

}  // namespace pgswitch::rules
