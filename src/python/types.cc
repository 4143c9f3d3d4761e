// Element types, and what is known of inputs and outputs.
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "python/bindings.h"
#include "python/numpy.h"

namespace burnish::python {
namespace {

std::string repr(const BindingInfo& info) {
  std::string shape;
  for (const int64_t d : info.shape) shape += (shape.empty() ? "" : ", ") + (d < 0 ? "?" : std::to_string(d));
  return std::string(info.name) + ": " + name_of(info.dtype) + "[" + shape + "]";
}

}  // namespace

void bind_types(nb::module_& m) {
  nb::enum_<DataType> type(m, "DataType", "Element types of inputs, outputs and constants.");
  for (const NumPy::Row& row : NumPy::kRows) type.value(row.enumerator, row.type);
  m.def(
      "dtype_of", [](DataType t) { return NumPy::get().dtype(t); }, nb::arg("data_type"),
      nb::sig("def dtype_of(data_type: DataType) -> numpy.dtype[typing.Any]"),
      "NumPy's dtype for an element type. Raises UnsupportedError for those that need ml_dtypes where it is missing.");
  m.def(
      "data_type_of",
      [](nb::handle dtype) {
        const auto found = NumPy::get().type_of(nb::module_::import_("numpy").attr("dtype")(dtype));
        if (!found) throw nb::value_error("engines have no elements of this dtype");
        return *found;
      },
      nb::arg("dtype"), nb::sig("def data_type_of(dtype: numpy.typing.DTypeLike) -> DataType"),
      "The element type of a NumPy dtype.");

  nb::class_<BindingInfo>(m, "TensorInfo", "An input or output of an engine.")
      .def_ro("name", &BindingInfo::name)
      .def_ro("data_type", &BindingInfo::dtype)
      .def_prop_ro(
          "dtype", [](const BindingInfo& i) { return NumPy::get().dtype(i.dtype); },
          nb::sig("def dtype(self) -> numpy.dtype[typing.Any]"), "NumPy's dtype.")
      .def_prop_ro(
          "shape", [](const BindingInfo& i) { return nb::tuple(nb::cast(i.shape)); },
          nb::sig("def shape(self) -> tuple[int, ...]"),
          "-1 where a dimension is free within the profiles, or depends on data.")
      .def("__repr__", &repr);
}

}  // namespace burnish::python
