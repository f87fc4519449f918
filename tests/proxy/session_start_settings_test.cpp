#include <gtest/gtest.h>

#include "proxy/session/start_settings.hpp"

namespace pgswitch {
namespace {

std::string statement_of(const char* name, const char* value) {
  const Settings settings = start_settings({{name, value}});
  return settings.empty() ? "" : std::string(std::string_view(settings.begin()->statement));
}

TEST(start_settings, are_set_without_a_query_where_that_means_the_same) {
  EXPECT_EQ(statement_of("statement_timeout", "1s"), R"(SET "statement_timeout"='1s')");
  EXPECT_EQ(statement_of("My.x", "it's"), R"(SET "my"."x"='it''s')");
  EXPECT_EQ(statement_of("my.x", R"(a\b)"), R"(SET "my"."x"= E'a\\b')");
  EXPECT_EQ(statement_of("search_path", "private"), R"(SET "search_path"='private')");
  EXPECT_EQ(statement_of("search_path", R"("$user", public, "Mine")"), R"(SET "search_path"='$user','public','Mine')");
}

TEST(start_settings, that_set_would_read_otherwise_are_set_by_a_query) {
  EXPECT_EQ(statement_of("search_path", ""), "SELECT pg_catalog.set_config('search_path','',false)");
  EXPECT_EQ(statement_of("search_path", "a,b"), "SELECT pg_catalog.set_config('search_path','a,b',false)");
  EXPECT_EQ(statement_of("search_path", R"(A, "b")"), R"(SELECT pg_catalog.set_config('search_path','A, "b"',false))");
  EXPECT_EQ(statement_of("search_path", "a b"), "SELECT pg_catalog.set_config('search_path','a b',false)");
  EXPECT_EQ(statement_of("search_path", R"("a,b")"), R"(SELECT pg_catalog.set_config('search_path','"a,b"',false))");
  EXPECT_EQ(statement_of("my-x", "1"), "SELECT pg_catalog.set_config('my-x','1',false)");
  EXPECT_EQ(statement_of("my.", "1"), "SELECT pg_catalog.set_config('my.','1',false)");
}

TEST(start_settings, that_are_reported_are_none_and_the_last_of_a_name_counts) {
  EXPECT_EQ(statement_of("timezone", "UTC"), "");
  const Settings settings = start_settings({{"b", "1"}, {"a", "2"}, {"B", "3"}});
  ASSERT_NE(settings.find("b"), nullptr);
  EXPECT_EQ(std::string_view(settings.find("b")->statement), R"(SET "b"='3')");
  EXPECT_EQ(settings.begin()->name, "a");
}

TEST(start_settings, of_clients_that_begin_alike_are_one_list) {
  const Settings settings = start_settings({{"lock_timeout", "1s"}, {"DateStyle", "ISO"}});
  EXPECT_TRUE(settings.shares(start_settings({{"Lock_Timeout", "1s"}})));
  EXPECT_FALSE(settings.shares(start_settings({{"lock_timeout", "2s"}})));
  EXPECT_TRUE(settings.shares(start_settings({{"lock_timeout", "1s"}}))) << "also when another was asked for in between";
  for (int i = 0; i < 100; ++i) start_settings({{"lock_timeout", std::to_string(i)}});
  EXPECT_EQ(statement_of("lock_timeout", "99"), R"(SET "lock_timeout"='99')");
}

}  // namespace
}  // namespace pgswitch
