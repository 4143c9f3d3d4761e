// Lanes are channels; a register tile is several neighbouring results, so that a weight is loaded once for all of them,
// and an element of X once for all the results of a row that need it.
#include "kernels/cpu/simd/depthwise.h"

#include "kernels/cpu/simd/epilogue.h"
#include "kernels/cpu/simd/storage.h"

namespace burnish::BURNISH_SIMD {
namespace {

constexpr int kPixels = 8;

/// How a row of results ends: in registers where the activation is a clamp and nothing is added, else by way of floats.
struct Ending {
  bool clamps;
  float low, high;
};

/// N results of one vector of channels.
struct Tile {
  int64_t first_pixel, tap_begin, tap_end, channel;
  Mask mask;
  bool whole;  ///< All lanes are there.
};

BURNISH_INLINE int64_t padded_channels(const DepthwiseRow& r) {
  return (r.channels + kPanelColumns - 1) / kPanelColumns * kPanelColumns;
}

template <Storage X>
BURNISH_INLINE Vec load_tap(const Element<X>* x, const Tile& t) {
  return t.whole ? load_as<X>(x) : load_as<X>(x, t.mask);
}

/// acc[p] += one row of taps; weight_sum += their weights.
template <Storage X, int N>
BURNISH_INLINE void add_taps(const DepthwiseRow& r, const Tile& t, const Element<X>* x, const float* w, Vec (&acc)[N],
                             Vec& weight_sum) {
  const int64_t step = r.stride_w * r.x_pixel, tap_step = r.dilation_w * r.x_pixel, weight_step = padded_channels(r);
  x += t.tap_begin * tap_step;
  w += t.tap_begin * weight_step;
  for (int64_t kx = t.tap_begin; kx < t.tap_end; ++kx, x += tap_step, w += weight_step) {
    const Vec weight = load(w);
    if constexpr (is_integer(X)) weight_sum = add(weight_sum, weight);
#pragma GCC unroll 8
    for (int p = 0; p < N; ++p) acc[p] = fma(load_tap<X>(x + p * step, t), weight, acc[p]);
  }
}

/// The same for kernels of K columns, kStride apart, without dilation.
template <Storage X, int N, int K, int kStride>
BURNISH_INLINE void add_known_taps(const DepthwiseRow& r, const Tile& t, const Element<X>* x, const float* w,
                                   Vec (&acc)[N], Vec& weight_sum) {
  const int64_t weight_step = padded_channels(r);
  Vec weights[K];
#pragma GCC unroll 8
  for (int k = 0; k < K; ++k) {
    weights[k] = load(w + k * weight_step);
    if constexpr (is_integer(X)) weight_sum = add(weight_sum, weights[k]);
  }
#pragma GCC unroll 32
  for (int column = 0; column < (N - 1) * kStride + K; ++column, x += r.x_pixel) {
    const Vec v = load_tap<X>(x, t);
#pragma GCC unroll 8
    for (int p = 0; p < N; ++p) {
      const int k = column - p * kStride;
      if (k >= 0 && k < K) acc[p] = fma(v, weights[k], acc[p]);
    }
  }
}

/// Calls add(x, w) for every row of taps inside the image.
template <Storage X, typename F>
BURNISH_INLINE void for_tap_rows(const DepthwiseRow& r, const Tile& t, F add) {
  const auto* x = (const Element<X>*)r.x + t.first_pixel * r.stride_w * r.x_pixel + t.channel;
  const float* w = r.weights + t.channel;
  for (int64_t ky = r.row_begin; ky < r.row_end; ++ky) {
    add(x + ky * r.tap_row, w + ky * r.kernel_w * padded_channels(r));
  }
}

/// values = what the residual stands for.
void decode_residual(const DepthwiseRow& r, const UnfinishedResults& u, float* values) {
  with_storage(r.residual_format.storage, [&](auto s) {
    constexpr Storage kStorage = decltype(s)::value;
    const Decoder<kStorage> decoder(r.residual_format);
    const auto* from = (const Element<kStorage>*)r.residual + u.first_pixel * r.residual_pixel + u.first_channel;
    for (int64_t p = 0; p < u.pixels; ++p) {
      for (int64_t c = 0; c < u.channels; c += kLanes) {
        const Vec v =
            decoder.load(from + p * r.residual_pixel + c, first(u.channels - c < kLanes ? u.channels - c : kLanes));
        store(values + p * u.row + c, v);
      }
    }
  });
}

/// Results by way of floats: residual, any activation, residual, encoding.
void finish_slowly(const DepthwiseRow& r, const UnfinishedResults& u) {
  const F32Epilogue& e = *r.epilogue;
  float residual[kUnfinishedPixels * kUnfinishedRow];
  const bool adds = r.residual != nullptr;
  if (adds) decode_residual(r, u, residual);
  const bool dense = u.row - u.channels < kLanes;  // then as one long row
  const int64_t rows = dense ? 1 : u.pixels, columns = dense ? u.pixels * u.row : u.channels;
  for (int64_t i = 0; adds && !e.residual_after && i < rows; ++i) {
    for (int64_t at = i * u.row; at < i * u.row + columns; at += kLanes) {
      store(u.values + at, add(load(u.values + at), load(residual + at)));
    }
  }
  activate_rows({u.values, u.row, adds && e.residual_after ? residual : nullptr, u.row, rows, columns}, e);
  with_storage(r.y_format.storage, [&](auto s) {
    constexpr Storage kStorage = decltype(s)::value;
    const Encoder<kStorage> encoder(r.y_format);
    auto* y = (Element<kStorage>*)r.y + u.first_pixel * r.y_pixel + u.first_channel;
    for (int64_t p = 0; p < u.pixels; ++p) {
      for (int64_t c = 0; c < u.channels; c += kLanes) {
        const Mask mask = first(u.channels - c < kLanes ? u.channels - c : kLanes);
        encoder.store(y + p * r.y_pixel + c, load(u.values + p * u.row + c), mask);
      }
    }
  });
}

template <Storage X, Storage Y, int N>
BURNISH_INLINE void finish(const DepthwiseRow& r, const Tile& t, const Ending& ending, Vec (&acc)[N], Vec weight_sum) {
  const F32Epilogue& e = *r.epilogue;
  if constexpr (is_integer(X)) {
    const Vec bias = e.bias != nullptr ? load(e.bias + t.channel) : zero();
    const Vec shift = mul(weight_sum, set1((float)r.x_format.zero)), multiplier = load(r.multipliers + t.channel);
    for (int p = 0; p < N; ++p) acc[p] = fma(sub(acc[p], shift), multiplier, bias);
  }
  if (!ending.clamps || r.y_format.storage != Y) {
    float values[N * kLanes];
    for (int p = 0; p < N; ++p) store(values + p * kLanes, acc[p]);
    const int64_t left = r.channels - t.channel;
    return finish_slowly(r, {values, kLanes, t.first_pixel, N, t.channel, left < kLanes ? left : kLanes});
  }
  const Encoder<Y> encoder(r.y_format);
  auto* y = (Element<Y>*)r.y + t.first_pixel * r.y_pixel + t.channel;
  for (int p = 0; p < N; ++p, y += r.y_pixel) {
    const Vec v = clamp(acc[p], ending.low, ending.high);
    if (t.whole) {
      encoder.store(y, v);
    } else {
      encoder.store(y, v, t.mask);
    }
  }
}

/// kKnown: 10·K + stride of kernels with loops of their own, or 0.
template <Storage X, int N, int kKnown>
void multiply(const DepthwiseRow& r, const Tile& t, const Ending& ending) {
  const F32Epilogue& e = *r.epilogue;
  Vec acc[N], weight_sum = zero();
  const bool starts_with_bias = !is_integer(X) && e.bias != nullptr;
  const Vec start = starts_with_bias ? load(e.bias + t.channel) : zero();
  for (int p = 0; p < N; ++p) acc[p] = start;
  for_tap_rows<X>(r, t, [&](const Element<X>* x, const float* w) {
    if constexpr (kKnown == 0) add_taps<X, N>(r, t, x, w, acc, weight_sum);
    if constexpr (kKnown != 0) add_known_taps<X, N, kKnown / 10, kKnown % 10>(r, t, x, w, acc, weight_sum);
  });
  finish<X, X, N>(r, t, ending, acc, weight_sum);
}

using Multiply = void (*)(const DepthwiseRow&, const Tile&, const Ending&);

template <Storage X, int N>
Multiply inner_multiply(const DepthwiseRow& r) {
  const int64_t known = r.dilation_w == 1 && r.stride_w < 10 ? 10 * r.kernel_w + r.stride_w : 0;
  switch (known) {
    case 31:
      return multiply<X, N, 31>;
    case 32:
      return multiply<X, N, 32>;
    case 51:
      return multiply<X, N, 51>;
    case 52:
      return multiply<X, N, 52>;
    default:
      return multiply<X, N, 0>;
  }
}

void all_channels(const DepthwiseRow& r, Multiply multiply, int64_t pixel, int64_t tap_begin, int64_t tap_end,
                  const Ending& ending) {
  for (int64_t channel = 0; channel < r.channels; channel += kLanes) {
    const int64_t left = r.channels - channel;
    multiply(r, {pixel, tap_begin, tap_end, channel, first(left < kLanes ? left : kLanes), left >= kLanes}, ending);
  }
}

template <Storage X>
void row_of(const DepthwiseRow& r, const Ending& ending) {
  const Multiply many = inner_multiply<X, kPixels>(r), some = inner_multiply<X, kPixels / 2>(r);
  const int64_t extent = (r.kernel_w - 1) * r.dilation_w;
  const auto inside = [&](int64_t pixel, int64_t pixels) {
    const int64_t first_column = pixel * r.stride_w - r.pad_left;
    return first_column >= 0 && pixel + pixels <= r.out_w && first_column + (pixels - 1) * r.stride_w + extent < r.in_w;
  };
  for (int64_t pixel = 0; pixel < r.out_w;) {
    if (inside(pixel, kPixels)) {
      all_channels(r, many, pixel, 0, r.kernel_w, ending);
      pixel += kPixels;
    } else if (inside(pixel, kPixels / 2)) {
      all_channels(r, some, pixel, 0, r.kernel_w, ending);
      pixel += kPixels / 2;
    } else {
      const int64_t first_column = pixel * r.stride_w - r.pad_left;
      int64_t begin = 0, end = r.kernel_w;
      while (begin < end && first_column + begin * r.dilation_w < 0) ++begin;
      while (begin < end && first_column + (end - 1) * r.dilation_w >= r.in_w) --end;
      all_channels(r, multiply<X, 1, 0>, pixel, begin, end, ending);
      ++pixel;
    }
  }
}

void row(const DepthwiseRow& r) {
  Ending ending{};
  ending.clamps = clamp_bounds(*r.epilogue, ending.low, ending.high) && r.residual == nullptr;
  switch (r.x_format.storage) {
    case Storage::kFloat:
      return row_of<Storage::kFloat>(r, ending);
    case Storage::kBFloat16:
      return row_of<Storage::kBFloat16>(r, ending);
    case Storage::kHalf:
      return row_of<Storage::kHalf>(r, ending);
    default:
      return row_of<Storage::kUInt8>(r, ending);
  }
}

}  // namespace

const DepthwiseFunctions kDepthwise = {row, finish_slowly};

}  // namespace burnish::BURNISH_SIMD
