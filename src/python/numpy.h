#pragma once
// NumPy as the extension uses it: through Python, so that nothing is compiled against one version of it.
#include <burnish/engine.h>
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <array>
#include <optional>

namespace burnish::python {

namespace nb = nanobind;

class NumPy {
 public:
  /// Needs the GIL. Imports NumPy on first use.
  static const NumPy& get();

  /// Throws kUnsupported for types that only ml_dtypes has, where that is not installed.
  nb::object dtype(DataType type) const;
  /// The type behind a NumPy dtype; nullopt for those that engines do not have.
  std::optional<DataType> type_of(nb::handle dtype) const;
  /// True where NumPy's buffers do not know the type: such arrays are passed as unsigned integers.
  static bool is_foreign(DataType type) { return row(type).storage != nullptr; }

  bool is_array(nb::handle object) const { return nb::isinstance(object, array_type_); }
  /// An uninitialised array; of unsigned integers for foreign types.
  nb::object empty(nb::handle shape, DataType type) const { return empty_(shape, storage_[index(type)]); }
  /// An array of unsigned integers as what it is, and the reverse.
  nb::object from_storage(nb::object array, DataType type) const;
  nb::object to_storage(nb::object array, DataType type) const;
  /// As to_storage(), but INT4 and INT2 are converted: ml_dtypes leaves the upper bits of their bytes undefined.
  nb::object to_sign_extended(nb::object array, DataType type) const;
  /// C-ordered; converted to the type when given. Copies only where it must.
  nb::object as_array(nb::handle object, std::optional<DataType> type) const;
  nb::object from_dlpack(nb::handle object) const { return from_dlpack_(object); }

  struct Row {
    DataType type;
    const char* name;
    const char* enumerator;  ///< In Python.
    const char* storage;     ///< For types of ml_dtypes: the integers that their arrays are passed as.
  };
  static constexpr size_t kNumTypes = 23;
  static const std::array<Row, kNumTypes> kRows;
  static const Row& row(DataType type);

 private:
  static size_t index(DataType type) { return static_cast<size_t>(type); }
  NumPy();

  nb::object array_type_, empty_, asarray_, from_dlpack_;
  std::array<nb::object, kNumTypes> dtypes_, storage_;  // dtypes_: invalid where NumPy needs ml_dtypes
};

/// Of the buffer protocol ("f", "<i4"…); nullopt for other formats.
std::optional<DataType> type_of_format(const char* format, nb::ssize_t item_bytes);
std::optional<DataType> type_of_dlpack(nb::dlpack::dtype dtype);
/// The reverse; nullopt for types that DLPack does not have, or packs.
std::optional<nb::dlpack::dtype> dlpack_type_of(DataType type);
/// "float32"
const char* name_of(DataType type);

}  // namespace burnish::python
