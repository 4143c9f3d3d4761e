#include "server/bus_error_guard.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <mutex>

namespace burnish::server {
namespace {

struct Range {
  std::atomic<uintptr_t> begin{0};  ///< 0: unused.
  std::atomic<uintptr_t> end{0};
};
// As many as there may be regions (old mappings live as long as their requests, hence twice); fixed, because a handler
// of signals reads it.
std::array<Range, 8192> g_ranges;
std::mutex g_mutex;
struct sigaction g_previous {};
uintptr_t g_page_size = 4096;

bool is_guarded(uintptr_t address) {
  for (const Range& range : g_ranges) {
    const uintptr_t begin = range.begin.load(std::memory_order_acquire);
    if (begin != 0 && address >= begin && address < range.end.load(std::memory_order_acquire)) return true;
  }
  return false;
}

/// Puts a page of zeros where the file has ended; the access is then repeated.
void on_bus_error(int, siginfo_t* info, void*) {
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  if (is_guarded(address)) {
    void* page = reinterpret_cast<void*>(address / g_page_size * g_page_size);  // NOLINT(performance-no-int-to-ptr)
    if (mmap(page, g_page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED) {
      return;
    }
  }
  sigaction(SIGBUS, &g_previous, nullptr);  // the access is repeated and ends the process as it would have
}

void install() {
  g_page_size = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  struct sigaction action {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &action, &g_previous);
}

}  // namespace

void guard_against_bus_errors(void* pages, size_t size) {
  static std::once_flag installed;
  std::call_once(installed, install);
  const std::lock_guard lock(g_mutex);
  for (Range& range : g_ranges) {
    if (range.begin.load(std::memory_order_relaxed) != 0) continue;
    const auto begin = reinterpret_cast<uintptr_t>(pages);
    range.end.store(begin + size, std::memory_order_release);
    range.begin.store(begin, std::memory_order_release);
    return;
  }
}

void forget_guard(void* pages) {
  const std::lock_guard lock(g_mutex);
  for (Range& range : g_ranges) {
    if (range.begin.load(std::memory_order_relaxed) == reinterpret_cast<uintptr_t>(pages)) {
      range.begin.store(0, std::memory_order_release);
      return;
    }
  }
}

}  // namespace burnish::server
