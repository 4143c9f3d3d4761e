#pragma once
// Short ways to call one operator: make tensors from literals, evaluate, infer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string_view>
#include <vector>

#include "ops/elements.h"
#include "ops/op.h"

namespace burnish {

/// A tensor of any element type from literals.
inline Tensor make_tensor(DType dtype, const Shape& shape, const std::vector<double>& values) {
  Tensor t(dtype, shape);
  EXPECT_EQ(t.num_elements(), static_cast<int64_t>(values.size()));
  store_elements<double>(values.data(), t.view());
  return t;
}
inline Tensor make_floats(const Shape& shape, const std::vector<double>& values) {
  return make_tensor(DType::kFloat32, shape, values);
}
inline Tensor make_ints(const std::vector<int64_t>& values) {
  return Tensor::from_ints(values);
}

/// Uniform in [-1, 1), the same for the same seed.
inline Tensor random_floats(const Shape& shape, unsigned seed) {
  std::mt19937 rng(seed);
  std::uniform_real_distribution<float> unit(-1, 1);
  Tensor t(DType::kFloat32, shape);
  for (int64_t i = 0; i < t.num_elements(); ++i) t.as<float>()[i] = unit(rng);
  return t;
}

inline std::vector<double> values_of(const Tensor& t) {
  std::vector<double> v(static_cast<size_t>(t.num_elements()));
  load_elements<double>(t.view(), v.data());
  return v;
}

MATCHER_P(IsNear, tolerance, "") {
  const double a = std::get<0>(arg);
  const double b = std::get<1>(arg);
  return (std::isnan(a) && std::isnan(b)) || a == b || std::fabs(a - b) <= tolerance * std::max(1.0, std::fabs(b));
}
/// Matches values_of() element by element, relative beyond 1; NaN matches NaN.
inline auto near(double tolerance, const std::vector<double>& expected) {
  return testing::Pointwise(IsNear(tolerance), expected);
}

inline std::vector<Tensor> run_all(std::string_view name, const std::vector<Tensor>& inputs, const AttributeMap& attrs,
                                   int num_outputs) {
  const OpDescriptor* op = find_op(name);
  EXPECT_NE(op, nullptr) << name;
  return evaluate_op(*op, attrs, inputs, num_outputs);
}
inline Tensor run(std::string_view name, const std::vector<Tensor>& inputs, const AttributeMap& attrs = {}) {
  return run_all(name, inputs, attrs, 1)[0];
}

/// {{"axis", int64_t{1}}} as an AttributeMap.
inline AttributeMap attributes(const std::vector<std::pair<std::string, Attribute>>& values) {
  AttributeMap attrs;
  for (const auto& [name, value] : values) attrs.set(name, value);
  return attrs;
}

/// What inference says of output 0.
struct Inferred {
  TypeInfo type;
  std::optional<std::vector<Dim>> dims;
};
inline Inferred infer(std::string_view name, const std::vector<TypeInfo>& types, std::vector<ValueInfo> values = {},
                      const AttributeMap& attrs = {}) {
  values.resize(types.size());
  InferContext c(attrs, types, values, 1);
  find_op(name)->infer(c);
  return {c.outputs()[0], c.output_dims()[0]};
}

/// A 1-D INT64 input of which the elements are known symbolically.
inline TypeInfo int_vector(int64_t n) {
  return {DType::kInt64, SymShape{n}};
}
inline ValueInfo known(std::vector<Dim> dims) {
  return {nullptr, std::move(dims)};
}

}  // namespace burnish
