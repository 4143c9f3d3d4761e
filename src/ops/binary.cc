#include "ops/binary.h"

#include <array>
#include <cmath>

#include "ops/dim_rules.h"
#include "ops/infer.h"
#include "ops/numeric.h"

namespace burnish {
namespace {

// --- inference
// --------------------------------------------------------------------------------------------------------

void infer_binary(InferContext& c) {
  require_same_dtype(c, 0, 1);
  c.set_output(0, c.dtype(0), broadcast_inputs(c));
}

template <DimRule kRule>
void infer_followed(InferContext& c) {
  infer_binary(c);
  follow_dims(c, kRule);
}

std::optional<Dim> add_rule(const Dim& a, const Dim& b) {
  return a + b;
}
std::optional<Dim> sub_rule(const Dim& a, const Dim& b) {
  return a - b;
}
std::optional<Dim> mul_rule(const Dim& a, const Dim& b) {
  return a * b;
}
std::optional<Dim> greater_rule(const Dim& a, const Dim& b) {
  return less_rule(b, a);
}
std::optional<Dim> greater_or_equal_rule(const Dim& a, const Dim& b) {
  return less_or_equal_rule(b, a);
}
std::optional<Dim> and_rule(const Dim& a, const Dim& b) {
  return a * b;
}
std::optional<Dim> or_rule(const Dim& a, const Dim& b) {
  return a + b - a * b;
}
std::optional<Dim> xor_rule(const Dim& a, const Dim& b) {
  return a + b - Dim(2) * a * b;
}

void infer_pow(InferContext& c) {
  c.set_output(0, c.dtype(0), broadcast_inputs(c));
}

template <DimRule kRule>
void infer_comparison(InferContext& c) {
  require_same_dtype(c, 0, 1);
  c.set_output(0, DType::kBool, broadcast_inputs(c));
  follow_dims(c, kRule);
}

void require_type(const InferContext& c, bool (*accepts)(DType), std::string_view wanted) {
  for (int i = 0; i < 2; ++i)
    check(!c.has_input(i) || accepts(c.dtype(i)), ErrorCode::kInvalidModel, "input {} must be {}, not {}", i, wanted,
          name_of(c.dtype(i)));
}

template <DimRule kRule>
void infer_logic(InferContext& c) {
  require_type(
      c, [](DType t) { return t == DType::kBool; }, "bool");
  infer_followed<kRule>(c);
}

void infer_bits(InferContext& c) {
  require_type(c, is_integer, "integers");
  infer_binary(c);
}

void infer_shift(InferContext& c) {
  static constexpr std::array<std::string_view, 2> kChoices{"LEFT", "RIGHT"};
  require_choice("direction", c.attrs().get_string("direction", ""), kChoices);
  infer_bits(c);
}

void infer_prelu(InferContext& c) {
  require_same_dtype(c, 0, 1);
  infer_like(c);  // the slope broadcasts to X, never the other way
}

void infer_swiglu(InferContext& c) {
  require_real(c, 0);
  require_same_dtype(c, 0, 1);
  infer_like(c);
}

// --- evaluation
// -------------------------------------------------------------------------------------------------------

// y = f(a, b) in the type that the inputs compute in.
template <typename T, typename F>
void combine_as(const EvalContext& c, F&& f) {
  const Source<T> a(c.input(0));
  const Source<T> b(c.input(1));
  Sink<T> y(c.output(0));
  broadcast_binary(y.shape(), a.shape(), a.data(), b.shape(), b.data(), y.data(), f);
  y.commit();
}

template <typename F>
void combine(const EvalContext& c, F&& f) {
  with_compute(c.input(0).dtype, [&]<typename T>(T) { combine_as<T>(c, f); });
}

template <typename F>
void compare(const EvalContext& c, F&& f) {
  with_compute(c.input(0).dtype, [&]<typename T>(T) {
    const Source<T> a(c.input(0));
    const Source<T> b(c.input(1));
    const TensorView y = c.output(0);
    broadcast_binary(y.shape, a.shape(), a.data(), b.shape(), b.data(), y.as<uint8_t>(), f);
  });
}

// Division by zero gives 0, since there is no result to give; INT64_MIN / -1 wraps.
template <typename T>
T divide(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) return a / b;
  if (b == 0) return 0;
  if (std::is_signed_v<T> && b == static_cast<T>(-1)) return wrapping_sub(T{0}, a);
  return a / b;
}

// The remainder with the sign of the divisor.
template <typename T>
T floor_mod(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    const T r = std::fmod(a, b);
    if (r == 0) return std::copysign(T{0}, b);
    return (r < 0) != (b < 0) ? r + b : r;
  } else {
    if (b == 0 || b == static_cast<T>(-1)) return std::is_signed_v<T> || b == 0 ? 0 : a % b;
    const T r = a % b;
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
  }
}

// The remainder with the sign of the dividend.
template <typename T>
T trunc_mod(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) return std::fmod(a, b);
  return wrapping_sub(a, wrapping_mul(divide(a, b), b));
}

void evaluate_mod(EvalContext& c) {
  if (c.attrs().get_int("fmod", 0) != 0) return combine(c, [](auto a, auto b) { return trunc_mod(a, b); });
  combine(c, [](auto a, auto b) { return floor_mod(a, b); });
}

// By squaring, wrapping. A negative exponent leaves 0 but for the bases 1 and -1.
int64_t integer_power(int64_t base, int64_t exponent) {
  if (exponent < 0) return base == 1 ? 1 : base == -1 ? (exponent % 2 == 0 ? 1 : -1) : 0;
  int64_t result = 1;
  for (; exponent > 0; exponent >>= 1) {
    if (exponent & 1) result = wrapping_mul(result, base);
    base = wrapping_mul(base, base);
  }
  return result;
}

