// Winograd's minimal filtering F(m×m, 3×3) in the formulation of Lavin and Gray ("Fast Algorithms for Convolutional
// Neural Networks", 2015): Y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A, with the matrices of Cook and Toom for the points of
// winograd.h. The points come in pairs ±p, so that the rows of Bᵀ and the columns of Aᵀ share even and odd parts.
#include "kernels/cpu/simd/winograd.h"

#include "kernels/cpu/simd/epilogue.h"
#include "kernels/cpu/simd/narrow.h"

namespace burnish::BURNISH_SIMD {
namespace {

/// Coefficients for q = M/2 pairs of points.
template <int M>
struct Coefficients {
  static constexpr int kPairs = M / 2;
  float point[kPairs] = {};
  float square_power[kPairs][kPairs + 1] = {};  // point^(2k)
  float all[kPairs + 1] = {};                   // Π (y - p²), lowest power first
  float others[kPairs][kPairs] = {};            // the product without pair i

  constexpr Coefficients() {
    const double* points = kWinogradPoints[kPairs - 1];
    for (int i = 0; i < kPairs; ++i) {
      point[i] = static_cast<float>(points[i]);
      double power = 1;
      for (int k = 0; k <= kPairs; ++k, power *= points[i] * points[i]) square_power[i][k] = static_cast<float>(power);
    }
    multiply(points, -1, all);
    for (int i = 0; i < kPairs; ++i) multiply(points, i, others[i]);
  }

