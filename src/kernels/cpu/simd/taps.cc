#include "kernels/cpu/simd/taps.h"

#include "kernels/cpu/simd/math.h"
#include "kernels/cpu/simd/storage.h"

namespace burnish::BURNISH_SIMD {
namespace {

template <Storage S>
BURNISH_INLINE const Element<S>* tap(const Taps& taps, int64_t t) {
  return (const Element<S>*)taps.at[t];
}

/// finish(i, folded vector, mask…) for all vectors of elements.
template <Storage S, typename Fold, typename Finish>
BURNISH_INLINE void fold_taps(const Taps& taps, Fold fold, Finish finish) {
  int64_t i = 0;
  for (; i + 2 * kLanes <= taps.n; i += 2 * kLanes) {
    Vec a = load_as<S>(tap<S>(taps, 0) + i), b = load_as<S>(tap<S>(taps, 0) + i + kLanes);
    for (int64_t t = 1; t < taps.num_taps; ++t) {
      a = fold(a, load_as<S>(tap<S>(taps, t) + i));
      b = fold(b, load_as<S>(tap<S>(taps, t) + i + kLanes));
    }
    finish(i, a);
    finish(i + kLanes, b);
  }
  for (; i < taps.n; i += kLanes) {
    const Mask m = first(taps.n - i < kLanes ? taps.n - i : kLanes);
    Vec a = load_as<S>(tap<S>(taps, 0) + i, m);
    for (int64_t t = 1; t < taps.num_taps; ++t) a = fold(a, load_as<S>(tap<S>(taps, t) + i, m));
    finish(i, a, m);
  }
}

template <Storage S>
void maximum_of_floats(const Taps& taps, Element<S>* y) {
  const Encoder<S> encoder(Format{S, 1, 0});
  fold_taps<S>(
      taps, [](Vec a, Vec b) { return max_or_nan(a, b); },
      [=](int64_t i, Vec v, auto... mask) { encoder.store(y + i, v, mask...); });
}

#if BURNISH_SIMD_avx2
using Register = __m256i;
BURNISH_INLINE Register load_register(const void* p) {
  return _mm256_loadu_si256((const __m256i*)p);
}
BURNISH_INLINE void store_register(void* p, Register r) {
  _mm256_storeu_si256((__m256i*)p, r);
}
BURNISH_INLINE Register flip_negative(Register x) {
  return _mm256_xor_si256(x, _mm256_and_si256(_mm256_srai_epi16(x, 15), _mm256_set1_epi16(0x7fff)));
}
BURNISH_INLINE Register add_words(Register a, int16_t b) {
  return _mm256_add_epi16(a, _mm256_set1_epi16(b));
}
template <Storage S>
BURNISH_INLINE Register larger(Register a, Register b) {
  if constexpr (S == Storage::kUInt8) return _mm256_max_epu8(a, b);
  if constexpr (S == Storage::kInt8) return _mm256_max_epi8(a, b);
  return _mm256_max_epi16(a, b);
}
#else
using Register = __m512i;
BURNISH_INLINE Register load_register(const void* p) {
  return _mm512_loadu_si512(p);
}
BURNISH_INLINE void store_register(void* p, Register r) {
  _mm512_storeu_si512(p, r);
}
BURNISH_INLINE Register flip_negative(Register x) {
  return _mm512_xor_si512(x, _mm512_and_si512(_mm512_srai_epi16(x, 15), _mm512_set1_epi16(0x7fff)));
}
BURNISH_INLINE Register add_words(Register a, int16_t b) {
  return _mm512_add_epi16(a, _mm512_set1_epi16(b));
}
template <Storage S>
BURNISH_INLINE Register larger(Register a, Register b) {
  if constexpr (S == Storage::kUInt8) return _mm512_max_epu8(a, b);
  if constexpr (S == Storage::kInt8) return _mm512_max_epi8(a, b);
  return _mm512_max_epi16(a, b);
}
#endif

/// Narrow floats as integers of the same order: negative ones run backwards, and a turn by the number of NaNs of one
/// sign puts the negative NaNs on top, above the positive ones.
template <Storage S>
constexpr int16_t kNans = S == Storage::kBFloat16 ? 127 : 1023;
template <Storage S>
BURNISH_INLINE Register to_order(Register x) {
  return is_integer(S) ? x : add_words(flip_negative(x), -kNans<S>);
}
template <Storage S>
BURNISH_INLINE Register from_order(Register x) {
  return is_integer(S) ? x : flip_negative(add_words(x, kNans<S>));
}

/// Elements of one or two bytes, a whole register at a time.
template <Storage S>
void maximum_of_integers(const Taps& taps, Element<S>* y) {
  constexpr int64_t kStep = sizeof(Register) / sizeof(Element<S>);
  const auto at = [&](int64_t i) {
    Register a = to_order<S>(load_register(tap<S>(taps, 0) + i));
    for (int64_t t = 1; t < taps.num_taps; ++t) {
      a = larger<S>(a, to_order<S>(load_register(tap<S>(taps, t) + i)));
    }
    store_register(y + i, from_order<S>(a));
  };
  if (taps.n < kStep) return maximum_of_floats<S>(taps, y);
  int64_t i = 0;
  for (; i + kStep <= taps.n; i += kStep) at(i);
  if (i < taps.n) at(taps.n - kStep);  // some elements once more
}

void maximum(const Taps& taps, Storage storage, void* y) {
  with_storage(storage, [&](auto s) {
    constexpr Storage kStorage = decltype(s)::value;
    auto* to = (Element<kStorage>*)y;
    if constexpr (kStorage == Storage::kFloat) return maximum_of_floats<kStorage>(taps, to);
    if constexpr (kStorage != Storage::kFloat) return maximum_of_integers<kStorage>(taps, to);
  });
}

template <Storage A, Storage B>
void sum_run(const Taps& taps, const Format& from, float factor, Element<B>* y, const Format& to) {
  const Encoder<B> encoder(to);
  const Vec f = set1(factor * (is_integer(A) ? from.scale : 1.0F));
  const Vec zeros = set1((float)(taps.num_taps * from.zero));
  fold_taps<A>(
      taps, [](Vec a, Vec b) { return add(a, b); },
      [=](int64_t i, Vec v, auto... mask) {
        if constexpr (is_integer(A)) v = sub(v, zeros);
        encoder.store(y + i, mul(v, f), mask...);
      });
}

void sum(const Taps& taps, const Format& from, float factor, void* y, const Format& to) {
  with_storage(from.storage, [&](auto a) {
    with_storage(to.storage, [&](auto b) {
      constexpr Storage kFrom = decltype(a)::value, kTo = decltype(b)::value;
      sum_run<kFrom, kTo>(taps, from, factor, (Element<kTo>*)y, to);
    });
  });
}

}  // namespace

extern const TapKernels kTaps = {maximum, sum};

}  // namespace burnish::BURNISH_SIMD
