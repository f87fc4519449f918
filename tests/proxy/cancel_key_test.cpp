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

TEST(server_process_ids, one_number_may_stand_for_several_sessions) {
  ServerProcessIds ids;
  ids.add(4711, {0, 1});
  ids.add(4711, {1, 2});
  EXPECT_EQ(ids.find(4711).size(), 2u);
  ids.remove(4711, {0, 1});
  EXPECT_EQ(ids.find(4711), (std::vector<CancelKey>{{1, 2}}));
  ids.remove(4711, {0, 1});
  EXPECT_EQ(ids.find(4711).size(), 1u) << "only its own entry is removed";
  EXPECT_TRUE(ids.find(4712).empty());
}

}  // namespace
}  // namespace pgswitch
