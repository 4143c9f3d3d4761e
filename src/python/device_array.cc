#include "python/device_array.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "base/error.h"
#include "kernels/cuda/device.h"
#include "python/bindings.h"
#include "python/borrowed_array.h"
#include "runtime/engine_impl.h"

namespace burnish::python {
namespace {

size_t bytes_of(DataType dtype, std::span<const int64_t> shape) {
  return TensorView{dtype_of(dtype), Shape(shape), nullptr}.num_bytes();
}

const void* pointer_to(uintptr_t address) {
  return reinterpret_cast<const void*>(address);  // NOLINT(performance-no-int-to-ptr)
}

// From memory of any GPU: the driver finds out of which.
void copy_to_host(void* target, const void* source, size_t bytes) {
  const nb::gil_scoped_release release;
  cuda::copy_to_host(target, source, bytes, cuda::legacy_stream());
  cuda::synchronize(cuda::legacy_stream());
}

nb::object to_numpy(const DeviceArray& array) {
  const cuda::DeviceScope scope(array.device());
  nb::object storage =
      NumPy::get().empty(nb::tuple(nb::cast(std::vector(array.shape().begin(), array.shape().end()))), array.dtype());
  BorrowedArray memory;
  memory.borrow_writable(storage, "the copy");
  copy_to_host(memory.data(), array.data(), array.num_bytes());
  return NumPy::get().from_storage(std::move(storage), array.dtype());
}

DeviceArray to_device(nb::handle object, int device) {
  check(device >= 0, ErrorCode::kInvalidArgument, "there is no GPU {}", device);
  const cuda::DeviceScope scope(device);
  BorrowedArray memory;
  memory.borrow(object, DataType::kFloat32, "the array");
  DeviceArray array(device, memory.dtype(), {memory.shape().begin(), memory.shape().end()});
  const nb::gil_scoped_release release;
  cuda::copy_to_device(array.data(), memory.data(), array.num_bytes(), cuda::legacy_stream());
  cuda::synchronize(cuda::legacy_stream());
  return array;
}

nb::tuple dlpack_device(const DeviceArray& array) {
  return nb::make_tuple(int{nb::device::cuda::value}, array.device());
}

// Complete as it is, so that no stream has to wait: `stream` is not looked at.
nb::object to_dlpack(nb::handle self, nb::handle /*stream*/, nb::handle /*max_version*/, nb::handle dl_device,
                     nb::handle copy) {
  const auto& array = nb::cast<const DeviceArray&>(self);
  if (copy.is(Py_True)) throw nb::buffer_error("DeviceArray gives its memory, not a copy of it");
  if (!dl_device.is_none() && !dlpack_device(array).equal(nb::tuple(nb::borrow(dl_device)))) {
    throw nb::buffer_error("DeviceArray gives its memory where it is, on no other device");
  }
  const auto type = dlpack_type_of(array.dtype());
  if (!type) throw nb::buffer_error(fmt::format("DLPack has no type {}", name_of(array.dtype())).c_str());
  const std::vector<size_t> shape(array.shape().begin(), array.shape().end());
  return nb::cast(nb::ndarray<>(array.data(), shape.size(), shape.data(), self, nullptr, *type, nb::device::cuda::value,
                                array.device()));
}

std::string repr(const DeviceArray& array) {
  return fmt::format("<burnish.DeviceArray {}[{}] on cuda:{}>", name_of(array.dtype()), fmt::join(array.shape(), ", "),
                     array.device());
}

void copy_from_address(uintptr_t address, nb::handle target) {
  const cuda::DeviceScope scope(cuda::current_device());
  BorrowedArray memory;
  memory.borrow_writable(target, "the copy");
  copy_to_host(memory.data(), pointer_to(address), memory.num_bytes());
}

}  // namespace

DeviceArray::DeviceArray(int device, DataType dtype, std::vector<int64_t> shape)
    : device_(device),
      dtype_(dtype),
      shape_(std::move(shape)),
      num_bytes_(bytes_of(dtype_, shape_)),
      memory_(cuda::Device::get(device).allocate(num_bytes_)) {}

void bind_device(nb::module_& m) {
  nb::class_<DeviceArray>(
      m, "DeviceArray",
      "An array in a GPU's memory, as engines on GPUs take and give: complete, dense and row-major. "
      "Frameworks take it over without a copy, such as torch.from_dlpack(array).")
      .def_prop_ro(
          "shape",
          [](const DeviceArray& a) { return nb::tuple(nb::cast(std::vector(a.shape().begin(), a.shape().end()))); },
          nb::sig("def shape(self) -> tuple[int, ...]"))
      .def_prop_ro(
          "dtype", [](const DeviceArray& a) { return NumPy::get().dtype(a.dtype()); },
          nb::sig("def dtype(self) -> numpy.dtype[typing.Any]"), "NumPy's dtype.")
      .def_prop_ro(
          "device", [](const DeviceArray& a) { return fmt::format("cuda:{}", a.device()); }, "\"cuda:0\"")
      .def_prop_ro("nbytes", &DeviceArray::num_bytes)
      .def(
          "__int__", [](const DeviceArray& a) { return reinterpret_cast<uintptr_t>(a.data()); }, "The address.")
      .def("numpy", &to_numpy, nb::sig("def numpy(self) -> numpy.typing.NDArray[typing.Any]"), "A copy on the host.")
      .def("__dlpack__", &to_dlpack, nb::kw_only(), nb::arg("stream") = nb::none(), nb::arg("max_version") = nb::none(),
           nb::arg("dl_device") = nb::none(), nb::arg("copy") = nb::none(),
           nb::sig("def __dlpack__(self, *, stream: typing.Any = None, max_version: typing.Any = None, "
                   "dl_device: typing.Any = None, copy: bool | None = None) -> typing.Any"))
      .def("__dlpack_device__", &dlpack_device, nb::sig("def __dlpack_device__(self) -> tuple[int, int]"))
      .def("__repr__", &repr);
  m.def("to_device", &to_device, nb::arg("array"), nb::arg("device") = 0,
        nb::sig("def to_device(array: typing.Any, device: int = 0) -> DeviceArray"),
        "Copies an array to a GPU's memory.");
  m.def("num_gpus", &cuda::num_devices, "NVIDIA GPUs of this machine; 0 without their driver.");
  m.def("current_gpu", &cuda::current_device,
        "The GPU that other code of this thread works on; 0 where there is none.");
  m.def(
      "is_device_address", [](uintptr_t address) { return cuda::is_device_pointer(pointer_to(address)); },
      nb::arg("address"), "True for the memory of any GPU.");
  m.def("copy_from_address", &copy_from_address, nb::arg("address"), nb::arg("target"),
        nb::sig("def copy_from_address(address: int, target: numpy.typing.NDArray[typing.Any]) -> None"),
        "Fills an array from a GPU's memory.");
}

}  // namespace burnish::python
