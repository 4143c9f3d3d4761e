#pragma once
// Operators that move elements without looking at them: any element type, by its size.
// Transpose, Concat, Split, Slice, Pad, Tile, Expand, DepthToSpace, SpaceToDepth, ReverseSequence, CenterCropPad,
// Compress.
#include <span>
#include <vector>

#include "ops/op.h"

namespace burnish {

std::span<const OpDescriptor> data_movement_ops();

// Inference and evaluation of the larger ones; see concat_split.cc, slice.cc, pad.cc and depth_space.cc.
void infer_concat(InferContext& c);
void evaluate_concat(EvalContext& c);
void infer_split(InferContext& c);
void evaluate_split(EvalContext& c);
void infer_depth_to_space(InferContext& c);
void evaluate_depth_to_space(EvalContext& c);
void infer_space_to_depth(InferContext& c);
void evaluate_space_to_depth(EvalContext& c);
void infer_slice(InferContext& c);
void evaluate_slice(EvalContext& c);
void infer_pad(InferContext& c);
void evaluate_pad(EvalContext& c);
void infer_center_crop_pad(InferContext& c);
void evaluate_center_crop_pad(EvalContext& c);

/// The order of Transpose's attribute "perm" for a tensor of this rank: reversed by default. Throws unless it is a
/// permutation.
std::vector<int64_t> permutation_of(const AttributeMap& attrs, int rank);

/// One axis of a Slice over a dimension of known size: the first index and how many elements.
struct SliceRange {
  int64_t start = 0;
  int64_t length = 0;
};
/// ONNX's clamping rules. step must not be zero.
SliceRange slice_range(int64_t size, int64_t start, int64_t end, int64_t step);

}  // namespace burnish
