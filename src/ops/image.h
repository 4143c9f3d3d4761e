#pragma once
// Resampling of images: Resize, GridSample, AffineGrid.
//
// Resize with layout="NHWC" takes [N, spatial…, C]; its roi, scales, sizes and axes speak of the dims in NCHW order.
#include <span>
#include <vector>

#include "ops/op.h"

namespace burnish {

std::span<const OpDescriptor> image_ops();

void infer_resize(InferContext& c);
void evaluate_resize(EvalContext& c);
void infer_grid_sample(InferContext& c);
void evaluate_grid_sample(EvalContext& c);
void infer_affine_grid(InferContext& c);
void evaluate_affine_grid(EvalContext& c);

/// How one axis of a Resize maps to its input.
struct ResizeAxis {
  int axis = 0;  ///< In the tensor's own order of dims.
  int64_t in = 0, out = 0;
  double scale = 1;
  double roi_start = 0, roi_end = 1;
};
/// The axes that Resize changes, from its attributes and concrete inputs (roi 1, scales 2, sizes 3; undefined where
/// absent).
std::vector<ResizeAxis> resize_axes(const AttributeMap& attrs, const Shape& in, const TensorView& roi,
                                    const TensorView& scales, const TensorView& sizes);

/// The input elements that one output element of an axis is made of: Σ weight·in[index], or, when outside, the
/// extrapolation value.
struct ResizeTap {
  int64_t index;
  double weight;
};
struct ResizeRow {
  std::vector<ResizeTap> taps;
  bool outside = false;
};
/// One row for every output index of the axis.
std::vector<ResizeRow> resize_rows(const AttributeMap& attrs, const ResizeAxis& axis);

/// Cubic convolution kernel with parameter a. Keys, "Cubic convolution interpolation for digital image processing",
/// https://ieeexplore.ieee.org/document/1163711, equation (4).
double cubic_kernel(double x, double a);

}  // namespace burnish
