#pragma once
// The floats of eight and four bits, held one per byte.
// Sources: ONNX's float8 and float4 pages, the OCP 8-bit and microscaling (MX) specifications.
#include <cstdint>
#include <string_view>

#include "base/dtype.h"

namespace burnish {

/// FLOAT8E4M3FN, FLOAT8E4M3FNUZ, FLOAT8E5M2, FLOAT8E5M2FNUZ, FLOAT8E8M0 and FLOAT4E2M1.
bool is_minifloat(DType dtype);
float decode_minifloat(DType dtype, uint8_t bits);
/// Rounds to nearest even. Beyond the largest finite value: that value when saturating, else infinity, or NaN where the
/// format has no infinity. FLOAT4E2M1 always saturates. FLOAT8E8M0 rounds up, as encode_e8m0().
uint8_t encode_minifloat(DType dtype, float value, bool saturate);

enum class E8M0Rounding { kUp, kDown, kNearest };
/// "up", "down" or "nearest". Throws kInvalidModel.
E8M0Rounding parse_e8m0_rounding(std::string_view name);
/// A power of two from the exponent of a non-negative value; NaN gives NaN.
uint8_t encode_e8m0(float value, bool saturate, E8M0Rounding rounding);

/// Storage of one minifloat, convertible to and from float (saturating) as base/float_types.h's types are.
template <DType kDType>
struct MiniFloat {
  uint8_t bits = 0;
  MiniFloat() = default;
  explicit MiniFloat(float value) : bits(encode_minifloat(kDType, value, true)) {}
  explicit operator float() const { return decode_minifloat(kDType, bits); }
};

}  // namespace burnish
