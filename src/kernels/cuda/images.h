#pragma once
// [N, C, spatial…] and [N, spatial…, C] tensors as programs of poolings and resizings walk them.
#include "kernels/tactic.h"
#include "ops/spatial.h"

namespace burnish::cuda {

/// Images of up to three dimensions whose pixels are groups of neighbouring channels. In NCHW every channel is an image
/// of its own.
struct Images {
  int64_t count = 1, channels = 1;
  Spatial dims{1, 1, 1}, steps{0, 0, 0};  ///< steps: elements from one pixel to the next along each dimension.
  int64_t image_step = 0;
};

/// Requires one to three spatial dims.
Images images_of(const TensorDesc& desc, bool nhwc);

}  // namespace burnish::cuda