template <typename X, typename E, typename F>
void power_as(const EvalContext& c, F&& f) {
  const Source<X> x(c.input(0));
  const Source<E> e(c.input(1));
  Sink<X> y(c.output(0));
  broadcast_binary(y.shape(), x.shape(), x.data(), e.shape(), e.data(), y.data(), f);
  y.commit();
}

void evaluate_pow(EvalContext& c) {
  const DType base = c.input(0).dtype;
  const DType exponent = c.input(1).dtype;
  if (base == DType::kFloat64) return power_as<double, double>(c, [](double x, double e) { return std::pow(x, e); });
  if (!is_floating(base) && !is_floating(exponent)) return power_as<int64_t, int64_t>(c, integer_power);
  if (!is_floating(base))
    return power_as<double, double>(c, [](double x, double e) { return std::trunc(std::pow(x, e)); });
  power_as<float, float>(c, [](float x, float e) { return e == 2 ? x * x : std::pow(x, e); });
}

template <typename F>
void combine_bools(const EvalContext& c, F&& f) {
  const TensorView& a = c.input(0);
  const TensorView& b = c.input(1);
  const TensorView y = c.output(0);
  broadcast_binary(y.shape, a.shape, a.as<const uint8_t>(), b.shape, b.as<const uint8_t>(), y.as<uint8_t>(),
                   [&f](uint8_t p, uint8_t q) -> uint8_t { return f(p != 0, q != 0) ? 1 : 0; });
}

// Shifts by a negative amount or by all bits and more leave the sign alone: 0, or -1 for a right shift of a negative.
template <typename T>
T shift(T x, T amount, bool left, T num_bits) {
  const bool out = amount < T{0} || amount >= num_bits;
  if (left) return out ? T{0} : static_cast<T>(static_cast<uint64_t>(x) << amount);
  if (out) return x < T{0} ? static_cast<T>(-1) : T{0};
  return x >> amount;
}

void evaluate_shift(EvalContext& c) {
  const bool left = c.attrs().get_string("direction", "") == "LEFT";
  const auto num_bits = static_cast<int>(8 * size_of(c.input(0).dtype));
  const auto run = [&]<typename T>(T) {
    combine_as<T>(c, [=](T x, T amount) { return shift(x, amount, left, static_cast<T>(num_bits)); });
  };
  if (is_signed_integer(c.input(0).dtype)) return run(int64_t{});
  run(uint64_t{});
}

void evaluate_prelu(EvalContext& c) {
  combine(c, []<typename T>(T x, T slope) { return x < T{0} ? wrapping_mul(slope, x) : x; });
}

void evaluate_swiglu(EvalContext& c) {
  const float alpha = c.attrs().get_float("alpha", 1);
  with_float(c.input(0).dtype, [&]<typename T>(T) {
    combine_as<T>(c, [alpha](T a, T b) { return a / (1 + std::exp(-static_cast<T>(alpha) * a)) * b; });
  });
}

#define BURNISH_BINARY(name, infer, run, expression)                                                                 \
  OpDescriptor {                                                                                                     \
    name, 2, 2, 1, 1, infer, [](EvalContext& c) { run(c, [](auto a, auto b) { return expression; }); }, kElementwise \
  }

const std::array kRows{
    BURNISH_BINARY("Add", infer_followed<add_rule>, combine, wrapping_add(a, b)),
    BURNISH_BINARY("Sub", infer_followed<sub_rule>, combine, wrapping_sub(a, b)),
    BURNISH_BINARY("Mul", infer_followed<mul_rule>, combine, wrapping_mul(a, b)),
    BURNISH_BINARY("Div", infer_followed<div_rule>, combine, divide(a, b)),
    OpDescriptor{"Mod", 2, 2, 1, 1, infer_followed<mod_rule>, evaluate_mod, kElementwise},
    OpDescriptor{"Pow", 2, 2, 1, 1, infer_pow, evaluate_pow, kElementwise},
    BURNISH_BINARY("Equal", infer_comparison<equal_rule>, compare, a == b),
    BURNISH_BINARY("Less", infer_comparison<less_rule>, compare, a < b),
    BURNISH_BINARY("LessOrEqual", infer_comparison<less_or_equal_rule>, compare, a <= b),
    BURNISH_BINARY("Greater", infer_comparison<greater_rule>, compare, a > b),
    BURNISH_BINARY("GreaterOrEqual", infer_comparison<greater_or_equal_rule>, compare, a >= b),
    BURNISH_BINARY("And", infer_logic<and_rule>, combine_bools, a&& b),
    BURNISH_BINARY("Or", infer_logic<or_rule>, combine_bools, a || b),
    BURNISH_BINARY("Xor", infer_logic<xor_rule>, combine_bools, a != b),
    BURNISH_BINARY("BitwiseAnd", infer_bits, combine_as<uint64_t>, a& b),
    BURNISH_BINARY("BitwiseOr", infer_bits, combine_as<uint64_t>, a | b),
    BURNISH_BINARY("BitwiseXor", infer_bits, combine_as<uint64_t>, a ^ b),
    OpDescriptor{"BitShift", 2, 2, 1, 1, infer_shift, evaluate_shift, kElementwise},
    OpDescriptor{"PRelu", 2, 2, 1, 1, infer_prelu, evaluate_prelu, kElementwise},
    OpDescriptor{"SwiGLU", 2, 2, 1, 1, infer_swiglu, evaluate_swiglu, kElementwise},
};

}  // namespace

std::span<const OpDescriptor> binary_ops() {
  return kRows;
}

}  // namespace burnish
