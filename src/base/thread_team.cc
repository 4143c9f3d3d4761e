#include "base/thread_team.h"

#include <sched.h>

namespace burnish {
namespace {

// A move takes some ten microseconds: where cores are oversubscribed, moving more often would cost more than it gains.
constexpr std::chrono::milliseconds kMoveInterval{4};

/// The allowed core that lies `steps` after `cpu`, counted in a circle.
int core_after(const cpu_set_t& allowed, int cpu, int steps) {
  for (int tried = 0; tried < CPU_SETSIZE; ++tried) {
    cpu = (cpu + 1) % CPU_SETSIZE;
    if (CPU_ISSET(cpu, &allowed) && --steps <= 0) return cpu;
  }
  return cpu;
}

/// False where that is not allowed, or where there are fewer cores than the team has threads.
bool move_away(int from, int steps, int num_threads) {
  cpu_set_t allowed, target;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0 || CPU_COUNT(&allowed) < num_threads) return false;
  CPU_ZERO(&target);
  CPU_SET(core_after(allowed, from, steps), &target);
  if (sched_setaffinity(0, sizeof(target), &target) != 0) return false;
  return sched_setaffinity(0, sizeof(allowed), &allowed) == 0;
}

}  // namespace

ThreadTeam::ThreadTeam(int num_threads) : places_(static_cast<size_t>(num_threads)) {}

void ThreadTeam::arrive(int thread) {
  std::atomic<int>& place = places_[static_cast<size_t>(thread)].cpu;
  const int cpu = sched_getcpu();
  if (place.load(std::memory_order_relaxed) != cpu) place.store(cpu, std::memory_order_relaxed);
}

bool ThreadTeam::is_shared(int thread, int cpu) const {
  for (int t = 0; t < static_cast<int>(places_.size()); ++t) {
    if (t != thread && places_[static_cast<size_t>(t)].cpu.load(std::memory_order_relaxed) == cpu) return true;
  }
  return false;
}

void ThreadTeam::separate(int thread) {
  arrive(thread);
  Place& place = places_[static_cast<size_t>(thread)];
  if (!is_shared(thread, place.cpu.load(std::memory_order_relaxed))) return;
  const Clock::time_point now = Clock::now();
  if (now - place.moved < kMoveInterval) return;
  place.moved = now;
  // Counted from the caller's core, so that two that leave at once do not meet again.
  move_away(places_[0].cpu.load(std::memory_order_relaxed), thread, static_cast<int>(places_.size()));
  arrive(thread);
}

}  // namespace burnish
