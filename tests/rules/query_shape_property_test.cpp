// Shapes of statements that are respelled or changed by chance: what only looks different matches, what is different does not.
#include <random>
#include <vector>

#include "rules/analyze.hpp"
#include "rules/parse_tree.hpp"
#include "rules/query_shape.hpp"
#include "rules/tokens.hpp"
#include "tests/rules/engine_fixture.hpp"
#include "tests/rules/query_corpus.hpp"

namespace pgswitch::rules {
namespace {

bool is_one(const QueryShape& shape, std::string_view sql) {
  const StatementPtr statement = analyze(sql).statements.front().statement;
  return statement->parsed && shape.may_match(*statement) && shape.matches(sql, true);
}

ParseTree tree_of(std::string_view sql) {
  std::string error;
  return read_tree(sql, true, error).value_or(ParseTree());
}

std::vector<std::string_view> comparable() {
  std::vector<std::string_view> all;
  std::string error;
  for (const std::string_view sql : test::queries)
    if (QueryShape::compile(sql, error)) all.push_back(sql);
  EXPECT_GT(all.size(), std::size(test::queries) * 3 / 4);
  return all;
}

/// Other blanks, comments between the words, and words in capitals.
std::string respelled(std::string_view sql, std::mt19937& random) {
  constexpr std::string_view blanks[] = {" ", "\n", "\t ", " /* x */ ", " -- y\n"};
  std::string text;
  TokenReader reader(sql);
  for (Token token = reader.next(); token.type != TokenType::end; token = reader.next()) {
    if (reader.blank_before()) text += blanks[random() % std::size(blanks)];
    std::string word(reader.text(token));
    if (token.type == TokenType::word && random() % 2 == 0)
      for (char& c : word) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    text += word;
  }
  return text + " ;";
}

void collect(ParseTree& value, std::vector<ParseTree*>& all) {
  all.push_back(&value);
  if (!value.is_structured()) return;
  for (ParseTree& inner : value) collect(inner, all);
}

/// Without values of literals, and without what tables are called: what must be the same where two statements match.
void drop_names(ParseTree& value) {
  if (value.is_array())
    for (ParseTree& element : value) drop_names(element);
  if (!value.is_object()) return;
  value.erase("location");
  if (value.contains("RangeVar")) value["RangeVar"].erase("alias");
  if (value.contains("RangeSubselect")) value["RangeSubselect"].erase("alias");
  if (value.contains("ColumnRef")) {
    ParseTree& fields = value["ColumnRef"]["fields"];
    fields = ParseTree::array({fields.back()});
  }
  if (value.contains("ival") || value.contains("fval")) value = "a number";
  else if (value.contains("sval") && value["sval"].is_object()) value["sval"] = "a string";
  else if (value.contains("bsval")) value["bsval"] = "bits";
  if (value.is_object())
    for (ParseTree& inner : value) drop_names(inner);
}

TEST(QueryShapeProperties, another_spelling_matches) {
  std::mt19937 random(11);
  for (const std::string_view sql : comparable()) {
    std::string error;
    const auto shape = QueryShape::compile(sql, error);
    EXPECT_TRUE(is_one(*shape, sql)) << sql;
    const auto written = write_tree(tree_of(sql), true, error);
    ASSERT_TRUE(written) << sql << error;
    EXPECT_TRUE(is_one(*shape, *written)) << sql << " | " << *written;
    for (int i = 0; i < 10; ++i) {
      const std::string other = respelled(sql, random);
      // libpg_query does not see over the comment in NOT /* x */ IN and the like.
      if (!analyze(other).statements.front().statement->parsed) continue;
      EXPECT_TRUE(is_one(*shape, other)) << sql << " | " << other;
    }
  }
}

TEST(QueryShapeProperties, another_statement_does_not) {
  std::mt19937 random(13);
  const std::vector<std::string_view> known = comparable();
  std::size_t changed = 0, matching = 0;
  for (int round = 0; round < 2000; ++round) {
    const std::string_view sql = known[random() % known.size()];
    ParseTree tree = tree_of(sql), other = tree_of(known[random() % known.size()]);
    std::vector<ParseTree*> places, parts;
    collect(tree, places);
    collect(other, parts);
    *places[random() % places.size()] = ParseTree(*parts[random() % parts.size()]);
    std::string error;
    const auto text = write_tree(tree, true, error);
    const auto shape = QueryShape::compile(sql, error);
    if (!text || !shape) continue;
    ++changed;
    if (!is_one(*shape, *text)) continue;
    ++matching;
    ParseTree one = tree_of(sql), same = tree_of(*text);
    drop_names(one);
    drop_names(same);
    EXPECT_EQ(one, same) << sql << " | " << *text;
  }
  EXPECT_GT(changed, 50U);
  EXPECT_LT(matching, changed);
}

}  // namespace
}  // namespace pgswitch::rules
