#pragma once
// What follows a product on the GPU: the source of it, and its arguments. Y, R and biases are FLOAT, FLOAT16 or
// BFLOAT16; sums are finished in chunks of columns.
#include <array>
#include <string>

#include "kernels/cpu/product_epilogue.h"
#include "kernels/tactic.h"
#include "ops/fused.h"

namespace burnish::cuda {

/// Columns that a thread finishes at once.
inline constexpr int64_t kEpilogueChunk = 8;

/// An element of such a tensor.
float float_at(const Tensor& t, int64_t i);

/// Numbers as a tensor of such a type stores them.
PackedBlob encode_column(std::span<const float> values, DType dtype);

/// Whether results, residuals and biases are of types that the source knows.
bool takes_epilogue(const Problem& problem, const EpilogueForm& form);

/// Weight scales and biases that are constant become one blob of floats, both arrays always there.
bool packs_epilogue_column(const Problem& problem, const EpilogueForm& form, int input);
bool packs_columns(const Problem& problem, const EpilogueForm& form);
PackedBlob pack_epilogue_columns(const Problem& problem, const EpilogueForm& form);

/// struct Epilogue, which Values mirrors (its last members only of joined products, whose columns are shared out among
/// the outputs); column_scale(), column_bias(), destination_of(), store_one(), finish_chunk().
std::string epilogue_source(const Problem& problem, const EpilogueForm& form);

/// What every run fills the kernel's Epilogue from.
class EpilogueArgs {
 public:
  struct Values {
    void* y = nullptr;
    const void *r = nullptr, *scale = nullptr, *bias = nullptr;
    int64_t ldy = 0, ldr = 0;
    int32_t wide = 0;
    std::array<void*, kMaxParts - 1> more_y = {};  ///< Of joined products: of the outputs behind the first.
    std::array<int64_t, kMaxParts - 1> more_ldy = {};
  };
  /// `blob`: of packed, the columns, if something was packed.
  EpilogueArgs(const Problem& problem, const EpilogueForm& form, std::span<const PackedView> packed, size_t blob);
  Values values(const KernelArgs& args) const;

 private:
  EpilogueForm form_;
  size_t num_outputs_ = 1;
  std::array<int64_t, kMaxParts> ldy_ = {};
  int64_t ldr_ = 0;
  size_t y_bytes_ = 0, r_bytes_ = 0;
  bool whole_chunks_ = false;
  const float *scale_ = nullptr, *bias_ = nullptr;  // on the GPU
  bool scale_packed_ = false, bias_packed_ = false, has_scales_ = false;
};

}  // namespace burnish::cuda
