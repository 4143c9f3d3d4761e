#include "runtime/arena.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/tensor.h"

namespace burnish {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

size_t machine_bytes() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page = ::sysconf(_SC_PAGESIZE);
  return pages > 0 && page > 0 ? static_cast<size_t>(pages) * static_cast<size_t>(page) : SIZE_MAX / 2;
}

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kMapPages = false;  // the sanitizer watches the ends of heap memory
#else
constexpr bool kMapPages = true;
#endif

std::shared_ptr<void> map_huge_pages(size_t num_bytes) {
  const size_t size = (num_bytes + 2 * kHugePage - 1) / kHugePage * kHugePage;
  void* p = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) throw_error(ErrorCode::kOutOfMemory, "cannot allocate {} bytes of host memory", size);
  const std::shared_ptr<void> mapping(p, [size](void* q) { ::munmap(q, size); });
  const auto start = (reinterpret_cast<uintptr_t>(p) + kHugePage - 1) / kHugePage * kHugePage;
  auto* aligned = static_cast<std::byte*>(p) + (start - reinterpret_cast<uintptr_t>(p));
  ::madvise(aligned, size - kHugePage, MADV_HUGEPAGE);  // advice only: without it everything works, more slowly
  return {mapping, aligned};
}

}  // namespace

std::shared_ptr<void> allocate_large(size_t num_bytes) {
  return kMapPages && num_bytes >= kHugePage ? map_huge_pages(num_bytes) : allocate_aligned(num_bytes);
}

void Arena::reserve(size_t num_bytes) {
  if (memory_ != nullptr && num_bytes <= size_) return;
  check(num_bytes <= machine_bytes(), ErrorCode::kOutOfMemory,
        "intermediate values of these shapes take {} bytes, this machine has {}", num_bytes, machine_bytes());
  memory_.reset();
  size_ = 0;
  memory_ = allocate_large(num_bytes);
  size_ = num_bytes;
  std::memset(memory_.get(), 0, num_bytes);  // the system finds the pages now, not during the first execution
}

}  // namespace burnish
