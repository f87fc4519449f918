// The literal-blind hash over the corpus, against what PostgreSQL's own lexer says: statements of one shape hash alike, those that hash
// alike are of one shape.
#include <gtest/gtest.h>

#include <tuple>
#include <unordered_map>

#include "rules/analyze.hpp"
#include "rules/tokens.hpp"
#include "tests/rules/corpus.hpp"
#include "tests/rules/engine_fixture.hpp"
#include "tests/rules/oracle_tokens.hpp"

namespace pgswitch::rules {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// What a literal is: one of these letters, or 0 for a token that is none.
char literal_kind(const std::string& token) {
  const char first = token[0], second = token.size() > 1 ? token[1] : '\0';
  if (first == '\'') return 's';
  if (second == '\'' && std::string("eEnNbBxX").find(first) != std::string::npos) return static_cast<char>(first | 0x20);
  if (first == '$' && !is_digit(second)) return '$';
  if (is_digit(first) || (first == '.' && is_digit(second))) return token.find_first_not_of("0123456789") == std::string::npos ? 'i' : 'd';
  return 0;
}

/// The text with each literal replaced by one of the same kind: those that options and names of settings are made of, too.
std::string with_literals(const std::string& sql, const Places& places, const char* string, const char* integer) {
  std::string text;
  std::uint64_t behind = 0;
  for (const auto& [begin, end] : places) {
    const std::string token = sql.substr(begin, end - begin);
    const char kind = literal_kind(token);
    text.append(sql, behind, begin - behind).append(kind == 's' ? string : kind == 'i' ? integer : token);
    behind = end;
  }
  return text;
}

/// Another literal of the same kind.
std::string another(char kind, const std::string& token) {
  const auto either = [&token](const char* one, const char* other) { return std::string(token == one ? other : one); };
  switch (kind) {
    case 's': return either("'other'", "'different'");
    case 'e': return either("E'other'", "E'different\\n'");
    case 'n': return either("N'other'", "N'different'");
    case 'b': return either("B'0'", "B'11'");
    case 'x': return either("X'0'", "X'1f'");
    case '$': return either("$o$other$o$", "$$different$$");
    case 'i': return either("7", "12");
    default: return either("7.5", "1e3");
  }
}

struct Reading {
  std::string shape;           ///< as the server's tokens give it: words in lower case, a mark for each literal, no blanks
  std::string spaced;          ///< the same with one blank wherever there are some
  std::string other_literals;  ///< the text with other literals in the places of its own
  std::string other_spelling;  ///< the text with words in upper case and more blanks
  bool unicode = false;        ///< has tokens whose end is not known
};

std::string in_case(std::string word, bool upper) {
  for (char& c : word) {
    if ((c >= 'a' && c <= 'z' && upper) || (c >= 'A' && c <= 'Z' && !upper)) c = static_cast<char>(c ^ 0x20);
  }
  return word;
}

Reading read(const std::string& sql, const Places& places) {
  Reading reading;
  std::uint64_t behind = 0;
  for (const auto& [begin, end] : places) {
    const std::string token = sql.substr(begin, end - begin), blanks = sql.substr(behind, begin - behind);
    reading.unicode |= is_unicode_token(sql, begin);
    const char kind = literal_kind(token);
    const bool word = kind == 0 && is_letter(token[0]);
    const std::string mark = kind != 0 ? std::string("\1") + kind : in_case(token, false);
    reading.shape.append(1, '\2').append(word || kind != 0 ? mark : token);
    reading.spaced.append(blanks.empty() ? "\2" : "\3").append(word || kind != 0 ? mark : token);
    reading.other_literals.append(blanks).append(kind != 0 ? another(kind, token) : token);
    reading.other_spelling.append(blanks).append(blanks.empty() ? "" : " ").append(word ? in_case(token, true) : token);
    behind = end;
  }
  return reading;
}

std::uint64_t hash_of(const std::string& sql) {
  std::vector<char> scratch(shape_capacity(sql.size()));
  const Scan scanned = scan(sql, scratch, {});
  EXPECT_TRUE(scanned.has_shape) << sql;
  return scanned.shape_hash;
}

template <class Visit>
void each_reading(Visit visit) {
  for (const CorpusFile& file : corpus()) {
    for (const CorpusEntry& entry : file.entries) {
      const std::string sql = sql_of(entry);
      const std::optional<Places> places = oracle_tokens(sql);
      if (!places || places->empty()) continue;
      const Reading reading = read(sql, *places);
      if (!reading.unicode) visit(sql, reading);
    }
  }
}

TEST(CorpusShape, literals_case_and_blanks_do_not_change_the_hash) {
  each_reading([](const std::string& sql, const Reading& reading) {
    EXPECT_EQ(hash_of(reading.other_literals), hash_of(sql)) << sql << "\n" << reading.other_literals;
    EXPECT_EQ(hash_of(reading.other_spelling), hash_of(sql)) << sql << "\n" << reading.other_spelling;
  });
}

TEST(CorpusShape, what_hashes_alike_is_of_one_shape) {
  std::unordered_map<std::uint64_t, std::string> shapes;
  std::unordered_map<std::string, std::uint64_t> hashes;
  const auto note = [&](const std::string& sql) {
    const std::optional<Places> places = oracle_tokens(sql);
    if (!places) return;
    const Reading reading = read(sql, *places);
    const std::uint64_t hash = hash_of(sql);
    EXPECT_EQ(shapes.emplace(hash, reading.shape).first->second, reading.shape) << sql;
    EXPECT_EQ(hashes.emplace(reading.spaced, hash).first->second, hash) << sql;
  };
  each_reading([&](const std::string& sql, const Reading& reading) {
    note(sql);
    note(reading.other_literals);
    note(sql + " x");
    constexpr std::pair<const char*, const char*> changes[] = {{"=", "<"}, {",", "+"}, {"'", "E'"}, {"a", "b"}, {"1", "1.5"}};
    for (const auto& [from, to] : changes) {
      const std::size_t at = sql.find(from);
      if (at != std::string::npos) note(std::string(sql).replace(at, 1, to));
    }
  });
  EXPECT_GT(shapes.size(), 10'000u);
}

auto facts(const Statement& s) {
  return std::tie(s.kind, s.command, s.read_only, s.reads, s.writes, s.functions, s.effects, s.fingerprint, s.limit, s.joins, s.prepared);
}

/// What one entry of the cache tells for all texts of a shape.
TEST(CorpusShape, statements_that_literals_do_not_matter_to_have_the_same_facts) {
  constexpr std::pair<const char*, const char*> literals[] = {
      {"'other'", "7"}, {"'off'", "0"}, {"'on'", "1"}, {"'search_path'", "1"}, {"'pg_temp'", "2"}};
  each_reading([&](const std::string& sql, const Reading&) {
    const AnalyzedScript one = analyze(sql);
    for (const auto& [string, integer] : literals) {
      const std::string text = with_literals(sql, *oracle_tokens(sql), string, integer);
      const AnalyzedScript other = analyze(text);
      const Statement& a = *one.statements.front().statement;
      const Statement& b = *other.statements.front().statement;
      EXPECT_TRUE(a.literal_sensitive || !b.parsed || facts(a) == facts(b)) << sql << "\n" << text;
    }
  });
}

using CorpusCache = test::EngineTest;

/// The cache has seen the statement with other literals, or in a string with another one.
TEST_F(CorpusCache, what_it_gives_is_what_an_analysis_finds) {
  ASSERT_TRUE(load(""));
  std::string before;
  each_reading([&](const std::string& sql, const Reading& reading) {
    decide(reading.other_literals);
    const AnalyzedScript one = analyze(sql);
    EXPECT_TRUE(facts(*one.statements.front().statement) == facts(*decide(sql).items.front().statement)) << sql;
    const Script& both = decide(before + "\n;" + sql);
    ASSERT_EQ(both.items.size(), before.empty() ? 1u : 2u) << before << "\n;" << sql;
    EXPECT_TRUE(facts(*one.statements.front().statement) == facts(*both.items.back().statement)) << before << "\n;" << sql;
    before = sql;
  });
}

}  // namespace
}  // namespace pgswitch::rules
