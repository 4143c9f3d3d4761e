#include "kernels/cuda/storage_source.h"

#include <bit>

#include "kernels/cuda/generated.h"

namespace burnish::cuda {

bool is_storable(const Encoding& e) {
  return is_encodable(e.dtype) && (!e.is_integer() || (e.scale >= 0x1p-100F && e.scale <= 0x1p100F));
}

std::string literal_of(float value) {
  return fmt::format("__uint_as_float({:#x}u)", std::bit_cast<uint32_t>(value));
}

std::string_view quantized_source() {
  return R"cuda(
// The nearest integer of T that stands for ratio, clamped; NaN becomes the lowest.
template <typename T> __device__ __forceinline__ T quantized(float ratio, float zero) {
  const float low = T(-1) < T(0) ? -128.f : 0.f, high = T(-1) < T(0) ? 127.f : 255.f;
  const float q = rintf(ratio) + zero;
  return T(int32(!(q > low) ? low : q < high ? q : high));
}
)cuda";
}

std::string decode_source(std::string_view name, const Encoding& e) {
  const std::string value = e.is_integer() ? fmt::format("{} * (to_float(x) - {})", literal_of(e.scale),
                                                         literal_of(static_cast<float>(e.zero)))
                                           : "to_float(x)";
  return fmt::format("__device__ __forceinline__ float {}({} x) {{ return {}; }}\n", name, type_name(e.dtype), value);
}

std::string encode_source(std::string_view name, const Encoding& e) {
  const std::string_view type = type_name(e.dtype);
  const std::string value = e.is_integer() ? fmt::format("quantized<{}>(x / {}, {})", type, literal_of(e.scale),
                                                         literal_of(static_cast<float>(e.zero)))
                                           : fmt::format("from_float<{}>(x)", type);
  return fmt::format("__device__ __forceinline__ {} {}(float x) {{ return {}; }}\n", type, name, value);
}

Encoding x_encoding(const Problem& p, bool takes_integers) {
  const DType dtype = p.inputs[0].dtype;
  return takes_integers ? input_encoding(*p.attrs, 0, dtype) : Encoding{dtype};
}

Encoding y_encoding(const Problem& p, bool takes_integers) {
  return takes_integers ? output_encoding_like(*p.attrs, p.inputs[0].dtype) : Encoding{p.outputs[0].dtype};
}

}  // namespace burnish::cuda
