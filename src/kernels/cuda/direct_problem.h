#pragma once
// A convolution of any geometry as the direct kernels read it: one to three spatial dims, made three by leading ones.
#include <array>
#include <string>

#include "kernels/cpu/product_epilogue.h"
#include "ops/fused.h"

namespace burnish::cuda {

struct DirectProblem {
  std::array<int64_t, 3> in = {1, 1, 1}, out = {1, 1, 1}, kernel = {1, 1, 1}, stride = {1, 1, 1}, dilation = {1, 1, 1},
                         pad = {0, 0, 0};
  int64_t batch = 0, group = 1;
  int64_t in_channels = 0, out_channels = 0;  ///< Of one group.
  bool in_nhwc = false, out_nhwc = false;
  bool sizes_free = false;  ///< Of images.
  DType x = DType::kFloat32, w = DType::kFloat32;
  EpilogueForm epilogue;

  int64_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
  int64_t pixels() const { return out[0] * out[1] * out[2]; }
  int64_t all_in_channels() const { return group * in_channels; }
  int64_t all_out_channels() const { return group * out_channels; }
};

/// False unless it is a FusedConv, or a Conv with explicit pads, over FLOAT, FLOAT16 and BFLOAT16.
bool read_direct(const Problem& problem, DirectProblem& p);

/// Sizes as macros IN_0 … OUT_2 (numbers, or members of args), the rest of the geometry as constants.
std::string direct_constants(const DirectProblem& p);

/// Images' sizes: the end of every direct kernel's Args.
struct DirectSizes {
  std::array<int32_t, 3> in = {1, 1, 1}, out = {1, 1, 1};
};
DirectSizes sizes_of(const DirectProblem& p);

}  // namespace burnish::cuda
