#include "proxy/request_times.hpp"

#include <gtest/gtest.h>

namespace pgswitch {
namespace {

TEST(RequestTimes, AQuantileIsAtMostAnEighthTooLarge) {
  for (const std::int64_t time_us : {std::int64_t{0}, std::int64_t{1}, std::int64_t{7}, std::int64_t{8}, std::int64_t{100}, std::int64_t{4095},
                                     std::int64_t{4096}, std::int64_t{1'000'000}, std::int64_t{60'000'000}}) {
    Histogram histogram;
    histogram.add(time_us);
    EXPECT_GE(histogram.quantile_us(50), time_us);
    EXPECT_LE(histogram.quantile_us(50), time_us + time_us / 8) << time_us;
  }
}

TEST(RequestTimes, QuantilesOfManyAreTheirs) {
  Histogram histogram, more;
  for (int i = 1; i <= 500; ++i) histogram.add(i);
  for (int i = 501; i <= 1000; ++i) more.add(i);
  histogram += more;
  EXPECT_EQ(histogram.total(), 1000u);
  EXPECT_NEAR(static_cast<double>(histogram.quantile_us(50)), 500, 63);
  EXPECT_NEAR(static_cast<double>(histogram.quantile_us(99)), 990, 124);
  EXPECT_EQ(Histogram().quantile_us(99), 0);
}

TEST(RequestTimes, WhatTakesTooLongCountsAsTheLongest) {
  Histogram histogram;
  histogram.add(INT64_MAX);
  histogram.add(-5);
  EXPECT_EQ(histogram.quantile_us(1), 0);
  EXPECT_GT(histogram.quantile_us(99), std::int64_t{200} * 1'000'000);
}

TEST(RequestTimes, AMinuteLaterTheyAreForgotten) {
  RecentTimes times;
  times.move_on(1'000'000);
  times.add(10);
  times.move_on(20'000'000);
  EXPECT_EQ(times.all().total(), 1u);
  times.move_on(32'000'000);
  times.add(20);
  EXPECT_EQ(times.all().total(), 2u);
  times.move_on(63'000'000);
  EXPECT_EQ(times.all().total(), 1u);
  times.move_on(200'000'000);
  EXPECT_EQ(times.all().total(), 0u);
}

}  // namespace
}  // namespace pgswitch
