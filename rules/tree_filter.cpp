// TreePlanner: row filters.
#include <algorithm>
#include <array>

#include "rules/quoting.hpp"
#include "rules/tree_planner.hpp"

namespace pgswitch::rules {
namespace {

using Source = FilterValue::Source;

bool is_system_column(std::string_view name) {
  constexpr std::array<std::string_view, 6> columns = {"cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"};
  return std::find(columns.begin(), columns.end(), name) != columns.end();
}

/// Length of a character in bytes; 0: it is none (pg_utf8_islegal()).
std::size_t utf8_size(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto rest = [&](std::size_t from, std::size_t size) {
    for (std::size_t i = from; i < size; ++i)
      if ((byte(i) & 0xc0) != 0x80) return std::size_t{0};
    return size;
  };
  const unsigned first = byte(0), second = byte(1);
  if (first == 0) return 0;
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return rest(1, 2);
  if (first >= 0xe0 && first < 0xf0) return (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ? 0 : rest(1, 3);
  if (first >= 0xf0 && first < 0xf5) return (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f) ? 0 : rest(1, 4);
  return 0;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = utf8_size(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

Dependency dependency_of(Source source) {
  switch (source) {
    case Source::user: return Dependency::user;
    case Source::database: return Dependency::database;
    case Source::application_name: return Dependency::application_name;
    case Source::client_address: return Dependency::client_address;
    case Source::text:
    case Source::number: break;
  }
  return Dependency::shape;
}

std::string_view text_of_value(const FilterValue& value, const Facts& facts) {
  switch (value.source) {
    case Source::user: return facts.user;
    case Source::database: return facts.database;
    case Source::application_name: return facts.application_name;
    case Source::client_address: return facts.client_address;
    case Source::text:
    case Source::number: break;
  }
  return value.text;
}

std::string_view role_name(TableRole role) {
  switch (role) {
    case TableRole::insert: return "INSERT INTO";
    case TableRole::merge: return "MERGE INTO";
    case TableRole::create: return "the creation of";
    default: return "a statement other than a query on";
  }
}

}  // namespace

void TreePlanner::check_filter(const Place& place) {
  if (place.filters.empty()) return;
  const TableRole role = place.use->role;
  const std::string table = "\"" + std::string(place.use->var->relname) + "\", which has a row filter";
  if (role != TableRole::from && role != TableRole::update && role != TableRole::delete_) refuse(std::string(role_name(role)) + " " + table);
  if (place.use->sampled) refuse("TABLESAMPLE of " + table);
  for (const RowFilter* filter : place.filters) check_assignments(place, *filter);
}

/// A row must not leave what its filter lets through.
void TreePlanner::check_assignments(const Place& place, const RowFilter& filter) {
  if (place.use->role != TableRole::update) return;
  for (const Node* node : NodeList(as<UpdateStmt>(place.use->statement)->targetList)) {
    const std::string_view column = text_of(as<ResTarget>(node)->name);
    if (filter.condition->uses_column(column)) refuse("UPDATE of \"" + std::string(column) + "\", which the row filter is about");
  }
}

/// A subquery has none, and the name could mean the column of a table further out.
void TreePlanner::check_system_columns() {
  const auto is_wrapped = [&](const LevelItem& item) {
    const Place* place = place_of(item);
    return place && place->wrapped;
  };
  for (const ColumnUse& column : map_.columns()) {
    const Fields fields = fields_of(column.ref);
    if (!is_system_column(fields.back())) continue;
    for (const QueryLevel* level = column.level; level; level = level->outer) {
      const bool hit = std::any_of(level->items.begin(), level->items.end(), [&](const LevelItem& item) {
        return (fields.size() == 1 || fields[fields.size() - 2] == item.name) && is_wrapped(item);
      });
      if (hit) return void(refuse("the system column \"" + std::string(fields.back()) + "\" of a table that has a row filter"));
    }
  }
}

/// The conditions of a place, in parentheses, for a table of that name.
std::string TreePlanner::conditions_of(const Place& place, std::string_view name) {
  std::string all;
  for (const RowFilter* filter : place.filters) {
    const std::size_t dot = filter->table.rfind('.');
    const std::string_view table = std::string_view(filter->table).substr(dot == std::string::npos ? 0 : dot + 1);
    std::vector<std::string> literals, session_literals;
    for (const FilterValue& value : filter->values) literals.push_back(literal(value));
    for (const Source source : filter->condition->session_values()) session_literals.push_back(literal({source, {}}));
    if (filter->condition->has_backslash() && !facts_.standard_conforming_strings) {
      refuse("the condition for \"" + filter->table + "\" has a backslash, and standard_conforming_strings is off");
    }
    std::string error;
    const auto written = filter->condition->write(table, name, literals, session_literals, error);
    if (!written) refuse(error);
    else all.append(all.empty() ? "(" : " AND (").append(*written).append(")");
  }
  return all;
}

std::string TreePlanner::literal(const FilterValue& value) {
  plan_.depends_on |= bit(dependency_of(value.source));
  const std::string_view text = text_of_value(value, facts_);
  if (value.source == Source::number) return text.starts_with('-') ? "(" + std::string(text) + ")" : std::string(text);
  const bool high = std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  // A second byte of a character may be a backslash to the server; the encoding's characters cannot be told here.
  if (!is_utf8(text) || (high && facts_.ascii_in_characters)) refuse("a value of the row filter cannot be written safely in this client_encoding");
  return quote_literal(text);
}

void TreePlanner::filter_targets() {
  for (const Place& place : places_) {
    const bool is_target = place.use->role == TableRole::update || place.use->role == TableRole::delete_;
    if (is_target && !place.filters.empty() && !failed()) filter_target(place);
  }
}

/// Looks for the WHERE of the UPDATE or DELETE, which ends where its RETURNING begins, or with a parenthesis around it, or with the text.
void TreePlanner::filter_target(const Place& place) {
  const Node* statement = place.use->statement;
  const bool update = nodeTag(statement) == T_UpdateStmt;
  const Node* condition = update ? as<UpdateStmt>(statement)->whereClause : as<DeleteStmt>(statement)->whereClause;
  const RangeVar& var = *place.use->var;
  const std::string_view name = var.alias ? text_of(var.alias->aliasname) : text_of(var.relname);  // a renamed one has it as its alias
  if (condition && nodeTag(condition) == T_CurrentOfExpr) return void(refuse("WHERE CURRENT OF with a row filter"));
  const std::string conditions = conditions_of(place, name);
  std::uint32_t where = TreeTokens::none, last = place.name.back().last, depth = 0;
  for (std::uint32_t at = tokens_.next(relation_of(place).last); at != TreeTokens::none; at = tokens_.next(at)) {
    const TokenType type = tokens_[at].type;
    if (depth == 0 && (type == TokenType::right_paren || type == TokenType::semicolon)) break;
    const bool keyword = depth == 0 && !tokens_.is(last, TokenType::dot) && !tokens_.is_word(last, "as");
    if (keyword && tokens_.is_word(at, "returning")) break;
    if (keyword && where == TreeTokens::none && tokens_.is_word(at, "where")) where = at;
    depth += type == TokenType::left_paren;
    depth -= type == TokenType::right_paren;
    last = at;
  }
  if ((where != TreeTokens::none) != (condition != nullptr)) return void(refuse("where the WHERE clause stands cannot be told"));
  if (last == place.name.back().last) last = relation_of(place).last;
  if (condition) narrow(where, last, conditions);
  else insert_behind(last, " WHERE " + conditions);
}

/// WHERE as it was, and the conditions. In a CASE nothing of it is evaluated for a row that the conditions do not let through.
void TreePlanner::narrow(std::uint32_t where, std::uint32_t last, const std::string& condition) {
  const std::uint32_t begin = tokens_.next(where);
  const bool glued = tokens_[begin].begin == tokens_[where].begin + tokens_[where].size;
  insert_before(begin, (glued ? " " : "") + (wanted_.strict ? "CASE WHEN " + condition + " THEN (" : condition + " AND ("));
  insert_behind(last, wanted_.strict ? ") ELSE false END" : ")");
}

}  // namespace pgswitch::rules
