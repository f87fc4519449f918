#include "tests/rules/engine_allocations.hpp"
#include "tests/rules/engine_fixture.hpp"

namespace pgswitch::rules {
namespace {

using EngineCache = test::EngineTest;

TEST_F(EngineCache, an_exact_text_is_the_same_script_again) {
  ASSERT_TRUE(load(""));
  const ScriptPtr first = engine_->decide("select 1", facts_);
  EXPECT_EQ(engine_->decide("select 1", facts_), first);
  EXPECT_EQ(engine_->cache_stats().misses, 1u);
  EXPECT_EQ(engine_->cache_stats().shape_hits, 1u);
}

TEST_F(EngineCache, texts_that_differ_in_literals_share_a_script) {
  ASSERT_TRUE(load(""));
  const ScriptPtr first = engine_->decide("select * from t where a = 1 and b = 'x'", facts_);
  EXPECT_EQ(engine_->decide("SELECT * from  t where a = 22 and b = 'yyy'", facts_), first);
  EXPECT_NE(engine_->decide("select * from u where a = 1 and b = 'x'", facts_), first);
  EXPECT_EQ(engine_->cache_stats().entries, 2u);
}

TEST_F(EngineCache, many_texts_of_one_shape_fill_one_entry) {
  ASSERT_TRUE(load("function route(s) if s:touches('accounts') then return 'analytics' end end"));
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(route("select abalance from accounts where aid = " + std::to_string(i)), "analytics");
  EXPECT_EQ(engine_->cache_stats().entries, 1u);
  EXPECT_EQ(engine_->cache_stats().shape_hits, 999u);
  EXPECT_EQ(engine_->cache_stats().misses, 1u);
}

TEST_F(EngineCache, what_literals_say_is_kept_by_text) {
  ASSERT_TRUE(load(""));
  EXPECT_EQ(decide("set search_path = 'a'").items[0].statement->variables[0].value, "a");
  EXPECT_EQ(decide("set search_path = 'b'").items[0].statement->variables[0].value, "b");
  EXPECT_EQ(decide("set search_path = 'a'").items[0].statement->variables[0].value, "a");
  EXPECT_EQ(engine_->cache_stats().exact_hits, 1u);
}

TEST_F(EngineCache, strings_of_several_statements_are_kept_by_text) {
  ASSERT_TRUE(load(""));
  const ScriptPtr first = engine_->decide("select 1; select 2", facts_);
  EXPECT_EQ(engine_->decide("select 1; select 2", facts_), first);
  EXPECT_NE(engine_->decide("select 1; select 3", facts_), first);
  EXPECT_EQ(engine_->cache_stats().exact_hits, 1u);
}

TEST_F(EngineCache, a_wrong_literal_does_not_spoil_its_shape) {
  ASSERT_TRUE(load(""));
  EXPECT_FALSE(decide(R"(select E'\u12' from t)").items[0].statement->parsed);
  EXPECT_TRUE(decide("select E'fine' from t").items[0].statement->parsed);
  EXPECT_FALSE(decide("select 'abc").items[0].statement->parsed);
  EXPECT_TRUE(decide("select 'abc'").items[0].statement->parsed);
}

// ---- what a rule reads decides how far its decision is good

struct Reads {
  const char* name;
  const char* rules;
  bool other_literal;  ///< asked again for another text of the shape?
  bool other_user;
  bool other_application;
  bool in_transaction;
  bool again;  ///< for the very same?
};

class EngineMemory : public test::EngineTest, public testing::WithParamInterface<Reads> {
 protected:
  bool asks(std::string_view sql, const Facts& facts) {
    const std::size_t before = calls();
    engine_->decide(sql, facts);
    return calls() != before;
  }
};

TEST_P(EngineMemory, asks_again_only_when_something_it_read_differs) {
  ASSERT_TRUE(load(GetParam().rules)) << error_;
  Facts other_user = facts_of("bob");
  Facts other_application = facts_of("alice");
  other_application.application_name = "bi";
  Facts in_transaction = facts_;
  in_transaction.in_transaction = true;
  const std::string_view sql = "select * from t where a = 1";
  EXPECT_TRUE(asks(sql, facts_));
  EXPECT_EQ(asks(sql, facts_), GetParam().again);
  EXPECT_EQ(asks("select * from t where a = 2", facts_), GetParam().other_literal);
  EXPECT_EQ(asks(sql, other_user), GetParam().other_user);
  EXPECT_EQ(asks(sql, other_application), GetParam().other_application);
  EXPECT_EQ(asks(sql, in_transaction), GetParam().in_transaction);
  EXPECT_EQ(asks(sql, facts_), GetParam().again);
  EXPECT_EQ(asks(sql, other_user), GetParam().again);
  EXPECT_FALSE(asks(sql, facts_of("alice")) && !GetParam().again);  // another session, the same strings
}

INSTANTIATE_TEST_SUITE_P(
    Table, EngineMemory,
    testing::Values(
        Reads{"nothing", "function route(s, f) log('called') end", false, false, false, false, false},
        Reads{"shape", "function route(s, f) log('called') return s:touches('t') and s.kind == 'select' and 'analytics' or nil end", false, false, false, false, false},
        Reads{"text", "function route(s, f) log('called') return #s.text > 5 and 'analytics' or nil end", true, false, false, false, false},
        Reads{"user", "function route(s, f) log('called') return f.user == 'bob' and 'analytics' or nil end", false, true, false, false, false},
        Reads{"application", "function route(s, f) log('called') local a = f.application_name end", false, false, true, false, false},
        Reads{"transaction", "function route(s, f) log('called') local a = f.in_transaction end", false, false, false, true, false},
        Reads{"everything", "function route(s, f) log('called') local a = f.in_transaction, f.user, f.application_name, s.text end", true, true, true, true, false},
        Reads{"moment", "function route(s, f) log('called') local a = now() end", true, true, true, true, true},
        Reads{"chance", "function route(s, f) log('called') local a = math.random() end", true, true, true, true, true},
        Reads{"failure", "function route(s, f) log('called') error('x') end", true, true, true, true, true},
        Reads{"rr", "function routing_rules(u, q) log('called') end", true, true, false, true, false},
        Reads{"rewrite_without_text", "function rewrite(s) log('called') return 'select 5' end", false, false, false, false, false},
        Reads{"rewrite_of_text", "function rewrite(s) log('called') return s.text .. ' limit 5' end", true, false, false, false, false}),
    [](const auto& reads) { return std::string(reads.param.name); });

// The words that a rule puts in place of a statement are its own even where the client's are the same.
TEST_F(EngineCache, a_text_that_stands_for_a_shape_replaces_every_text_of_it) {
  ASSERT_TRUE(load("function rewrite() return 'select 1' end"));
  for (const char* sql : {"select 1", "select 2", "select 1"}) EXPECT_EQ(decision(sql).rewritten, "select 1") << sql;
}

TEST_F(EngineCache, a_rule_may_read_the_text_for_one_user_only) {
  ASSERT_TRUE(load("function route(s, f) log('called') if f.user == 'bob' then return s.text:find('7') and 'analytics' or nil end end"));
  const Facts bob = facts_of("bob");
  decide("select 1");
  decide("select 2");
  EXPECT_EQ(calls(), 1u);
  EXPECT_EQ(engine_->decide("select 7", bob)->items[0].decision->route, intern_route("analytics"));
  EXPECT_EQ(engine_->decide("select 8", bob)->items[0].decision->route, no_route);
  EXPECT_EQ(calls(), 3u);
  EXPECT_EQ(decision("select 7").route, no_route);
  EXPECT_EQ(engine_->decide("select 7", bob)->items[0].decision->route, intern_route("analytics"));
  EXPECT_EQ(calls(), 3u);
  EXPECT_EQ(engine_->cache_stats().exact_hits, 1u);
}

TEST_F(EngineCache, a_text_is_analysed_once_even_when_its_decision_is_never_kept) {
  ASSERT_TRUE(load("function route(s) local t = now() end"));
  const StatementPtr first = engine_->decide("select 1 from t", facts_)->items[0].statement;
  EXPECT_EQ(engine_->decide("select 2 from t", facts_)->items[0].statement, first);
}

TEST_F(EngineCache, identity_zero_never_stands_for_equal_strings) {
  ASSERT_TRUE(load("function route(s, f) if f.user == 'bob' then return 'analytics' end end"));
  Facts alice = facts_of("alice");
  Facts bob = facts_of("bob");
  alice.identity = bob.identity = 0;
  EXPECT_EQ(engine_->decide("select 1", alice)->items[0].decision->route, no_route);
  EXPECT_EQ(engine_->decide("select 1", bob)->items[0].decision->route, intern_route("analytics"));
}

TEST_F(EngineCache, more_users_than_variants_are_still_right) {
  ASSERT_TRUE(load("function route(s, f) if f.user:find('7') then return 'analytics' end end"));
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 100; ++i) {
      const Facts facts = facts_of("user" + std::to_string(i));
      const bool seven = facts.user.find('7') != std::string::npos;
      EXPECT_EQ(engine_->decide("select 1", facts)->items[0].decision->route, seven ? intern_route("analytics") : no_route);
    }
  }
  EXPECT_EQ(engine_->cache_stats().entries, 1u);
}

