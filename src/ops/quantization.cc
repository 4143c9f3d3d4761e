#include "ops/quantization.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "ops/infer.h"
#include "ops/minifloat.h"
#include "ops/numeric.h"

namespace burnish {
namespace {

// --- granularity
// ------------------------------------------------------------------------------------------------------

// Which element of the scale belongs to an element of x: one for all, one for each index of an axis, or one for each
// block along it.
class ScaleIndex {
 public:
  ScaleIndex(const EvalContext& c, const Shape& x, const Shape& scale) {
    if (scale.num_elements() == 1 && scale.rank() <= 1) return;  // per tensor
    const int axis = axis_of(c.attrs(), "axis", 1, x.rank());
    inner_ = x.product(axis + 1, x.rank());
    length_ = x[axis];
    if (scale.rank() == 1) {
      check(scale[0] == length_, ErrorCode::kInvalidModel, "{} scales for the {} elements of axis {}", scale[0],
            length_, axis);
      num_blocks_ = length_;
      return;
    }
    inner_scale_ = inner_;
    num_blocks_ = scale.rank() == x.rank() ? scale[axis] : 0;
    bool fits = scale.rank() == x.rank() && num_blocks_ > 0;
    for (int i = 0; fits && i < x.rank(); ++i) fits = i == axis || x[i] == scale[i];
    check(fits, ErrorCode::kInvalidModel, "the scale {} does not fit {} in blocks along axis {}", to_string(scale),
          to_string(x), axis);
    const int64_t told = c.attrs().get_int("block_size", 0);
    block_ = told > 0 ? told : std::max<int64_t>(1, (length_ + num_blocks_ - 1) / num_blocks_);
    check(length_ == 0 || (length_ - 1) / block_ + 1 == num_blocks_, ErrorCode::kInvalidModel,
          "{} blocks of {} do not cover the {} elements of axis {}", num_blocks_, block_, length_, axis);
  }

  int64_t operator()(int64_t i) const {
    if (num_blocks_ == 0) return 0;
    const int64_t along = i / inner_ % length_;
    if (inner_scale_ == 0) return along;
    return (i / (inner_ * length_) * num_blocks_ + along / block_) * inner_scale_ + i % inner_;
  }

