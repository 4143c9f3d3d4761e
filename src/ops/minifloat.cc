#include "ops/minifloat.h"

#include <bit>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace burnish {
namespace {

// Sign, exponent and mantissa, as IEEE 754 but for what the largest exponents mean.
struct Format {
  int exponent_bits;
  int mantissa_bits;
  int bias;
  float largest;
  uint8_t nan;        // the bits of the positive NaN; 0 when there is none
  bool has_infinity;  // else what overflows becomes NaN
  bool one_zero;      // no negative zero: its bits are the only NaN
};

Format format_of(DType dtype) {
  switch (dtype) {
    case DType::kFloat8E4M3FN:
      return {4, 3, 7, 448, 0x7f, false, false};
    case DType::kFloat8E4M3FNUZ:
      return {4, 3, 8, 240, 0x80, false, true};
    case DType::kFloat8E5M2:
      return {5, 2, 15, 57344, 0x7e, true, false};
    case DType::kFloat8E5M2FNUZ:
      return {5, 2, 16, 57344, 0x80, false, true};
    case DType::kFloat4E2M1:
      return {2, 1, 1, 6, 0, false, false};
    default:
      throw_error(ErrorCode::kInternal, "{} is no minifloat", name_of(dtype));
  }
}

int sign_shift(const Format& f) {
  return f.exponent_bits + f.mantissa_bits;
}

bool is_nan_bits(const Format& f, uint8_t bits) {
  if (f.one_zero) return bits == 0x80;
  const int magnitude = bits & ((1 << sign_shift(f)) - 1);
  if (f.has_infinity) return magnitude > (((1 << f.exponent_bits) - 1) << f.mantissa_bits);
  return f.nan != 0 && magnitude == f.nan;
}

float decode(const Format& f, uint8_t bits) {
  if (is_nan_bits(f, bits)) return std::numeric_limits<float>::quiet_NaN();
  const int exponent = (bits >> f.mantissa_bits) & ((1 << f.exponent_bits) - 1);
  const int mantissa = bits & ((1 << f.mantissa_bits) - 1);
  const bool infinite = f.has_infinity && exponent == (1 << f.exponent_bits) - 1;
  const float magnitude = infinite        ? std::numeric_limits<float>::infinity()
                          : exponent == 0 ? std::ldexp(static_cast<float>(mantissa), 1 - f.bias - f.mantissa_bits)
                                          : std::ldexp(static_cast<float>(mantissa + (1 << f.mantissa_bits)),
                                                       exponent - f.bias - f.mantissa_bits);
  return (bits >> sign_shift(f)) & 1 ? -magnitude : magnitude;
}

// The bits of a finite magnitude; may exceed the largest value's by rounding.
int encode_magnitude(const Format& f, float magnitude) {
  if (magnitude == 0) return 0;
  const int exponent = std::max(std::ilogb(magnitude), 1 - f.bias);
  // In units of the last place: exact, so nearbyint alone rounds, to nearest even.
  const auto units = static_cast<int>(std::nearbyint(std::ldexp(magnitude, f.mantissa_bits - exponent)));
  return units + ((exponent + f.bias - 1) << f.mantissa_bits);
}

uint8_t overflow_bits(const Format& f, bool saturate) {
  if (saturate || f.nan == 0) return static_cast<uint8_t>(encode_magnitude(f, f.largest));
  return f.has_infinity ? static_cast<uint8_t>(((1 << f.exponent_bits) - 1) << f.mantissa_bits) : f.nan;
}

uint8_t encode(const Format& f, float value, bool saturate) {
  const int sign = std::signbit(value) ? 1 << sign_shift(f) : 0;
  if (std::isnan(value)) return f.nan == 0 ? static_cast<uint8_t>(8 ^ sign) : static_cast<uint8_t>(f.nan | sign);
  const float magnitude = std::fabs(value);
  // No int overflows: twice the largest value rounds beyond it in every format.
  int bits = magnitude >= 2 * f.largest ? 0x100 : encode_magnitude(f, magnitude);
  const int largest = encode_magnitude(f, f.largest);
  if (bits > largest) bits = overflow_bits(f, saturate);
  if (bits == 0 && f.one_zero) return 0;
  return static_cast<uint8_t>(bits | sign);
}

}  // namespace

bool is_minifloat(DType dtype) {
  return dtype >= DType::kFloat8E4M3FN && dtype <= DType::kFloat4E2M1;
}

float decode_minifloat(DType dtype, uint8_t bits) {
  if (dtype != DType::kFloat8E8M0) return decode(format_of(dtype), bits);
  return bits == 0xff ? std::numeric_limits<float>::quiet_NaN() : std::ldexp(1.0F, bits - 127);
}

uint8_t encode_minifloat(DType dtype, float value, bool saturate) {
  if (dtype == DType::kFloat8E8M0) return encode_e8m0(value, saturate, E8M0Rounding::kUp);
  return encode(format_of(dtype), value, saturate);
}

E8M0Rounding parse_e8m0_rounding(std::string_view name) {
  if (name == "up") return E8M0Rounding::kUp;
  if (name == "down") return E8M0Rounding::kDown;
  check(name == "nearest", ErrorCode::kInvalidModel, "round_mode '{}' is not up, down or nearest", name);
  return E8M0Rounding::kNearest;
}

uint8_t encode_e8m0(float value, bool saturate, E8M0Rounding rounding) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t exponent = (bits >> 23) & 0xffU;
  const uint32_t fraction = bits & 0x7fffffU;
  if (exponent == 0xff) return fraction == 0 && saturate ? 0xfe : 0xff;
  // Half way to the next power of two is a fraction of 2^22; ties go up unless the exponent is the least.
  const bool nearest_up = fraction > 0x400000U || (fraction == 0x400000U && exponent > 0);
  const bool up = rounding == E8M0Rounding::kUp ? fraction > 0 : rounding == E8M0Rounding::kNearest && nearest_up;
  if (!up || (saturate && exponent == 0xfe)) return static_cast<uint8_t>(exponent);
  return static_cast<uint8_t>(exponent + 1);
}

}  // namespace burnish
