#include "ops/unary.h"

#include <array>
#include <cmath>

#include "ops/unary_map.h"

namespace burnish {
namespace {

// A row of a function of floating numbers only.
#define BURNISH_FLOAT_FUNCTION(name, expression)                                                                  \
  OpDescriptor {                                                                                                  \
    name, 1, 1, 1, 1, infer_float_unary, [](EvalContext& c) { map_float(c, [](auto x) { return expression; }); }, \
        kElementwise                                                                                              \
  }

void infer_abs(InferContext& c) {
  infer_number_unary(c);
  follow_dims(c, [](const Dim& a) -> std::optional<Dim> {
    if (a.is_constant()) return a.value() < 0 ? a * Dim(-1) : a;
    return a.lower_bound().value_or(-1) >= 0 ? std::optional(a) : std::nullopt;
  });
}

void evaluate_abs(EvalContext& c) {
  map_number(c, []<typename T>(T x) {
    if constexpr (std::is_floating_point_v<T>) return std::fabs(x);
    return x < T{0} ? wrapping_sub(T{0}, x) : x;
  });
}

void infer_neg(InferContext& c) {
  infer_number_unary(c);
  follow_dims(c, [](const Dim& a) -> std::optional<Dim> { return a * Dim(-1); });
}

void evaluate_neg(EvalContext& c) {
  map_number(c, []<typename T>(T x) {
    if constexpr (std::is_floating_point_v<T>) return -x;
    return wrapping_sub(T{0}, x);
  });
}

void evaluate_sign(EvalContext& c) {
  map_number(c, []<typename T>(T x) { return x > T{0} ? T{1} : x < T{0} ? static_cast<T>(-1) : x; });
}

void infer_test(InferContext& c) {
  check(!c.has_input(0) || is_floating(c.dtype(0)), ErrorCode::kInvalidModel, "input 0 must be floating point, not {}",
        name_of(c.dtype(0)));
  infer_like(c);
  c.set_output(0, DType::kBool, c.outputs().empty() ? std::nullopt : c.outputs()[0].shape);
}

template <typename F>
void test_elements(const EvalContext& c, F&& f) {
  const Source<double> x(c.input(0));
  auto* y = c.output(0).as<uint8_t>();
  for (int64_t i = 0; i < x.size(); ++i) y[i] = f(x[i]) ? 1 : 0;
}

void evaluate_is_nan(EvalContext& c) {
  test_elements(c, [](double x) { return std::isnan(x); });
}

void evaluate_is_inf(EvalContext& c) {
  const bool negative = c.attrs().get_int("detect_negative", 1) != 0;
  const bool positive = c.attrs().get_int("detect_positive", 1) != 0;
  test_elements(c, [=](double x) { return std::isinf(x) && (x < 0 ? negative : positive); });
}

void infer_not(InferContext& c) {
  check(!c.has_input(0) || c.dtype(0) == DType::kBool, ErrorCode::kInvalidModel, "input 0 must be bool, not {}",
        name_of(c.dtype(0)));
  infer_like(c);
  follow_dims(c, [](const Dim& a) -> std::optional<Dim> { return Dim(1) - a; });
}

void evaluate_not(EvalContext& c) {
  const auto* x = c.input(0).as<uint8_t>();
  auto* y = c.output(0).as<uint8_t>();
  for (int64_t i = 0; i < c.input(0).num_elements(); ++i) y[i] = x[i] == 0;
}

void infer_bitwise_not(InferContext& c) {
  check(!c.has_input(0) || is_integer(c.dtype(0)), ErrorCode::kInvalidModel, "input 0 must be integers, not {}",
        name_of(c.dtype(0)));
  infer_like(c);
}

void evaluate_bitwise_not(EvalContext& c) {
  map_as<int64_t>(c, [](int64_t x) { return ~x; });
}

const std::array kRows{
    OpDescriptor{"Abs", 1, 1, 1, 1, infer_abs, evaluate_abs, kElementwise},
    OpDescriptor{"Neg", 1, 1, 1, 1, infer_neg, evaluate_neg, kElementwise},
    OpDescriptor{"Sign", 1, 1, 1, 1, infer_number_unary, evaluate_sign, kElementwise},
    OpDescriptor{"IsNaN", 1, 1, 1, 1, infer_test, evaluate_is_nan, kElementwise},
    OpDescriptor{"IsInf", 1, 1, 1, 1, infer_test, evaluate_is_inf, kElementwise},
    OpDescriptor{"Not", 1, 1, 1, 1, infer_not, evaluate_not, kElementwise},
    OpDescriptor{"BitwiseNot", 1, 1, 1, 1, infer_bitwise_not, evaluate_bitwise_not, kElementwise},
    BURNISH_FLOAT_FUNCTION("Ceil", std::ceil(x)),
    BURNISH_FLOAT_FUNCTION("Floor", std::floor(x)),
    BURNISH_FLOAT_FUNCTION("Round", std::nearbyint(x)),
    BURNISH_FLOAT_FUNCTION("Sqrt", std::sqrt(x)),
    BURNISH_FLOAT_FUNCTION("Reciprocal", 1 / x),
    BURNISH_FLOAT_FUNCTION("Exp", std::exp(x)),
    BURNISH_FLOAT_FUNCTION("Log", std::log(x)),
    BURNISH_FLOAT_FUNCTION("Erf", std::erf(x)),
    BURNISH_FLOAT_FUNCTION("Sin", std::sin(x)),
    BURNISH_FLOAT_FUNCTION("Cos", std::cos(x)),
    BURNISH_FLOAT_FUNCTION("Tan", std::tan(x)),
    BURNISH_FLOAT_FUNCTION("Asin", std::asin(x)),
    BURNISH_FLOAT_FUNCTION("Acos", std::acos(x)),
    BURNISH_FLOAT_FUNCTION("Atan", std::atan(x)),
    BURNISH_FLOAT_FUNCTION("Sinh", std::sinh(x)),
    BURNISH_FLOAT_FUNCTION("Cosh", std::cosh(x)),
    BURNISH_FLOAT_FUNCTION("Tanh", std::tanh(x)),
    BURNISH_FLOAT_FUNCTION("Asinh", std::asinh(x)),
    BURNISH_FLOAT_FUNCTION("Acosh", std::acosh(x)),
    BURNISH_FLOAT_FUNCTION("Atanh", std::atanh(x)),
};

}  // namespace

std::span<const OpDescriptor> unary_ops() {
  return kRows;
}

}  // namespace burnish
