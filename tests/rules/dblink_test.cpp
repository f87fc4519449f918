// wrap_dblink: a whole SELECT handed to another server.
#include "tests/rules/tree_editing.hpp"

namespace pgswitch::rules {
namespace {

using Dblink = test::TreeEditing;
using Case = test::EditCase;
using Verb = Decision::Verb;

TEST_F(Dblink, a_select_is_handed_over_as_a_whole) {
  constexpr Case cases[] = {
      {"select id from orders", "SELECT * FROM dblink('redshift', $pgswitch$select id from orders$pgswitch$) AS t(id int)"},
      {"select 'a''b', E'\\n', $$x$$;", "SELECT * FROM dblink('redshift', $pgswitch$select 'a''b', E'\\n', $$x$$$pgswitch$) AS t(id int);"},
      {"/* a */ select 1 /* b */ ; -- c", "/* a */ SELECT * FROM dblink('redshift', $pgswitch$select 1$pgswitch$) AS t(id int) /* b */ ; -- c"},
      {"select '$pgswitch$'", "SELECT * FROM dblink('redshift', $pgswitch1$select '$pgswitch$'$pgswitch1$) AS t(id int)"},
      {"select 'pgswitch pgswitch2', pgswitch1",
       "SELECT * FROM dblink('redshift', $pgswitch3$select 'pgswitch pgswitch2', pgswitch1$pgswitch3$) AS t(id int)"},
      {"select 1 as a$", "SELECT * FROM dblink('redshift', $pgswitch$select 1 as a$$pgswitch$) AS t(id int)"},
      {"with q as (select 1) select * from q union select 2 order by 1",
       "SELECT * FROM dblink('redshift', $pgswitch$with q as (select 1) select * from q union select 2 order by 1$pgswitch$) AS t(id int)"},
      {"(values (1), (2))", "SELECT * FROM dblink('redshift', $pgswitch$(values (1), (2))$pgswitch$) AS t(id int)"},
      {"insert into orders values (1)", "!dblink() takes a SELECT, not INSERT"},
      {"explain select 1", "!dblink() takes a SELECT, not EXPLAIN"},
      {"declare c cursor for select 1", "!dblink() takes a SELECT, not DECLARE"},
      {"create table x as select 1", "!dblink() takes a SELECT, not CREATE TABLE AS"},
      {"select * from orders where id = $1", "!dblink() takes no parameters"},
      {"select * from orders for update", "!dblink() takes no FOR UPDATE"},
      {"select * from orders for share", "!dblink() takes no FOR UPDATE"},
      {"select 1 into x", "!known to write nothing"},
      {"with d as (delete from orders returning 1) select * from d", "!known to write nothing"},
      {"select nextval('s')", "!known to write nothing"},
      {"select my_function()", "!known to write nothing"},
      {"select lastval()", "!leaves behind"},
      {"select top 5 * from orders", "!not one that can be parsed"},
  };
  expect(":wrap_dblink('redshift', 'id int')", cases);
}

TEST_F(Dblink, other_edits_are_made_inside) {
  constexpr Case cases[] = {
      {"table orders", "SELECT * FROM dblink('o''brien', $pgswitch$SELECT * FROM (SELECT * FROM orders WHERE (orders.tenant = 'alice')) AS orders LIMIT 5"
                       "$pgswitch$) AS t(id int, total numeric(10, 2))"},
  };
  expect(":wrap_dblink(\"o'brien\", 'id int, total numeric(10, 2)'):add_filter('orders', 'tenant = ?', session.user):set_limit(5)", cases);
  facts_ = facts_of("$pgswitch$");
  EXPECT_TRUE(decision("table orders").rewritten->starts_with("SELECT * FROM dblink('o''brien', $pgswitch1$")) << *decision("table orders").rewritten;
}

TEST_F(Dblink, each_text_has_a_tag_of_its_own) {
  ASSERT_TRUE(load("function rewrite(stmt) return stmt:wrap_dblink('redshift', 'id int') end")) << error_;
  for (const char* text : {"select 'a'", "select 'pgswitch'", "select 'a'", "select 'pgswitch'"}) {
    const bool tagged = std::string_view(text).find("pgswitch") != std::string_view::npos;
    EXPECT_EQ(decision(text).rewritten, std::string("SELECT * FROM dblink('redshift', $pgswitch") + (tagged ? "1" : "") + "$" + text + "$pgswitch" +
                                            (tagged ? "1" : "") + "$) AS t(id int)");
  }
}

TEST_F(Dblink, declared_functions_are_handed_over) {
  ASSERT_TRUE(load("functions { read_only = 'report' } function rewrite(stmt) return stmt:wrap_dblink('redshift', 'id int') end")) << error_;
  EXPECT_TRUE(decision("select report()").rewritten);
}

TEST_F(Dblink, what_is_sent_is_known_to_write_nothing) {
  ASSERT_TRUE(load("function rewrite(stmt) return stmt:wrap_dblink('redshift', 'id int') end")) << error_;
  EXPECT_TRUE(decide("select 1").items.front().statement->read_only);
}

TEST_F(Dblink, strings_with_backslash_escapes_are_not) {
  ASSERT_TRUE(load("function rewrite(stmt) return stmt:wrap_dblink('redshift', 'id int') end")) << error_;
  facts_.standard_conforming_strings = false;
  EXPECT_EQ(decision("select 'a'").refusal.sqlstate, "0A000");
}

TEST_F(Dblink, rules_of_the_table_have_it_as_data) {
  ASSERT_TRUE(load(R"(rules { { when = { tables = "orders" }, route = "dev.1",
    rewrite = { wrap_dblink = { server = "redshift", columns = "id int" } } } })")) << error_;
  EXPECT_EQ(decision("select 1 from orders").rewritten, "SELECT * FROM dblink('redshift', $pgswitch$select 1 from orders$pgswitch$) AS t(id int)");
  EXPECT_EQ(route("select 1 from orders"), "dev.1");
  const Account account = engine_->account("select 1 from orders", facts_);
  EXPECT_TRUE(account.statements.front().decision->rewritten);
}

TEST_F(Dblink, what_is_wrong_in_one_is_told) {
  const struct {
    const char* about;
    const char* says;
  } table[] = {
      {"'redshift'", "wrap_dblink takes a table, as in"},
      {"{ server = 'a' }", "the list of columns is a string, not a nil"},
      {"{ server = 'a', columns = 'id int', tag = 'x' }", "wrap_dblink has server and columns and nothing else"},
      {"{ server = '', columns = 'id int' }", "the server is empty"},
      {"{ server = 'a', columns = '' }", "\"\" is no list of columns"},
      {"{ server = 'a', columns = 'id' }", "\"id\" is no list of columns"},
      {"{ server = 'a', columns = 'id int) where (true' }", "is no list of columns"},
      {"{ server = 'a', columns = 'id int), g(1' }", "is no list of columns"},
      {"{ server = 'a', columns = 'id int); select (1' }", "is no list of columns"},
      {"{ server = 'a', columns = 'id int) -- ' }", "is no list of columns"},
  };
  for (const auto& row : table) {
    EXPECT_FALSE(load("rules { { rewrite = { wrap_dblink = " + std::string(row.about) + " } } }")) << row.about;
    EXPECT_NE(error_.find(row.says), std::string::npos) << row.about << ": " << error_;
  }
  ASSERT_TRUE(load("function rewrite(stmt) return stmt:wrap_dblink('a', 'id int'):wrap_dblink('b', 'id int') end")) << error_;
  EXPECT_NE(decision("select 1").refusal.detail.find("given to dblink() once"), std::string::npos);
}

}  // namespace
}  // namespace pgswitch::rules
