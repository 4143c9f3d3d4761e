#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <chrono>
#include <numeric>

namespace burnish {
namespace {

TEST(ThreadPool, RunsEveryThreadOnce) {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    std::vector<int> calls(static_cast<size_t>(threads), 0);
    for (int round = 0; round < 1000; ++round)
      pool.run([&](int t, int n) {
        ASSERT_EQ(n, threads);
        ++calls[static_cast<size_t>(t)];
      });
    for (const int c : calls) EXPECT_EQ(c, 1000);
  }
}

TEST(ThreadPool, WakesSleepingWorkers) {
  ThreadPool pool(3);
  std::atomic<int> calls{0};
  for (int round = 0; round < 20; ++round) {
    pool.run([&](int, int) { calls.fetch_add(1); });
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // longer than the workers spin
  }
  EXPECT_EQ(calls.load(), 60);
}

TEST(ThreadPool, RangesCoverEverythingOnce) {
  ThreadPool pool(4);
  for (const int64_t n : {0, 1, 3, 4, 1001}) {
    std::vector<int> hits(static_cast<size_t>(n), 0);
    pool.for_ranges(n, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) ++hits[static_cast<size_t>(i)];
    });
    EXPECT_EQ(std::accumulate(hits.begin(), hits.end(), int64_t{0}), n);
    for (const int h : hits) ASSERT_EQ(h, 1);
  }
}

TEST(ThreadPool, PoolsAreIndependent) {
  std::vector<std::thread> users;
  std::atomic<int> calls{0};
  for (int u = 0; u < 4; ++u)
    users.emplace_back([&] {
      ThreadPool pool(2);
      for (int i = 0; i < 200; ++i) pool.run([&](int, int) { calls.fetch_add(1); });
    });
  for (auto& u : users) u.join();
  EXPECT_EQ(calls.load(), 4 * 200 * 2);
}

}  // namespace
}  // namespace burnish
