#pragma once
// Runs of numbers from one storage to another.
#include "kernels/cpu/simd/format.h"

namespace burnish {

struct ConvertKernels {
  /// to[i] stands for what from[i] stands for, as near as it can. Both may be the same memory if their elements are of
  /// the same size.
  void (*convert)(const void* from, const Format& from_format, void* to, const Format& to_format, int64_t n);
};

namespace avx2 {
extern const ConvertKernels kConvert;
}
namespace avx512 {
extern const ConvertKernels kConvert;
}
namespace avx512bf16 {
extern const ConvertKernels kConvert;  ///< Where bfloat16 is written, subnormal numbers become zero.
}

}  // namespace burnish
