#pragma once
// Functions of compiled programs, and their launches.
#include <array>
#include <cstring>
#include <memory>
#include <type_traits>

#include "base/error.h"
#include "kernels/cuda/device.h"
#include "kernels/tactic.h"
#include "kernels/target.h"

namespace burnish::cuda {

/// The values of a kernel's parameters, in their order: pointers, integers, floats, TensorMaps and other plain structs.
class Parameters {
 public:
  template <typename T>
  Parameters& add(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    const size_t at = (used_ + alignof(T) - 1) / alignof(T) * alignof(T);
    check(at + sizeof(T) <= storage_.size() && count_ < pointers_.size(), ErrorCode::kInternal,
          "a kernel takes too many parameters");
    std::memcpy(storage_.data() + at, &value, sizeof(T));
    pointers_[count_++] = storage_.data() + at;
    used_ = at + sizeof(T);
    return *this;
  }
  void** data() { return pointers_.data(); }

 private:
  alignas(128) std::array<std::byte, 1024> storage_;
  std::array<void*, 48> pointers_{};
  size_t used_ = 0, count_ = 0;
};

struct LaunchShape {
  int64_t grid_x = 1, grid_y = 1, grid_z = 1;
  int block_x = 1, block_y = 1;
  size_t shared_bytes = 0;  ///< Dynamic; may exceed 48 KiB.
  int cluster_x = 1;        ///< Blocks of a cluster (sm_90 on).
  /// Whether the program calls wait_for_inputs() before it touches memory: it may then be started before its
  /// predecessors have ended.
  bool waits = true;
};

/// A function of a program, loaded on one device.
class Function {
 public:
  Function() = default;
  /// cubin: machine code as compiled; loaded once a device. entry: the name of an extern "C" __global__ function.
  /// max_shared_bytes: the most dynamic shared memory that launches will ask for.
  Function(const Device& device, PackedView cubin, const std::string& entry, size_t max_shared_bytes = 0);
  /// Allocates nothing.
  void launch(const LaunchShape& shape, Parameters& parameters, void* stream) const;
  int num_registers() const;

 private:
  std::shared_ptr<void> module_;
  Handle function_ = nullptr;
  const Device* device_ = nullptr;
};

/// The device that a target means.
const Device& device_of(const Target& target);

inline int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

}  // namespace burnish::cuda
