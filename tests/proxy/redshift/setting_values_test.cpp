// Values of settings that Redshift lacks. What is expected is what PostgreSQL 15 says of SET name = 'value'.
#include "proxy/redshift/setting_values.hpp"

#include <gtest/gtest.h>

#include "proxy/redshift/settings.hpp"

namespace pgswitch::redshift {
namespace {

std::string said(std::string_view name, std::string_view value) {
  const auto error = check_setting(name, value);
  return error ? error->sqlstate + " " + error->message + (error->hint.empty() ? "" : " / " + error->hint) : "";
}

}  // namespace

TEST(setting_values, those_that_postgresql_takes_are_taken) {
  constexpr std::pair<const char*, const char*> taken[] = {
      {"work_mem", "64"}, {"work_mem", "1GB"}, {"work_mem", " 100 MB "}, {"work_mem", "1.5MB"}, {"work_mem", "0x100"}, {"lock_timeout", "0"}, {"lock_timeout", "2min"},
      {"enable_sort", "of"}, {"enable_sort", "TR"}, {"enable_sort", "1"}, {"synchronous_commit", "yes"}, {"synchronous_commit", "local"}, {"client_min_messages", "debug"},
      {"client_min_messages", "WARNING"}, {"random_page_cost", "1e3"}, {"vacuum_cost_delay", "500us"}, {"default_transaction_isolation", "read committed"},
      {"lc_messages", "anything"}, {"search_path", "anything"}, {"work_mem", ""}};
  for (const auto& [name, value] : taken) EXPECT_EQ(said(name, value), "") << name << " = " << value;
}

TEST(setting_values, others_are_refused_in_its_words) {
  constexpr const char* sizes = " / Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\".";
  EXPECT_EQ(said("work_mem", "garbage"), "22023 invalid value for parameter \"work_mem\": \"garbage\"");
  EXPECT_EQ(said("work_mem", "64kb"), std::string("22023 invalid value for parameter \"work_mem\": \"64kb\"") + sizes);
  EXPECT_EQ(said("work_mem", "63"), "22023 63 kB is outside the valid range for parameter \"work_mem\" (64 .. 2147483647)");
  EXPECT_EQ(said("work_mem", "4TB"), "22023 invalid value for parameter \"work_mem\": \"4TB\" / Value exceeds integer range.");
  EXPECT_EQ(said("geqo_effort", "11"), "22023 11 is outside the valid range for parameter \"geqo_effort\" (1 .. 10)");
  EXPECT_EQ(said("geqo_effort", "1 kB"), "22023 invalid value for parameter \"geqo_effort\": \"1 kB\"");
  EXPECT_EQ(said("geqo_selection_bias", "1"), "22023 1 is outside the valid range for parameter \"geqo_selection_bias\" (1.5 .. 2)");
  EXPECT_EQ(said("enable_sort", "2"), "22023 parameter \"enable_sort\" requires a Boolean value");
  EXPECT_EQ(said("synchronous_commit", "t"),
            "22023 invalid value for parameter \"synchronous_commit\": \"t\" / Available values: local, remote_write, remote_apply, on, off.");
  EXPECT_TRUE(said("intervalstyle", "x").starts_with("22023 invalid value for parameter \"intervalstyle\": \"x\""));
}

TEST(setting_values, are_known_of_what_redshift_lacks) {
  for (const char* const name : {"array_nulls", "lock_timeout", "work_mem", "xmloption", "jit", "vacuum_cost_limit"}) {
    EXPECT_NE(said(name, "no value of any"), "") << name;
    ASSERT_NE(find_setting(name), nullptr) << name;
    EXPECT_TRUE(lacks(*find_setting(name), ServerKind::redshift)) << name;
  }
}

}  // namespace pgswitch::redshift
