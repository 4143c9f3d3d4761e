#pragma once
// Geometry of convolutions and poolings: sliding windows over one to three spatial dims.
#include <array>
#include <span>

#include "base/checked.h"
#include "ops/fused.h"

namespace burnish {

inline constexpr int kMaxSpatial = 3;

enum class AutoPad { kNotSet, kSameUpper, kSameLower, kValid };
/// Throws kInvalidModel for an unknown value.
AutoPad auto_pad_of(const AttributeMap& attrs);

/// Extent of a dilated kernel: dilation·(kernel − 1) + 1.
inline int64_t window_extent(int64_t kernel, int64_t dilation) {
  return dilation * (kernel - 1) + 1;
}

/// Output dims of a window sliding over `in`. ceil_mode counts a last, partial window if it starts inside the input or
/// its leading padding.
SymShape window_output(std::span<const Dim> in, const ConvGeometry& geometry, AutoPad auto_pad, bool ceil_mode);
/// Replaces the pads by those that auto_pad stands for.
void resolve_auto_pad(ConvGeometry& geometry, AutoPad auto_pad, std::span<const int64_t> in);

using Spatial = std::array<int64_t, kMaxSpatial>;
/// The values behind leading entries of `fill`: one or two dims become three.
Spatial to_three(std::span<const int64_t> values, int64_t fill);

/// How a [N, C, spatial…] or [N, spatial…, C] tensor lies in memory, with three spatial dims.
struct ImageLayout {
  int64_t batch = 1, channels = 1;
  Spatial dims{1, 1, 1};
  int64_t batch_stride = 0, channel_stride = 0, pixel_stride = 0;
  int64_t num_pixels() const { return checked_mul(checked_mul(dims[0], dims[1]), dims[2]); }
};
ImageLayout image_layout(const Shape& shape, bool nhwc);

/// Throws kUnsupported unless the (known) rank of input 0 leaves one to three spatial dims; false when unknown.
bool check_image(const InferContext& c, int input = 0);
/// The spatial dims of a shape in this layout.
SymShape spatial_of(const SymShape& shape, bool nhwc);
/// Joins batch, channels and spatial dims in this layout.
SymShape image_shape(const Dim& batch, const Dim& channels, std::span<const Dim> spatial, bool nhwc);

/// The half-open range of output positions o for which 0 ≤ o·stride + offset < size, within [0, out).
struct OutputRange {
  int64_t begin, end;
};
OutputRange inside(int64_t out, int64_t stride, int64_t offset, int64_t size);

}  // namespace burnish
