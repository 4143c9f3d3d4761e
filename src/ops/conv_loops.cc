#include "ops/conv_loops.h"

#include <algorithm>
#include <vector>

namespace burnish {
namespace {

int64_t volume(const Spatial& s) {
  return s[0] * s[1] * s[2];
}

/// For one kernel position and every pair of rows it joins: f(in_row, out_row), rows counted over the leading two dims.
/// `from` are the strided positions: in = from·stride − pad + k·dilation.
template <typename F>
void for_rows(const ConvSizes& s, const Spatial& offset, const Spatial& from, const Spatial& to, F&& f) {
  const OutputRange z = inside(from[0], s.stride[0], offset[0], to[0]);
  const OutputRange y = inside(from[1], s.stride[1], offset[1], to[1]);
  for (int64_t d = z.begin; d < z.end; ++d) {
    for (int64_t h = y.begin; h < y.end; ++h)
      f((d * s.stride[0] + offset[0]) * to[1] + h * s.stride[1] + offset[1], d * from[1] + h);
  }
}

template <typename F>
void for_kernel(const ConvSizes& s, F&& f) {
  int64_t k = 0;
  for (int64_t d = 0; d < s.kernel[0]; ++d)
    for (int64_t h = 0; h < s.kernel[1]; ++h)
      for (int64_t w = 0; w < s.kernel[2]; ++w, ++k)
        f(k, Spatial{d * s.dilation[0] - s.pad[0], h * s.dilation[1] - s.pad[1], w * s.dilation[2] - s.pad[2]});
}

/// One input plane into one output plane.
template <typename T>
void convolve_plane(const ConvSizes& s, const T* x, const T* w, T* y) {
  for_kernel(s, [&](int64_t k, const Spatial& offset) {
    const T weight = w[k];
    const int64_t stride = s.stride[2];
    const OutputRange row = inside(s.out[2], stride, offset[2], s.in[2]);
    for_rows(s, offset, s.out, s.in, [&](int64_t in_row, int64_t out_row) {
      const T* in = x + in_row * s.in[2] + offset[2];
      T* out = y + out_row * s.out[2];
      if (stride == 1) {
        for (int64_t i = row.begin; i < row.end; ++i) out[i] += weight * in[i];
      } else {
        for (int64_t i = row.begin; i < row.end; ++i) out[i] += weight * in[i * stride];
      }
    });
  });
}

template <typename T>
void scatter_plane(const ConvSizes& s, const T* x, const T* w, T* y) {
  for_kernel(s, [&](int64_t k, const Spatial& offset) {
    const OutputRange row = inside(s.in[2], s.stride[2], offset[2], s.out[2]);
    for_rows(s, offset, s.in, s.out, [&](int64_t out_row, int64_t in_row) {
      const T* in = x + in_row * s.in[2];
      T* out = y + out_row * s.out[2] + offset[2];
      for (int64_t i = row.begin; i < row.end; ++i) out[i * s.stride[2]] += w[k] * in[i];
    });
  });
}

// Rows this short leave the inner loop over a row with little to do; output channels are the better inner loop then.
constexpr int64_t kShortRow = 16;

/// [rows, columns] → [columns, rows].
template <typename T>
void transpose(const T* from, int64_t rows, int64_t columns, T* to) {
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) to[j * rows + i] = from[i * columns + j];
}

/// One group with the output channels innermost.
template <typename T>
void convolve_by_channels(const ConvSizes& s, const T* x, const T* w, T* y) {
  const int64_t n = s.out_channels, in_plane = volume(s.in), out_plane = volume(s.out), taps = volume(s.kernel);
  std::vector<T> weights(static_cast<size_t>(n * s.in_channels * taps)), sums(static_cast<size_t>(n * out_plane));
  transpose(w, n, s.in_channels * taps, weights.data());
  for_kernel(s, [&](int64_t k, const Spatial& offset) {
    const OutputRange row = inside(s.out[2], s.stride[2], offset[2], s.in[2]);
    for_rows(s, offset, s.out, s.in, [&](int64_t in_row, int64_t out_row) {
      for (int64_t i = row.begin; i < row.end; ++i) {
        const T* in = x + in_row * s.in[2] + i * s.stride[2] + offset[2];
        T* sum = sums.data() + (out_row * s.out[2] + i) * n;
        for (int64_t c = 0; c < s.in_channels; ++c) {
          const T* tap = weights.data() + (c * taps + k) * n;
          const T v = in[c * in_plane];
          for (int64_t o = 0; o < n; ++o) sum[o] += v * tap[o];
        }
      }
    });
  });
  transpose(sums.data(), out_plane, n, y);
}

/// A 1×1 convolution without strides and pads sees the image as one long row.
ConvSizes flattened(const ConvSizes& s) {
  const bool pointwise = volume(s.kernel) == 1 && volume(s.stride) == 1 && s.pad == Spatial{} && s.in == s.out;
  if (!pointwise) return s;
  ConvSizes flat = s;
  flat.in = flat.out = {1, 1, volume(s.in)};
  return flat;
}

}  // namespace

