#include "tests/redshift/login.hpp"

#include <gtest/gtest.h>

#include "tests/redshift/hex.hpp"

namespace pgswitch::stand_in {
namespace {

/// Redshift facts 1.2: the stored digest of the Developer Guide's own example (CREATE USER), and an answer made from it.
TEST(RedshiftDigest, KnownAnswers) {
  const std::string salt = from_hex("c721bff5d9042cf541ff7b9d48fa8a6e545c19a763e3710151f9513038b0f6c6");
  const std::string stored = stored_digest("Mypassword1", salt);
  EXPECT_EQ(to_hex(stored), "821708135fcc42eb3afda85286dee0ed15c2c461d000291609f77eb113073ec2");
  EXPECT_EQ(to_hex(digest_answer(stored, from_hex("000102030405060708090a0b0c0d0e0f"), "1700000000000")),
            "948b9a6320accdd3505242266b1ad6e6748788110cc89dd1add9ee61f768d3e2");
}

}  // namespace
}  // namespace pgswitch::stand_in
