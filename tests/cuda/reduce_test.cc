#include <gtest/gtest.h>

#include "cuda/cuda_case.h"
#include "kernels/cuda/device.h"

namespace burnish::testing {
namespace {

constexpr std::string_view kTactic = "cuda.reduce";

ProblemCase reduction(const char* op, Tensor x, std::vector<int64_t> axes, int64_t keep = 1) {
  ProblemCase c{.op = op, .inputs = {std::move(x), Tensor::from_ints(axes)}, .constant = {false, true}};
  c.attrs.set("keepdims", keep);
  return c;
}
ProblemCase pool(const char* op, Tensor x, const char* layout) {
  ProblemCase c{.op = op, .inputs = {std::move(x)}};
  c.attrs.set("layout", std::string(layout));
  return c;
}

TEST(CudaReduce, MatchesTheReferenceOverAnyAxes) {
  for (const std::vector<int64_t>& axes :
       std::vector<std::vector<int64_t>>{{-1}, {0}, {1, 2}, {2, 3}, {0, 1, 2, 3}, {0, 2}, {1, 3}}) {
    SCOPED_TRACE(fmt::format("{}", fmt::join(axes, ", ")));
    for (const int64_t width : {41, 40}) {
      expect_gpu_matches(kTactic, reduction("ReduceMean", random_floats({3, 7, 9, width}, 1), axes, width % 2));
      expect_gpu_matches(kTactic, reduction("ReduceMax", random_tensor(DType::kFloat16, {3, 7, 9, width}, 1), axes));
    }
  }
}

TEST(CudaReduce, KnowsEveryOperator) {
  for (const char* op :
       {"ReduceSum", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum"}) {
    SCOPED_TRACE(op);
    expect_gpu_matches(kTactic, reduction(op, random_floats({5, 24, 9}, 1, 0.5F, 1.5F), {1}),
                       {.check = {.tolerance = 1e-5}});
    expect_gpu_matches(kTactic, reduction(op, random_floats({5, 24, 9}, 1, 0.5F, 1.5F), {2, 0}),
                       {.check = {.tolerance = 1e-5}, .free_inputs = {1}});
  }
}

TEST(CudaReduce, SplitsLongReductions) {
  expect_gpu_matches(kTactic, reduction("ReduceSum", random_floats({2, 100000}, 1), {1}),
                     {.check = {.tolerance = 1e-5}});
  expect_gpu_matches(kTactic, reduction("ReduceMean", random_floats({20000, 10}, 1), {0}),
                     {.check = {.tolerance = 1e-5}});
  expect_gpu_matches(kTactic, reduction("ReduceMax", random_floats({3000, 16}, 1), {0}));
}

TEST(CudaReduce, PoolsWholeImagesInBothLayouts) {
  for (const DType t : {DType::kFloat32, DType::kFloat16, DType::kBFloat16}) {
    for (const int64_t channels : {37, 64}) {
      for (const char* op : {"GlobalAveragePool", "GlobalMaxPool"}) {
        SCOPED_TRACE(fmt::format("{} of {} channels of {}", op, channels, name_of(t)));
        expect_gpu_matches(kTactic, pool(op, random_tensor(t, {2, 7, 7, channels}, 1), "NHWC"),
                           {.check = {.steps = 1}});
        expect_gpu_matches(kTactic, pool(op, random_tensor(t, {2, channels, 8, 6}, 1), "NCHW"),
                           {.check = {.steps = 1}});
      }
    }
    ProblemCase c = pool("GlobalAveragePool", random_tensor(t, {2, 5, 9, 24}, 1), "NHWC");
    c.input_strides = {40};
    expect_gpu_matches(kTactic, c, {.check = {.steps = 1}});
    c.input_strides = {29};
    expect_gpu_matches(kTactic, c, {.check = {.steps = 1}, .misalign = 1});
  }
}

TEST(CudaReduce, AveragesQuantisedImages) {
  const Encoding x{DType::kUInt8, 0.02F, 100}, y{DType::kInt8, 0.01F, 3};
  ProblemCase c = pool("GlobalAveragePool", encoded(random_floats({2, 7, 7, 40}, 1), x), "NHWC");
  set_input_encoding(c.attrs, 0, 1, x);
  set_output_encoding_like(c.attrs, y, DType::kUInt8);
  expect_gpu_matches(kTactic, c, {.check = {.steps = 1}});
}

TEST(CudaReduce, LargeTensorsForTiming) {
  if (cuda::num_devices() == 0) GTEST_SKIP() << "no GPU";
  for (const int64_t batch : {1, 128}) {
    expect_gpu_matches(kTactic,
                       pool("GlobalAveragePool", random_tensor(DType::kFloat16, {batch, 7, 7, 2048}, 1), "NHWC"),
                       {.check = {.steps = 1}});
    expect_gpu_matches(kTactic,
                       pool("GlobalAveragePool", random_tensor(DType::kFloat16, {batch, 56, 56, 256}, 1), "NHWC"),
                       {.check = {.steps = 1}});
    expect_gpu_matches(kTactic,
                       pool("GlobalAveragePool", random_tensor(DType::kFloat16, {batch, 256, 56, 56}, 1), "NCHW"),
                       {.check = {.steps = 1}});
  }
  expect_gpu_matches(kTactic, reduction("ReduceMean", random_floats({16384, 3072}, 1), {1}),
                     {.check = {.tolerance = 1e-5}});
}

}  // namespace
}  // namespace burnish::testing
