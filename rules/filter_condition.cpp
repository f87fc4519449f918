#include "rules/filter_condition.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "rules/pg_parse.hpp"
#include "rules/query_map.hpp"
#include "rules/quoting.hpp"
#include "rules/tree_tokens.hpp"

namespace pgswitch::rules {
namespace {

constexpr std::string_view prefix = "SELECT 1 WHERE ";

std::optional<FilterValue::Source> session_source(std::string_view name) {
  using Source = FilterValue::Source;
  constexpr std::array<std::pair<std::string_view, Source>, 4> sources = {{{"user", Source::user},
                                                                           {"database", Source::database},
                                                                           {"application_name", Source::application_name},
                                                                           {"client_address", Source::client_address}}};
  for (const auto& [known, source] : sources)
    if (known == name) return source;
  return std::nullopt;
}

bool is_word_byte(char c) {
  return c == '_' || c == '$' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}

bool is_bare_where(const SelectStmt* s) {
  return s->whereClause && length(s->targetList) == 1 && !s->fromClause && !s->groupClause && !s->havingClause && !s->windowClause &&
         !s->sortClause && !s->limitCount && !s->limitOffset && !s->lockingClause && !s->withClause && !s->intoClause && s->op == SETOP_NONE;
}

/// In parentheses it must be the same: "a) OR (b" is not.
bool holds_in_parentheses(std::string_view masked) {
  const ParsedText parsed(std::string(prefix).append("(").append(masked).append(")"), true);
  return parsed.ok() && length(parsed.statements()) == 1;
}

std::vector<std::string_view> fields_of(const ColumnRef* ref) {
  std::vector<std::string_view> fields;
  for (const Node* field : NodeList(ref->fields)) fields.push_back(string_of(field));
  return fields;
}

bool is_bound(const QueryLevel* level, const QueryLevel* top, std::string_view name) {
  for (; level && level != top; level = level->outer)
    if (std::any_of(level->items.begin(), level->items.end(), [&](const LevelItem& item) { return item.name == name; })) return true;
  return false;
}

}  // namespace

/// Makes a condition of a text.
class FilterCondition::Reader {
 public:
  Reader(std::string_view sql, std::string& error) : tokens_(sql, {}), text_(sql), masked_(sql), error_(error) { made_.text_ = sql; }
  std::shared_ptr<const FilterCondition> read() {
    if (!read_tokens() || !read_tree()) return nullptr;
    std::sort(made_.parts_.begin(), made_.parts_.end(), [](const Part& one, const Part& other) { return one.begin < other.begin; });
    return std::make_shared<const FilterCondition>(std::move(made_));
  }

 private:
  bool fail(std::string what) {
    error_ = "the condition \"" + std::string(text_.substr(0, 80)) + "\" " + std::move(what);
    return false;
  }
  bool read_tokens();
  bool read_session_value(std::uint32_t place);
  bool add_value(std::uint32_t begin, std::uint32_t size, Part::Kind kind, std::size_t index);
  bool read_tree();
  bool read_column(const ColumnUse& column);
  bool read_inner_column(const std::vector<std::string_view>& fields, const QueryLevel* level, const QueryLevel* top);

