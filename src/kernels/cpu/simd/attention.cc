#include "kernels/cpu/simd/attention.h"

#include "kernels/cpu/simd/attention_loops.h"

namespace burnish::BURNISH_SIMD {
namespace {

struct Floats {
  static constexpr int kPerElement = 1;
  static constexpr bool kScalesScores = false;
  BURNISH_INLINE Vec multiply_add(Vec a, Vec b, Vec sum) { return fma(a, b, sum); }
  BURNISH_INLINE Vec element_of(const Vec (&e)[1]) { return e[0]; }
};

}  // namespace

extern const AttentionKernels kAttention = {kMaxQueries, scratch_floats, run_any<Floats>, nullptr};

}  // namespace burnish::BURNISH_SIMD
