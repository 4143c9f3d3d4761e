#pragma once
// How long executions took lately, by shape and number of items: what the scheduler predicts with.
#include <array>
#include <chrono>
#include <map>
#include <utility>

namespace burnish::server {

/// Not thread-safe.
class ExecutionTimes {
 public:
  using Duration = std::chrono::nanoseconds;

  void record(uint64_t shape_key, int64_t items, Duration duration);
  /// The least that so many items took lately, or fewer where that is unknown; 0 when nothing is known. Never more than
  /// what can be hoped for, so that nothing is refused in error.
  Duration least(uint64_t shape_key, int64_t items) const;
  /// What so many items usually take: measured, or scaled up from fewer, or that of more. Duration::max() when nothing
  /// is known.
  Duration typical(uint64_t shape_key, int64_t items) const;

 private:
  static constexpr size_t kRemembered = 8;
  static constexpr size_t kMaxEntries = 4096;
  struct Recent {
    std::array<Duration, kRemembered> durations{};
    size_t count = 0, next = 0;
    Duration least{}, median{};
  };
  std::map<std::pair<uint64_t, int64_t>, Recent> entries_;
};

}  // namespace burnish::server
