#include "proxy/client_limits.hpp"

#include <gtest/gtest.h>

namespace pgswitch {
namespace {

struct ClientLimitsTest : testing::Test {
  ClientLimitsTest() {
    config.max_client_conn = 3;
    config.max_db_client_connections = 2;
    config.max_user_client_connections = 2;
    database.name = "app";
    other.name = "other";
  }
  Config config;
  Database database, other;
  ClientLimits limits;
};

TEST_F(ClientLimitsTest, are_taken_together_and_given_back_when_the_client_dies) {
  ClientPermits first, third;
  EXPECT_EQ(limits.take(config, database, "a", first), "");
  {
    ClientPermits second;
    EXPECT_EQ(limits.take(config, database, "b", second), "");
    EXPECT_EQ(limits.clients(), 2u);
    EXPECT_EQ(limits.clients_of_database("app"), 2u);
    EXPECT_NE(limits.take(config, database, "a", third).find("max_db_client_connections"), std::string::npos);
  }
  third = {};
  EXPECT_EQ(limits.clients(), 1u);
  EXPECT_EQ(limits.clients_of_user("b"), 0u);
  EXPECT_EQ(limits.take(config, other, "a", third), "");
  ClientPermits fourth;
  EXPECT_NE(limits.take(config, other, "a", fourth).find("max_user_client_connections"), std::string::npos);
  fourth = {};
  EXPECT_EQ(limits.take(config, other, "b", fourth), "");
  ClientPermits fifth;
  EXPECT_NE(limits.take(config, other, "c", fifth).find("max_client_conn"), std::string::npos);
}

TEST_F(ClientLimitsTest, names_without_clients_are_forgotten_and_those_with_some_are_not) {
  config.max_client_conn = 5000;
  ClientPermits kept;
  EXPECT_EQ(limits.take(config, database, "kept", kept), "");
  for (int i = 0; i < 3000; ++i) {
    ClientPermits passing;
    other.name = "passing " + std::to_string(i);
    EXPECT_EQ(limits.take(config, other, other.name, passing), "");
  }
  EXPECT_EQ(limits.clients_of_database("app"), 1u);
  kept = {};
  EXPECT_EQ(limits.clients_of_database("app"), 0u);
  EXPECT_EQ(limits.clients(), 0u);
}

}  // namespace
}  // namespace pgswitch