TEST_F(EngineCache, stays_below_its_bytes_and_keeps_what_is_used) {
  options_.cache_bytes = 64 * 1024;
  ASSERT_TRUE(load(""));
  const ScriptPtr used = engine_->decide("select * from used", facts_);
  for (int i = 0; i < 2000; ++i) {
    decide("select * from t" + std::to_string(i));
    decide("select 1; select " + std::to_string(i));
    ASSERT_EQ(engine_->decide("select * from used", facts_), used);
    ASSERT_LE(engine_->cache_stats().bytes, options_.cache_bytes);
  }
  EXPECT_GT(engine_->cache_stats().evictions, 1000u);
  EXPECT_LT(engine_->cache_stats().entries, 200u);
}

TEST_F(EngineCache, a_cache_of_no_bytes_decides_all_the_same) {
  options_.cache_bytes = 0;
  ASSERT_TRUE(load("function route(s) if s:touches('sales') then return 'analytics' end end"));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(route("select * from sales"), "analytics");
  EXPECT_EQ(engine_->cache_stats().entries, 0u);
}

TEST_F(EngineCache, texts_over_the_parse_limit_are_decided_and_not_kept) {
  options_.parse_max_bytes = 1000;
  ASSERT_TRUE(load("function route(s) if s:touches('sales') then return 'analytics' end end"));
  const std::string sql = "select * from sales where x = '" + std::string(2000, 'x') + "'";
  EXPECT_EQ(route(sql), "analytics");
  EXPECT_TRUE(decide(sql).oversized);
  EXPECT_FALSE(decide(sql).plain);
  EXPECT_EQ(engine_->cache_stats().entries, 0u);
}

