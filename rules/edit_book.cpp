#include <algorithm>
#include <utility>

#include "rules/lua_edits.hpp"

namespace pgswitch::rules {
namespace {

constexpr std::size_t max_conditions = 1000;
constexpr std::size_t most_edits = 1000;

void sort_by_name(std::vector<Renaming>& list) {
  std::sort(list.begin(), list.end(), [](const Renaming& one, const Renaming& other) { return one.from < other.from; });
}

}  // namespace

void EditBook::start(bool open) {
  wanted_ = TreeEdits{};
  tree_.reset();
  open_ = open;
}

TreeEdits EditBook::take() {
  sort_by_name(wanted_.tables);
  sort_by_name(wanted_.schemas);
  sort_by_name(wanted_.functions);
  return std::exchange(wanted_, TreeEdits{});
}

bool EditBook::fail(std::string what) {
  error = std::move(what);
  return false;
}

bool EditBook::check_name(std::string_view name, std::size_t most_dots, std::string_view what) {
  const auto dots = static_cast<std::size_t>(std::count(name.begin(), name.end(), '.'));
  const bool parts = !name.empty() && name.front() != '.' && name.back() != '.';
  if (parts && dots <= most_dots && name.find_first_of(std::string_view("*\0", 2)) == std::string_view::npos) return true;
  return fail("\"" + std::string(name.substr(0, 64)) + "\" is no name of a " + std::string(what) + "; it takes one name, not a pattern");
}

bool EditBook::add(std::vector<Renaming>& list, std::string_view from, std::string_view to, std::size_t most_dots, std::string_view what) {
  if (!check_name(from, most_dots, what) || !check_name(to, most_dots, what)) return false;
  if (list.size() >= most_edits) return fail("there are too many edits");
  const bool known = std::any_of(list.begin(), list.end(), [&](const Renaming& one) { return one.from == from; });
  if (known) return fail("the " + std::string(what) + " \"" + std::string(from) + "\" is replaced twice");
  list.push_back({std::string(from), std::string(to)});
  return true;
}

bool EditBook::replace_table(std::string_view from, std::string_view to) { return add(wanted_.tables, from, to, 1, "table"); }
bool EditBook::replace_schema(std::string_view from, std::string_view to) { return add(wanted_.schemas, from, to, 0, "schema"); }
bool EditBook::replace_function(std::string_view from, std::string_view to) { return add(wanted_.functions, from, to, 1, "function"); }

bool EditBook::rename_column(std::string_view table, std::string_view from, std::string_view to) {
  if (!check_name(table, 1, "table") || !check_name(from, 0, "column") || !check_name(to, 0, "column")) return false;
  if (wanted_.columns.size() >= most_edits) return fail("there are too many edits");
  wanted_.columns.push_back({std::string(table), std::string(from), std::string(to)});
  return true;
}

bool EditBook::start_filter(std::string_view table, std::string_view text) {
  if (!check_name(table, 1, "table")) return false;
  if (wanted_.filters.size() >= most_edits) return fail("there are too many edits");
  auto known = conditions_.find(text);
  if (known == conditions_.end()) {
    FilterConditionPtr condition = FilterCondition::parse(text, error);
    if (!condition) return false;
    if (conditions_.size() >= max_conditions) conditions_.clear();
    known = conditions_.emplace(text, std::move(condition)).first;
  }
  wanted_.filters.push_back({std::string(table), known->second, {}});
  return true;
}

bool EditBook::add_value(FilterValue::Source source, std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return fail("a value of a filter holds a zero byte");
  wanted_.filters.back().values.push_back({source, std::string(text)});
  return true;
}

bool EditBook::finish_filter() {
  const RowFilter& filter = wanted_.filters.back();
  const std::size_t places = filter.condition->places();
  if (filter.values.size() == places) return true;
  return fail("the filter of \"" + filter.table + "\" has " + std::to_string(places) + " places for values (?), and is given " +
              std::to_string(filter.values.size()) + " values");
}

bool EditBook::set_limit(std::int64_t rows) {
  if (rows < 1) return fail("a limit is 1 or more");
  wanted_.limit = wanted_.limit ? std::min(*wanted_.limit, rows) : rows;
  return true;
}

bool EditBook::drop_hint(std::string_view pattern) {
  if (wanted_.dropped_hints.size() >= most_edits) return fail("there are too many edits");
  wanted_.dropped_hints.emplace_back(pattern);
  return true;
}

bool EditBook::wrap_dblink(std::string_view server, std::string_view columns) {
  if (wanted_.dblink) return fail("a statement is given to dblink() once");
  if (server.empty() || server.find('\0') != std::string_view::npos) return fail("the server is empty or holds a zero byte");
  if (columns.find('\0') != std::string_view::npos || !is_column_list(columns)) {
    return fail("\"" + std::string(columns.substr(0, 64)) + "\" is no list of columns with their types, as in \"id int, total numeric\"");
  }
  wanted_.dblink = {std::string(server), std::string(columns)};
  return true;
}

bool EditBook::tag(std::string_view key, std::string_view value) {
  constexpr std::size_t most_bytes = 256;
  if (key.empty() || key.size() > most_bytes || value.size() > most_bytes) return fail("a tag is a key and a value of at most 256 bytes");
  if (wanted_.tags.size() >= most_edits) return fail("there are too many edits");
  const auto place = std::lower_bound(wanted_.tags.begin(), wanted_.tags.end(), key, [](const SqlTag& one, std::string_view other) { return one.key < other; });
  if (place != wanted_.tags.end() && place->key == key)
    place->value = value;
  else
    wanted_.tags.insert(place, {std::string(key), std::string(value)});
  return true;
}

bool EditBook::translate(redshift::Translate how) {
  wanted_.translate = how;
  return true;
}

bool EditBook::set_strict() { return wanted_.strict = true; }

bool EditBook::add_unfiltered(std::string_view table) {
  if (!check_name(table, 1, "table")) return false;
  if (wanted_.unfiltered.size() >= most_edits) return fail("there are too many edits");
  wanted_.unfiltered.emplace_back(table);
  return true;
}

}  // namespace pgswitch::rules
