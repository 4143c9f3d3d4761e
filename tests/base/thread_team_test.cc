#include "base/thread_team.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <thread>

namespace burnish {
namespace {

cpu_set_t allowed_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  EXPECT_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
  return set;
}

cpu_set_t only(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  return set;
}

void allow(const cpu_set_t& set) {
  ASSERT_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
}

struct Outcome {
  int before, after;
  cpu_set_t mask;
};

/// Thread 1 of a team whose thread 0 runs on the same core; `mask` is what it may choose from.
Outcome separated(ThreadTeam& team, const cpu_set_t& mask) {
  Outcome outcome{};
  std::thread worker([&] {
    allow(only(sched_getcpu()));
    team.arrive(0);
    outcome.before = sched_getcpu();
    allow(mask);
    team.separate(1);
    outcome.after = sched_getcpu();
    outcome.mask = allowed_cores();
  });
  worker.join();
  return outcome;
}

TEST(ThreadTeam, AThreadLeavesTheCoreOfAnotherAndMayRunWhereItMightBefore) {
  const cpu_set_t all = allowed_cores();
  if (CPU_COUNT(&all) < 2) GTEST_SKIP() << "one core";
  ThreadTeam team(2);
  const Outcome outcome = separated(team, all);
  EXPECT_NE(outcome.after, outcome.before);
  EXPECT_TRUE(CPU_EQUAL(&outcome.mask, &all));
}

TEST(ThreadTeam, WhoMayRunOnOneCoreStays) {
  int cpu = -1;
  std::thread([&] { cpu = sched_getcpu(); }).join();
  const cpu_set_t one = only(cpu);
  ThreadTeam team(2);
  std::thread worker([&] {
    allow(one);
    team.arrive(0);
    team.separate(1);
    EXPECT_EQ(sched_getcpu(), cpu);
    const cpu_set_t mask = allowed_cores();
    EXPECT_TRUE(CPU_EQUAL(&mask, &one));
  });
  worker.join();
}

}  // namespace
}  // namespace burnish
