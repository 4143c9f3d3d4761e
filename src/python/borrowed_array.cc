#include "python/borrowed_array.h"

#include "base/error.h"
#include "python/device_array.h"

namespace burnish::python {
namespace {

static_assert(sizeof(Py_ssize_t) == sizeof(int64_t));

std::string text_of(nb::handle object) {
  return nb::str(object).c_str();
}

const int64_t* as_dims(const Py_ssize_t* dims) {
  return reinterpret_cast<const int64_t*>(dims);
}

bool is_dense(const nb::ndarray<nb::ro>& t) {
  int64_t expected = 1;
  for (size_t i = t.ndim(); i-- > 0;) {
    if (t.shape(i) != 1 && t.stride(i) != expected) return false;
    expected *= static_cast<int64_t>(t.shape(i));
  }
  return true;
}

// Memory that the engine cannot reach, in words.
void check_device(int device, const std::string& what, const GpuAccess& gpu) {
  if (device < 0 || device == gpu.device) return;
  if (gpu.device < 0) {
    throw Error(ErrorCode::kUnsupported, fmt::format("{} lies in the memory of GPU {}", what, device))
        .with_hint("this engine runs on the CPU: copy the tensor to the host first, such as x.cpu()");
  }
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("{} lies in the memory of GPU {}, the engine on GPU {}", what, device, gpu.device))
      .with_hint(fmt::format("copy the tensor there, or burnish.load(…, device={})", device));
}

void check_on_host(const nb::ndarray<nb::ro>& t, const std::string& what) {
  if (t.device_type() == nb::device::cpu::value || t.device_type() == nb::device::cuda_host::value) return;
  throw Error(ErrorCode::kUnsupported,
              fmt::format("{} lies in the memory of another device (DLPack device type {})", what, t.device_type()))
      .with_hint(
          "engines read the memory of the host and of NVIDIA GPUs: copy the tensor there first, such as x.cpu()");
}

int as_int(nb::handle number) {
  return static_cast<int>(PyLong_AsLong(number.ptr()));
}

}  // namespace

int gpu_of_tensor(nb::handle object) {
  if (NumPy::get().is_array(object) || !nb::hasattr(object, "__dlpack_device__")) return -1;
  const nb::object device = object.attr("__dlpack_device__")();
  const int kind = as_int(device[0]);
  const bool is_cuda = kind == nb::device::cuda::value || kind == nb::device::cuda_managed::value;
  return is_cuda ? as_int(device[1]) : -1;
}

BorrowedArray::~BorrowedArray() {
  if (has_buffer_) PyBuffer_Release(&buffer_);
}

bool BorrowedArray::try_buffer(nb::handle object, int flags, const std::string& what) {
  if (PyObject_CheckBuffer(object.ptr()) == 0) return false;
  if (PyObject_GetBuffer(object.ptr(), &buffer_, flags | PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) != 0) {
    PyErr_Clear();
    return false;
  }
  has_buffer_ = true;
  const auto type = type_of_format(buffer_.format, buffer_.itemsize);
  check(type.has_value(), ErrorCode::kInvalidArgument,
        "{} has elements of NumPy's format '{}', which engines do not have", what,
        buffer_.format == nullptr ? "" : buffer_.format);
  dtype_ = *type;
  shape_ = {as_dims(buffer_.shape), static_cast<size_t>(buffer_.ndim)};
  data_ = buffer_.buf;
  num_bytes_ = static_cast<size_t>(buffer_.len);
  return true;
}

bool BorrowedArray::try_device_array(nb::handle object, const std::string& what, const GpuAccess& gpu) {
  if (!nb::isinstance<DeviceArray>(object)) return false;
  const auto* array = nb::cast<const DeviceArray*>(object);
  check_device(array->device(), what, gpu);
  owner_ = nb::borrow(object);
  is_on_gpu_ = true;
  dtype_ = array->dtype();
  shape_ = array->shape();
  data_ = array->data();
  num_bytes_ = array->num_bytes();
  return true;
}

