#pragma once
// Loops and inference that the unary operators share.
#include "ops/dim_rules.h"
#include "ops/infer.h"
#include "ops/numeric.h"

namespace burnish {

/// y[i] = f(x[i]), computed as T.
template <typename T, typename F>
void map_as(const EvalContext& c, F&& f) {
  const Source<T> x(c.input(0));
  Sink<T> y(c.output(0));
  const T* px = x.data();
  T* py = y.data();
  for (int64_t i = 0; i < x.size(); ++i) py[i] = static_cast<T>(f(px[i]));
  y.commit();
}

/// For floating types: f sees float or double.
template <typename F>
void map_float(const EvalContext& c, F&& f) {
  with_float(c.input(0).dtype, [&]<typename T>(T) { map_as<T>(c, f); });
}

/// For all numbers: f sees float, double, int64_t or uint64_t.
template <typename F>
void map_number(const EvalContext& c, F&& f) {
  with_compute(c.input(0).dtype, [&]<typename T>(T) { map_as<T>(c, f); });
}

/// Y is like X, of FLOAT, DOUBLE, FLOAT16 or BFLOAT16.
inline void infer_float_unary(InferContext& c) {
  require_real(c, 0);
  infer_like(c);
}

/// Y is like X, of any type of numbers.
inline void infer_number_unary(InferContext& c) {
  check(c.dtype(0) != DType::kBool, ErrorCode::kInvalidModel, "input 0 must be numbers, not bool");
  infer_like(c);
}

}  // namespace burnish
