#pragma once
// Memory of a Python object (NumPy array, buffer, DLPack tensor), borrowed without a copy where it is dense.
#include <span>
#include <string>

#include "python/numpy.h"

namespace burnish::python {

/// The GPU whose memory may be borrowed.
struct GpuAccess {
  int device = -1;         ///< Its number; -1: only host memory is taken.
  void* stream = nullptr;  ///< On which the memory will be used: whoever lends it lets this stream wait for its work.
};

/// The GPU in whose memory a tensor lies (DLPack); -1 for the host's and for what is no tensor.
int gpu_of_tensor(nb::handle object);

class BorrowedArray {
 public:
  BorrowedArray() = default;
  ~BorrowedArray();
  BorrowedArray(const BorrowedArray&) = delete;
  BorrowedArray& operator=(const BorrowedArray&) = delete;

  /// To be read. Arrays that are not dense are copied; lists and numbers are converted to the wanted type. what names
  /// the object in errors. Throws burnish::Error for objects that are no tensor in host memory, or in that of the GPU,
  /// of an element type that engines have.
  void borrow(nb::handle object, DataType wanted, const std::string& what, const GpuAccess& gpu = {});
  /// To be written: dense and writable memory only.
  void borrow_writable(nb::handle object, const std::string& what, const GpuAccess& gpu = {});

  DataType dtype() const { return dtype_; }
  std::span<const int64_t> shape() const { return shape_; }
  void* data() const { return data_; }
  size_t num_bytes() const { return num_bytes_; }
  bool is_on_gpu() const { return is_on_gpu_; }

 private:
  bool try_buffer(nb::handle object, int flags, const std::string& what);
  bool try_dlpack(nb::handle object, bool writable, const std::string& what, const GpuAccess& gpu);
  bool try_device_array(nb::handle object, const std::string& what, const GpuAccess& gpu);
  void take_tensor(nb::handle source, bool writable);
  void borrow_array(nb::handle object, std::optional<DataType> wanted, const std::string& what);

  Py_buffer buffer_{};
  bool has_buffer_ = false;
  bool is_on_gpu_ = false;
  nb::object owner_;
  nb::ndarray<nb::ro> tensor_;
  DataType dtype_ = DataType::kFloat32;
  std::span<const int64_t> shape_;
  void* data_ = nullptr;
  size_t num_bytes_ = 0;
};

}  // namespace burnish::python
