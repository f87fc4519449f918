// Thousands of statements (corpus/README.md) and the facts that the analysis must find in each.
//   PGSWITCH_CORPUS_WRITE=1 rules_tests --gtest_filter='Corpus.*'
// writes the facts that it finds today into the files, for a person to read what has changed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "rules/analyze.hpp"
#include "tests/rules/corpus.hpp"

namespace pgswitch::rules {
namespace {

CorpusEntry names(const std::vector<TableName>& tables) {
  CorpusEntry list = CorpusEntry::array();
  for (const TableName& table : tables) list.push_back(table.schema.empty() ? table.name : table.schema + "." + table.name);
  return list;
}

/// What the statement is made of, by name.
CorpusEntry marks(const Statement& s) {
  const std::pair<bool, const char*> all[] = {
      {s.aggregate, "aggregate"}, {s.window, "window"}, {s.group_by, "group_by"}, {s.distinct, "distinct"}, {s.limit, "limit"},
      {s.for_update, "for_update"}, {s.returning, "returning"}, {s.modifying_cte, "modifying_cte"}, {s.subquery, "subquery"}};
  CorpusEntry list = CorpusEntry::array();
  for (const auto& [set, name] : all) {
    if (set) list.push_back(name);
  }
  return list;
}

/// The entry with the facts of its statement; what is empty or false is left out.
CorpusEntry with_facts(const CorpusEntry& entry) {
  const AnalyzedScript script = analyze(sql_of(entry));
  EXPECT_EQ(script.statements.size(), 1u) << entry;
  const Statement& s = *script.statements.front().statement;
  CorpusEntry facts{{"from", entry.at("from")}, {"sql", entry.at("sql")}, {"kind", to_string(s.kind)}};
  if (s.kind == Kind::utility) facts["command"] = s.command;
  if (!s.parsed) facts["parsed"] = false;
  if (s.read_only) facts["read_only"] = true;
  if (!s.reads.empty()) facts["reads"] = names(s.reads);
  if (!s.writes.empty()) facts["writes"] = names(s.writes);
  if (!s.functions.empty()) facts["functions"] = s.functions;
  if (const CorpusEntry found = marks(s); !found.empty()) facts["marks"] = found;
  return facts;
}

void write(const CorpusFile& file) {
  std::ofstream out(file.path);
  for (const CorpusEntry& entry : file.entries) out << with_facts(entry).dump() << '\n';
}

TEST(Corpus, each_statement_has_the_facts_that_are_written_down) {
  std::size_t count = 0;
  for (const CorpusFile& file : corpus()) {
    if (std::getenv("PGSWITCH_CORPUS_WRITE") != nullptr) {
      write(file);
      continue;
    }
    for (const CorpusEntry& entry : file.entries) {
      EXPECT_EQ(with_facts(entry), entry) << file.path.filename();
    }
    count += file.entries.size();
  }
  EXPECT_TRUE(count == 0 || count >= 3000) << count;
}

TEST(Corpus, no_statement_that_is_cut_off_does_any_harm) {
  AnalyzeOptions escaping;
  escaping.standard_conforming_strings = false;
  for (const CorpusFile& file : corpus()) {
    for (const CorpusEntry& entry : file.entries) {
      const std::string sql = sql_of(entry);
      EXPECT_FALSE(analyze(sql, escaping).statements.empty());
      for (const std::size_t size : {sql.size() / 3, sql.size() * 2 / 3, sql.size() - 1}) {
        EXPECT_FALSE(analyze(sql.substr(0, size)).statements.empty());
      }
    }
  }
}

}  // namespace
}  // namespace pgswitch::rules
