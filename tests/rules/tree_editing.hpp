#pragma once
#include <span>

#include "tests/rules/engine_fixture.hpp"

namespace pgswitch::rules::test {

/// A statement, and the text that is sent for it: "" as it is, "!why" refused.
struct EditCase {
  std::string_view sql;
  std::string_view sent;
};

/// An Engine whose rules edit statements.
class TreeEditing : public EngineTest {
 protected:
  /// The rules: `rewrite` returns stmt with these edits.
  void expect(std::string_view edits, std::span<const EditCase> cases) {
    ASSERT_TRUE(load("function rewrite(stmt, session) return stmt" + std::string(edits) + " end")) << error_;
    for (const EditCase& row : cases) expect(row.sql, row.sent);
  }
  void expect(const EditCase& row) { expect(row.sql, row.sent); }
  void expect(std::string_view sql, std::string_view sent) {
    const Decision& made = decision(sql);
    if (!sent.starts_with('!')) {
      EXPECT_EQ(made.verb, Decision::Verb::route) << sql << ": " << made.refusal.detail;
      EXPECT_EQ(made.rewritten.value_or(""), sent) << sql;
      return;
    }
    EXPECT_EQ(made.verb, Decision::Verb::reject) << sql << " became " << made.rewritten.value_or("itself");
    EXPECT_EQ(made.refusal.sqlstate, "0A000") << sql << ": " << made.refusal.detail;
    EXPECT_NE(made.refusal.detail.find(sent.substr(1)), std::string::npos) << sql << ": " << made.refusal.detail;
    EXPECT_FALSE(made.rewritten) << sql;
  }
};

}  // namespace pgswitch::rules::test
