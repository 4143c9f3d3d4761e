#pragma once
// TensorProto to Tensor: every element type and encoding that ONNX has and we hold.
#include <string>

#include "base/tensor.h"

namespace onnx {
class SparseTensorProto;
class TensorProto;
}  // namespace onnx

namespace burnish {

class ExternalData;

/// The element type of a TensorProto.DataType number. Throws kUnsupported for types we do not hold (strings, complex
/// numbers) and kInvalidModel for numbers that ONNX does not know.
DType dtype_of_onnx(int data_type);
/// Its inverse.
int onnx_number_of(DType dtype);
/// True for types narrower than a byte, whose elements ONNX packs.
bool is_packed(DType dtype);

/// Copies the elements, or maps them when they lie in an external file at a suitable address. Types narrower than a
/// byte come out one element per byte, signed ones sign-extended. external may be null: then external data is an error.
/// Throws kInvalidModel when dims and data disagree. The tensor's name is not in the message: the caller adds it.
Tensor to_tensor(const onnx::TensorProto& proto, ExternalData* external);

/// The dense form of a sparse tensor.
Tensor to_dense_tensor(const onnx::SparseTensorProto& proto, ExternalData* external);

}  // namespace burnish
