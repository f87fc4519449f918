#include "rules/decision.hpp"

#include <gtest/gtest.h>

#include "rules/facts.hpp"

namespace pgswitch::rules {
namespace {

TEST(Decision, dependencies_are_told_in_words) {
  EXPECT_EQ(describe(bit(Dependency::shape)), "the statement's shape");
  EXPECT_EQ(describe(bit(Dependency::shape) | bit(Dependency::text) | bit(Dependency::user)), "the statement's shape, its text, the user");
  EXPECT_EQ(describe(bit(Dependency::database) | bit(Dependency::application_name) | bit(Dependency::client_address) |
                     bit(Dependency::in_transaction) | bit(Dependency::volatile_)),
            "the database, the application's name, the client's address, whether a transaction is open, the moment");
  EXPECT_EQ(describe(0), "");
}

TEST(Decision, identities_are_never_zero_and_never_the_same) {
  const std::uint64_t first = next_identity();
  EXPECT_NE(first, 0u);
  EXPECT_NE(next_identity(), first);
}

}  // namespace
}  // namespace pgswitch::rules
