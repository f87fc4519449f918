#include "rules/redshift/spelling.hpp"

namespace pgswitch::rules::redshift {

bool needs_spelling(std::string_view text) { return text.find('\\') != std::string_view::npos; }

std::optional<std::string> spell(std::string_view text, bool, SpellingFault& fault, PositionMap*) {
  fault.refusal = {"0A000", "a statement with a backslash cannot be sent to Redshift", "", ""};
  return std::nullopt;
}

void append_literal(std::string_view value, std::string& out) {
  out += '\'';
  for (const char c : value) {
    if (c == '\'' || c == '\\') out += c;
    out += c;
  }
  out += '\'';
}

}  // namespace pgswitch::rules::redshift