  TreeTokens tokens_;
  std::string_view text_;
  std::string masked_;  ///< a number in place of each value
  std::string& error_;
  FilterCondition made_;
};

bool FilterCondition::Reader::read_tokens() {
  for (std::uint32_t i = 0; i < tokens_.size(); ++i) {
    const Token& token = tokens_[i];
    const std::string_view word = tokens_.text(i);
    if (token.unterminated) return fail("does not end");
    if (token.type == TokenType::comment) return fail("has a comment in it");
    if (token.type == TokenType::parameter) return fail("has a parameter in it: write ? for a value");
    const bool string = token.type == TokenType::string || token.type == TokenType::national_string;
    made_.has_backslash_ |= string && word.find('\\') != std::string_view::npos;
    if (token.type == TokenType::op && word == "?") {
      if (!add_value(token.begin, 1, Part::Kind::value, made_.places_++)) return false;
    } else if (token.type == TokenType::invalid) {
      if (!read_session_value(i)) return false;
      ++i;
    }
  }
  return true;
}

bool FilterCondition::Reader::read_session_value(std::uint32_t place) {
  const Token& token = tokens_[place];
  const bool named = tokens_.text(place) == "$" && tokens_.is(place + 1, TokenType::word) && tokens_[place + 1].begin == token.begin + 1;
  const auto source = named ? session_source(tokens_.text(place + 1)) : std::nullopt;
  if (!source) {
    return fail("holds \"" + std::string(text_.substr(token.begin, 20)) + "\"; it knows $user, $database, $application_name and $client_address");
  }
  auto& known = made_.session_values_;
  const auto found = std::find(known.begin(), known.end(), *source);
  const auto index = static_cast<std::size_t>(found - known.begin());
  if (found == known.end()) known.push_back(*source);
  return add_value(token.begin, tokens_[place + 1].size + 1, Part::Kind::session_value, index);
}

bool FilterCondition::Reader::add_value(std::uint32_t begin, std::uint32_t size, Part::Kind kind, std::size_t index) {
  const bool glued = (begin > 0 && is_word_byte(text_[begin - 1])) || (begin + size < text_.size() && is_word_byte(text_[begin + size]));
  if (glued) return fail("needs blanks around its values");
  std::fill_n(masked_.begin() + begin, size, '0');
  made_.parts_.push_back({kind, begin, size, index, {}});
  return true;
}

bool FilterCondition::Reader::read_tree() {
  const bool whole = holds_in_parentheses(masked_);
  const ParsedText parsed(std::string(prefix) + masked_, true);
  if (!parsed.ok()) return fail("is no expression: " + parsed.error());
  const Node* node = length(parsed.statements()) == 1 ? as<RawStmt>(first(parsed.statements()))->stmt : nullptr;
  const bool bare = node && nodeTag(node) == T_SelectStmt && is_bare_where(as<SelectStmt>(node));
  if (!bare || !whole) return fail("is not one expression");
  const QueryMap map(node);
  if (!map.gap().empty()) return fail("cannot be understood: " + map.gap());
  return std::all_of(map.columns().begin(), map.columns().end(), [this](const ColumnUse& column) { return read_column(column); });
}

bool FilterCondition::Reader::read_column(const ColumnUse& column) {
  const std::vector<std::string_view> fields = fields_of(column.ref);
  made_.columns_.emplace_back(fields.back());
  const QueryLevel* top = column.level;
  while (top->outer && top->outer->outer) top = top->outer;
  if (column.level != top) return read_inner_column(fields, column.level, top);
  if (fields.size() > 2 || fields.back().empty()) return fail("has a column with more than a table in front, or a star");
  const std::vector<TokenRun> runs = tokens_.name_at(column.ref->location - static_cast<int>(prefix.size()), fields);
  if (runs.empty()) return fail("has a column that cannot be found in it");
  const Token& token = tokens_[runs[0].first];
  const Token& last = tokens_[runs[0].last];
  const std::uint32_t size = last.begin + last.size - token.begin;
  if (fields.size() == 1) made_.parts_.push_back({Part::Kind::column, token.begin, 0, 0, {}});
  else made_.parts_.push_back({Part::Kind::qualifier, token.begin, size, 0, std::string(fields[0])});
  return true;
}

bool FilterCondition::Reader::read_inner_column(const std::vector<std::string_view>& fields, const QueryLevel* level, const QueryLevel* top) {
  if (fields.size() < 2) return true;
  const std::string_view qualifier = fields[fields.size() - 2];
  if (is_bound(level, top, qualifier)) return true;
  if (fields.size() > 2) return fail("has a column of no table in a subquery");
  made_.inner_qualifiers_.emplace_back(qualifier);
  return true;
}

std::shared_ptr<const FilterCondition> FilterCondition::parse(std::string_view text, std::string& error) {
  return Reader(text, error).read();
}

bool FilterCondition::uses_column(std::string_view name) const { return std::find(columns_.begin(), columns_.end(), name) != columns_.end(); }

std::optional<std::string> FilterCondition::write(std::string_view table, std::string_view name, std::span<const std::string> literals,
                                                  std::span<const std::string> session_literals, std::string& error) const {
  for (const std::string& inner : inner_qualifiers_) {
    if (inner == table && table == name) continue;
    error = inner == table ? "the condition's subquery knows the table as \"" + inner + "\", and the statement as \"" + std::string(name) + "\""
                           : "the condition's subquery has a column of \"" + inner + "\", which is no table of it";
    return std::nullopt;
  }
  std::string written;
  std::size_t at = 0;
  for (const Part& part : parts_) {
    written.append(text_, at, part.begin - at);
    at = part.begin + std::size_t{part.size};
    if (part.kind == Part::Kind::qualifier && part.qualifier != table) {
      error = "the condition has a column of \"" + part.qualifier + "\", and is for \"" + std::string(table) + "\"";
      return std::nullopt;
    }
    switch (part.kind) {
      case Part::Kind::value: written += literals[part.index]; break;
      case Part::Kind::session_value: written += session_literals[part.index]; break;
      case Part::Kind::column: written += quote_name(name) + "."; break;
      case Part::Kind::qualifier: written += quote_name(name); break;
    }
  }
  return written.append(text_, at);
}

}  // namespace pgswitch::rules
