#include "tests/rules/engine_fixture.hpp"

namespace pgswitch::rules::test {
namespace {

class LuaShared : public EngineTest {
 protected:
  std::string refused(std::string_view sql) { return decision(sql).refusal.detail; }
};

TEST_F(LuaShared, QuotaThatRunsOut) {
  ASSERT_TRUE(load(R"(
    function route(stmt, session)
      if shared.add("queries of " .. session.user, 1, 60) > 2 then return reject{ message = "quota" } end
    end)")) << error_;
  EXPECT_EQ(decision("select 1").verb, Decision::Verb::route);
  EXPECT_EQ(decision("select 1").verb, Decision::Verb::route);
  EXPECT_EQ(decision("select 1").verb, Decision::Verb::reject) << "asked again each time";
  facts_ = facts_of("bob");
  EXPECT_EQ(decision("select 1").verb, Decision::Verb::route);
  facts_ = facts_of("alice");
  now_us_ += 60'000'000;
  EXPECT_EQ(decision("select 1").verb, Decision::Verb::route);
}

TEST_F(LuaShared, ValuesComeBackAsTheyWere) {
  ASSERT_TRUE(load(R"(
    function route(stmt, session)
      if stmt.kind == "insert" then
        shared.set("whole", 7, 1) shared.set("half", 0.5, 1) shared.set("text", "a\0b", 1)
        return nil
      elseif stmt.kind == "delete" then
        shared.remove("whole")
        return nil
      end
      local whole, half, text = shared.get("whole"), shared.get("half"), shared.get("text")
      return answer{ columns = { "seen" }, rows = { { string.format("%s %s %s", math.type(whole), half, text and #text) } } }
    end)")) << error_;
  const auto seen = [&] { return decision("select 1").answer.rows.front().front().value_or("null"); };
  EXPECT_EQ(seen(), "nil nil nil");
  decide("insert into t values (1)");
  EXPECT_EQ(seen(), "integer 0.5 3");
  decide("delete from t");
  EXPECT_EQ(seen(), "nil 0.5 3");
  now_us_ += 1'000'000;
  EXPECT_EQ(seen(), "nil nil nil");
}

TEST_F(LuaShared, WrongUseIsAnErrorOfTheRule) {
  const std::pair<const char*, const char*> cases[] = {
      {"shared.get('')", "a key of shared has 1 to 256 bytes"},
      {"shared.get(1)", "string expected"},
      {"shared.set('a', {}, 1)", "string expected"},
      {"shared.set('a', 1)", "number expected"},
      {"shared.set('a', 1, 0)", "how long shared keeps it"},
      {"shared.set('a', 1, 0/0)", "how long shared keeps it"},
      {"shared.set('a', string.rep('x', 5000), 1)", "a value of shared has at most 4096 bytes"},
      {"shared.add('a', 1.5, 1)", "number has no integer representation"},
      {"shared.get = 1", "cannot change a table of the sandbox"},
      {"hash({})", "hash() takes a string, a number or a boolean, not a table"},
      {"routes.x.y = 1", "there is no route named \"x\""},
      {"routes.x = 1", "routes cannot be changed"},
  };
  for (const auto& [code, error] : cases) {
    ASSERT_TRUE(load("function route(stmt) " + std::string(code).insert(0, std::string(code).find('=') == std::string::npos ? "local _ = " : "") + " end")) << error_;
    EXPECT_NE(refused("select 1").find(error), std::string::npos) << code << ": " << refused("select 1");
  }
  EXPECT_FALSE(load("shared.set('a', 1, 1)"));
  EXPECT_NE(error_.find("not while the file is loaded"), std::string::npos) << error_;
}

TEST_F(LuaShared, OutlivesAReloadAndIsSeenByOtherEngines) {
  options_.shared = std::make_shared<SharedStore>();
  const char* const rules = "function route() if shared.add('n', 1, 60) > 1 then return 'analytics' end end";
  ASSERT_TRUE(load(rules)) << error_;
  EXPECT_EQ(route("select 1"), "");
  ASSERT_TRUE(load(rules, 2)) << error_;
  EXPECT_EQ(route("select 1"), "analytics");
}

TEST_F(LuaShared, HashSplitsBySomethingThatStays) {
  ASSERT_TRUE(load("function route(stmt, session) if hash(session.user) % 100 < 50 then return 'dev.1' else return 'dev.2' end end")) << error_;
  int first = 0;
  for (int i = 0; i < 200; ++i) {
    facts_ = facts_of("user" + std::to_string(i));
    const std::string one = route("select 1");
    EXPECT_EQ(route("select 2"), one);
    first += one == "dev.1";
  }
  EXPECT_NEAR(first, 100, 35);
}

TEST_F(LuaShared, RoutesShowTheirState) {
  RouteState busy{.kind = "redshift", .healthy = false, .active = 3, .waiting = 2, .pool_size = 20, .median_us = 1500, .p99_us = 90'000};
  options_.route_state = [&](RouteId route) { return route == intern_route("analytics") ? &busy : nullptr; };
  ASSERT_TRUE(load(R"(
    function route(stmt)
      local r, other = routes["analytics"], routes["dev.1"]
      return answer{ columns = { "seen" }, rows = { { table.concat({ r.kind, tostring(r.healthy), r.active, r.waiting, r.pool_size, r.median, r.p99,
                                                                   tostring(other.healthy), other.active }, " ") } } }
    end)")) << error_;
  EXPECT_EQ(decision("select 1").answer.rows.front().front(), "redshift false 3 2 20 1500 90000 true 0");
  busy.active = 4;
  EXPECT_EQ(decision("select 1").answer.rows.front().front(), "redshift false 4 2 20 1500 90000 true 0");
}

}  // namespace
}  // namespace pgswitch::rules::test
