#pragma once
// How steps are spread over a thread pool: not at all when waking the others costs more than it saves.
#include <cstdint>

#include "base/thread_pool.h"

namespace burnish {

/// Bytes touched below which a step stays on the caller's thread: a few microseconds of work.
inline constexpr int64_t kSerialBytes = 32 << 10;

/// f(begin, end) over [0, n) in one range per thread. item_bytes says what one item costs: the bytes it touches, or a
/// number worth as much.
template <typename F>
void parallel_ranges(ThreadPool& pool, int64_t n, int64_t item_bytes, const F& f) {
  if (n <= 0) return;
  if (n * item_bytes <= kSerialBytes) {
    f(int64_t{0}, n);
  } else {
    pool.for_ranges(n, f);
  }
}

/// As above with the number of the thread, f(thread, begin, end), for work with memory of its own for each of the
/// `reserved` threads: a pool with more of them runs it on one.
template <typename F>
void parallel_parts(ThreadPool& pool, int reserved, int64_t n, int64_t item_bytes, const F& f) {
  if (n <= 0) return;
  if (n * item_bytes <= kSerialBytes || pool.num_threads() > reserved) return f(0, int64_t{0}, n);
  pool.run([&](int thread, int threads) { f(thread, n * thread / threads, n * (thread + 1) / threads); });
}

}  // namespace burnish
