#include "tests/redshift/facts.hpp"

#include <algorithm>
#include <set>

#include "tests/redshift/names.hpp"
#include "tests/redshift/refusals.hpp"

namespace pgswitch::stand_in {
namespace {

struct KindRow {
  std::string_view pattern;
  Kind kind;
};
constexpr KindRow kinds[] = {
    {"^ begin", Kind::begin},       {"^ start transaction", Kind::begin},
    {"^ commit|end", Kind::commit}, {"^ rollback|abort", Kind::rollback},
    {"^ declare", Kind::declare},   {"^ fetch", Kind::fetch},
    {"^ close", Kind::close},       {"^ truncate", Kind::truncate},
    {"^ set", Kind::set},           {"^ copy", Kind::copy},
    {"^ unload", Kind::unload},
};

/// Names that WITH gives to its queries.
std::set<std::string_view> with_names(const Tokens& tokens) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i + 2 < tokens.size(); ++i) {
    const bool begins = tokens[i].is("with") || tokens[i].is("recursive") || tokens[i].is_mark(",");
    if (!begins || !tokens[i + 1].is_name()) continue;
    std::size_t next = i + 2;
    if (tokens[next].is_mark("("))
      while (next < tokens.size() && !tokens[next].is_mark(")")) ++next, next += next + 1 < tokens.size() && tokens[next].is_mark(")");
    if (next + 1 < tokens.size() && tokens[next].is("as") && tokens[next + 1].is_mark("(")) names.insert(tokens[i + 1].value);
  }
  return names;
}

/// The tables that are read or written: what stands behind FROM, JOIN, INTO, UPDATE and the commas of a FROM list.
class Tables {
 public:
  Tables(const Tokens& tokens, Translation& translation) : tokens_(tokens), translation_(translation), with_(with_names(tokens)) {
    bool in_list = false;
    std::vector<bool> outer;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const Token& token = tokens[i];
      if (token.is_mark("(")) outer.push_back(in_list), in_list = false;
      if (token.is_mark(")") && !outer.empty()) in_list = outer.back(), outer.pop_back();
      for (const char* word : {"where", "group", "order", "having", "limit", "union", "select", "set", "on", "using"})
        if (token.is(word)) in_list = false;
      // EXTRACT(x FROM y), TRIM(x FROM y) and SUBSTRING(x FROM y) have no tables.
      const bool has_query = outer.empty() || follows_select(i);
      const bool begins = token.is("join") || token.is("into") || (token.is("from") && has_query) || (token.is("update") && i == 0);
      if (token.is("from") && has_query) in_list = true;
      if (begins || (in_list && token.is_mark(","))) add(i + 1);
    }
  }

 private:
  bool follows_select(std::size_t from) const {
    int depth = 0;
    while (from-- > 0) {
      depth += tokens_[from].is_mark(")");
      if (tokens_[from].is_mark("(") && depth-- == 0) return false;
      if (depth == 0 && (tokens_[from].is("select") || tokens_[from].is("delete"))) return true;
    }
    return true;
  }

  void add(std::size_t i) {
    while (i < tokens_.size() && (tokens_[i].is("only") || tokens_[i].is("temp") || tokens_[i].is("table"))) ++i;
    if (i >= tokens_.size() || !tokens_[i].is_name()) return;
    std::size_t last = i;
    while (last + 2 < tokens_.size() && tokens_[last + 1].is_mark(".") && tokens_[last + 2].is_name()) last += 2;
    if (last + 1 < tokens_.size() && tokens_[last + 1].is_mark("(") && !tokens_[0].is("insert")) return;  // a function
    const bool qualified = last > i;
    if (qualified && (tokens_[last - 2].value == "pg_catalog" || tokens_[last - 2].value == "information_schema")) {
      translation_.reads_catalog = true;
    } else if (!qualified && with_.contains(tokens_[i].value)) {
      return;
    } else if (!qualified && is_catalog_relation(tokens_[i].value)) {
      translation_.reads_catalog = true;
    } else {
      translation_.uses_user_tables = true;
    }
  }

  const Tokens& tokens_;
  Translation& translation_;
  std::set<std::string_view> with_;
};

}  // namespace

void find_facts(const Statement& statement, Translation& translation) {
  const Tokens& tokens = statement.tokens;
  for (const KindRow& row : kinds)
    if (matches(row.pattern, tokens)) translation.kind = row.kind;
  // Definitions keep their query as a text for later.
  if (matches("^ create ... function|procedure|view", tokens) || matches("^ create table ... default", tokens)) return;
  Tables(tokens, translation);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].type != TokenType::word) continue;
    const bool called = i + 1 < tokens.size() && tokens[i + 1].is_mark("(");
    const bool qualified = i > 0 && tokens[i - 1].is_mark(".") && !(i > 1 && tokens[i - 2].is("pg_catalog"));
    if (qualified) continue;
    if ((called && is_leader_function(tokens[i].value)) || is_leader_word(tokens[i].value))
      translation.leader_functions.push_back(called ? tokens[i].value + "()" : tokens[i].value);
    if (called && is_compute_function(tokens[i].value)) translation.needs_user_table = true;
  }
  if (!translation.leader_functions.empty() && !translation.uses_user_tables) translation.reads_catalog = true;
}

}  // namespace pgswitch::stand_in
