#include "proxy/login_places.hpp"

#include <gtest/gtest.h>

namespace pgswitch {
namespace {

TEST(LoginPlaces, are_counted_for_each_address_and_come_back) {
  LoginPlaces places;
  LoginPlace first = places.take("10.0.0.1", 2);
  {
    const LoginPlace second = places.take("10.0.0.1", 2);
    EXPECT_TRUE(first && second);
    EXPECT_FALSE(places.take("10.0.0.1", 2));
    EXPECT_TRUE(places.take("10.0.0.2", 2));
    EXPECT_EQ(places.refused(), 1u);
  }
  EXPECT_TRUE(places.take("10.0.0.1", 2));
  EXPECT_FALSE(places.take("10.0.0.1", 1)) << "a reload may have lowered it";
  first = LoginPlace();
  EXPECT_EQ(places.size(), 0u) << "an address of which nobody logs in is forgotten";
}

TEST(LoginPlaces, one_that_moves_is_given_back_once) {
  LoginPlaces places;
  LoginPlace first = places.take("10.0.0.1", 1);
  LoginPlace second = std::move(first);
  EXPECT_TRUE(second);
  EXPECT_FALSE(places.take("10.0.0.1", 1));
  second = LoginPlace();
  EXPECT_TRUE(places.take("10.0.0.1", 1));
}

}  // namespace
}  // namespace pgswitch
