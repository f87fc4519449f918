#include <gtest/gtest.h>

#include "protocol/writer.hpp"
#include "proxy/welcome.hpp"

// What Router::recall_welcome() and ask_welcome() are made of; with a real server it is tested in tests/integration.
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

ParametersPtr parameters(ParameterList list) { return std::make_shared<const ParameterList>(std::move(list)); }

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
  const ParametersPtr first = parameters({{"x", "1"}}), second = parameters({{"x", "2"}});
  cache.insert("a", first);
  cache.insert("b", first);
  cache.insert("a", second);
  EXPECT_EQ(cache.find("a"), second);
  cache.insert("c", first);
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_EQ(cache.find("a"), nullptr);
  EXPECT_EQ(cache.find("c"), first);
}

std::string frames_of(const ParameterList& list) {
  std::string frames;
  for (const auto& [name, value] : list) protocol::write_parameter_status(frames, name, value);
  return frames;
}

TEST(WelcomeMaker, tells_what_the_server_said_and_the_clients_own_application_name) {
  WelcomeMaker maker;
  const ParametersPtr said = parameters({{"application_name", ""}, {"DateStyle", "ISO"}, {"server_version", "15"}});
  const std::string own = "psql\n";
  EXPECT_EQ(*maker.make(said, nullptr).frames, frames_of(*said));
  const Welcome named = maker.make(said, &own);
  EXPECT_EQ(*named.frames, frames_of({{"application_name", "psql?"}, {"DateStyle", "ISO"}, {"server_version", "15"}}));
  EXPECT_EQ(named.tracked[static_cast<std::size_t>(Tracked::application_name)], "psql?");
  EXPECT_EQ(named.tracked[static_cast<std::size_t>(Tracked::date_style)], "ISO");
}

TEST(WelcomeMaker, makes_each_welcome_once_and_again_when_it_has_been_replaced) {
  WelcomeMaker maker;
  const ParametersPtr one = parameters({{"DateStyle", "ISO"}}), other = parameters({{"DateStyle", "German"}});
  const std::string name = "app";
  const auto first = maker.make(one, &name).frames;
  EXPECT_EQ(maker.make(one, &name).frames, first);
  EXPECT_NE(*maker.make(one, nullptr).frames, *first);
  EXPECT_NE(*maker.make(other, &name).frames, *first);
  for (int i = 0; i < 20; ++i) {
    const std::string another = "app " + std::to_string(i);
    EXPECT_EQ(*maker.make(one, &another).frames, frames_of({{"DateStyle", "ISO"}, {"application_name", another}}));
  }
  EXPECT_EQ(*maker.make(one, &name).frames, *first);
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
