// Lanes are channels; a register tile is several neighbouring results, so that a weight is loaded once for all of them.
#include "kernels/cpu/simd/depthwise.h"

#include "kernels/cpu/simd/epilogue.h"
#include "kernels/cpu/simd/vec.h"

namespace burnish::BURNISH_SIMD {
namespace {

constexpr int kPixels = 8;

struct Clamp {
  bool clamps;
  float low, high;
};

BURNISH_INLINE int64_t padded_channels(const F32DepthwiseRow& r) {
  return (r.channels + kPanelColumns - 1) / kPanelColumns * kPanelColumns;
}

/// N results from `first_pixel` on, taps [tap_begin, tap_end) of every row of the kernel, one vector of channels.
template <int N>
BURNISH_INLINE void multiply_pixels(const F32DepthwiseRow& r, int64_t first_pixel, int64_t tap_begin, int64_t tap_end,
                                    int64_t channel, Mask mask, const Clamp& clamps) {
  const F32Epilogue& e = *r.epilogue;
  const int64_t step = r.stride_w * r.x_pixel;
  const int64_t tap_step = r.dilation_w * r.x_pixel;
  const int64_t weight_step = padded_channels(r);
  const bool whole = r.channels - channel >= kLanes;
  Vec acc[N];
  const Vec bias = e.bias != nullptr ? load(e.bias + channel) : zero();
  for (int p = 0; p < N; ++p) acc[p] = bias;
  for (int64_t ky = r.row_begin; ky < r.row_end; ++ky) {
    const float* x = r.x + ky * r.tap_row + first_pixel * step + tap_begin * tap_step + channel;
    const float* w = r.weights + (ky * r.kernel_w + tap_begin) * weight_step + channel;
    for (int64_t kx = tap_begin; kx < tap_end; ++kx, x += tap_step, w += weight_step) {
      const Vec weight = load(w);
      if (whole) {
#pragma GCC unroll 8
        for (int p = 0; p < N; ++p) acc[p] = fma(load(x + p * step), weight, acc[p]);
      } else {
        for (int p = 0; p < N; ++p) acc[p] = fma(load(x + p * step, mask), weight, acc[p]);
      }
    }
  }
  for (int p = 0; p < N; ++p) {
    const int64_t pixel = first_pixel + p;
    Vec v = acc[p];
    if (r.residual != nullptr && !e.residual_after) {
      v = add(v, load(r.residual + pixel * e.residual_row + channel, mask));
    }
    if (clamps.clamps) v = clamp(v, clamps.low, clamps.high);
    if (whole) {
      store(r.y + pixel * r.y_pixel + channel, v);
    } else {
      store(r.y + pixel * r.y_pixel + channel, v, mask);
    }
  }
}

template <int N>
void all_channels(const F32DepthwiseRow& r, int64_t first_pixel, int64_t tap_begin, int64_t tap_end,
                  const Clamp& clamps) {
  for (int64_t channel = 0; channel < r.channels; channel += kLanes) {
    const int64_t left = r.channels - channel;
    multiply_pixels<N>(r, first_pixel, tap_begin, tap_end, channel, first(left < kLanes ? left : kLanes), clamps);
  }
  if (clamps.clamps) return;
  const F32Epilogue& e = *r.epilogue;
  const float* residual =
      r.residual != nullptr && e.residual_after ? r.residual + first_pixel * e.residual_row : nullptr;
  activate_rows({r.y + first_pixel * r.y_pixel, r.y_pixel, residual, e.residual_row, N, r.channels}, e);
}

void row(const F32DepthwiseRow& r) {
  Clamp clamps{};
  clamps.clamps =
      clamp_bounds(*r.epilogue, clamps.low, clamps.high) && !(r.residual != nullptr && r.epilogue->residual_after);
  const int64_t extent = (r.kernel_w - 1) * r.dilation_w;
  for (int64_t pixel = 0; pixel < r.out_w;) {
    const int64_t first_column = pixel * r.stride_w - r.pad_left;
    const bool inside = first_column >= 0 && first_column + extent < r.in_w;
    if (inside && pixel + kPixels <= r.out_w && first_column + (kPixels - 1) * r.stride_w + extent < r.in_w) {
      all_channels<kPixels>(r, pixel, 0, r.kernel_w, clamps);
      pixel += kPixels;
      continue;
    }
    int64_t begin = 0;
    int64_t end = r.kernel_w;
    while (begin < end && first_column + begin * r.dilation_w < 0) ++begin;
    while (begin < end && first_column + (end - 1) * r.dilation_w >= r.in_w) --end;
    all_channels<1>(r, pixel, begin, end, clamps);
    ++pixel;
  }
}

}  // namespace

const F32DepthwiseFunctions kF32Depthwise = {row};

}  // namespace burnish::BURNISH_SIMD
