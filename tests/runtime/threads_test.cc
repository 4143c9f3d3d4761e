// Many contexts of one engine at once. Meant for the tsan preset, too.
#include <gmock/gmock.h>

#include <thread>

#include "runtime/test_engines.h"
#include "runtime/test_tactics.h"

namespace burnish {
namespace {

using testing::make_engine;
using testing::run_one;

std::vector<float> input_of(int seed, int64_t batch) {
  std::vector<float> x(static_cast<size_t>(batch * 72));
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>((i * 31 + static_cast<size_t>(seed) * 17) % 13) - 6;
  return x;
}

TEST(Threads, ContextsOfOneEngineDoNotDisturbEachOther) {
  const Engine engine = make_engine(testing::conv_engine());
  constexpr int kThreads = 8;
  std::vector<std::vector<float>> expected;
  ExecutionContext alone = engine.create_context(1);
  for (int t = 0; t < kThreads; ++t) {
    const int64_t batch = 1 + t % 4;
    expected.push_back(run_one(alone, "x", {batch, 2, 6, 6}, input_of(t, batch), "probabilities"));
  }
  std::vector<int> wrong(kThreads, 0);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      ExecutionContext context = engine.create_context(1 + t % 2);
      for (int round = 0; round < 20; ++round) {
        const int other = (t + round) % kThreads;
        const int64_t batch = 1 + other % 4;
        const auto y = run_one(context, "x", {batch, 2, 6, 6}, input_of(other, batch), "probabilities");
        wrong[static_cast<size_t>(t)] += y == expected[static_cast<size_t>(other)] ? 0 : 1;
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_THAT(wrong, ::testing::Each(0));
}

TEST(Threads, ContextOutlivesItsEngine) {
  auto engine = std::make_unique<Engine>(make_engine(testing::conv_engine()));
  ExecutionContext context = engine->create_context(2);
  engine.reset();
  EXPECT_EQ(run_one(context, "x", {1, 2, 6, 6}, input_of(1, 1), "probabilities").size(), 4U);
  ExecutionContext moved = std::move(context);
  EXPECT_EQ(run_one(moved, "x", {2, 2, 6, 6}, input_of(1, 2), "picked").size(), 4U);
}

}  // namespace
}  // namespace burnish
