#include "compile/made_up_values.h"

#include <cstring>

#include "base/float_types.h"

namespace burnish {
namespace {

template <typename T, typename Encode>
void fill_floats(void* values, int64_t num_elements, const Encode& encode) {
  uint32_t state = 0x9e3779b9U;
  auto* element = static_cast<T*>(values);
  for (int64_t i = 0; i < num_elements; ++i) {
    state = state * 1664525U + 1013904223U;
    element[i] = encode(static_cast<float>(state >> 8U) / 16777216.0F - 0.5F);
  }
}

}  // namespace

void fill_made_up_values(DType dtype, void* values, int64_t num_elements) {
  if (dtype == DType::kFloat32) return fill_floats<float>(values, num_elements, [](float x) { return x; });
  if (dtype == DType::kFloat16) return fill_floats<uint16_t>(values, num_elements, float_to_half);
  if (dtype == DType::kBFloat16) return fill_floats<uint16_t>(values, num_elements, float_to_bfloat16);
  std::memset(values, dtype == DType::kBool ? 1 : 0, static_cast<size_t>(num_elements) * size_of(dtype));
}

}  // namespace burnish
