#include <chrono>
#include <cstring>
#include <vector>

#include "runtime/arena.h"
#include "runtime/session.h"

namespace burnish {
namespace {

bool is_aligned(const void* data, size_t alignment) {
  return reinterpret_cast<uintptr_t>(data) % alignment == 0;
}

// Rows that stand apart are joined.
void copy_dense(const TensorView& from, int64_t row_stride, void* to) {
  const size_t bytes = from.num_bytes();
  if (bytes == 0 || from.data == to) return;
  if (row_stride == 0) {
    std::memmove(to, from.data, bytes);
    return;
  }
  const size_t row = static_cast<size_t>(from.shape.back()) * size_of(from.dtype);
  const size_t stride = static_cast<size_t>(row_stride) * size_of(from.dtype);
  for (size_t r = 0; r < bytes / row; ++r) {
    std::memcpy(static_cast<std::byte*>(to) + r * row, static_cast<const std::byte*>(from.data) + r * stride, row);
  }
}

class HostRunner : public Runner {
 public:
  HostRunner(Specialization& steps, ThreadPool& pool) : steps_(steps), pool_(pool) {}

  void bind(const MemoryBases& bases) override { steps_.bind(bases); }

  void run(void* /*stream*/, const StepObserver* observer) override {
    using Clock = std::chrono::steady_clock;
    for (const StepRun& run : steps_.runs()) {
      const auto begin = observer != nullptr ? Clock::now() : Clock::time_point();
      steps_.run_step(run, pool_, nullptr);
      if (observer != nullptr) {
        (*observer)(run.step, run.cost, std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
      }
    }
  }

 private:
  Specialization& steps_;
  ThreadPool& pool_;
};

class HostSession : public Session {
 public:
  explicit HostSession(ThreadPool& pool) : pool_(pool) {}

  std::unique_ptr<Runner> create_runner(Specialization& steps) override {
    return std::make_unique<HostRunner>(steps, pool_);
  }
  std::byte* reserve_arena(size_t num_bytes) override {
    arena_.reserve(num_bytes);
    return arena_.data();
  }
  size_t arena_bytes() const override { return arena_.size(); }

  const void* place_input(size_t i, const void* data, size_t num_bytes, size_t element_bytes) override {
    if (is_aligned(data, element_bytes)) return data;
    if (aligned_.size() <= i) aligned_.resize(i + 1);
    Buffer& buffer = aligned_[i];
    if (buffer.num_bytes < num_bytes) buffer = {allocate_aligned(num_bytes), num_bytes};
    return buffer.memory.get();
  }
  void stage_input(size_t i, const void* data, size_t num_bytes, void* /*stream*/) override {
    std::memcpy(aligned_[i].memory.get(), data, num_bytes);
  }

  bool can_compute_in(const void* target, size_t element_bytes) const override {
    return is_aligned(target, element_bytes);
  }
  const void* deliver(size_t /*i*/, const TensorView& computed, int64_t row_stride, void* target, void* staging,
                      void* /*stream*/) override {
    void* to = target != nullptr ? target : staging;
    if (to == nullptr) return computed.data;
    copy_dense(computed, row_stride, to);
    return to;
  }
  void finish() override {}

 private:
  struct Buffer {
    std::shared_ptr<void> memory;
    size_t num_bytes = 0;
  };
  ThreadPool& pool_;
  Arena arena_;
  std::vector<Buffer> aligned_;  // by input: copies of misaligned memory
};

}  // namespace

std::unique_ptr<Session> create_host_session(ThreadPool& pool) {
  return std::make_unique<HostSession>(pool);
}

}  // namespace burnish
