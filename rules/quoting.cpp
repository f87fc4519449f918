#include "rules/quoting.hpp"

#include <algorithm>

#include "rules/pg_nodes.hpp"

extern "C" {
#include "common/keywords.h"
}

namespace pgswitch::rules {
namespace {

bool is_plain_name(std::string_view name) {
  const auto part = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  if (name.empty() || (name[0] >= '0' && name[0] <= '9') || !std::all_of(name.begin(), name.end(), part)) return false;
  const int keyword = ScanKeywordLookup(std::string(name).c_str(), &ScanKeywords);
  return keyword < 0 || ScanKeywordCategories[keyword] == UNRESERVED_KEYWORD;
}

}  // namespace

std::string quote_literal(std::string_view text) {
  std::string result = text.find('\\') == std::string_view::npos ? "'" : "E'";
  for (char c : text) {
    if (c == '\'' || c == '\\') result.push_back(c);
    result.push_back(c);
  }
  return result + "'";
}

std::string quote_name(std::string_view name) {
  if (is_plain_name(name)) return std::string(name);
  std::string quoted = "\"";
  for (const char c : name) quoted.append(c == '"' ? 2 : 1, c);
  return quoted += '"';
}

std::string quote_dotted(std::string_view name) {
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return quote_name(name);
  return quote_name(name.substr(0, dot)) + "." + quote_dotted(name.substr(dot + 1));
}

}  // namespace pgswitch::rules
