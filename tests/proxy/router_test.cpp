#include <gtest/gtest.h>

#include "proxy/welcome.hpp"

// What Router::welcome() is made of; with a real server it is tested in tests/integration.
namespace pgswitch {
namespace {

TEST(ApplicationName, is_cleaned_and_cut_as_postgresql_does) {
  const std::string longest(63, 'a');
  const std::pair<std::string, std::string> cases[] = {
      {"psql", "psql"},
      {"", ""},
      {"tab\there", "tab?here"},
      {"\xc3\xa9t\xc3\xa9", "??t??"},
      {longest, longest},
      {longest + "b", longest},
      {std::string(62, 'a') + "\xc3\xa9", std::string(62, 'a')},  // half a character is none
  };
  for (const auto& [given, expected] : cases) EXPECT_EQ(clean_application_name(given), expected);
}

TEST(WelcomeCache, key_ignores_order_spelling_of_names_and_application_name) {
  PoolKey pool;
  pool.user = "alice";
  const std::string key = WelcomeCache::key(pool, {{"DateStyle", "German"}, {"search_path", "a"}});
  EXPECT_EQ(key, WelcomeCache::key(pool, {{"search_path", "a"}, {"application_name", "x"}, {"datestyle", "German"}}));
  EXPECT_NE(key, WelcomeCache::key(pool, {{"DateStyle", "german"}, {"search_path", "a"}})) << "values are exact";
  pool.user = "bob";
  EXPECT_NE(key, WelcomeCache::key(pool, {{"DateStyle", "German"}, {"search_path", "a"}}));
}

TEST(WelcomeCache, key_keeps_parts_apart) {
  const PoolKey pool;
  EXPECT_NE(WelcomeCache::key(pool, {{"ab", "c"}}), WelcomeCache::key(pool, {{"a", "bc"}}));
  EXPECT_NE(WelcomeCache::key(pool, {{"a", "1:b1:c"}}), WelcomeCache::key(pool, {{"a", ""}, {"b", "c"}}));
}

TEST(WelcomeCache, forgets_the_oldest) {
  WelcomeCache cache(2);
  cache.insert("a", {{"x", "1"}});
  cache.insert("b", {});
  cache.insert("a", {{"x", "2"}});
  cache.insert("c", {});
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_EQ(cache.find("a"), nullptr);
  EXPECT_NE(cache.find("c"), nullptr);
}

TEST(SettingsQuery, quotes_whatever_a_client_sends) {
  const TrackedValues reported{};
  EXPECT_EQ(settings_query({{"search_path", "a'b"}, {"x\\y", "c\\d"}}, {}, reported),
            "SELECT pg_catalog.set_config('search_path', 'a''b', false), pg_catalog.set_config(E'x\\\\y', E'c\\\\d', false)");
  EXPECT_EQ(settings_query({}, {}, reported), "");
}

TEST(SettingsQuery, first_undoes_what_the_last_client_set) {
  TrackedValues reported{};
  reported[static_cast<std::size_t>(Tracked::date_style)] = "German, DMY";
  reported[static_cast<std::size_t>(Tracked::time_zone)] = "UTC";
  EXPECT_EQ(settings_query({{"DateStyle", "ISO"}}, {{"DateStyle", "ISO, MDY"}, {"TimeZone", "UTC"}}, reported),
            "SELECT pg_catalog.set_config('DateStyle', 'ISO, MDY', false), pg_catalog.set_config('DateStyle', 'ISO', false)");
}

TEST(MergeParameters, takes_what_was_set_or_changed_and_nothing_of_the_last_client) {
  const ParameterList base = {{"DateStyle", "ISO, MDY"}, {"TimeZone", "UTC"}, {"is_superuser", "on"}};
  const ParameterList before = {{"DateStyle", "German, DMY"}, {"TimeZone", "CET"}, {"is_superuser", "on"}};
  const ParameterList after = {{"DateStyle", "German, DMY"}, {"TimeZone", "CET"}, {"is_superuser", "off"}};
  const ParameterList expected = {{"DateStyle", "German, DMY"}, {"TimeZone", "UTC"}, {"is_superuser", "off"}};
  EXPECT_EQ(merge_parameters(base, before, after, {{"datestyle", "german"}, {"role", "x"}}), expected);
}

}  // namespace
}  // namespace pgswitch
