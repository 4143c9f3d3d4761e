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
    expect_matches_reference("cpu.normalization", with_axis("LayerNormalization", {x, scale, bias}, -1));
    expect_matches_reference("cpu.normalization", with_axis("LayerNormalization", {x, scale}, -1));
    expect_matches_reference("cpu.normalization", with_axis("RMSNormalization", {x, scale}, -1));
  }
  expect_matches_reference(
      "cpu.normalization",
      with_axis("LayerNormalization", {random_floats({3, 5, 7}, 1), random_floats({5, 7}, 2), random_floats({5, 7}, 3)},
                1));
}

TEST(Normalization, KeepsItsDigitsFarFromZero) {
  const Tensor x = random_floats({4, 768}, 1, 1000, 1001);
  expect_matches_reference("cpu.normalization", with_axis("LayerNormalization", {x, random_floats({768}, 2)}, -1),
                           {.tolerance = 1e-3});
}

TEST(Normalization, AcceptsRowsApart) {
  ProblemCase c = with_axis("LayerNormalization", {random_floats({40, 33}, 1), random_floats({33}, 2)}, -1);
  c.input_strides = {48};
  c.output_strides = {35};
  expect_matches_reference("cpu.normalization", c);
}

TEST(Softmax, MatchesTheReferenceOverAnyAxis) {
  for (const int64_t n : {1, 7, 16, 128, 1001}) {
    const Tensor x = random_floats({3, 11, n}, 1, -20, 20);
    for (const int64_t axis : {0, 1, -1}) {
      SCOPED_TRACE(fmt::format("{} along {}", n, axis));
      expect_matches_reference("cpu.softmax", with_axis("Softmax", {x}, axis));
    }
    expect_matches_reference("cpu.softmax", with_axis("LogSoftmax", {x}, -1));
  }
  ProblemCase c = with_axis("Softmax", {random_floats({50, 21}, 1)}, 1);
  c.input_strides = {24};
  expect_matches_reference("cpu.softmax", c);
}

TEST(Softmax, SurvivesLargeScores) {
  const float inf = std::numeric_limits<float>::infinity();
  const Tensor x = Tensor::from_floats(std::vector<float>{3e38F, -inf, 88, -3e38F, 3e38F});
  expect_matches_reference("cpu.softmax", with_axis("Softmax", {x}, 0));
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
        expect_matches_reference("cpu.reduce", c);
      }
    }
    expect_matches_reference("cpu.reduce", {.op = op, .inputs = {random_floats({70, 900}, 1)}});
  }
}

TEST(Reduce, PoolsWholeImagesInBothLayouts) {
  for (const char* op : {"GlobalAveragePool", "GlobalMaxPool"}) {
    expect_matches_reference("cpu.reduce", {.op = op, .inputs = {random_floats({3, 19, 7, 5}, 1)}});
    ProblemCase c{.op = op, .inputs = {random_floats({3, 7, 5, 300}, 1)}};
    c.attrs.set("layout", std::string("NHWC"));
    expect_matches_reference("cpu.reduce", c);
    c.input_strides = {320};
    expect_matches_reference("cpu.reduce", c);
  }
}

const Encoding kEncodings[] = {
    {DType::kFloat32}, {DType::kBFloat16}, {DType::kFloat16}, {DType::kUInt8, 0.02F, 103}, {DType::kInt8, 0.017F, 9}};

/// The operator with X and Y in these encodings, by both ways through memory.
void check_encoded(std::string_view tactic, ProblemCase c, const Encoding& from, const Encoding& to) {
  SCOPED_TRACE(fmt::format("{} from {} to {}", c.op, name_of(from.dtype), name_of(to.dtype)));
  const int num_inputs = static_cast<int>(c.inputs.size());
  c.inputs[0] = encoded(c.inputs[0], from);
  set_input_encoding(c.attrs, 0, num_inputs, from);
  set_output_encoding_like(c.attrs, to, from.dtype);
  expect_matches_reference(tactic, c, {.steps = 1});
  if (c.op == "GlobalAveragePool") return;
  c.input_strides = {c.inputs[0].shape().back() + 5};
  c.output_strides = {c.inputs[0].shape().back() + 3};
  expect_matches_reference(tactic, c, {.steps = 1});
}

TEST(Rows, ReadAndWriteAnyEncoding) {
  for (const Encoding& from : kEncodings) {
    for (const Encoding& to : kEncodings) {
      const Tensor scale = random_floats({77}, 2), bias = random_floats({77}, 3);
      check_encoded("cpu.normalization",
                    with_axis("LayerNormalization", {random_floats({3, 19, 77}, 1), scale, bias}, -1), from, to);
      check_encoded("cpu.softmax", with_axis("Softmax", {random_floats({3, 19, 77}, 1)}, -1), from, to);
      for (const int64_t channels : {3, 70, 300}) {
        ProblemCase c{.op = "GlobalAveragePool", .inputs = {random_floats({2, 5, 7, channels}, 1)}};
        c.attrs.set("layout", std::string("NHWC"));
        check_encoded("cpu.reduce", c, from, to);
      }
    }
  }
}

TEST(Rows, SoftmaxDownColumnsOfAnyEncoding) {
  ProblemCase c = with_axis("Softmax", {encoded(random_floats({3, 19, 21}, 1), kEncodings[3])}, 1);
  set_input_encoding(c.attrs, 0, 1, kEncodings[3]);
  set_output_encoding(c.attrs, kEncodings[1]);
  expect_matches_reference("cpu.softmax", c, {.steps = 1});
}

/// Scale and bias are then of the narrow type as well.
TEST(Rows, RunPlainOperatorsOnNarrowFloats) {
  for (const DType dtype : {DType::kBFloat16, DType::kFloat16}) {
    const Tensor x = random_tensor(dtype, {40, 130}, 1), scale = random_tensor(dtype, {130}, 2);
    expect_matches_reference("cpu.normalization", with_axis("LayerNormalization", {x, scale, scale}, -1), {.steps = 1});
    expect_matches_reference("cpu.normalization", with_axis("RMSNormalization", {x, scale}, -1), {.steps = 1});
    expect_matches_reference("cpu.softmax", with_axis("LogSoftmax", {x}, -1), {.steps = 1});
    for (const char* op : {"ReduceMean", "ReduceMax", "ReduceMin"}) {
      ProblemCase c{.op = op, .inputs = {x, Tensor::from_ints(std::vector<int64_t>{0})}, .constant = {false, true}};
      expect_matches_reference("cpu.reduce", c, {.tolerance = 1e-5, .steps = 1});
    }
  }
}

TEST(Rows, LeaveSumsOfPlainIntegersAlone) {
  const Tensor x = random_tensor(DType::kUInt8, {4, 6}, 1);
  const ProblemCase c{
      .op = "ReduceSum", .inputs = {x, Tensor::from_ints(std::vector<int64_t>{0})}, .constant = {false, true}};
  Problem p = make_problem(c, {random_tensor(DType::kUInt8, {1, 6}, 1)});
  EXPECT_FALSE(find_tactic("cpu.reduce")->supports(p, target_with(Isa::kAvx512, 1)));
}

}  // namespace
}  // namespace burnish::testing
