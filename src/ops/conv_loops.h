#pragma once
// Plain convolutions over dense NCHW tensors of one to three spatial dims, in float or double.
#include "ops/spatial.h"

namespace burnish {

/// Sizes of a (grouped) convolution, spatial dims brought to three.
struct ConvSizes {
  int64_t batch = 0, group = 1;
  int64_t in_channels = 0, out_channels = 0;       ///< Of one group.
  Spatial in, out, kernel, stride, dilation, pad;  ///< pad: at the beginning.
};

/// x [batch, group·in_channels, in…], w [group·out_channels, in_channels, kernel…] -> y, which it overwrites.
template <typename T>
void convolve(const ConvSizes& s, const T* x, const T* w, T* y);

/// The transposed convolution: w is [group·in_channels, out_channels, kernel…].
template <typename T>
void convolve_transposed(const ConvSizes& s, const T* x, const T* w, T* y);

/// y[n, c, …] += bias[c].
template <typename T>
void add_channel_bias(const T* bias, int64_t batch, int64_t channels, int64_t pixels, T* y);

}  // namespace burnish
