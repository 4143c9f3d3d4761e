#pragma once
// Small engines of real operators, for damage and for many threads.
#include "runtime/plan_builder.h"

namespace burnish::testing {

/// A convolution, pooling, a product, softmax and an output that depends on data: one of everything that has geometry.
inline EngineData conv_engine() {
  PlanBuilder b;
  const Dim n = Dim::symbol("n");
  const auto x = b.input("x", DType::kFloat32, {n, 2, 6, 6});
  std::vector<float> weights(3 * 2 * 3 * 3);
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i % 7) - 3;
  const auto w = b.floats("w", Shape{3, 2, 3, 3}, weights);
  const auto conv = b.value("conv", DType::kFloat32, {n, 3, 6, 6});
  AttributeMap geometry;
  geometry.set("kernel_shape", std::vector<int64_t>{3, 3});
  geometry.set("pads", std::vector<int64_t>{1, 1, 1, 1});
  geometry.set("strides", std::vector<int64_t>{1, 1});
  geometry.set("dilations", std::vector<int64_t>{1, 1});
  geometry.set("group", int64_t{1});
  b.step("Conv", {x, w}, {conv}, geometry);
  const auto pool = b.value("pool", DType::kFloat32, {n, 3, 3, 3});
  AttributeMap window;
  window.set("kernel_shape", std::vector<int64_t>{2, 2});
  window.set("strides", std::vector<int64_t>{2, 2});
  b.step("MaxPool", {conv}, {pool}, window);
  const auto rows = b.value("rows", DType::kFloat32, {n, 27});
  b.view("Reshape", {pool, b.ints("rows_shape", {0, 27})}, rows);
  const auto scores = b.value("scores", DType::kFloat32, {n, 4});
  b.step("MatMul", {rows, b.floats("m", Shape{27, 4}, std::vector<float>(27 * 4, 0.01F))}, {scores});
  const auto probabilities = b.value("probabilities", DType::kFloat32, {n, 4});
  AttributeMap last;
  last.set("axis", int64_t{-1});
  b.step("Softmax", {scores}, {probabilities}, last);
  const auto picked = b.value("picked", DType::kFloat32, {n, 2});
  AttributeMap columns;
  columns.set("axis", int64_t{1});
  b.step("Gather", {probabilities, b.ints("which", {3, 0})}, {picked}, columns);
  b.output("probabilities", probabilities);
  b.output("picked", picked);
  b.profile("x", Shape{1, 2, 6, 6}, Shape{1, 2, 6, 6}, Shape{4, 2, 6, 6});
  EngineData data = b.build();
  data.target_isa = std::string(name_of(Isa::kScalar));
  return data;
}

}  // namespace burnish::testing
