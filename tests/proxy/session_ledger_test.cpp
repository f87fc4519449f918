#include <gtest/gtest.h>

#include <vector>

#include "proxy/session/ledger.hpp"

namespace pgswitch {
namespace {

Note named(std::string name) {
  Note note;
  note.client_name = std::move(name);
  return note;
}

TEST(ledger, inserts_go_out_when_everything_before_them_has) {
  Ledger ledger;
  Gather out;
  ledger.push(Expect::bind);
  ledger.push_insert("one");
  ledger.push_insert("two");
  ledger.push(Expect::execute);
  ledger.push_insert("three");
  ledger.emit_inserts(out);
  EXPECT_EQ(out.text(), "");
  ledger.pop();
  ledger.emit_inserts(out);
  EXPECT_EQ(out.text(), "onetwo");
  EXPECT_EQ(ledger.head().expect, Expect::execute);
  ledger.pop();
  ledger.emit_inserts(out);
  EXPECT_EQ(out.text(), "onetwothree");
  EXPECT_TRUE(ledger.empty());
}

TEST(ledger, an_error_drops_what_the_server_skips_newest_note_first) {
  Ledger ledger;
  std::vector<std::string> dropped;
  ledger.push(Expect::parse, Reply::forward, named("a"));
  ledger.push_insert("never", named("b"));
  ledger.push(Expect::bind);
  ledger.push(Expect::sync);
  ledger.push(Expect::parse, Reply::forward, named("c"));
  EXPECT_TRUE(ledger.drop_to_sync([&](Note& note, Note*) { dropped.push_back(note.client_name); }));
  EXPECT_EQ(dropped, (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(ledger.head().expect, Expect::sync);
  ledger.pop();
  EXPECT_EQ(ledger.head_note().client_name, "c");
  EXPECT_FALSE(ledger.drop_to_sync([&](Note& note, Note*) { dropped.push_back(note.client_name); }));
  EXPECT_EQ(dropped.back(), "c");
  EXPECT_TRUE(ledger.empty());
}

TEST(ledger, knows_whether_what_is_owed_changes_the_server) {
  Ledger ledger;
  ledger.push(Expect::query);
  ledger.push(Expect::parse, Reply::forward, named("client's own"));
  EXPECT_FALSE(ledger.changes_server());
  Note prepares;
  prepares.key = {1, 2};
  ledger.push(Expect::parse, Reply::forward, std::move(prepares));
  EXPECT_TRUE(ledger.changes_server());
  ledger.drop_all([](Note&) {});
  EXPECT_FALSE(ledger.changes_server());
  Note sets;
  sets.statement = std::make_shared<rules::Statement>();
  ledger.push(Expect::execute, Reply::forward, std::move(sets));
  EXPECT_TRUE(ledger.changes_server());
}

TEST(ledger, a_parse_without_a_note_may_change_the_server) {
  Ledger ledger;
  ledger.push(Expect::parse, Reply::forward, PreparedStatement());
  EXPECT_TRUE(ledger.changes_server());
}

/// Of a Parse of the unnamed statement.
Note unnamed(PreparedKey key, PreparedKey replaced, PreparedStatementPtr previous) {
  Note note;
  note.unnamed = note.names_client_statement = true;
  note.key = key;
  note.replaced = replaced;
  note.previous = std::move(previous);
  return note;
}

TEST(ledger, what_a_failed_parse_of_the_unnamed_statement_has_dropped_is_brought_back_by_none) {
  const auto statement = std::make_shared<PreparedStatement>();
  PreparedStatementPtr session = statement;
  PreparedKey there{3, 3};
  for (const bool has_note : {true, false}) {
    Ledger ledger;
    if (has_note)
      ledger.push(Expect::parse, Reply::forward, unnamed({1, 1}, {9, 9}, statement));
    else
      ledger.push(Expect::parse, Reply::forward, *statement);
    ledger.push(Expect::parse, Reply::forward, named("x"));
    ledger.push(Expect::sync);
    ledger.push(Expect::parse, Reply::forward, unnamed({3, 3}, {1, 1}, statement));
    ledger.lose_unnamed(session, there);
    EXPECT_EQ(session, statement);
    EXPECT_EQ(there, (PreparedKey{3, 3}));
    ledger.drop_to_sync([&](Note& note, Note* later) {
      if (later) later->previous = note.previous;
      EXPECT_EQ(note.key, PreparedKey{});  // nothing is to be taken back on the server, which has the third
    });
    ledger.pop();
    EXPECT_EQ(ledger.head_note().replaced, PreparedKey{});
    EXPECT_EQ(ledger.head_note().previous, nullptr);
  }
  Ledger ledger;
  ledger.push(Expect::parse, Reply::forward, named("x"));
  ledger.lose_unnamed(session, there);
  EXPECT_EQ(session, statement);
  EXPECT_EQ(there, (PreparedKey{3, 3}));
  ledger.drop_all([](Note&) {});
  ledger.push(Expect::parse, Reply::forward, *statement);
  ledger.lose_unnamed(session, there);
  EXPECT_EQ(session, nullptr);
  EXPECT_EQ(there, PreparedKey{});
}

TEST(ledger, skipped_parse_of_the_unnamed_statement_hands_on_what_it_would_have_replaced) {
  Ledger ledger;
  ledger.push(Expect::parse, Reply::forward, named("x"));
  ledger.push(Expect::parse, Reply::forward, unnamed({2, 2}, {1, 1}, nullptr));
  ledger.push(Expect::sync);
  ledger.push(Expect::parse, Reply::forward, unnamed({3, 3}, {2, 2}, nullptr));
  ledger.drop_to_sync([](Note& note, Note*) { EXPECT_EQ(note.key, PreparedKey{}); });
  ledger.pop();
  EXPECT_EQ(ledger.head_note().replaced, (PreparedKey{1, 1}));
  ledger.forget_unnamed();
  EXPECT_EQ(ledger.head_note().replaced, PreparedKey{});
}

TEST(ledger, substitutes_keep_their_bytes_behind_inserts) {
  Ledger ledger;
  Gather out;
  ledger.push(Expect::bind);
  ledger.push_insert("insert");
  ledger.push_substitute(Expect::execute, "error");
  ledger.pop();
  ledger.emit_inserts(out);
  EXPECT_EQ(ledger.head().reply, Reply::substitute);
  EXPECT_EQ(ledger.substitute(), "error");
}

TEST(ledger, counts_the_ready_for_query_to_come) {
  Ledger ledger;
  for (const Expect expect : {Expect::query, Expect::function_call, Expect::parse, Expect::bind, Expect::describe, Expect::execute,
                              Expect::close, Expect::sync, Expect::copy_end})
    ledger.push(expect);
  ledger.push_insert("x");
  EXPECT_EQ(ledger.ready_expected(), 3u);
}

/// What is behind the Execute of a COPY FROM when it begins, and what of it is left: S = Sync, c = copy_end, i = insert, B = Bind.
struct CopyCase {
  std::string_view behind, left;
  bool waits;
};

class LedgerCopy : public testing::TestWithParam<CopyCase> {};

TEST_P(LedgerCopy, removes_the_syncs_that_the_server_ignores) {
  Ledger ledger;
  ledger.push(Expect::execute);
  for (const char c : GetParam().behind) {
    if (c == 'i')
      ledger.push_insert("x");
    else
      ledger.push(c == 'S' ? Expect::sync : c == 'c' ? Expect::copy_end : Expect::bind);
  }
  EXPECT_EQ(ledger.begin_copy(), GetParam().waits);
  std::string left;
  for (std::size_t i = 1; i < ledger.size(); ++i) {
    const Expect expect = ledger[i].expect;
    left += expect == Expect::sync ? 'S' : expect == Expect::copy_end ? 'c' : expect == Expect::insert ? 'i' : 'B';
  }
  EXPECT_EQ(left, GetParam().left);
}

INSTANTIATE_TEST_SUITE_P(cases, LedgerCopy,
                         testing::Values(CopyCase{"", "", true}, CopyCase{"S", "", true}, CopyCase{"SS", "", true},
                                         CopyCase{"c", "", false}, CopyCase{"cS", "S", false}, CopyCase{"ScS", "S", false},
                                         CopyCase{"SiBS", "iBS", true}, CopyCase{"cScS", "ScS", false}));

}  // namespace
}  // namespace pgswitch
