#pragma once
// burnish.DeviceArray: an array in a GPU's memory that belongs to no framework.
#include <memory>
#include <span>
#include <vector>

#include "python/numpy.h"

namespace burnish::python {

/// Dense and row-major. What it holds is complete: nothing that writes to it is under way.
class DeviceArray {
 public:
  /// Uninitialised. Throws kOutOfMemory.
  DeviceArray(int device, DataType dtype, std::vector<int64_t> shape);

  int device() const { return device_; }
  DataType dtype() const { return dtype_; }
  std::span<const int64_t> shape() const { return shape_; }
  void* data() const { return memory_.get(); }
  size_t num_bytes() const { return num_bytes_; }

 private:
  int device_;
  DataType dtype_;
  std::vector<int64_t> shape_;
  size_t num_bytes_;
  std::shared_ptr<void> memory_;
};

}  // namespace burnish::python
