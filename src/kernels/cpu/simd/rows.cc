#include "kernels/cpu/simd/rows.h"

#include "kernels/cpu/simd/math.h"
#include "kernels/cpu/simd/storage.h"

namespace burnish::BURNISH_SIMD {
namespace {

/// Folds a row with four independent accumulators. Lanes that do not exist hold `neutral`.
template <typename F>
BURNISH_INLINE Vec fold(const float* x, int64_t n, float neutral, F f) {
  Vec a[4] = {set1(neutral), set1(neutral), set1(neutral), set1(neutral)};
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    for (int k = 0; k < 4; ++k) a[k] = f(a[k], load(x + i + k * kLanes));
  }
  for (; i + kLanes <= n; i += kLanes) a[0] = f(a[0], load(x + i));
  if (i < n) a[1] = select(first(n - i), f(a[1], load(x + i, first(n - i))), a[1]);
  a[0] = f(a[0], a[1]);
  a[2] = f(a[2], a[3]);
  return f(a[0], a[2]);
}

template <typename F>
BURNISH_INLINE void map(const float* x, float* y, int64_t n, F f) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(y + i, f(load(x + i), i, first(kLanes)));
  if (i < n) store(y + i, f(load(x + i, first(n - i)), i, first(n - i)), first(n - i));
}

float sum(const float* x, int64_t n) {
  return reduce_add(fold(x, n, 0, [](Vec a, Vec b) { return add(a, b); }));
}
float maximum(const float* x, int64_t n) {
  const Vec m = fold(x, n, -__builtin_inff(), [](Vec a, Vec b) { return max_or_nan(a, b); });
  float lanes[kLanes];
  store(lanes, m);
  float best = lanes[0];
  for (int i = 1; i < kLanes; ++i) best = lanes[i] > best || lanes[i] != lanes[i] ? lanes[i] : best;
  return best;
}
float minimum(const float* x, int64_t n) {
  const Vec m = fold(x, n, __builtin_inff(), [](Vec a, Vec b) { return min_or_nan(a, b); });
  float lanes[kLanes];
  store(lanes, m);
  float best = lanes[0];
  for (int i = 1; i < kLanes; ++i) best = lanes[i] < best || lanes[i] != lanes[i] ? lanes[i] : best;
  return best;
}

/// Σ (x − shift)²
BURNISH_INLINE float sum_of_squares(const float* x, int64_t n, float shift) {
  const Vec s = set1(shift);
  Vec a[2] = {zero(), zero()};
  int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    for (int k = 0; k < 2; ++k) {
      const Vec d = sub(load(x + i + k * kLanes), s);
      a[k] = fma(d, d, a[k]);
    }
  }
  for (; i < n; i += kLanes) {
    const Mask m = first(n - i < kLanes ? n - i : kLanes);
    const Vec d = select(m, sub(load(x + i, m), s), zero());
    a[0] = fma(d, d, a[0]);
  }
  return reduce_add(add(a[0], a[1]));
}

void layer_norm(const float* x, int64_t n, float epsilon, const float* scale, const float* bias, float* y) {
  const float mean = sum(x, n) / (float)n;
  const float inverse = 1.0F / __builtin_sqrtf(sum_of_squares(x, n, mean) / (float)n + epsilon);
  const Vec m = set1(mean), r = set1(inverse);
  if (bias == nullptr) {
    return map(x, y, n, [=](Vec v, int64_t i, Mask mask) { return mul(mul(sub(v, m), r), load(scale + i, mask)); });
  }
  map(x, y, n,
      [=](Vec v, int64_t i, Mask mask) { return fma(mul(sub(v, m), r), load(scale + i, mask), load(bias + i, mask)); });
}

void rms_norm(const float* x, int64_t n, float epsilon, const float* scale, float* y) {
  const Vec r = set1(1.0F / __builtin_sqrtf(sum_of_squares(x, n, 0) / (float)n + epsilon));
  map(x, y, n, [=](Vec v, int64_t i, Mask mask) { return mul(mul(v, r), load(scale + i, mask)); });
}

/// y = exp(x − shift), the sum of which is returned.
BURNISH_INLINE float exponentials(const float* x, int64_t n, float shift, float* y) {
  const Vec s = set1(shift);
  Vec total = zero();
  map(x, y, n, [&total, s](Vec v, int64_t, Mask mask) {
    const Vec e = exp(sub(v, s));
    total = add(total, select(mask, e, zero()));
    return e;
  });
  return reduce_add(total);
}

