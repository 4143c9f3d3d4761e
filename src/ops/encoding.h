#pragma once
// How the numbers of a tensor are stored: as FLOAT, as a narrower float, or as integers with a scale.
//
// The fused operators (ops/fused.h) read and write any of these: an operator means what it means on FLOAT, applied to
// the decoded inputs, its result encoded as the attributes say. So do X and Y of AveragePool, GlobalAveragePool,
// LayerNormalization and Softmax; without the attributes these are ONNX's operators, whose Y is of X's type.
//   attrs: input_scales (floats), input_zeros (ints): one entry for every input, there when some input is INT8 or
//          UINT8; entries of other inputs are 1 and 0.
//          output_dtype ("uint8", "int8", "bfloat16", "float16"; absent: float32), output_scale, output_zero.
// Source of the integer form: ONNX QuantizeLinear and DequantizeLinear, per tensor.
#include <cstdint>

#include "ops/op.h"

namespace burnish {

/// A stored number q stands for scale·(q − zero); narrow floats stand for themselves.
struct Encoding {
  DType dtype = DType::kFloat32;
  float scale = 1;
  int32_t zero = 0;
  bool operator==(const Encoding&) const = default;
  bool is_integer() const { return dtype == DType::kInt8 || dtype == DType::kUInt8; }
};

/// FLOAT, FLOAT16, BFLOAT16, INT8, UINT8.
bool is_encodable(DType dtype);
/// The lowest and the highest number that the integers of this type hold.
struct IntegerRange {
  int32_t low, high;
};
IntegerRange integer_range(DType dtype);

/// Of input i, whose element type is known from elsewhere. Throws kInvalidModel for entries that make no sense.
Encoding input_encoding(const AttributeMap& attrs, int i, DType dtype);
Encoding output_encoding(const AttributeMap& attrs);
/// Of an operator that ONNX knows too: without output_dtype Y is of X's type,
/// and FLOAT where X holds integers.
Encoding output_encoding_like(const AttributeMap& attrs, DType x);
void set_input_encoding(AttributeMap& attrs, int i, int num_inputs, const Encoding& encoding);
void set_output_encoding(AttributeMap& attrs, const Encoding& encoding);  ///< FLOAT leaves no attributes behind.
/// For operators that ONNX knows too: says so where X's type would not.
void set_output_encoding_like(AttributeMap& attrs, const Encoding& encoding, DType x);
/// Attribute names that carry scales and zero points only: they do not change how long a kernel takes.
bool is_scale_attribute(std::string_view name);

/// The nearest stored number, ties to even, clamped to the type's range; NaN becomes zero's lowest neighbour, low.
int32_t quantize(float value, const Encoding& encoding);
/// to[i] = what from's element i stands for.
void decode(const TensorView& from, const Encoding& encoding, float* to);
/// Writes all elements of `to`.
void encode(const float* from, const Encoding& encoding, const TensorView& to);

/// Throws kInvalidModel unless present inputs first … last have an encodable type.
void require_encodable(const InferContext& c, int first, int last);

/// Runs a reference evaluation that knows only FLOAT on decoded inputs first … last, and encodes output 0. Inputs that
/// are FLOAT, and those outside, are passed on as they are.
void evaluate_decoded(EvalContext& c, int first, int last, void (*evaluate)(EvalContext&));

/// As above for X of operators that ONNX knows too: real numbers without the attributes are left to `evaluate`.
void evaluate_decoded_like(EvalContext& c, void (*evaluate)(EvalContext&));
/// Throws kInvalidModel unless X, input 0, is of a real type or holds integers with a scale. Y's type.
DType infer_encoded_like(const InferContext& c);

}  // namespace burnish