 private:
  int64_t inner_ = 1;
  int64_t length_ = 1;
  int64_t inner_scale_ = 0;  // 0: one scale for each index of the axis
  int64_t num_blocks_ = 0;   // 0: one scale for all
  int64_t block_ = 1;
};

// --- QuantizeLinear
// ---------------------------------------------------------------------------------------------------

// The element type that an attribute names; kUndefined when it is absent or 0.
DType told_type(const AttributeMap& attrs, std::string_view name) {
  const auto it = attrs.values().find(name);
  const auto* number = it == attrs.values().end() ? nullptr : std::get_if<int64_t>(&it->second);
  return number != nullptr && *number == 0 ? DType::kUndefined : dtype_attribute(attrs, name, DType::kUndefined);
}

void infer_quantize(InferContext& c) {
  const DType told = told_type(c.attrs(), "output_dtype");
  const DType zero = c.dtype(2);
  check(told == DType::kUndefined || zero == DType::kUndefined || told == zero, ErrorCode::kInvalidModel,
        "output_dtype {} differs from the zero point's type {}", name_of(told), name_of(zero));
  const DType dtype = zero != DType::kUndefined ? zero : told != DType::kUndefined ? told : DType::kUInt8;
  c.set_output(0, dtype, c.has_shape(0) ? std::optional(c.shape(0)) : std::nullopt);
}

// The type that x / scale is rounded to before it is quantised.
DType division_type(const EvalContext& c) {
  if (const DType told = told_type(c.attrs(), "precision"); told != DType::kUndefined) return told;
  const DType scale = c.input(1).dtype;
  return scale == DType::kFloat16 || scale == DType::kBFloat16 ? scale : DType::kFloat32;
}

float rounded_to(DType dtype, float value) {
  if (dtype == DType::kFloat32) return value;
  uint16_t storage = 0;
  const TensorView view{dtype, Shape{}, &storage};
  store_elements<float>(&value, view);
  load_elements<float>(view, &value);
  return value;
}

void evaluate_quantize(EvalContext& c) {
  const Source<float> x(c.input(0));
  const Source<float> scale(c.input(1));
  const TensorView to = c.output(0);
  const ScaleIndex index(c, x.shape(), scale.shape());
  std::vector<double> zero(static_cast<size_t>(scale.size()), 0.0);
  if (c.has_input(2)) {
    check(c.input(2).num_elements() == scale.size(), ErrorCode::kInvalidModel, "{} zero points for {} scales",
          c.input(2).num_elements(), scale.size());
    load_elements<double>(c.input(2), zero.data());
  }
  const DType precision = division_type(c);
  const bool saturate = c.attrs().get_int("saturate", 1) != 0;
  const bool is_float = is_minifloat(to.dtype);
  std::vector<double> y(static_cast<size_t>(x.size()));
  for (int64_t i = 0; i < x.size(); ++i) {
    const int64_t s = index(i);
    const float ratio = rounded_to(precision, x[i] / scale[s]);
    const double value = is_float ? ratio : std::nearbyint(ratio);
    y[static_cast<size_t>(i)] = value + zero[static_cast<size_t>(s)];
  }
  if (!is_float) return store_elements<double>(y.data(), to);
  for (int64_t i = 0; i < x.size(); ++i)
    to.as<uint8_t>()[i] = encode_minifloat(to.dtype, static_cast<float>(y[static_cast<size_t>(i)]), saturate);
}

// --- DequantizeLinear
// -------------------------------------------------------------------------------------------------

void infer_dequantize(InferContext& c) {
  require_same_dtype(c, 0, 2);
  const DType told = told_type(c.attrs(), "output_dtype");
  const DType dtype = told != DType::kUndefined ? told : c.dtype(1);
  c.set_output(0, dtype, c.has_shape(0) ? std::optional(c.shape(0)) : std::nullopt);
}

void evaluate_dequantize(EvalContext& c) {
  const Source<double> x(c.input(0));
  const Source<float> scale(c.input(1));
  const ScaleIndex index(c, x.shape(), scale.shape());
  std::vector<double> zero(static_cast<size_t>(scale.size()), 0.0);
  if (c.has_input(2)) {
    check(c.input(2).num_elements() == scale.size(), ErrorCode::kInvalidModel, "{} zero points for {} scales",
          c.input(2).num_elements(), scale.size());
    load_elements<double>(c.input(2), zero.data());
  }
  Sink<float> y(c.output(0));
  for (int64_t i = 0; i < x.size(); ++i) {
    const int64_t s = index(i);
    y[i] = static_cast<float>(x[i] - zero[static_cast<size_t>(s)]) * scale[s];
  }
  y.commit();
}

// --- DynamicQuantizeLinear
// --------------------------------------------------------------------------------------------

void infer_dynamic_quantize(InferContext& c) {
  check(!c.has_input(0) || c.dtype(0) == DType::kFloat32, ErrorCode::kInvalidModel, "input 0 must be float32, not {}",
        name_of(c.dtype(0)));
  c.set_output(0, DType::kUInt8, c.has_shape(0) ? std::optional(c.shape(0)) : std::nullopt);
  c.set_output(1, DType::kFloat32, SymShape{});
  c.set_output(2, DType::kUInt8, SymShape{});
}

void evaluate_dynamic_quantize(EvalContext& c) {
  const Source<float> x(c.input(0));
  float low = 0;
  float high = 0;
  for (int64_t i = 0; i < x.size(); ++i) {
    low = std::fmin(low, x[i]);
    high = std::fmax(high, x[i]);
  }
  const float scale = (high == low ? 1.0F : high - low) / 255.0F;
  const float zero = std::nearbyint(std::fmin(255.0F, std::fmax(0.0F, -low / scale)));
  std::vector<float> y(static_cast<size_t>(x.size()));
  for (int64_t i = 0; i < x.size(); ++i) y[static_cast<size_t>(i)] = std::nearbyint(x[i] / scale) + zero;
  store_elements<float>(y.data(), c.output(0));
  if (c.wants_output(1)) *c.output(1).as<float>() = scale;
  if (c.wants_output(2)) *c.output(2).as<uint8_t>() = static_cast<uint8_t>(zero);
}

const std::array kRows{
    OpDescriptor{"QuantizeLinear", 2, 3, 1, 1, infer_quantize, evaluate_quantize},
    OpDescriptor{"DequantizeLinear", 2, 3, 1, 1, infer_dequantize, evaluate_dequantize},
    OpDescriptor{"DynamicQuantizeLinear", 1, 1, 1, 3, infer_dynamic_quantize, evaluate_dynamic_quantize},
};

}  // namespace

std::span<const OpDescriptor> quantization_ops() {
  return kRows;
}

}  // namespace burnish
