#pragma once
// A convolution or a matrix product as the tiled kernels run it: Y[z][m][n] = Σk A[z][m][k]·B[z][n][k], where z is a
// matrix of the batch or a group of channels. Of convolutions m is a result's pixel and k = (tap, channel).
#include <array>
#include <string>

#include "kernels/cpu/f32_conv_form.h"
#include "kernels/cpu/gemm_form.h"
#include "kernels/cuda/mma_config.h"

namespace burnish::cuda {

inline constexpr int kMaxBatchDims = 4;

struct MmaProblem {
  bool is_conv = false;
  ConvForm conv;  ///< Of convolutions.
  int64_t m = 0, n = 0, k = 0;
  int64_t batch = 1;     ///< Matrices, or groups.
  bool trans_b = false;  ///< B is stored [n][k].
  bool packs_b = false;  ///< B is constant: pack() brings it into [z][n][packed_k()].
  bool shared_b = true;  ///< One B for all rows of A.
  bool n_free = false, k_free = false, image_free = false;
  bool tensor_cores = true;
  DType x = DType::kFloat32, w = DType::kFloat32;  ///< As stored; products are of w's type.
  EpilogueForm epilogue;

  /// A convolution whose rows of A are X's pixels, one after the other; every matrix product.
  bool plain() const {
    return !is_conv || (conv.in_nhwc && conv.pointwise() && conv.stride_h == 1 && conv.stride_w == 1);
  }
  int64_t packed_k() const { return round_up(k, 16 / static_cast<int64_t>(size_of(w))); }
  MmaSize size() const { return {m, n, k, batch, static_cast<int64_t>(size_of(w)), tensor_cores}; }
  /// Elements of A and B that lie together and are copied at once; 0: each is read alone.
  int64_t a_unit() const;
  int64_t b_unit() const;
};

/// False where the kernels cannot run it: operands of other types than FLOAT, FLOAT16 and BFLOAT16, transposed A, ….
bool read_mma_conv(const Problem& problem, MmaProblem& p);
bool read_mma_gemm(const Problem& problem, MmaProblem& p);

/// What mma_source() wants in front of it, and the numbers that are compiled in.
std::string mma_constants(const MmaProblem& p, const MmaConfig& config);

/// [z][n][packed_k()] of W's type.
PackedBlob pack_mma_weights(const Problem& problem, const MmaProblem& p);

/// Batch dims of Y, outermost first, and how far A's and B's matrices lie apart along each; unused: of size 1.
struct BatchSteps {
  std::array<int64_t, kMaxBatchDims> a = {}, b = {};
  std::array<int32_t, kMaxBatchDims> dims = {1, 1, 1, 1};
};
BatchSteps batch_steps(const Problem& problem);

}  // namespace burnish::cuda