void scale(float* y, int64_t n, float factor) {
  const Vec f = set1(factor);
  map(y, y, n, [f](Vec v, int64_t, Mask) { return mul(v, f); });
}

/// NaN may be lost here; it comes back through the sum of exponentials.
BURNISH_INLINE float largest_number(const float* x, int64_t n) {
  return reduce_max(fold(x, n, -__builtin_inff(), [](Vec a, Vec b) { return max(a, b); }));
}

void softmax(const float* x, int64_t n, float* y) {
  const float total = exponentials(x, n, largest_number(x, n), y);
  scale(y, n, 1.0F / total);
}

void log_softmax(const float* x, int64_t n, float* y) {
  const float largest = largest_number(x, n);
  const Vec s = set1(largest);
  Vec total = zero();
  for (int64_t i = 0; i < n; i += kLanes) {
    const Mask m = first(n - i < kLanes ? n - i : kLanes);
    total = add(total, select(m, exp(sub(load(x + i, m), s)), zero()));
  }
  const float shift = __builtin_logf(reduce_add(total));
  const Vec t = set1(shift);
  map(x, y, n, [s, t](Vec v, int64_t, Mask) { return sub(sub(v, s), t); });
}

/// f(first column, mask) for vectors of columns.
template <typename F>
BURNISH_INLINE void for_columns(int64_t width, F f) {
  for (int64_t c = 0; c < width; c += kLanes) f(c, first(width - c < kLanes ? width - c : kLanes));
}

/// finish() turns what f made of the stored numbers into what it would have made of what they stand for.
template <Storage S, typename F, typename G>
BURNISH_INLINE void fold_stored(const Element<S>* x, int64_t n, int64_t step, int64_t width, float* y, F f, G finish) {
  for_columns(width, [=](int64_t c, Mask m) {
    Vec a = load_as<S>(x + c, m);
    for (int64_t i = 1; i < n; ++i) a = f(a, load_as<S>(x + i * step + c, m));
    store(y + c, is_integer(S) ? finish(a) : a, m);
  });
}

template <typename F, typename G>
BURNISH_INLINE void fold_columns(const void* x, const Format& format, int64_t n, int64_t step, int64_t width, float* y,
                                 F f, G finish) {
  with_storage(format.storage, [&](auto s) {
    constexpr Storage kStorage = decltype(s)::value;
    fold_stored<kStorage>((const Element<kStorage>*)x, n, step, width, y, f, finish);
  });
}

void sum_columns(const void* x, const Format& format, int64_t n, int64_t step, int64_t width, float* y) {
  const Vec scale = set1(format.scale), zeros = set1((float)format.zero * (float)n);
  fold_columns(
      x, format, n, step, width, y, [](Vec a, Vec b) { return add(a, b); },
      [=](Vec a) { return mul(scale, sub(a, zeros)); });
}
void maximum_columns(const void* x, const Format& format, int64_t n, int64_t step, int64_t width, float* y) {
  const Vec scale = set1(format.scale), offset = set1((float)format.zero);
  fold_columns(
      x, format, n, step, width, y, [](Vec a, Vec b) { return max_or_nan(a, b); },
      [=](Vec a) { return mul(scale, sub(a, offset)); });
}
void minimum_columns(const void* x, const Format& format, int64_t n, int64_t step, int64_t width, float* y) {
  const Vec scale = set1(format.scale), offset = set1((float)format.zero);
  fold_columns(
      x, format, n, step, width, y, [](Vec a, Vec b) { return min_or_nan(a, b); },
      [=](Vec a) { return mul(scale, sub(a, offset)); });
}

void softmax_columns(const float* x, int64_t n, int64_t step, int64_t width, float* y) {
  for_columns(width, [=](int64_t c, Mask m) {
    Vec largest = load(x + c, m);
    for (int64_t i = 1; i < n; ++i) largest = max(largest, load(x + i * step + c, m));
    Vec total = zero();
    for (int64_t i = 0; i < n; ++i) {
      const Vec e = exp(sub(load(x + i * step + c, m), largest));
      total = add(total, e);
      store(y + i * step + c, e, m);
    }
    const Vec inverse = div(set1(1), total);
    for (int64_t i = 0; i < n; ++i) store(y + i * step + c, mul(load(y + i * step + c, m), inverse), m);
  });
}

}  // namespace

extern const RowKernels kRows = {layer_norm, rms_norm, softmax,     log_softmax,     softmax_columns, sum,
                                 maximum,    minimum,  sum_columns, maximum_columns, minimum_columns, scale};

}  // namespace burnish::BURNISH_SIMD
