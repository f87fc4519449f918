#include "rules/patterns.hpp"

#include <algorithm>
#include <functional>

namespace pgswitch::rules {

namespace {

struct NamePattern {
  std::string_view schema;
  std::string_view name;
  bool qualified = false;
};

NamePattern split(std::string_view pattern) {
  const std::size_t dot = pattern.find('.');
  if (dot == std::string_view::npos) return {{}, pattern, false};
  return {pattern.substr(0, dot), pattern.substr(dot + 1), true};
}

bool names(const std::vector<TableName>& tables, const NamePattern& pattern) {
  return std::any_of(tables.begin(), tables.end(), [&](const TableName& table) {
    return glob(table.name, pattern.name) && (!pattern.qualified || glob(table.schema, pattern.schema));
  });
}

bool among_words(const std::vector<std::string>& words, const NamePattern& pattern) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!pattern.qualified ? glob(words[i], pattern.name)
                           : i + 1 < words.size() && glob(words[i], pattern.schema) && glob(words[i + 1], pattern.name)) {
      return true;
    }
  }
  return false;
}

constexpr NameBits no_name = NameBits{1} << 63;

NameBits bit_of(std::string_view name) { return NameBits{1} << (std::hash<std::string_view>()(name) % 63); }

}  // namespace

bool glob(std::string_view text, std::string_view pattern) {
  std::size_t at = 0, item = 0, star = std::string_view::npos, resume = 0;
  while (at < text.size()) {
    if (item < pattern.size() && pattern[item] == '*') {
      star = item++;
      resume = at;
    } else if (item < pattern.size() && pattern[item] == text[at]) {
      ++item;
      ++at;
    } else if (star != std::string_view::npos) {
      item = star + 1;
      at = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', item) == std::string_view::npos;
}

bool touches(const Statement& statement, std::string_view pattern, Access access) {
  const NamePattern split_pattern = split(pattern);
  if (access != Access::writes && names(statement.reads, split_pattern)) return true;
  if (access != Access::reads && names(statement.writes, split_pattern)) return true;
  return access == Access::any && !statement.parsed && among_words(statement.words, split_pattern);
}

NameBits name_bits(const Statement& statement) {
  NameBits bits = no_name;
  for (const TableName& table : statement.reads) bits |= bit_of(table.name) | bit_of(table.schema);
  for (const TableName& table : statement.writes) bits |= bit_of(table.name) | bit_of(table.schema);
  for (const std::string& word : statement.words) bits |= bit_of(word);
  return bits;
}

NameBits name_bits(std::string_view pattern) {
  const NamePattern parts = split(pattern);
  const auto is_exact = [](std::string_view part) { return part.find('*') == std::string_view::npos; };
  if (is_exact(parts.name)) return bit_of(parts.name);
  return parts.qualified && is_exact(parts.schema) ? bit_of(parts.schema) : any_name;
}

bool calls(const Statement& statement, std::string_view function) {
  const bool qualified = function.find('.') != std::string_view::npos;
  return std::any_of(statement.functions.begin(), statement.functions.end(), [&](const std::string& name) {
    const std::size_t dot = qualified ? std::string::npos : name.rfind('.');
    return glob(std::string_view(name).substr(dot == std::string::npos ? 0 : dot + 1), function);
  });
}

}  // namespace pgswitch::rules
