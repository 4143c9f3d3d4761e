#pragma once
// The bytes of one request, owned by everything that points into them.
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <memory>

namespace burnish::server::http {

/// How many bytes all bodies may take together.
class MemoryBudget {
 public:
  explicit MemoryBudget(size_t limit) : limit_(limit) {}
  bool take(size_t bytes) {
    const size_t before = used_.fetch_add(bytes, std::memory_order_relaxed);
    if (bytes <= limit_ && before <= limit_ - bytes) return true;
    give_back(bytes);
    return false;
  }
  void give_back(size_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }
  size_t used() const { return used_.load(std::memory_order_relaxed); }

 private:
  const size_t limit_;
  std::atomic<size_t> used_ = 0;
};

/// A body's memory starts so that its byte `aligned_at` lies at a multiple of 64: the first tensor after the JSON can
/// then be used where it lies. kPadding readable bytes follow, as simdjson needs.
class Body {
 public:
  static constexpr size_t kAlignment = 64, kPadding = 64;

  /// Null when the budget does not allow it. The budget must outlive the body.
  static std::shared_ptr<Body> create(std::shared_ptr<MemoryBudget> budget, size_t capacity, size_t aligned_at) {
    if (!budget->take(capacity)) return nullptr;
    return std::make_shared<Body>(std::move(budget), capacity, aligned_at);
  }

  Body(std::shared_ptr<MemoryBudget> budget, size_t capacity, size_t aligned_at)
      : budget_(std::move(budget)), capacity_(capacity) {
    const size_t lead = (kAlignment - aligned_at % kAlignment) % kAlignment;
    const size_t bytes = (lead + capacity + kPadding + kAlignment - 1) / kAlignment * kAlignment;
    memory_.reset(static_cast<std::byte*>(std::aligned_alloc(kAlignment, bytes)));
    if (!memory_) {
      budget_->give_back(capacity_);
      throw std::bad_alloc();
    }
    data_ = memory_.get() + lead;
  }
  ~Body() { budget_->give_back(capacity_); }
  Body(const Body&) = delete;
  Body& operator=(const Body&) = delete;

  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  size_t size() const { return size_; }
  void set_size(size_t size) { size_ = size; }
  size_t capacity() const { return capacity_; }

  /// True once nobody waits for the answer any more.
  std::atomic<bool> cancelled = false;

 private:
  struct Free {
    void operator()(std::byte* p) const { std::free(p); }  // NOLINT(cppcoreguidelines-no-malloc)
  };
  std::shared_ptr<MemoryBudget> budget_;
  std::unique_ptr<std::byte[], Free> memory_;
  std::byte* data_ = nullptr;
  size_t size_ = 0, capacity_ = 0;
};

}  // namespace burnish::server::http