void BorrowedArray::take_tensor(nb::handle source, bool writable) {
  tensor_ = writable ? nb::ndarray<nb::ro>(nb::cast<nb::ndarray<>>(source)) : nb::cast<nb::ndarray<nb::ro>>(source);
}

bool BorrowedArray::try_dlpack(nb::handle object, bool writable, const std::string& what, const GpuAccess& gpu) {
  if (NumPy::get().is_array(object) || !nb::hasattr(object, "__dlpack__")) return false;
  const int device = gpu.device < 0 ? -1 : gpu_of_tensor(object);
  check_device(device, what, gpu);
  is_on_gpu_ = device >= 0;
  if (is_on_gpu_) {
    take_tensor(object.attr("__dlpack__")(nb::arg("stream") = reinterpret_cast<uintptr_t>(gpu.stream)), writable);
  } else {
    take_tensor(object, writable);
    check_on_host(tensor_, what);
  }
  if (!is_dense(tensor_)) return false;
  const auto type = type_of_dlpack(tensor_.dtype());
  check(type.has_value(), ErrorCode::kInvalidArgument, "{} has elements of a type that engines do not have", what);
  dtype_ = *type;
  shape_ = {tensor_.shape_ptr(), tensor_.ndim()};
  data_ = const_cast<void*>(tensor_.data());
  num_bytes_ = tensor_.nbytes();
  return true;
}

// Arrays that are not dense, types that buffers do not know, and what is no array yet.
void BorrowedArray::borrow_array(nb::handle object, std::optional<DataType> wanted, const std::string& what) {
  const NumPy& numpy = NumPy::get();
  const bool is_tensor = nb::hasattr(object, "__dlpack__") && !numpy.is_array(object);
  owner_ = numpy.as_array(is_tensor ? numpy.from_dlpack(object) : nb::borrow(object), wanted);
  const auto type = numpy.type_of(owner_.attr("dtype"));
  if (!type) {
    throw_error(ErrorCode::kInvalidArgument, "{} has elements of type {}, which engines do not have", what,
                text_of(owner_.attr("dtype")));
  }
  owner_ = numpy.to_sign_extended(owner_, *type);
  check(try_buffer(owner_, 0, what), ErrorCode::kInternal, "{}: NumPy gives no access to it", what);
  dtype_ = *type;
}

void BorrowedArray::borrow(nb::handle object, DataType wanted, const std::string& what, const GpuAccess& gpu) {
  if (try_buffer(object, 0, what) || try_device_array(object, what, gpu) || try_dlpack(object, false, what, gpu)) {
    return;
  }
  if (is_on_gpu_) {  // in its framework: NumPy cannot
    check(nb::hasattr(object, "contiguous"), ErrorCode::kInvalidArgument,
          "{} is not dense in the memory of GPU {}: copy it to a contiguous tensor first", what, gpu.device);
    owner_ = object.attr("contiguous")();
    check(try_dlpack(owner_, false, what, gpu), ErrorCode::kInvalidArgument, "{} has no contiguous copy", what);
    return;
  }
  const bool is_array = NumPy::get().is_array(object) || nb::hasattr(object, "__dlpack__");
  borrow_array(object, is_array ? std::nullopt : std::optional(wanted), what);
}

void BorrowedArray::borrow_writable(nb::handle object, const std::string& what, const GpuAccess& gpu) {
  if (try_buffer(object, PyBUF_WRITABLE, what) || try_device_array(object, what, gpu) ||
      try_dlpack(object, true, what, gpu)) {
    return;
  }
  const NumPy& numpy = NumPy::get();
  if (numpy.is_array(object)) {  // of a type that buffers do not know
    const auto type = numpy.type_of(object.attr("dtype"));
    if (type && NumPy::is_foreign(*type)) {
      owner_ = numpy.to_storage(nb::borrow(object), *type);
      if (try_buffer(owner_, PyBUF_WRITABLE, what)) {
        dtype_ = *type;
        return;
      }
    }
  }
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("{} is a {} that cannot be written to in place", what, text_of(object.type())))
      .with_hint("give a writable, C-contiguous array of the output's type, such as numpy.empty makes it");
}

}  // namespace burnish::python
