#include "rules/declarations.hpp"

#include <algorithm>

#include "rules/patterns.hpp"

namespace pgswitch::rules {
namespace {

/// Is it called as the pattern says? A name without a schema may be one of any where `may_be` says so.
bool is_named(std::string_view schema, std::string_view name, std::string_view pattern, bool may_be) {
  const std::size_t dot = pattern.find('.');
  if (dot == std::string_view::npos) return glob(name, pattern);
  if (!glob(name, pattern.substr(dot + 1))) return false;
  return schema.empty() ? may_be : glob(schema, pattern.substr(0, dot));
}

}  // namespace

FunctionFacts Declarations::facts_of(std::string_view schema, std::string_view name) const {
  FunctionFacts facts = function_facts(schema, name);
  const auto among = [&](const std::vector<std::string>& patterns, bool may_be) {
    return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& one) { return is_named(schema, name, one, may_be); });
  };
  if (!facts.known) facts.known = among(read_only, false);
  if (facts.known && !facts.writes) facts.writes = among(writing, true);
  return facts;
}

bool Declarations::is_super(std::string_view schema, std::string_view table, std::string_view column) const {
  return std::any_of(super_columns.begin(), super_columns.end(),
                     [&](const SuperColumn& one) { return one.column == column && is_named(schema, table, one.table, false); });
}

}  // namespace pgswitch::rules
