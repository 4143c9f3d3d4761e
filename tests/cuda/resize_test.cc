#include <gtest/gtest.h>

#include "cuda/cuda_case.h"
#include "kernels/cuda/device.h"

namespace burnish::testing {
namespace {

constexpr std::string_view kTactic = "cuda.resize";

ProblemCase resize(Tensor x, std::vector<float> scales, const char* mode, const char* layout, const char* place) {
  ProblemCase c{.op = "Resize",
                .inputs = {std::move(x), Tensor{}, Tensor::from_floats(scales)},
                .constant = {false, false, true}};
  c.attrs.set("mode", std::string(mode));
  c.attrs.set("layout", std::string(layout));
  c.attrs.set("coordinate_transformation_mode", std::string(place));
  return c;
}

TEST(CudaResize, MatchesTheReferenceInBothLayouts) {
  for (const char* mode : {"nearest", "linear"}) {
    for (const char* place : {"half_pixel", "align_corners", "asymmetric"}) {
      for (const DType t : {DType::kFloat32, DType::kFloat16}) {
        SCOPED_TRACE(fmt::format("{} {} {}", mode, place, name_of(t)));
        const CudaOptions options{.check = {.steps = 1}, .free_inputs = {1}, .free_outputs = {1}};
        expect_gpu_matches(kTactic, resize(random_tensor(t, {2, 7, 9, 16}, 1), {1, 1, 2, 2}, mode, "NHWC", place),
                           options);
        expect_gpu_matches(kTactic, resize(random_tensor(t, {2, 5, 7, 9}, 1), {1, 1, 1.7F, 0.6F}, mode, "NCHW", place),
                           options);
      }
    }
  }
}

TEST(CudaResize, TakesRowsApartAndAnyAlignment) {
  ProblemCase c =
      resize(random_tensor(DType::kFloat16, {2, 6, 5, 24}, 1), {1, 1, 2, 2}, "nearest", "NHWC", "asymmetric");
  expect_gpu_matches(kTactic, c, {.misalign = 1});
  c.input_strides = {32};
  c.output_strides = {64};
  expect_gpu_matches(kTactic, c);
  c.output_strides = {25};
  expect_gpu_matches(kTactic, c);
  expect_gpu_matches(kTactic, resize(random_floats({2, 3, 8}, 1), {1, 1, 3}, "linear", "NCHW", "half_pixel"));
  expect_gpu_matches(kTactic, resize(random_tensor(DType::kUInt8, {1, 4, 3, 5, 6}, 1, 0, 255), {1, 1, 2, 2, 2},
                                     "nearest", "NCHW", "half_pixel"));
}

TEST(CudaResize, LargeTensorsForTiming) {
  if (cuda::num_devices() == 0) GTEST_SKIP() << "no GPU";
  for (const int64_t batch : {1, 32}) {
    expect_gpu_matches(kTactic, resize(random_tensor(DType::kFloat16, {batch, 40, 40, 128}, 1), {1, 1, 2, 2}, "nearest",
                                       "NHWC", "asymmetric"));
  }
}

}  // namespace
}  // namespace burnish::testing
