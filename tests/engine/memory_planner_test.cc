#include "engine/memory_planner.h"

#include <gtest/gtest.h>

#include <random>

#include "base/error.h"
#include "base/tensor.h"

namespace burnish {
namespace {

int64_t padded(int64_t n) {
  return (n + 63) / 64 * 64;
}

int64_t most_live_bytes(const std::vector<BufferRequest>& requests, int32_t steps) {
  int64_t most = 0;
  for (int32_t s = 0; s < steps; ++s) {
    int64_t live = 0;
    for (const auto& r : requests) live += r.first_step <= s && s <= r.last_step ? padded(r.num_bytes) : 0;
    most = std::max(most, live);
  }
  return most;
}

void expect_disjoint(const std::vector<BufferRequest>& requests, const MemoryPlan& plan) {
  for (size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(plan.offsets[i] % static_cast<int64_t>(kAlignment), 0);
    EXPECT_GE(plan.offsets[i], 0);
    EXPECT_LE(plan.offsets[i] + requests[i].num_bytes, plan.arena_bytes);
    for (size_t j = 0; j < i; ++j) {
      const auto &a = requests[i], &b = requests[j];
      if (a.first_step > b.last_step || b.first_step > a.last_step || a.num_bytes == 0 || b.num_bytes == 0) continue;
      const bool apart =
          plan.offsets[i] + a.num_bytes <= plan.offsets[j] || plan.offsets[j] + b.num_bytes <= plan.offsets[i];
      EXPECT_TRUE(apart) << i << " and " << j;
    }
  }
}

TEST(MemoryPlanner, EmptyPlanTakesNothing) {
  EXPECT_EQ(plan_memory({}).arena_bytes, 0);
}

TEST(MemoryPlanner, ChainNeedsTwoBuffers) {
  std::vector<BufferRequest> requests;
  for (int32_t s = 0; s < 10; ++s) requests.push_back({6400, s, s + 1});
  const MemoryPlan plan = plan_memory(requests);
  expect_disjoint(requests, plan);
  EXPECT_EQ(plan.arena_bytes, 2 * 6400);
}

TEST(MemoryPlanner, RandomLifetimesNeverOverlapAndStayNearTheLowerBound) {
  std::mt19937 random(3);
  for (int round = 0; round < 60; ++round) {
    constexpr int32_t kSteps = 80;
    std::vector<BufferRequest> requests;
    for (int i = 0; i < 100; ++i) {
      const auto first = static_cast<int32_t>(random() % kSteps);
      const auto length = static_cast<int32_t>(random() % (random() % 5 == 0 ? 40 : 4));
      requests.push_back({static_cast<int64_t>(random() % 5000), first, std::min(kSteps - 1, first + length)});
    }
    const MemoryPlan plan = plan_memory(requests);
    expect_disjoint(requests, plan);
    const int64_t bound = most_live_bytes(requests, kSteps);
    EXPECT_GE(plan.arena_bytes, bound);
    EXPECT_LE(plan.arena_bytes, bound * 3 / 2) << "round " << round;
  }
}

TEST(MemoryPlanner, SizesThatOverflowAreAnError) {
  const std::vector<BufferRequest> requests(3, {INT64_MAX / 2, 0, 1});
  EXPECT_THROW(plan_memory(requests), Error);
}

}  // namespace
}  // namespace burnish
