#include "rules/token_tables.hpp"

#include <algorithm>

namespace pgswitch::rules {
namespace {

constexpr std::size_t most_tables = 256;

bool is_any(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// Functions whose arguments have a FROM of their own.
bool has_own_from(std::string_view function) {
  return is_any(function, {"extract", "substring", "trim", "overlay", "position"});
}

bool ends_from_list(std::string_view word) {
  return is_any(word, {"where", "group", "order", "having", "limit", "union", "intersect", "except", "minus", "qualify",
                       "window", "for", "returning", "set", "select"});
}

void add(std::vector<TableName>& tables, TableName name) {
  if (tables.size() < most_tables && std::find(tables.begin(), tables.end(), name) == tables.end()) {
    tables.push_back(std::move(name));
  }
}

}  // namespace

void TableFinder::on_token(const Token& token, const std::string& text) {
  const bool word = token.type == TokenType::word, quoted = token.type == TokenType::quoted_word;
  if (token.type == TokenType::dot && reading_ != Role::none) {
    after_dot_ = true;
    return;
  }
  if ((word || quoted) && after_dot_) {
    after_dot_ = false;
    name_.schema = std::move(name_.name);
    name_.name = text;
    return;
  }
  if (reading_ != Role::none) name_ends(token);
  if (word || quoted) {
    if (first_.empty()) first_ = text;
    if (word) on_word(text);
    if (quoted && role_ != Role::none) on_name(text);
  } else {
    on_other(token);
  }
  before_ = std::move(previous_);
  previous_ = word || quoted ? text : std::string();
}

void TableFinder::expect(Role role) { role_ = role; }

void TableFinder::on_word(const std::string& word) {
  char& level = levels_.back();
  if (ends_from_list(word)) level &= static_cast<char>(~from_list);
  if (word == "from" && previous_ != "distinct" && !(level & own_from)) {
    const bool target = previous_ == "delete";
    expect(target ? Role::write : Role::read);
    if (!target) level |= from_list;
    if (first_ == "copy" && levels_.size() == 1) expect(Role::none);
  } else if (word == "delete" && previous_.empty() && word == first_) {
    expect(Role::write);  // Redshift takes DELETE without FROM
  } else if (word == "join") {
    expect(Role::read);
  } else if (word == "into") {
    expect(Role::write);
  } else if (word == "update" && !is_any(previous_, {"for", "do", "key", "on"})) {
    expect(Role::write);
  } else if (word == "table" && is_any(first_, {"create", "alter", "drop", "truncate", "lock"})) {
    expect(Role::write);
  } else if (word == "copy" && before_.empty() && previous_.empty() && word == first_) {
    expect(Role::write);
  } else if (word == "to" && first_ == "copy" && levels_.size() == 1) {
    copy_to_ = true;
  } else if (role_ != Role::none && !is_any(word, {"only", "if", "not", "exists", "lateral", "table"})) {
    if (is_any(word, {"select", "values", "set", "with"})) return expect(Role::none);
    on_name(word);
  }
}

void TableFinder::on_name(const std::string& name) {
  name_ = TableName{{}, name};
  reading_ = role_;
  role_ = Role::none;
}

/// A name before a parenthesis in FROM is a function.
void TableFinder::name_ends(const Token& token) {
  const bool function = reading_ == Role::read && token.type == TokenType::left_paren;
  if (!function) add(reading_ == Role::read ? reads_ : writes_, std::move(name_));
  reading_ = Role::none;
  after_dot_ = false;
}

void TableFinder::on_other(const Token& token) {
  switch (token.type) {
    case TokenType::left_paren:
      if (first_ == "with" && (previous_ == "as" || previous_ == "materialized") && !before_.empty() && ctes_.size() < most_tables) {
        ctes_.push_back(before_);
      }
      levels_.push_back(has_own_from(previous_) ? static_cast<char>(own_from) : '\0');
      role_ = Role::none;
      return;
    case TokenType::right_paren:
      if (levels_.size() > 1) levels_.pop_back();
      return;
    case TokenType::comma:
      role_ = levels_.back() & from_list ? Role::read : Role::none;
      return;
    default: role_ = Role::none;
  }
}

void TableFinder::finish(Statement& out) {
  if (reading_ != Role::none) name_ends(Token{});
  if (copy_to_) {
    reads_.insert(reads_.begin(), writes_.begin(), writes_.end());
    writes_.clear();
  }
  for (TableName& table : reads_) {
    const bool cte = table.schema.empty() && std::find(ctes_.begin(), ctes_.end(), table.name) != ctes_.end();
    if (!cte) out.reads.push_back(std::move(table));
  }
  out.writes = std::move(writes_);
}

}  // namespace pgswitch::rules
