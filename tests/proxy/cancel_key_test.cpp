#include "proxy/cancel_key.hpp"

#include <gtest/gtest.h>

namespace pgswitch {
namespace {

TEST(cancel_key, names_worker_and_slot_in_a_process_id_that_is_positive) {
  for (const CancelKey key : {CancelKey{0, 0}, CancelKey{1, 7}, CancelKey{63, 123456}, CancelKey{CancelKey::max_workers - 1, CancelKey::max_slots - 1}}) {
    EXPECT_EQ(CancelKey::of_process_id(key.process_id()), key);
    EXPECT_LT(key.process_id(), 1u << 31);
  }
}

TEST(cancel_key, secrets_have_the_size_asked_for_and_never_repeat) {
  EXPECT_EQ(random_secret(short_cancel_secret).size(), short_cancel_secret);
  EXPECT_EQ(random_secret(long_cancel_secret).size(), long_cancel_secret);
  EXPECT_NE(random_secret(long_cancel_secret), random_secret(long_cancel_secret));
}

}  // namespace
}  // namespace pgswitch
