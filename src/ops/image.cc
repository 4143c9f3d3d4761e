#include "ops/image.h"

namespace burnish {
namespace {

constexpr OpDescriptor kOps[] = {
    {"Resize", 1, 4, 1, 1, infer_resize, evaluate_resize},
    {"GridSample", 2, 2, 1, 1, infer_grid_sample, evaluate_grid_sample},
    {"AffineGrid", 2, 2, 1, 1, infer_affine_grid, evaluate_affine_grid},
};

}  // namespace

std::span<const OpDescriptor> image_ops() {
  return kOps;
}

}  // namespace burnish