 private:
  static constexpr void multiply(const double* points, int skipped, float* out) {
    double c[kPairs + 2] = {1};
    int degree = 0;
    for (int i = 0; i < kPairs; ++i) {
      if (i == skipped) continue;
      const double square = points[i] * points[i];
      for (int k = ++degree; k >= 0; --k) c[k] = (k > 0 ? c[k - 1] : 0) - square * c[k];
    }
    for (int k = 0; k <= degree; ++k) out[k] = static_cast<float>(c[k]);
  }
};

template <int M>
constexpr Coefficients<M> kCoefficients{};

BURNISH_INLINE Vec times(float factor, Vec v) {
  return factor == 1 ? v : mul(set1(factor), v);
}
BURNISH_INLINE Vec times_plus(float factor, Vec v, Vec sum) {
  return factor == 1 ? add(v, sum) : fma(set1(factor), v, sum);
}

/// Bᵀ d: positions in the order 0, +p₁, -p₁, +p₂, …, ∞.
template <int M>
BURNISH_INLINE void transform_input(const Vec (&d)[M + 2], Vec (&v)[M + 2]) {
  constexpr int kPairs = M / 2;
  constexpr auto& c = kCoefficients<M>;
  Vec zero_row = d[2 * kPairs];  // the leading coefficient of all products is one
  Vec infinity_row = d[2 * kPairs + 1];
#pragma GCC unroll 4
  for (int k = 0; k < kPairs; ++k) {
    zero_row = fma(set1(c.all[k]), d[2 * k], zero_row);
    infinity_row = fma(set1(c.all[k]), d[2 * k + 1], infinity_row);
  }
  v[0] = zero_row;
  v[M + 1] = infinity_row;
#pragma GCC unroll 4
  for (int i = 0; i < kPairs; ++i) {
    Vec even = d[2 * kPairs];
    Vec odd = d[2 * kPairs - 1];
#pragma GCC unroll 4
    for (int k = 0; k < kPairs - 1; ++k) {
      even = fma(set1(c.others[i][k]), d[2 * k + 2], even);
      odd = fma(set1(c.others[i][k]), d[2 * k + 1], odd);
    }
    v[2 * i + 1] = times_plus(c.point[i], odd, even);
    v[2 * i + 2] = c.point[i] == 1 ? sub(even, odd) : fnma(set1(c.point[i]), odd, even);
  }
}

/// Aᵀ p.
template <int M>
BURNISH_INLINE void transform_output(const Vec (&p)[M + 2], Vec (&y)[M]) {
  constexpr int kPairs = M / 2;
  constexpr auto& c = kCoefficients<M>;
  Vec sum[kPairs];
  Vec difference[kPairs];
#pragma GCC unroll 4
  for (int i = 0; i < kPairs; ++i) {
    sum[i] = add(p[2 * i + 1], p[2 * i + 2]);
    difference[i] = times(c.point[i], sub(p[2 * i + 1], p[2 * i + 2]));
  }
#pragma GCC unroll 4
  for (int k = 0; k < kPairs; ++k) {
    Vec even = times(c.square_power[0][k], sum[0]);
    Vec odd = times(c.square_power[0][k], difference[0]);
#pragma GCC unroll 4
    for (int i = 1; i < kPairs; ++i) {
      even = times_plus(c.square_power[i][k], sum[i], even);
      odd = times_plus(c.square_power[i][k], difference[i], odd);
    }
    y[2 * k] = k == 0 ? add(even, p[0]) : even;
    y[2 * k + 1] = k == kPairs - 1 ? add(odd, p[M + 1]) : odd;
  }
}

template <typename V, int M, typename Load>
BURNISH_INLINE void transform_tile(const WinogradInput& t, int64_t channel, Load load_pixel) {
  constexpr int N = M + 2;
  Vec half[N][N];
#pragma GCC unroll 8
  for (int j = 0; j < N; ++j) {
    Vec d[N];
    Vec v[N];
#pragma GCC unroll 8
    for (int i = 0; i < N; ++i) d[i] = load_pixel(i, j);
    transform_input<M>(d, v);
#pragma GCC unroll 8
    for (int i = 0; i < N; ++i) half[i][j] = v[i];
  }
#pragma GCC unroll 8
  for (int i = 0; i < N; ++i) {
    Vec v[N];
    transform_input<M>(half[i], v);
#pragma GCC unroll 8
    for (int j = 0; j < N; ++j) V::store(t.v + (i * N + j) * t.v_position + channel * V::kBytes, v[j]);
  }
}

/// S, V: how X and the transformed tile are stored.
template <typename S, typename V, int M>
void input(const WinogradInput& t) {
  constexpr int N = M + 2;
  const bool whole = t.row_begin == 0 && t.column_begin == 0 && t.row_end == N && t.column_end == N;
  int64_t channel = 0;
  if (whole) {
    for (; channel + kLanes <= t.channels; channel += kLanes) {
      const char* x = t.x + channel * S::kBytes;
      transform_tile<V, M>(t, channel, [&](int i, int j) { return S::load(x + i * t.row + j * t.pixel); });
    }
  }
  for (; channel < t.channels; channel += kLanes) {
    const char* x = t.x + channel * S::kBytes;
    const int64_t lanes = t.channels - channel < kLanes ? t.channels - channel : kLanes;
    transform_tile<V, M>(t, channel, [&](int i, int j) {
      const bool inside = i >= t.row_begin && i < t.row_end && j >= t.column_begin && j < t.column_end;
      return inside ? S::load(x + i * t.row + j * t.pixel, lanes) : zero();
    });
  }
}

/// Results of one vector of channels, before bias and activation.
template <int M>
BURNISH_INLINE void finish_channels(const WinogradOutput& t, int64_t channel, Vec (&y)[M][M]) {
  constexpr int N = M + 2;
  const float* p = t.products + channel;
  Vec half[M][N];
#pragma GCC unroll 8
  for (int j = 0; j < N; ++j) {
    Vec column[N];
    Vec result[M];
#pragma GCC unroll 8
    for (int i = 0; i < N; ++i) column[i] = load(p + (i * N + j) * t.position);
    transform_output<M>(column, result);
#pragma GCC unroll 8
    for (int i = 0; i < M; ++i) half[i][j] = result[i];
  }
#pragma GCC unroll 8
  for (int i = 0; i < M; ++i) transform_output<M>(half[i], y[i]);
}

/// Y and a residual before the activation are stored as S. Other activations than clamps, and residuals behind them,
/// are for floats only.
template <typename S, int M>
void output(const WinogradOutput& t) {
  const Epilogue& e = *t.epilogue;
  float low = 0;
  float high = 0;
  const bool before = t.residual != nullptr && !e.residual_after;
  const bool after = t.residual != nullptr && e.residual_after;
  const bool clamps = clamp_bounds(e, low, high) && !after;
  for (int64_t channel = 0; channel < t.channels; channel += kLanes) {
    const int64_t lanes = t.channels - channel < kLanes ? t.channels - channel : kLanes;
    Vec y[M][M];
    finish_channels<M>(t, channel, y);
    const Vec bias = e.bias != nullptr ? load(e.bias + channel) : zero();
    for (int i = 0; i < t.rows; ++i) {
      for (int j = 0; j < t.columns; ++j) {
        Vec v = add(y[i][j], bias);
        const char* residual =
            t.residual + (before ? i * e.residual_group + j * e.residual_row + channel * S::kBytes : 0);
        if (before) v = add(v, S::load(residual, lanes));
        if (clamps) v = clamp(v, low, high);
        char* to = t.y + i * t.row + j * t.pixel + channel * S::kBytes;
        if (lanes == kLanes) {
          S::store(to, v);
        } else {
          S::store(to, v, lanes);
        }
      }
    }
  }
  if (clamps || S::kStored != Stored::kFloat) return;
  for (int i = 0; i < t.rows; ++i) {
    const auto* residual = after ? reinterpret_cast<const float*>(t.residual + i * e.residual_group) : nullptr;
    auto* y = reinterpret_cast<float*>(t.y + i * t.row);
    activate_rows({y, t.pixel / 4, residual, e.residual_row / 4, t.columns, t.channels}, e);
  }
}

/// As many channels at a time as finish_tile() stores at once, by way of a buffer.
template <int M>
void output_any(const WinogradOutput& t) {
  constexpr int64_t kChannels = kByteVecs * kLanes;
  const Epilogue& e = *t.epilogue;
  alignas(64) float values[M * M * kChannels] = {};
  for (int64_t begin = 0; begin < t.channels; begin += kChannels) {
    const int64_t count = t.channels - begin < kChannels ? t.channels - begin : kChannels;
    for (int64_t i = 0; i < count; i += kLanes) {
      Vec y[M][M];
      finish_channels<M>(t, begin + i, y);
      const Vec bias = e.bias != nullptr ? load(e.bias + begin + i) : zero();
      const Vec multiplier = e.multiplier != nullptr ? load(e.multiplier + begin + i) : set1(1);
      for (int k = 0; k < M * M; ++k) store(values + k * kChannels + i, fma(y[k / M][k % M], multiplier, bias));
    }
    for (int i = 0; i < t.rows; ++i) {
      TileResults row{values + i * M * kChannels, kChannels, t.columns, count, &e};
      row.c = t.y + i * t.row + begin * stored_bytes(e.stored);
      row.c_row = t.pixel;
      if (t.residual != nullptr) {
        row.residual = t.residual + i * e.residual_group + begin * stored_bytes(e.residual_stored);
      }
      base::finish_tile(row);
    }
  }
}

}  // namespace

const WinogradFunctions kWinograd = {{input<AsFloat, AsFloat, 2>, input<AsFloat, AsFloat, 4>},
                                     {input<AsBFloat16, AsFloat, 2>, input<AsBFloat16, AsFloat, 4>},
                                     {input<AsHalf, AsFloat, 2>, input<AsHalf, AsFloat, 4>},
                                     {input<AsBFloat16, AsBFloat16, 2>, input<AsBFloat16, AsBFloat16, 4>},
                                     {output<AsFloat, 2>, output<AsFloat, 4>},
                                     {output<AsBFloat16, 2>, output<AsBFloat16, 4>},
                                     {output_any<2>, output_any<4>}};

}  // namespace burnish::BURNISH_SIMD
