#include "tests/rules/engine_fixture.hpp"

/// The examples of pgbouncer-rr's README, line by line, and its contract.
namespace pgswitch::rules {
namespace {

using EngineRrRules = test::EngineTest;

TEST_F(EngineRrRules, the_first_routing_example_of_pgbouncer_rr_works) {
  ASSERT_TRUE(load(R"lua(
function routing_rules(username, query)
  if query:find("tablea", 1, true) then
    return "dev.1"
  elseif query:find("tableb", 1, true) then
    return "dev.2"
  else
    return "dev.1"
  end
end
)lua")) << error_;
  EXPECT_EQ(route("select count(*) from tablea;"), "dev.1");
  EXPECT_EQ(route("select count(*) from tableb;"), "dev.2");
  EXPECT_EQ(route("select 1"), "dev.1");
}

TEST_F(EngineRrRules, the_routing_table_example_of_pgbouncer_rr_works) {
  ASSERT_TRUE(load(R"lua(
routingtable = {
  route = {{
      usernameRegex = '.*',
      queryRegex = '.*tablea.*',
      dbkey = 'dev.1'
    }, {
      usernameRegex = '.*',
      queryRegex = '.*tableb.*',
      dbkey = 'dev.2'
    }
  },
  default = nil
}

function routing_rules(username, query)
  for _, route in ipairs(routingtable.route) do
    local u = route.usernameRegex
    local q = route.queryRegex
    if username:find(u) and query:find(q) then
      return route.dbkey
    end
  end
  return routingtable.default
end
)lua")) << error_;
  EXPECT_EQ(route("select * from tablea"), "dev.1");
  EXPECT_EQ(route("select * from tableb"), "dev.2");
  EXPECT_EQ(route("select * from tablec"), "");
  EXPECT_EQ(decision("select * from tablea").rule, "rules.lua:21 routing_rules");
}

constexpr std::string_view rr_rewrite = R"lua(
function rewrite_query(username, query)
  local q1 = "SELECT storename, SUM(total) FROM sales JOIN store USING (storeid) GROUP BY storename ORDER BY storename"
  local q2 = "SELECT prodname, SUM(total) FROM sales JOIN product USING (productid) GROUP BY prodname ORDER BY prodname"
  local new_query
  if query:find(q1, 1, true) == 1 then
    new_query = "SELECT storename, SUM(total) FROM store_sales GROUP BY storename ORDER BY storename;"
  elseif query:find(q2, 1, true) == 1 then
    new_query = "SELECT prodname, SUM(total) FROM product_sales GROUP BY prodname ORDER BY prodname;"
  else
    new_query = query
  end
  return new_query
end
)lua";

TEST_F(EngineRrRules, the_rewrite_example_of_pgbouncer_rr_works) {
  ASSERT_TRUE(load(rr_rewrite)) << error_;
  const Script& script = decide("SELECT storename, SUM(total) FROM sales JOIN store USING (storeid) GROUP BY storename ORDER BY storename;");
  ASSERT_EQ(script.items.size(), 1u);
  EXPECT_EQ(script.items[0].decision->rewritten, "SELECT storename, SUM(total) FROM store_sales GROUP BY storename ORDER BY storename");
  EXPECT_EQ(script.items[0].decision->rule, "rules.lua:13 rewrite_query");
  EXPECT_EQ(script.items[0].statement->reads, (std::vector<TableName>{{"", "store_sales"}}));
  EXPECT_FALSE(script.plain);
}

TEST_F(EngineRrRules, a_rewrite_that_returns_the_text_leaves_it) {
  ASSERT_TRUE(load(rr_rewrite)) << error_;
  EXPECT_EQ(decision("select 1;").rewritten, std::nullopt);
  EXPECT_EQ(decision("select 1;").rule, "default");
  EXPECT_TRUE(decide("select 2").plain);
}

TEST_F(EngineRrRules, rr_hooks_get_user_text_and_transaction) {
  ASSERT_TRUE(load("function routing_rules(u, q, t) log(u, q, t) end"));
  facts_.in_transaction = true;
  decide("  select 1 ; ");
  EXPECT_EQ(logged_, std::vector<std::string>{"alice\tselect 1\ttrue"});
}

}  // namespace
}  // namespace pgswitch::rules