template <typename T>
void convolve(const ConvSizes& sizes, const T* x, const T* w, T* y) {
  const ConvSizes s = flattened(sizes);
  const int64_t in_plane = volume(s.in), out_plane = volume(s.out), taps = volume(s.kernel);
  const bool short_rows = s.out[2] < 2 * kShortRow && s.out_channels >= kShortRow;
  std::fill_n(y, s.batch * s.group * s.out_channels * out_plane, T{});
  if (in_plane == 0 || out_plane == 0) return;
  for (int64_t ng = 0; ng < s.batch * s.group; ++ng) {
    const T* group_w = w + ng % s.group * s.out_channels * s.in_channels * taps;
    const T* group_x = x + ng * s.in_channels * in_plane;
    T* group_y = y + ng * s.out_channels * out_plane;
    if (short_rows) {
      convolve_by_channels(s, group_x, group_w, group_y);
      continue;
    }
    for (int64_t o = 0; o < s.out_channels; ++o)
      for (int64_t i = 0; i < s.in_channels; ++i)
        convolve_plane(s, group_x + i * in_plane, group_w + (o * s.in_channels + i) * taps, group_y + o * out_plane);
  }
}

template <typename T>
void convolve_transposed(const ConvSizes& s, const T* x, const T* w, T* y) {
  const int64_t in_plane = volume(s.in), out_plane = volume(s.out), taps = volume(s.kernel);
  std::fill_n(y, s.batch * s.group * s.out_channels * out_plane, T{});
  if (in_plane == 0 || out_plane == 0) return;
  for (int64_t ng = 0; ng < s.batch * s.group; ++ng) {
    const int64_t g = ng % s.group;
    for (int64_t i = 0; i < s.in_channels; ++i)
      for (int64_t o = 0; o < s.out_channels; ++o)
        scatter_plane(s, x + (ng * s.in_channels + i) * in_plane,
                      w + ((g * s.in_channels + i) * s.out_channels + o) * taps,
                      y + (ng * s.out_channels + o) * out_plane);
  }
}

template <typename T>
void add_channel_bias(const T* bias, int64_t batch, int64_t channels, int64_t pixels, T* y) {
  for (int64_t n = 0; n < batch; ++n)
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t p = 0; p < pixels; ++p) *y++ += bias[c];
}

template void convolve<float>(const ConvSizes&, const float*, const float*, float*);
template void convolve<double>(const ConvSizes&, const double*, const double*, double*);
template void convolve_transposed<float>(const ConvSizes&, const float*, const float*, float*);
template void convolve_transposed<double>(const ConvSizes&, const double*, const double*, double*);
template void add_channel_bias<float>(const float*, int64_t, int64_t, int64_t, float*);
template void add_channel_bias<double>(const double*, int64_t, int64_t, int64_t, double*);

}  // namespace burnish
