#include "rules/route_names.hpp"

#include <gtest/gtest.h>

namespace pgswitch::rules {
namespace {

TEST(RouteNames, keep_their_number_for_the_life_of_the_process) {
  const RouteId app = intern_route("route_names_test.app");
  const RouteId warehouse = intern_route("route_names_test.warehouse");
  EXPECT_NE(app, warehouse);
  EXPECT_TRUE(is_route("route_names_test.app"));
  EXPECT_FALSE(is_route("route_names_test.absent"));
  EXPECT_FALSE(is_route("route_names_test.absent")) << "to ask does not make it one";
  EXPECT_EQ(intern_route("route_names_test.app"), app);
  EXPECT_EQ(route_name(app), "route_names_test.app");
  EXPECT_EQ(route_name(no_route), "");
}

}  // namespace
}  // namespace pgswitch::rules
