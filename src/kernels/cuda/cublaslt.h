#pragma once
// NVIDIA's cuBLASLt, opened when first needed. Declares what Burnish calls of it itself, so that it compiles without
// CUDA's headers. Names, numbers and layouts: the cuBLAS reference; tests/cuda/abi holds them against the headers.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "kernels/cuda/driver.h"

namespace burnish::cuda::lt {

using Status = int;  // cublasStatus_t; 0: success
inline constexpr Status kNotSupported = 15;

// cudaDataType, cublasComputeType_t, cublasOperation_t.
inline constexpr int kR32F = 0, kR16F = 2, kR16BF = 14;
inline constexpr int kCompute32F = 68, kCompute32FFastTF32 = 77;
inline constexpr int kOpN = 0, kOpT = 1;
// cublasLtEpilogue_t.
inline constexpr int kEpilogueDefault = 1, kEpilogueRelu = 2, kEpilogueBias = 4, kEpilogueGelu = 32;
// cublasLtMatmulDescAttributes_t, cublasLtMatrixLayoutAttribute_t, cublasLtMatmulPreferenceAttributes_t.
inline constexpr int kMatmulTransA = 3, kMatmulTransB = 4, kMatmulEpilogue = 7, kMatmulBiasPointer = 8;
inline constexpr int kLayoutBatchCount = 5, kLayoutBatchOffset = 6;
inline constexpr int kPreferenceWorkspace = 1, kPreferenceReductions = 3, kPreferenceAlignmentA = 5,
                     kPreferenceAlignmentB = 6, kPreferenceAlignmentC = 7, kPreferenceAlignmentD = 8;

inline constexpr uint32_t kReduceInComputeType = 2;  // cublasLtReductionScheme_t

/// cublasLtMatmulAlgo_t: a kernel and its settings, opaque; may be kept and used again with the same library.
struct Algorithm {
  std::array<uint64_t, 8> words = {};
};
static_assert(sizeof(Algorithm) == 64);

/// cublasLtMatmulHeuristicResult_t.
struct Heuristic {
  Algorithm algorithm;
  size_t workspace_bytes = 0;
  Status status = 0;
  float waves = 0;
  std::array<int, 4> reserved = {};
};
static_assert(sizeof(Heuristic) == 96);

/// The functions by their names without "cublasLt".
struct Library {
  size_t (*GetVersion)() = nullptr;
  const char* (*GetStatusString)(Status) = nullptr;
  Status (*Create)(Handle*) = nullptr;
  Status (*MatmulDescCreate)(Handle*, int compute, int scale) = nullptr;
  Status (*MatmulDescDestroy)(Handle) = nullptr;
  Status (*MatmulDescSetAttribute)(Handle, int, const void*, size_t) = nullptr;
  Status (*MatrixLayoutCreate)(Handle*, int type, uint64_t rows, uint64_t columns, int64_t ld) = nullptr;
  Status (*MatrixLayoutDestroy)(Handle) = nullptr;
  Status (*MatrixLayoutSetAttribute)(Handle, int, const void*, size_t) = nullptr;
  Status (*MatmulPreferenceCreate)(Handle*) = nullptr;
  Status (*MatmulPreferenceDestroy)(Handle) = nullptr;
  Status (*MatmulPreferenceSetAttribute)(Handle, int, const void*, size_t) = nullptr;
  Status (*MatmulAlgoGetHeuristic)(Handle, Handle operation, Handle a, Handle b, Handle c, Handle d, Handle preference,
                                   int wanted, Heuristic*, int* found) = nullptr;
  Status (*MatmulAlgoCheck)(Handle, Handle operation, Handle a, Handle b, Handle c, Handle d, const Algorithm*,
                            Heuristic*) = nullptr;
  Status (*Matmul)(Handle, Handle operation, const void* alpha, const void* a, Handle a_layout, const void* b,
                   Handle b_layout, const void* beta, const void* c, Handle c_layout, void* d, Handle d_layout,
                   const Algorithm*, void* workspace, size_t workspace_bytes, Handle stream) = nullptr;
};

/// False where the library, or one of the functions, is not here; never throws.
bool available();
/// Throws kUnsupported, naming what is missing and what to do, where available() is false.
const Library& library();
/// "13.1.0"; empty where it is not available.
std::string version();
/// The library's handle for a GPU, made once and kept until the process ends. Throws what library() throws.
Handle handle_of(int device);
/// Throws kInternal with the library's text of the error. `what` says what was being done.
void check_status(Status status, std::string_view what);

/// A descriptor, destroyed with its owner.
class Descriptor {
 public:
  using Setter = Status (*)(Handle, int, const void*, size_t);
  using Destroyer = Status (*)(Handle);
  Descriptor() = default;
  ~Descriptor() {
    if (handle_ != nullptr) destroy_(handle_);
  }
  Descriptor(Descriptor&& other) noexcept : handle_(other.handle_), set_(other.set_), destroy_(other.destroy_) {
    other.handle_ = nullptr;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor& operator=(Descriptor&&) = delete;

  static Descriptor operation(int compute);
  /// Of a matrix whose columns stand `ld` elements apart.
  static Descriptor layout(int type, int64_t rows, int64_t columns, int64_t ld);
  static Descriptor preference();
  template <typename T>
  void set(int attribute, const T& value) {
    check_status(set_(handle_, attribute, &value, sizeof(T)), "describing a product");
  }
  Handle handle() const { return handle_; }

 private:
  Descriptor(Handle handle, Setter set, Destroyer destroy) : handle_(handle), set_(set), destroy_(destroy) {}
  Handle handle_ = nullptr;
  Setter set_ = nullptr;
  Destroyer destroy_ = nullptr;
};

}  // namespace burnish::cuda::lt
