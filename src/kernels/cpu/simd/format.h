#pragma once
// How the numbers of a run of memory are stored, as the kernels of this folder are told it: ops/encoding.h without the
// standard library.
#include <stdint.h>

namespace burnish {

enum class Storage : uint8_t { kFloat, kBFloat16, kHalf, kUInt8, kInt8 };

/// A stored number q stands for scale·(q − zero); floats stand for themselves and ignore both. Scales of integers are
/// within [2⁻¹⁰⁰, 2¹⁰⁰]: see is_storable() in tensor_format.h.
struct Format {
  Storage storage = Storage::kFloat;
  float scale = 1;
  int32_t zero = 0;
};

constexpr bool is_integer(Storage s) {
  return s >= Storage::kUInt8;
}
constexpr int64_t size_of(Storage s) {
  return is_integer(s) ? 1 : s == Storage::kFloat ? 4 : 2;
}

}  // namespace burnish
