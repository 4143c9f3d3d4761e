#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "kernels/problem_set.h"

namespace burnish::testing {
namespace {

using Ints = std::vector<int64_t>;

Tensor ints(const Ints& values) {
  return Tensor::from_ints(values);
}

ProblemCase transpose_case(DType dtype, const Shape& shape, Ints order) {
  ProblemCase c{.op = "Transpose", .inputs = {random_tensor(dtype, shape, 1, -100, 100)}};
  if (!order.empty()) c.attrs.set("perm", order);
  return c;
}

TEST(Copy, TransposesAnyTypeAndOrder) {
  for (const DType dtype : {DType::kFloat32, DType::kInt8, DType::kFloat16, DType::kInt64, DType::kBool}) {
    expect_matches_reference("cpu.copy", transpose_case(dtype, {37, 53}, {}));
    expect_matches_reference("cpu.copy", transpose_case(dtype, {2, 3, 19, 17}, {0, 2, 3, 1}));
    expect_matches_reference("cpu.copy", transpose_case(dtype, {2, 19, 17, 3}, {0, 3, 1, 2}));
  }
  expect_matches_reference("cpu.copy", transpose_case(DType::kFloat32, {5, 7, 3, 2, 4}, {4, 2, 0, 3, 1}));
  expect_matches_reference("cpu.copy", transpose_case(DType::kFloat32, {2, 128, 12, 33}, {0, 2, 1, 3}));
  expect_matches_reference("cpu.copy", transpose_case(DType::kFloat32, {1, 64, 61, 67}, {0, 2, 3, 1}));
  expect_matches_reference("cpu.copy", transpose_case(DType::kFloat32, {}, {}));
  expect_matches_reference("cpu.copy", transpose_case(DType::kFloat32, {3, 0, 2}, {2, 1, 0}));
}

TEST(Copy, TransposesWholeBlocksAndWhatIsLeft) {
  for (const DType dtype : {DType::kUInt8, DType::kBFloat16, DType::kFloat32}) {
    for (const Shape& shape : {Shape{16, 16}, Shape{33, 49}, Shape{15, 2100}, Shape{2100, 15}, Shape{130, 70}}) {
      SCOPED_TRACE(fmt::format("{} {}", name_of(dtype), to_string(shape)));
      expect_matches_reference("cpu.copy", transpose_case(dtype, shape, {}));
    }
    ProblemCase c = transpose_case(dtype, {2, 23, 19, 40}, {0, 3, 1, 2});
    c.input_strides = {43};
    c.output_strides = {21};
    expect_matches_reference("cpu.copy", c);
  }
}

TEST(Copy, TransposesImagesOfThreeColours) {
  for (const auto& [height, width] : {std::pair{1, 17}, {1, 18}, {5, 7}, {61, 83}}) {
    for (const DType dtype : {DType::kUInt8, DType::kFloat16}) {
      expect_matches_reference("cpu.copy", transpose_case(dtype, {2, 3, height, width}, {0, 2, 3, 1}));
      expect_matches_reference("cpu.copy", transpose_case(dtype, {2, height, width, 3}, {0, 3, 1, 2}));
    }
  }
}

TEST(Copy, TransposesRowsThatStandApart) {
  ProblemCase c = transpose_case(DType::kFloat32, {2, 13, 11, 24}, {0, 3, 1, 2});
  c.input_strides = {40};
  expect_matches_reference("cpu.copy", c);
  c.output_strides = {19};
  expect_matches_reference("cpu.copy", c);
}

TEST(Copy, Concatenates) {
  for (const int64_t axis : {0, 1, 3, -1}) {
    Shape a{2, 3, 5, 7}, b = a, d = a;
    b[normalize_axis(axis, 4)] = 11;
    d[normalize_axis(axis, 4)] = 0;
    ProblemCase c{.op = "Concat", .inputs = {random_floats(a, 1), random_floats(b, 2), random_floats(d, 3)}};
    c.attrs.set("axis", axis);
    expect_matches_reference("cpu.copy", c);
    c.input_strides = {0, 13, 9};
    c.output_strides = {41};
    expect_matches_reference("cpu.copy", c);
  }
}

TEST(Copy, AConcatLeavesAloneWhatStandsInPlace) {
  ProblemCase c{.op = "Concat", .inputs = {random_floats({6, 8}, 1), random_floats({6, 16}, 2)}};
  c.attrs.set("axis", int64_t{1});
  c.input_strides = {24, 0};
  const Tensor expected = reference_of(c)[0];
  const Problem problem = make_problem(c, {expected});
  Tensor out = expected.clone();
  for (int64_t r = 0; r < 6; ++r) std::fill_n(out.as<float>() + r * 24 + 8, 16, 0.0F);
  const auto kernel = find_tactic("cpu.copy")->prepare(problem, "", {}, detect_cpu(1));
  ThreadPool pool(1);
  const std::vector<const void*> in = {out.data(), c.inputs[1].data()};
  const std::vector<void*> to = {out.data()};
  kernel->run({in, to, nullptr, &pool});
  EXPECT_TRUE(out.identical(expected));
}

TEST(Copy, SplitsAndSlices) {
  ProblemCase split{
      .op = "Split", .inputs = {random_floats({3, 10, 5}, 1), ints({4, 0, 6})}, .constant = {false, true}};
  split.attrs.set("axis", int64_t{1});
  split.num_outputs = 3;
  expect_matches_reference("cpu.copy", split);
  const int64_t far = std::numeric_limits<int64_t>::max(), low = std::numeric_limits<int64_t>::min();
  const auto slice = [](DType dtype, const Ints& starts, const Ints& ends, const Ints& axes, const Ints& steps) {
    return ProblemCase{
        .op = "Slice",
        .inputs = {random_tensor(dtype, {5, 9, 14}, 3, -50, 50), ints(starts), ints(ends), ints(axes), ints(steps)},
        .constant = {false, true, true, true, true}};
  };
  expect_matches_reference("cpu.copy", slice(DType::kFloat32, {1, 2}, {4, far}, {0, -1}, {1, 3}));
  expect_matches_reference("cpu.copy", slice(DType::kInt64, {-1}, {low}, {1}, {-2}));
  expect_matches_reference("cpu.copy", slice(DType::kUInt8, {7}, {3}, {2}, {1}));
  expect_matches_reference("cpu.copy", slice(DType::kFloat32, {2}, {far}, {2}, {far}));
}

TEST(Copy, ExpandsReshapesAndMovesDepth) {
  expect_matches_reference(
      "cpu.copy",
      {.op = "Expand", .inputs = {random_floats({3, 1, 7}, 1), ints({2, 1, 5, 7})}, .constant = {false, true}});
  expect_matches_reference(
      "cpu.copy",
      {.op = "Reshape", .inputs = {random_floats({6, 100, 70}, 1), ints({-1, 60})}, .constant = {false, true}});
  for (const char* mode : {"DCR", "CRD"}) {
    ProblemCase c{.op = "DepthToSpace", .inputs = {random_floats({2, 12, 5, 3}, 1)}};
    c.attrs.set("blocksize", int64_t{2});
    c.attrs.set("mode", std::string(mode));
    expect_matches_reference("cpu.copy", c);
  }
  ProblemCase c{.op = "SpaceToDepth", .inputs = {random_floats({2, 3, 6, 9}, 1)}};
  c.attrs.set("blocksize", int64_t{3});
  for (const char* mode : {"DCR", "CRD"}) {
    c.attrs.set("mode", std::string(mode));
    expect_matches_reference("cpu.copy", c);
  }
}

TEST(Gather, PicksRowsOfAnyType) {
  for (const int64_t axis : {0, 1, 2}) {
    ProblemCase c{.op = "Gather",
                  .inputs = {random_floats({6, 5, 40}, 1), random_tensor(DType::kInt64, {3, 7}, 2, -5, 4)}};
    c.attrs.set("axis", axis);
    expect_matches_reference("cpu.gather", c);
    c.inputs = {random_tensor(DType::kInt8, {6, 5, 40}, 1), random_tensor(DType::kInt32, {1001}, 2, 0, 4)};
    expect_matches_reference("cpu.gather", c);
  }
}

TEST(Gather, RefusesIndicesOutOfRange) {
  for (const int64_t bad : {int64_t{6}, int64_t{-7}, std::numeric_limits<int64_t>::min()}) {
    const ProblemCase c{.op = "Gather", .inputs = {random_floats({6, 5}, 1), ints({0, bad})}};
    EXPECT_THROW(PreparedCase(*find_tactic("cpu.gather"), c, {random_floats({2, 5}, 1)}, "", Isa::kAvx2, 2), Error);
  }
}

}  // namespace
}  // namespace burnish::testing
