#include "ops/cast.h"

#include <array>
#include <cmath>
#include <cstring>

#include "ops/infer.h"
#include "ops/minifloat.h"
#include "ops/numeric.h"

namespace burnish {
namespace {

// Towards zero; what does not fit in 64 bits saturates, NaN is 0.
template <typename T>
T truncate(double x) {
  if (std::isnan(x)) return 0;
  const double limit = std::ldexp(1.0, std::numeric_limits<T>::digits);
  if (x >= limit) return std::numeric_limits<T>::max();
  if (x <= static_cast<double>(std::numeric_limits<T>::min())) return std::numeric_limits<T>::min();
  return static_cast<T>(x);
}

// Narrower integers then keep the low bits.
template <typename T>
void cast_real_to_integer(const TensorView& from, const TensorView& to) {
  const Source<double> x(from);
  Sink<T> y(to);
  for (int64_t i = 0; i < x.size(); ++i) y[i] = truncate<T>(x[i]);
  y.commit();
}

template <typename T>
void cast_through(const TensorView& from, const TensorView& to) {
  const Source<T> x(from);
  Sink<T> y(to);
  std::memcpy(y.data(), x.data(), static_cast<size_t>(x.size()) * sizeof(T));
  y.commit();
}

template <typename T>
void cast_to_bool(const TensorView& from, const TensorView& to) {
  const Source<T> x(from);
  for (int64_t i = 0; i < x.size(); ++i) to.as<uint8_t>()[i] = x[i] != T{0};
}

void cast_to_minifloat(const TensorView& from, const TensorView& to, const AttributeMap& attrs) {
  const bool saturate = attrs.get_int("saturate", 1) != 0;
  const E8M0Rounding rounding = parse_e8m0_rounding(attrs.get_string("round_mode", "up"));
  const Source<float> x(from);
  for (int64_t i = 0; i < x.size(); ++i)
    to.as<uint8_t>()[i] = to.dtype == DType::kFloat8E8M0 ? encode_e8m0(x[i], saturate, rounding)
                                                         : encode_minifloat(to.dtype, x[i], saturate);
}

void cast(const TensorView& from, const TensorView& to, const AttributeMap& attrs) {
  if (from.num_elements() == 0) return;
  if (from.dtype == to.dtype) {
    std::memcpy(to.data, from.data, from.num_bytes());
  } else if (is_minifloat(to.dtype)) {
    cast_to_minifloat(from, to, attrs);
  } else if (to.dtype == DType::kBool) {
    with_compute(from.dtype, [&]<typename T>(T) { cast_to_bool<T>(from, to); });
  } else if (!is_floating(from.dtype)) {
    with_compute(from.dtype, [&]<typename T>(T) { cast_through<T>(from, to); });
  } else if (to.dtype == DType::kUInt64) {
    cast_real_to_integer<uint64_t>(from, to);
  } else if (!is_floating(to.dtype)) {
    cast_real_to_integer<int64_t>(from, to);
  } else {
    with_float(from.dtype, [&]<typename T>(T) { cast_through<T>(from, to); });
  }
}

void infer_to(InferContext& c, DType to) {
  infer_like(c);
  c.set_output(0, to, c.has_shape(0) ? std::optional(c.shape(0)) : std::nullopt);
  const auto followed = [](DType t) { return t == DType::kInt64 || t == DType::kInt32 || t == DType::kBool; };
  if (!followed(c.dtype(0)) || !followed(to)) return;
  if (to != DType::kBool || c.dtype(0) == DType::kBool) pass_dims(c);
}

void infer_cast(InferContext& c) {
  check(c.attrs().has("to"), ErrorCode::kInvalidModel, "attribute 'to' is missing");
  infer_to(c, dtype_attribute(c.attrs(), "to", DType::kUndefined));
}

void evaluate_cast(EvalContext& c) {
  cast(c.input(0), c.output(0), c.attrs());
}

void infer_cast_like(InferContext& c) {
  infer_to(c, c.dtype(1));
}

void infer_bit_cast(InferContext& c) {
  check(c.attrs().has("to"), ErrorCode::kInvalidModel, "attribute 'to' is missing");
  const DType to = dtype_attribute(c.attrs(), "to", DType::kUndefined);
  check(!c.has_input(0) || size_of(c.dtype(0)) == size_of(to), ErrorCode::kInvalidModel,
        "{} cannot be seen as {}, which has another width", name_of(c.dtype(0)), name_of(to));
  c.set_output(0, to, c.has_shape(0) ? std::optional(c.shape(0)) : std::nullopt);
}

void evaluate_bit_cast(EvalContext& c) {
  if (c.input(0).num_elements() > 0) std::memcpy(c.output(0).data, c.input(0).data, c.input(0).num_bytes());
}

const std::array kRows{
    OpDescriptor{"Cast", 1, 1, 1, 1, infer_cast, evaluate_cast, kElementwise},
    OpDescriptor{"CastLike", 2, 2, 1, 1, infer_cast_like, evaluate_cast, kPlain},
    OpDescriptor{"BitCast", 1, 1, 1, 1, infer_bit_cast, evaluate_bit_cast, kElementwise},
};

}  // namespace

std::span<const OpDescriptor> cast_ops() {
  return kRows;
}

}  // namespace burnish
