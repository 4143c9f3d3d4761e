#include <gtest/gtest.h>

#include "cuda/cuda_case.h"
#include "kernels/cuda/device.h"

namespace burnish::testing {
namespace {

using Ints = std::vector<int64_t>;
constexpr std::string_view kTactic = "cuda.copy";
constexpr DType kTypes[] = {DType::kFloat32, DType::kInt8, DType::kFloat16, DType::kInt64};

ProblemCase transpose_case(DType dtype, const Shape& shape, Ints order) {
  ProblemCase c{.op = "Transpose", .inputs = {random_tensor(dtype, shape, 1, -100, 100)}};
  if (!order.empty()) c.attrs.set("perm", order);
  return c;
}

TEST(CudaCopy, TransposesAnyTypeAndOrder) {
  for (const DType dtype : kTypes) {
    SCOPED_TRACE(name_of(dtype));
    expect_gpu_matches(kTactic, transpose_case(dtype, {37, 53}, {}));
    expect_gpu_matches(kTactic, transpose_case(dtype, {2, 136, 72}, {0, 2, 1}));
    expect_gpu_matches(kTactic, transpose_case(dtype, {2, 136, 72}, {0, 2, 1}), {.misalign = 1});
    expect_gpu_matches(kTactic, transpose_case(dtype, {2, 3, 19, 17}, {0, 2, 3, 1}));
    expect_gpu_matches(kTactic, transpose_case(dtype, {2, 19, 17, 3}, {0, 3, 1, 2}));
    expect_gpu_matches(kTactic, transpose_case(dtype, {3, 5, 12, 16}, {0, 2, 1, 3}), {.free_inputs = {1}});
  }
  expect_gpu_matches(kTactic, transpose_case(DType::kFloat32, {5, 7, 3, 2, 4}, {4, 2, 0, 3, 1}));
  expect_gpu_matches(kTactic, transpose_case(DType::kFloat32, {}, {}));
  expect_gpu_matches(kTactic, transpose_case(DType::kFloat32, {3, 0, 2}, {2, 1, 0}));
}

TEST(CudaCopy, TransposesRowsThatStandApart) {
  for (const int64_t step : {40, 43}) {
    ProblemCase c = transpose_case(DType::kFloat16, {2, 26, 11, 24}, {0, 3, 1, 2});
    c.input_strides = {step};
    expect_gpu_matches(kTactic, c);
    c.output_strides = {19};
    expect_gpu_matches(kTactic, c);
  }
}

TEST(CudaCopy, ConcatenatesAndSplits) {
  for (const int64_t axis : {0, 1, 3, -1}) {
    for (const int64_t width : {7, 16}) {
      SCOPED_TRACE(fmt::format("axis {}, {} columns", axis, width));
      Shape a{2, 3, 5, width}, b = a, d = a;
      b[normalize_axis(axis, 4)] = 24;
      d[normalize_axis(axis, 4)] = 0;
      ProblemCase c{.op = "Concat"};
      for (const Shape& shape : {a, b, d, a, b, a}) c.inputs.push_back(random_tensor(DType::kFloat16, shape, 1));
      c.attrs.set("axis", axis);
      expect_gpu_matches(kTactic, c);
      expect_gpu_matches(kTactic, c, {.misalign = 1});
      c.input_strides = {32, 48, 56};
      c.output_strides = {200};
      expect_gpu_matches(kTactic, c);
      ProblemCase split{.op = "Split", .inputs = {random_floats({4, 8, 12}, 1)}, .num_outputs = 2};
      split.attrs.set("axis", axis % 3);
      split.attrs.set("num_outputs", int64_t{2});
      split.output_strides = {0, 24};
      expect_gpu_matches(kTactic, split);
    }
  }
}

TEST(CudaCopy, SlicesExpandsAndTiles) {
  const auto ints = [](Ints values) { return Tensor::from_ints(values); };
  for (const DType dtype : kTypes) {
    const Tensor x = random_tensor(dtype, {3, 18, 40}, 1, -100, 100);
    const auto slice = [&](Ints starts, Ints ends, Ints axes, Ints steps) {
      return ProblemCase{.op = "Slice",
                         .inputs = {x, ints(starts), ints(ends), ints(axes), ints(steps)},
                         .constant = {false, true, true, true, true}};
    };
    expect_gpu_matches(kTactic, slice({2, 8}, {10, 24}, {1, 2}, {1, 1}));
    expect_gpu_matches(kTactic, slice({1, 3}, {100, 39}, {1, 2}, {2, 3}));
    expect_gpu_matches(kTactic, slice({-1, -1}, {-100, -100}, {0, 2}, {-1, -2}));
    expect_gpu_matches(kTactic, {.op = "Expand",
                                 .inputs = {random_tensor(dtype, {3, 1, 16}, 1), ints({2, 3, 5, 16})},
                                 .constant = {false, true}});
    expect_gpu_matches(
        kTactic,
        {.op = "Expand", .inputs = {random_tensor(dtype, {3, 4, 1}, 1), ints({3, 4, 9})}, .constant = {false, true}});
    expect_gpu_matches(kTactic, {.op = "Tile", .inputs = {x, ints({2, 1, 3})}, .constant = {false, true}});
  }
}

TEST(CudaCopy, MovesBlocksBetweenDepthAndSpace) {
  for (const char* mode : {"DCR", "CRD"}) {
    ProblemCase c{.op = "DepthToSpace", .inputs = {random_floats({2, 12, 5, 6}, 1)}};
    c.attrs.set("blocksize", int64_t{2});
    c.attrs.set("mode", std::string(mode));
    expect_gpu_matches(kTactic, c);
  }
  ProblemCase c{.op = "SpaceToDepth", .inputs = {random_tensor(DType::kFloat16, {2, 3, 16, 24}, 1)}};
  c.attrs.set("blocksize", int64_t{2});
  expect_gpu_matches(kTactic, c);
}

TEST(CudaCopy, KeepsOrder) {
  for (const int64_t n : {1, 1000, 4096}) {
    expect_gpu_matches(kTactic, {.op = "Identity", .inputs = {random_tensor(DType::kUInt8, {n}, 1, 0, 255)}});
  }
}

TEST(CudaCopy, LargeTensorsForTiming) {
  if (cuda::num_devices() == 0) GTEST_SKIP() << "no GPU";
  expect_gpu_matches(kTactic, transpose_case(DType::kFloat16, {128, 64, 56, 56}, {0, 2, 3, 1}));
  expect_gpu_matches(kTactic, transpose_case(DType::kFloat32, {32, 64, 56, 56}, {0, 2, 3, 1}));
  expect_gpu_matches(kTactic, transpose_case(DType::kFloat32, {128, 3, 224, 224}, {0, 2, 3, 1}));
  expect_gpu_matches(kTactic, transpose_case(DType::kFloat16, {128, 128, 12, 64}, {0, 2, 1, 3}));
  ProblemCase c{.op = "Concat",
                .inputs = {random_tensor(DType::kFloat16, {32, 80, 80, 128}, 1),
                           random_tensor(DType::kFloat16, {32, 80, 80, 128}, 2)}};
  c.attrs.set("axis", int64_t{3});
  expect_gpu_matches(kTactic, c);
}

}  // namespace
}  // namespace burnish::testing