TEST_F(EngineCache, parse_failures_are_counted_once_for_a_text) {
  ASSERT_TRUE(load(""));
  for (int i = 0; i < 3; ++i) decide("selec nonsense");
  EXPECT_EQ(engine_->cache_stats().parse_failures, 1u);
}

TEST_F(EngineCache, a_new_generation_knows_nothing_of_the_old) {
  ASSERT_TRUE(load("function route() return 'dev.1' end", 7));
  EXPECT_EQ(route("select 1"), "dev.1");
  EXPECT_EQ(decide("select 1").generation, 7u);
  EXPECT_EQ(engine_->generation(), 7u);
  const ScriptPtr old = engine_->decide("select 1", facts_);
  ASSERT_TRUE(load("function route() return 'dev.2' end", 8));
  EXPECT_EQ(route("select 1"), "dev.2");
  EXPECT_EQ(decide("select 1").generation, 8u);
  EXPECT_EQ(old->items[0].decision->route, intern_route("dev.1"));  // a session's copy outlives its engine
}

TEST_F(EngineCache, a_hit_allocates_nothing) {
  ASSERT_TRUE(load("function route(s, f) if f.user == 'alice' then return 'analytics' end end\n"
                   "function rewrite(s) if s:touches('t') then return s.text .. ' limit 5' end end"));
  const std::string_view by_shape = "select * from orders where a = 1 and note = 'a text that is longer than a small string'";
  const std::string_view by_text = "select * from t where a = 1 and note = 'a text that is longer than a small string'";
  const std::string_view several = "select * from orders where a = 1; select * from orders where a = 2";
  Facts other = facts_of("alice");
  for (const std::string_view sql : {by_shape, by_text, several}) engine_->decide(sql, facts_);
  const CacheStats before = engine_->cache_stats();
  test::start_counting_allocations();
  for (int i = 0; i < 10; ++i) {
    for (const std::string_view sql : {by_shape, by_text, several}) engine_->decide(sql, i % 2 == 0 ? facts_ : other);
  }
  EXPECT_EQ(test::stop_counting_allocations(), 0u);
  EXPECT_EQ(engine_->cache_stats().misses, before.misses);
  EXPECT_EQ(engine_->cache_stats().exact_hits, before.exact_hits + 20);
  EXPECT_EQ(engine_->cache_stats().shape_hits, before.shape_hits + 10);
  test::start_counting_allocations();
  engine_->decide("select * from somewhere_else", facts_);
  EXPECT_GT(test::stop_counting_allocations(), 0u);  // the counter counts
}

TEST_F(EngineCache, an_edited_shape_allocates_nothing_and_changes_nothing_that_is_held) {
  ASSERT_TRUE(load("function rewrite(s) return s:add_filter('orders', 'region = ?', 'a region with a long name') end"));
  const auto text = [](int id) { return "select * from orders where a = " + std::to_string(id) + " and note = 'longer than a small string'"; };
  const auto sent = [](const ScriptPtr& script) { return *script->items.front().decision->rewritten; };
  const std::string texts[] = {text(1), text(2), text(3)};
  const ScriptPtr held = engine_->decide(texts[1], facts_);
  const std::string before = sent(held);
  std::vector<ScriptPtr> all;
  for (int i = 0; i < 100; ++i) all.push_back(engine_->decide(text(i), facts_));
  for (int i = 0; i < 100; ++i) EXPECT_NE(sent(all[static_cast<std::size_t>(i)]).find("a = " + std::to_string(i) + " and"), std::string::npos);
  EXPECT_EQ(sent(held), before);
  all.clear();
  for (const std::string& sql : texts) engine_->decide(sql, facts_);
  test::start_counting_allocations();
  for (const std::string& sql : texts) engine_->decide(sql, facts_);
  EXPECT_EQ(test::stop_counting_allocations(), 0u);
}

}  // namespace
}  // namespace pgswitch::rules
