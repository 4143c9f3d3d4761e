#pragma once
// A context's memory for intermediate values: only grows, in huge pages where the system has them.
#include <cstddef>
#include <memory>

namespace burnish {

/// Aligned to kAlignment, in huge pages where the system has them and the size is worth it. Throws kOutOfMemory.
std::shared_ptr<void> allocate_large(size_t num_bytes);

class Arena {
 public:
  /// Makes room for this many bytes; contents are lost when it has to grow. Throws
  /// kOutOfMemory, also for more than this machine has; nothing is held then.
  void reserve(size_t num_bytes);
  /// Aligned to kAlignment; null before the first reserve().
  std::byte* data() const { return static_cast<std::byte*>(memory_.get()); }
  size_t size() const { return size_; }

 private:
  std::shared_ptr<void> memory_;
  size_t size_ = 0;
};

}  // namespace burnish
