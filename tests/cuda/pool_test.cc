#include <gtest/gtest.h>

#include <limits>

#include "cuda/cuda_case.h"
#include "kernels/cuda/device.h"

namespace burnish::testing {
namespace {

using Ints = std::vector<int64_t>;
constexpr std::string_view kTactic = "cuda.pool";

ProblemCase pool(const char* op, Tensor x, Ints kernel, Ints strides, Ints pads, const char* layout = "NHWC") {
  ProblemCase c{.op = op, .inputs = {std::move(x)}};
  c.attrs.set("layout", std::string(layout));
  c.attrs.set("kernel_shape", std::move(kernel));
  c.attrs.set("strides", std::move(strides));
  c.attrs.set("pads", std::move(pads));
  return c;
}

TEST(CudaPool, MatchesTheReferenceInBothLayouts) {
  for (const char* op : {"MaxPool", "AveragePool"}) {
    for (const char* layout : {"NHWC", "NCHW"}) {
      for (const int64_t channels : {3, 16}) {
        SCOPED_TRACE(fmt::format("{} of {} channels in {}", op, channels, layout));
        const bool nhwc = layout[1] == 'H';
        const Tensor x = random_floats(nhwc ? Shape{2, 17, 13, channels} : Shape{2, channels, 17, 13}, 1);
        expect_gpu_matches(kTactic, pool(op, x, {3, 3}, {2, 2}, {1, 1, 1, 1}, layout),
                           {.free_inputs = {1}, .free_outputs = {1}});
        expect_gpu_matches(kTactic, pool(op, x, {5, 5}, {1, 1}, {2, 2, 2, 2}, layout));
        expect_gpu_matches(kTactic, pool(op, x, {2, 2}, {2, 2}, {0, 0, 0, 0}, layout), {.misalign = 1});
        ProblemCase c = pool(op, x, {3, 2}, {2, 3}, {1, 0, 1, 1}, layout);
        c.attrs.set("ceil_mode", int64_t{1});
        c.attrs.set("count_include_pad", int64_t{1});
        c.attrs.set("dilations", Ints{2, 1});
        expect_gpu_matches(kTactic, c);
      }
    }
    expect_gpu_matches(kTactic, pool(op, random_floats({2, 29, 8}, 1), {4}, {3}, {1, 2}));
    expect_gpu_matches(kTactic,
                       pool(op, random_floats({2, 3, 7, 6, 9}, 1), {2, 3, 2}, {2, 1, 2}, {0, 1, 1, 1, 1, 0}, "NCHW"));
    expect_gpu_matches(kTactic, pool(op, random_floats({1, 30, 31, 8}, 1), {13, 13}, {1, 1}, {6, 6, 6, 6}));
  }
}

TEST(CudaPool, TakesAnyStorage) {
  for (const DType t : {DType::kUInt8, DType::kInt8, DType::kBFloat16, DType::kFloat16}) {
    for (const int64_t channels : {33, 64}) {
      SCOPED_TRACE(fmt::format("{} of {} channels", name_of(t), channels));
      const float low = t == DType::kUInt8 ? 0 : -128;
      ProblemCase c =
          pool("MaxPool", random_tensor(t, {2, 9, 13, channels}, 5, low, low + 255), {3, 3}, {2, 2}, {1, 1, 1, 1});
      expect_gpu_matches(kTactic, c);
      c.input_strides = {channels + 8};
      c.output_strides = {channels + 16};
      expect_gpu_matches(kTactic, c);
    }
  }
  ProblemCase half =
      pool("AveragePool", random_tensor(DType::kFloat16, {2, 9, 13, 16}, 5), {3, 3}, {1, 1}, {1, 1, 1, 1});
  expect_gpu_matches(kTactic, half, {.check = {.steps = 1}});
  const Encoding x{DType::kUInt8, 0.02F, 100}, y{DType::kUInt8, 0.01F, 90};
  ProblemCase c = pool("AveragePool", encoded(random_floats({2, 9, 11, 24}, 1), x), {3, 3}, {1, 1}, {1, 1, 1, 1});
  set_input_encoding(c.attrs, 0, 1, x);
  set_output_encoding_like(c.attrs, y, DType::kUInt8);
  expect_gpu_matches(kTactic, c, {.check = {.steps = 1}});
}

TEST(CudaPool, LargeTensorsForTiming) {
  if (cuda::num_devices() == 0) GTEST_SKIP() << "no GPU";
  for (const int64_t batch : {1, 128}) {
    expect_gpu_matches(kTactic, pool("MaxPool", random_tensor(DType::kFloat16, {batch, 112, 112, 64}, 1), {3, 3},
                                     {2, 2}, {1, 1, 1, 1}));
    expect_gpu_matches(
        kTactic, pool("MaxPool", random_tensor(DType::kFloat16, {std::min<int64_t>(batch, 32), 20, 20, 256}, 1), {5, 5},
                      {1, 1}, {2, 2, 2, 2}));
  }
}

}  // namespace
}  // namespace burnish::testing
