#pragma once
// What follows a product, from a problem's attributes and constants to the kernels' Epilogue.
#include <span>

#include "kernels/cpu/gemm_functions.h"
#include "ops/encoding.h"

namespace burnish {

/// Which inputs take part, and how.
struct EpilogueForm {
  int64_t columns = 0;  ///< Of one block, each of which begins a panel of its own: a group of a convolution.
  int64_t blocks = 1;
  float alpha = 1;  ///< Multiplies the product. Of floats, pack() is expected to have put it into the weights.
  int bias = 0;     ///< Input that is added per column; 0: none.
  float bias_scale = 1;
  int residual = 0;  ///< Input that is added element by element; 0: none.
  bool residual_after = false;

  int64_t block_columns() const { return round_up(columns, kPanelColumns); }
  int64_t padded_columns() const { return blocks * block_columns(); }
};

/// How a problem's tensors are stored, as the kernels say it. Throws kUnsupported for what cannot be stored.
Stored stored_of(DType dtype);

/// Whether operands are of this type, and everything else is what epilogues know: encodable residuals and results,
/// constant weight scales; for integers, constant symmetric weights and constant biases.
bool takes_operands(const Problem& problem, const ProductType& type, const EpilogueForm& form);

/// The numbers per column are one blob: multipliers, biases, offsets, as far as they are there.
bool packs_columns(const Problem& problem, const ProductType& type, const EpilogueForm& form);
/// `weight_sums`: of integers, the sum of each column's weights, one after the other without padding.
PackedBlob pack_columns(const Problem& problem, const ProductType& type, const EpilogueForm& form,
                        std::span<const int32_t> weight_sums);
/// Inputs whose elements pack_columns() absorbs.
bool packs_epilogue_input(const Problem& problem, const EpilogueForm& form, int input);
/// An element of the residual is read just before its sum is stored, if it stands before the activation.
bool may_overwrite_residual(const Problem& problem, const EpilogueForm& form, int input);

/// What every run of a product starts from.
class ProductEpilogue {
 public:
  ProductEpilogue() = default;
  /// `columns` is what pack_columns() made, if it made something.
  ProductEpilogue(const Problem& problem, const ProductType& type, const EpilogueForm& form,
                  std::span<const PackedView> packed, size_t blob);
  /// Floats of scratch that epilogue() fills: a bias that is known only while running.
  int64_t scratch_floats() const { return scratch_floats_; }
  /// The epilogue of the first row of all; residual_group is left to the caller.
  Epilogue epilogue(const KernelArgs& args, float* scratch) const;

 private:
  void find_columns(const Problem& problem, const ProductType& type, std::span<const PackedView> packed, size_t blob);
  void copy_bias(const float* bias, float* padded) const;
  EpilogueForm form_;
  Epilogue epilogue_;
  bool one_bias_ = false;
  int64_t scratch_floats_ = 0;
};

}  // namespace burnish
