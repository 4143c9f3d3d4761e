#include "python/context_pool.h"

#include <algorithm>

#include "base/error.h"

namespace burnish::python {
namespace {

/// Streams that take turns get a context each, so that none waits for another; from so many on they share.
constexpr size_t kMaxIdleContexts = 16;

}  // namespace

ContextPool::Slot::~Slot() {
  try {
    wait();
  } catch (...) {  // the GPU is lost, and told so whoever used it
  }
}

void ContextPool::Slot::wait() {
  if (stream_ == nullptr) return;
  stream_ = nullptr;
  const cuda::DeviceScope scope(gpu_);
  ended_->synchronize();
}

void ContextPool::Slot::execute_on(void* stream, bool waits) {
  if (!ended_) ended_ = std::make_unique<cuda::Event>(cuda::Device::get(gpu_));
  try {
    context.enqueue(stream);
  } catch (...) {
    cuda::synchronize(stream);  // what was launched before the failure
    throw;
  }
  if (waits) return cuda::synchronize(stream);
  ended_->record(stream);
  stream_ = stream;
}

ContextPool::ContextPool(const Engine& engine, int num_threads, int gpu)
    : engine_(engine), num_threads_(num_threads), gpu_(gpu) {
  check(num_threads >= 0, ErrorCode::kInvalidArgument, "{} threads are not possible (0 means all cores)", num_threads);
}

std::unique_ptr<ContextPool::Slot> ContextPool::take(const void* stream) {
  const std::lock_guard lock(mutex_);
  auto found = std::find_if(idle_.rbegin(), idle_.rend(), [&](const auto& s) { return !s->is_busy_elsewhere(stream); });
  if (found == idle_.rend() && idle_.size() >= kMaxIdleContexts) found = std::prev(idle_.rend());
  if (found == idle_.rend()) return nullptr;
  std::unique_ptr<Slot> slot = std::move(*found);
  idle_.erase(std::next(found).base());
  return slot;
}

ContextPool::Lease::Lease(ContextPool& pool, const void* stream) : pool_(pool), slot_(pool.take(stream)) {
  if (slot_ && !slot_->is_busy_elsewhere(stream)) return;
  const nb::gil_scoped_release release;  // threads are started, or a stream is waited for
  if (slot_) {
    slot_->wait();
  } else {
    slot_ = std::make_unique<Slot>(pool.engine_.create_context(pool.num_threads_), pool.gpu_);
  }
}

ContextPool::Lease::~Lease() {
  const std::lock_guard lock(pool_.mutex_);
  pool_.idle_.push_back(std::move(slot_));
}

}  // namespace burnish::python
