#include "rules/patterns.hpp"

#include <algorithm>
#include <functional>

#include "rules/setting_value.hpp"

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

/// Whose search_path is looked at; without facts nobody's.
struct Reader {
  const Facts* facts = nullptr;
  Dependencies* read = nullptr;
};

/// Is there such a schema in the search_path?
bool is_in_path(std::string_view schema, const Reader& reader) {
  if (reader.facts == nullptr) return false;
  *reader.read |= bit(Dependency::search_path);
  bool found = reader.facts->search_path == unknown_value;
  each_of_path(reader.facts->search_path, [&](std::string_view one) {
    if (one == "$user") *reader.read |= bit(Dependency::user);
    found = found || glob(one == "$user" ? std::string_view(reader.facts->user) : one, schema);
  });
  return found;
}

bool is_named(const TableName& table, const NamePattern& pattern, const Reader& reader) {
  if (!glob(table.name, pattern.name)) return false;
  if (!pattern.qualified) return true;
  return table.schema.empty() ? is_in_path(pattern.schema, reader) : glob(table.schema, pattern.schema);
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

bool is_touched(const Statement& statement, std::string_view pattern, Access access, const Reader& reader) {
  const NamePattern names = split(pattern);
  const auto any = [&](const std::vector<TableName>& tables) {
    return std::any_of(tables.begin(), tables.end(), [&](const TableName& table) { return is_named(table, names, reader); });
  };
  if (statement.unread) return true;
  if (access != Access::writes && any(statement.reads)) return true;
  if (access != Access::reads && any(statement.writes)) return true;
  if (access != Access::any || statement.parsed) return false;
  return among_words(statement.words, names) ||
         (names.qualified && among_words(statement.words, {{}, names.name, false}) && is_in_path(names.schema, reader));
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

bool touches(const Statement& statement, std::string_view pattern, Access access) { return is_touched(statement, pattern, access, Reader{}); }

bool touches(const Statement& statement, std::string_view pattern, Access access, const Facts& facts, Dependencies& read) {
  return is_touched(statement, pattern, access, Reader{&facts, &read});
}

NameBits name_bits(const Statement& statement) {
  if (statement.unread) return any_name;
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
  return parts.qualified && is_exact(parts.schema) ? bit_of(parts.schema) | bit_of({}) : any_name;
}

bool calls(const Statement& statement, std::string_view function) {
  if (statement.unread) return true;
  const bool qualified = function.find('.') != std::string_view::npos;
  return std::any_of(statement.functions.begin(), statement.functions.end(), [&](const std::string& name) {
    const std::size_t dot = qualified ? std::string::npos : name.rfind('.');
    return glob(std::string_view(name).substr(dot == std::string::npos ? 0 : dot + 1), function);
  });
}

}  // namespace pgswitch::rules
