#include "python/host_array.h"

#include "base/error.h"

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

void check_on_host(const nb::ndarray<nb::ro>& t, const std::string& what) {
  if (t.device_type() == nb::device::cpu::value) return;
  throw Error(ErrorCode::kUnsupported,
              fmt::format("{} lies in the memory of another device (DLPack device type {})", what, t.device_type()))
      .with_hint("this engine runs on the CPU: copy the tensor to the host first, such as x.cpu()");
}

}  // namespace

HostArray::~HostArray() {
  if (has_buffer_) PyBuffer_Release(&buffer_);
}

bool HostArray::try_buffer(nb::handle object, int flags, const std::string& what) {
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

bool HostArray::try_dlpack(nb::handle object, bool writable, const std::string& what) {
  if (NumPy::get().is_array(object) || !nb::hasattr(object, "__dlpack__")) return false;
  tensor_ = writable ? nb::ndarray<nb::ro>(nb::cast<nb::ndarray<>>(object)) : nb::cast<nb::ndarray<nb::ro>>(object);
  check_on_host(tensor_, what);
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
void HostArray::borrow_array(nb::handle object, std::optional<DataType> wanted, const std::string& what) {
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

void HostArray::borrow(nb::handle object, DataType wanted, const std::string& what) {
  if (try_buffer(object, 0, what) || try_dlpack(object, false, what)) return;
  const bool is_array = NumPy::get().is_array(object) || nb::hasattr(object, "__dlpack__");
  borrow_array(object, is_array ? std::nullopt : std::optional(wanted), what);
}

void HostArray::borrow_writable(nb::handle object, const std::string& what) {
  if (try_buffer(object, PyBUF_WRITABLE, what) || try_dlpack(object, true, what)) return;
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
