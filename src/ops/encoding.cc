#include "ops/encoding.h"

#include <algorithm>
#include <cmath>

#include "base/float_types.h"
#include "ops/elements.h"
#include "ops/infer.h"

namespace burnish {
namespace {

constexpr std::string_view kInputScales = "input_scales";
constexpr std::string_view kInputZeros = "input_zeros";
constexpr std::string_view kOutputDtype = "output_dtype";
constexpr std::string_view kOutputScale = "output_scale";
constexpr std::string_view kOutputZero = "output_zero";

void check_encoding(const Encoding& e, std::string_view what) {
  if (!e.is_integer()) return;
  const IntegerRange range = integer_range(e.dtype);
  check(std::isfinite(e.scale) && e.scale > 0, ErrorCode::kInvalidModel, "the scale of {} is {}", what, e.scale);
  check(e.zero >= range.low && e.zero <= range.high, ErrorCode::kInvalidModel, "the zero point of {} is {}", what,
        e.zero);
}

}  // namespace

bool is_encodable(DType dtype) {
  return dtype == DType::kFloat32 || dtype == DType::kFloat16 || dtype == DType::kBFloat16 || dtype == DType::kInt8 ||
         dtype == DType::kUInt8;
}

IntegerRange integer_range(DType dtype) {
  return dtype == DType::kUInt8 ? IntegerRange{0, 255} : IntegerRange{-128, 127};
}

Encoding input_encoding(const AttributeMap& attrs, int i, DType dtype) {
  Encoding e{dtype};
  if (!e.is_integer()) return e;
  const auto scales = attrs.get_floats(kInputScales);
  const auto zeros = attrs.get_ints(kInputZeros);
  const auto at = static_cast<size_t>(i);
  check(at < scales.size() && at < zeros.size(), ErrorCode::kInvalidModel, "input {} is {} but has no scale", i,
        name_of(dtype));
  e.scale = scales[at];
  e.zero = static_cast<int32_t>(std::clamp<int64_t>(zeros[at], INT32_MIN, INT32_MAX));
  check_encoding(e, fmt::format("input {}", i));
  return e;
}

Encoding output_encoding(const AttributeMap& attrs) {
  if (!attrs.has(kOutputDtype)) return {};
  const std::string name = attrs.get_string(kOutputDtype, "");
  Encoding e{parse_dtype(name)};
  check(is_encodable(e.dtype), ErrorCode::kInvalidModel, "attribute output_dtype has the unknown value '{}'", name);
  if (!e.is_integer()) return e;
  e.scale = attrs.get_float(kOutputScale, 1);
  e.zero = static_cast<int32_t>(std::clamp<int64_t>(attrs.get_int(kOutputZero, 0), INT32_MIN, INT32_MAX));
  check_encoding(e, "the output");
  return e;
}

Encoding output_encoding_like(const AttributeMap& attrs, DType x) {
  if (attrs.has(kOutputDtype)) return output_encoding(attrs);
  return Encoding{x == DType::kInt8 || x == DType::kUInt8 ? DType::kFloat32 : x};
}

void set_input_encoding(AttributeMap& attrs, int i, int num_inputs, const Encoding& encoding) {
  auto scales = attrs.get_floats(kInputScales);
  auto zeros = attrs.get_ints(kInputZeros);
  scales.resize(static_cast<size_t>(num_inputs), 1.0F);
  zeros.resize(static_cast<size_t>(num_inputs), 0);
  const auto at = static_cast<size_t>(i);
  scales[at] = encoding.is_integer() ? encoding.scale : 1.0F;
  zeros[at] = encoding.is_integer() ? encoding.zero : 0;
  const bool plain = std::ranges::all_of(scales, [](float s) { return s == 1.0F; }) &&
                     std::ranges::all_of(zeros, [](int64_t z) { return z == 0; });
  if (plain && !encoding.is_integer()) {
    attrs.erase(kInputScales);
    attrs.erase(kInputZeros);
    return;
  }
  attrs.set(std::string(kInputScales), std::move(scales));
  attrs.set(std::string(kInputZeros), std::move(zeros));
}

void set_output_encoding(AttributeMap& attrs, const Encoding& encoding) {
  for (std::string_view name : {kOutputDtype, kOutputScale, kOutputZero}) attrs.erase(name);
  if (encoding.dtype == DType::kFloat32) return;
  attrs.set(std::string(kOutputDtype), std::string(name_of(encoding.dtype)));
  if (!encoding.is_integer()) return;
  attrs.set(std::string(kOutputScale), encoding.scale);
  attrs.set(std::string(kOutputZero), int64_t{encoding.zero});
}

void set_output_encoding_like(AttributeMap& attrs, const Encoding& encoding, DType x) {
  set_output_encoding(attrs, encoding);
  if (output_encoding_like(attrs, x) == encoding) return;
  attrs.set(std::string(kOutputDtype), std::string(name_of(encoding.dtype)));
}

bool is_scale_attribute(std::string_view name) {
  return name == kInputScales || name == kInputZeros || name == kOutputScale || name == kOutputZero;
}

int32_t quantize(float value, const Encoding& encoding) {
  const IntegerRange range = integer_range(encoding.dtype);
  const float q = std::nearbyint(value / encoding.scale) + static_cast<float>(encoding.zero);
  if (!(q > static_cast<float>(range.low))) return range.low;
  return q < static_cast<float>(range.high) ? static_cast<int32_t>(q) : range.high;
}

void decode(const TensorView& from, const Encoding& encoding, float* to) {
  load_elements<float>(from, to);
  if (!encoding.is_integer()) return;
  const auto zero = static_cast<float>(encoding.zero);
  for (int64_t i = 0; i < from.num_elements(); ++i) to[i] = encoding.scale * (to[i] - zero);
}

void encode(const float* from, const Encoding& encoding, const TensorView& to) {
  if (!encoding.is_integer()) return store_elements<float>(from, to);
  for (int64_t i = 0; i < to.num_elements(); ++i) {
    const int32_t q = quantize(from[i], encoding);
    if (encoding.dtype == DType::kUInt8) {
      to.as<uint8_t>()[i] = static_cast<uint8_t>(q);
    } else {
      to.as<int8_t>()[i] = static_cast<int8_t>(q);
    }
  }
}

void require_encodable(const InferContext& c, int first, int last) {
  for (int i = first; i <= last && i < c.num_inputs(); ++i) {
    if (!c.has_input(i)) continue;
    check(is_encodable(c.dtype(i)), ErrorCode::kInvalidModel,
          "input {} must be float32, float16, bfloat16, int8 or uint8, not {}", i, name_of(c.dtype(i)));
  }
}

void evaluate_decoded(EvalContext& c, int first, int last, void (*evaluate)(EvalContext&)) {
  const Encoding to = output_encoding(c.attrs());
  bool plain = to.dtype == DType::kFloat32;
  for (int i = first; plain && i <= last; ++i) plain = !c.has_input(i) || c.input(i).dtype == DType::kFloat32;
  if (plain) return evaluate(c);
  std::vector<Tensor> decoded(static_cast<size_t>(c.num_inputs()));
  std::vector<TensorView> inputs;
  for (int i = 0; i < c.num_inputs(); ++i) {
    inputs.push_back(c.has_input(i) ? c.input(i) : TensorView{});
    TensorView& view = inputs.back();
    if (i < first || i > last || view.dtype == DType::kUndefined || view.dtype == DType::kFloat32) continue;
    Tensor& copy = decoded[static_cast<size_t>(i)] = Tensor(DType::kFloat32, view.shape);
    decode(view, input_encoding(c.attrs(), i, view.dtype), copy.as<float>());
    view = copy.view();
  }
  const TensorView y = c.output(0);
  Tensor outputs[1] = {Tensor(DType::kFloat32, y.shape)};
  EvalContext inner(c.attrs(), inputs, outputs);
  evaluate(inner);
  encode(outputs[0].as<float>(), to, y);
}

void evaluate_decoded_like(EvalContext& c, void (*evaluate)(EvalContext&)) {
  if (!c.attrs().has(kOutputDtype) && !Encoding{c.input(0).dtype}.is_integer()) return evaluate(c);
  evaluate_decoded(c, 0, 0, evaluate);
}

DType infer_encoded_like(const InferContext& c) {
  const DType x = c.dtype(0);
  if (Encoding{x}.is_integer()) {
    input_encoding(c.attrs(), 0, x);
  } else {
    require_real(c, 0);
  }
  return output_encoding_like(c.attrs(), x).dtype;
}

}  // namespace burnish
