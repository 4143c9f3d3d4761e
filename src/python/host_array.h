#pragma once
// Memory of a Python object (NumPy array, buffer, DLPack tensor), borrowed without a copy where it is dense.
#include <span>
#include <string>

#include "python/numpy.h"

namespace burnish::python {

class HostArray {
 public:
  HostArray() = default;
  ~HostArray();
  HostArray(const HostArray&) = delete;
  HostArray& operator=(const HostArray&) = delete;

  /// To be read. Arrays that are not dense are copied; lists and numbers are converted to the wanted type. what names
  /// the object in errors. Throws burnish::Error for objects that are no tensor in host memory of an element type that
  /// engines have.
  void borrow(nb::handle object, DataType wanted, const std::string& what);
  /// To be written: dense and writable memory only.
  void borrow_writable(nb::handle object, const std::string& what);

  DataType dtype() const { return dtype_; }
  std::span<const int64_t> shape() const { return shape_; }
  void* data() const { return data_; }
  size_t num_bytes() const { return num_bytes_; }

 private:
  bool try_buffer(nb::handle object, int flags, const std::string& what);
  bool try_dlpack(nb::handle object, bool writable, const std::string& what);
  void borrow_array(nb::handle object, std::optional<DataType> wanted, const std::string& what);

  Py_buffer buffer_{};
  bool has_buffer_ = false;
  nb::object owner_;
  nb::ndarray<nb::ro> tensor_;
  DataType dtype_ = DataType::kFloat32;
  std::span<const int64_t> shape_;
  void* data_ = nullptr;
  size_t num_bytes_ = 0;
};

}  // namespace burnish::python
