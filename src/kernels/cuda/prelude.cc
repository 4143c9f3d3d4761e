#include "kernels/cuda/prelude.h"

namespace burnish::cuda {

// No header of CUDA's is included: they cost more to read than our programs to compile.
namespace {

constexpr std::string_view kTypesAndFunctions = R"cuda(
using int64 = long long;
using uint64 = unsigned long long;
using uint32 = unsigned int;
using int32 = int;
using uint16 = unsigned short;
using uint8 = unsigned char;
using int8 = signed char;
struct f16 { uint16 bits; };
struct bf16 { uint16 bits; };

// Starts early (programmatic dependent launch): nothing that other kernels write may be read, and nothing that others
// read may be written, before this.
__device__ __forceinline__ void wait_for_inputs() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
// The next kernel may be started while this one still runs.
__device__ __forceinline__ void let_next_start() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;");
#endif
}

__device__ __forceinline__ float to_float(float x) { return x; }
__device__ __forceinline__ float to_float(f16 x) {
  float y;
  asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits));
  return y;
}
__device__ __forceinline__ float to_float(bf16 x) { return __uint_as_float(uint32(x.bits) << 16); }
__device__ __forceinline__ float to_float(int8 x) { return float(x); }
__device__ __forceinline__ float to_float(uint8 x) { return float(x); }
__device__ __forceinline__ float to_float(int32 x) { return float(x); }
__device__ __forceinline__ float to_float(int64 x) { return float(x); }

template <typename T> __device__ __forceinline__ T from_float(float x);
template <> __device__ __forceinline__ float from_float<float>(float x) { return x; }
template <> __device__ __forceinline__ f16 from_float<f16>(float x) {
  f16 y;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
  return y;
}
template <> __device__ __forceinline__ bf16 from_float<bf16>(float x) {
  bf16 y;
#if __CUDA_ARCH__ >= 800
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
#else
  const uint32 u = __float_as_uint(x);
  y.bits = x != x ? uint16(0x7fff) : uint16((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
#endif
  return y;
}
// The second goes to the upper half.
template <typename T> __device__ __forceinline__ uint32 pack2(float low, float high) {
  return uint32(from_float<T>(low).bits) | uint32(from_float<T>(high).bits) << 16;
}

// N elements that are read and written at once; N * sizeof(T) is 1, 2, 4, 8 or 16.
template <typename T, int N> struct alignas(sizeof(T) * N) Vec { T v[N]; };
template <typename T, int N> __device__ __forceinline__ Vec<T, N> load_vec(const T* p) {
  return *reinterpret_cast<const Vec<T, N>*>(p);
}
template <typename T, int N> __device__ __forceinline__ void store_vec(T* p, const Vec<T, N>& x) {
  *reinterpret_cast<Vec<T, N>*>(p) = x;
}

// Denormal results become 0: half the instructions of exp2f().
__device__ __forceinline__ float power_of_two(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
__device__ __forceinline__ float fn_relu(float x) { return x < 0.f ? 0.f : x; }
__device__ __forceinline__ float fn_sigmoid(float x) { return 1.f / (1.f + __expf(-x)); }
__device__ __forceinline__ float fn_tanh(float x) { return tanhf(x); }
__device__ __forceinline__ float fn_silu(float x) { return x / (1.f + __expf(-x)); }
__device__ __forceinline__ float fn_gelu(float x) { return 0.5f * x * (1.f + erff(x * 0.70710678118654752f)); }
__device__ __forceinline__ float fn_gelu_tanh(float x) {
  return 0.5f * x * (1.f + tanhf(0.79788456080286536f * (x + 0.044715f * x * x * x)));
}
__device__ __forceinline__ float fn_clip(float x, float low, float high) { return x < low ? low : x > high ? high : x; }
__device__ __forceinline__ float fn_leaky_relu(float x, float alpha) { return x < 0.f ? alpha * x : x; }
__device__ __forceinline__ float fn_hardsigmoid(float x, float alpha, float beta) {
  return fn_clip(alpha * x + beta, 0.f, 1.f);
}
__device__ __forceinline__ float fn_hardswish(float x) { return x * fn_hardsigmoid(x, 1.f / 6.f, 0.5f); }
)cuda";

}  // namespace

#define BURNISH_TEXT(...) #__VA_ARGS__
namespace {
constexpr std::string_view kFastActivations =
#include "kernels/cuda/fast_activations.inc"
    ;
}  // namespace
#undef BURNISH_TEXT

std::string with_fast_activations(std::string text) {
  for (const std::string_view name : {"fn_sigmoid(", "fn_silu(", "fn_tanh(", "fn_gelu(", "fn_gelu_tanh("}) {
    for (size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + name.size())) {
      text.insert(at + name.size() - 1, "_fast");
    }
  }
  return text;
}

std::string_view prelude() {
  static const std::string text = std::string(kTypesAndFunctions).append(kFastActivations).append("\n");
  return text;
}

}  // namespace burnish::cuda
