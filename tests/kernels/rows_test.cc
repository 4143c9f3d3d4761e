#include <gtest/gtest.h>

#include <limits>

#include "kernels/problem_set.h"

namespace burnish::testing {
namespace {

ProblemCase with_axis(const char* op, std::vector<Tensor> inputs, int64_t axis) {
  ProblemCase c{.op = op, .inputs = std::move(inputs)};
  c.attrs.set("axis", axis);
  return c;
}

TEST(Normalization, MatchesTheReferenceForAnyLength) {
  for (const int64_t n : {1, 7, 16, 33, 384, 768, 1000}) {
    SCOPED_TRACE(n);
    const Tensor scale = random_floats({n}, 2), bias = random_floats({n}, 3);
    const Tensor x = random_floats({2, 19, n}, 1, -3, 9);
    expect_matches_reference("cpu.f32_normalization", with_axis("LayerNormalization", {x, scale, bias}, -1));
    expect_matches_reference("cpu.f32_normalization", with_axis("LayerNormalization", {x, scale}, -1));
    expect_matches_reference("cpu.f32_normalization", with_axis("RMSNormalization", {x, scale}, -1));
  }
  expect_matches_reference(
      "cpu.f32_normalization",
      with_axis("LayerNormalization", {random_floats({3, 5, 7}, 1), random_floats({5, 7}, 2), random_floats({5, 7}, 3)},
                1));
}

TEST(Normalization, KeepsItsDigitsFarFromZero) {
  const Tensor x = random_floats({4, 768}, 1, 1000, 1001);
  expect_matches_reference("cpu.f32_normalization", with_axis("LayerNormalization", {x, random_floats({768}, 2)}, -1),
                           {.tolerance = 1e-3});
}

TEST(Normalization, AcceptsRowsApart) {
  ProblemCase c = with_axis("LayerNormalization", {random_floats({40, 33}, 1), random_floats({33}, 2)}, -1);
  c.input_strides = {48};
  c.output_strides = {35};
  expect_matches_reference("cpu.f32_normalization", c);
}

TEST(Softmax, MatchesTheReferenceOverAnyAxis) {
  for (const int64_t n : {1, 7, 16, 128, 1001}) {
    const Tensor x = random_floats({3, 11, n}, 1, -20, 20);
    for (const int64_t axis : {0, 1, -1}) {
      SCOPED_TRACE(fmt::format("{} along {}", n, axis));
      expect_matches_reference("cpu.f32_softmax", with_axis("Softmax", {x}, axis));
    }
    expect_matches_reference("cpu.f32_softmax", with_axis("LogSoftmax", {x}, -1));
  }
  ProblemCase c = with_axis("Softmax", {random_floats({50, 21}, 1)}, 1);
  c.input_strides = {24};
  expect_matches_reference("cpu.f32_softmax", c);
}

TEST(Softmax, SurvivesLargeScores) {
  const float inf = std::numeric_limits<float>::infinity();
  const Tensor x = Tensor::from_floats(std::vector<float>{3e38F, -inf, 88, -3e38F, 3e38F});
  expect_matches_reference("cpu.f32_softmax", with_axis("Softmax", {x}, 0));
}

TEST(Reduce, MatchesTheReferenceOverNeighbouringAxes) {
  for (const char* op : {"ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin"}) {
    for (const std::vector<int64_t>& axes :
         std::vector<std::vector<int64_t>>{{-1}, {0}, {1, 2}, {2, 3}, {0, 1, 2, 3}, {3, 2, 1}}) {
      for (const int64_t keep : {0, 1}) {
        SCOPED_TRACE(fmt::format("{} over {}", op, axes.size()));
        ProblemCase c{
            .op = op, .inputs = {random_floats({3, 7, 9, 41}, 1), Tensor::from_ints(axes)}, .constant = {false, true}};
        c.attrs.set("keepdims", keep);
        expect_matches_reference("cpu.f32_reduce", c);
      }
    }
    expect_matches_reference("cpu.f32_reduce", {.op = op, .inputs = {random_floats({70, 900}, 1)}});
  }
}

TEST(Reduce, PoolsWholeImagesInBothLayouts) {
  for (const char* op : {"GlobalAveragePool", "GlobalMaxPool"}) {
    expect_matches_reference("cpu.f32_reduce", {.op = op, .inputs = {random_floats({3, 19, 7, 5}, 1)}});
    ProblemCase c{.op = op, .inputs = {random_floats({3, 7, 5, 300}, 1)}};
    c.attrs.set("layout", std::string("NHWC"));
    expect_matches_reference("cpu.f32_reduce", c);
    c.input_strides = {320};
    expect_matches_reference("cpu.f32_reduce", c);
  }
}

}  // namespace
}  // namespace burnish::testing
