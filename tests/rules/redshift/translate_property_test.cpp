// Translations of every statement that the tests know: they are statements themselves, and changes that are good for a shape are those of each of its texts.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "rules/analyze.hpp"
#include "rules/redshift/translate.hpp"
#include "tests/rules/corpus.hpp"
#include "tests/rules/query_corpus.hpp"

namespace pgswitch::rules::redshift {
namespace {

std::vector<std::string> statements() {
  std::vector<std::string> all(std::begin(test::queries), std::end(test::queries));
  for (const CorpusFile& file : corpus())
    for (const CorpusEntry& entry : file.entries) all.push_back(sql_of(entry));
  std::ifstream in(std::filesystem::path(__FILE__).parent_path() / "statements.txt");
  for (std::string line; std::getline(in, line);) all.push_back(line.substr(line.find(' ') + 1));
  return all;
}

/// The same statement with other numbers and texts.
std::string with_other_literals(std::string_view sql) {
  std::string result;
  std::size_t end = 0;
  TokenReader reader(sql);
  for (Token token = reader.next(); token.type != TokenType::end; token = reader.next()) {
    if (token.type != TokenType::integer && token.type != TokenType::string) continue;
    result.append(sql.substr(end, token.begin - end)).append(token.type == TokenType::integer ? "7" : "'o''ther'");
    end = token.begin + std::size_t{token.size};
  }
  return result.append(sql.substr(end));
}

bool same(const TokenEdit& one, const TokenEdit& other) {
  return one.token == other.token && one.count == other.count && one.behind == other.behind && one.text == other.text;
}

TEST(TranslateEverything, makes_statements) {
  std::size_t translated = 0, refused = 0, edited = 0;
  for (const std::string& sql : statements()) {
    if (analyze(sql).statements.size() != 1 || analyze(sql).oversized()) continue;
    const Translation made = translate(sql, true);
    refused += made.refused();
    if (made.refused()) {
      EXPECT_LE(made.at, sql.size()) << sql;
      continue;
    }
    if (made.text.empty()) continue;
    ++translated;
    const AnalyzedScript script = analyze(made.text);
    EXPECT_TRUE(script.statements.size() == 1 && (script.statements.front().statement->parsed || made.text.find("IDENTITY(1, 1)") != std::string::npos))
        << sql << "\n" << made.text << "\n" << script.error;
    // What is translated stays so.
    const Translation again = translate(made.text, true);
    EXPECT_TRUE(!again.refused() && again.text.empty()) << sql << "\n" << made.text << "\n" << again.text << again.refusal.message;
    edited += !made.edits.empty();
  }
  EXPECT_GT(translated, 100u);
  EXPECT_GT(refused, 100u);
  EXPECT_GT(edited, 50u);
}

TEST(TranslateEverything, changes_between_literals_do_not_depend_on_them) {
  std::size_t compared = 0;
  for (const std::string& sql : statements()) {
    if (analyze(sql).statements.size() != 1 || analyze(sql).oversized() || analyze(sql).statements.front().statement->literal_sensitive) continue;
    const Translation made = translate(sql, true);
    const std::string other = with_other_literals(sql);
    if (made.edits.empty() || !analyze(other).statements.front().statement->parsed) continue;
    const Translation of_other = translate(other, true);
    ASSERT_FALSE(of_other.refused()) << other << "\n" << of_other.refusal.message;
    ASSERT_TRUE(std::equal(made.edits.begin(), made.edits.end(), of_other.edits.begin(), of_other.edits.end(), same)) << sql << "\n" << other << "\n" << made.text << "\n" << of_other.text;
    ++compared;
  }
  EXPECT_GT(compared, 50u);
}

}  // namespace
}  // namespace pgswitch::rules::redshift
