#pragma once
// What the convolution tactics read from a FusedConv problem.
#include "kernels/cpu/product_epilogue.h"
#include "ops/fused.h"

namespace burnish {

/// A convolution over images (1-D: of height one), everything explicit. Distances in elements.
struct ConvForm {
  int64_t batch = 0, group = 1;
  int64_t in_h = 1, in_w = 1, out_h = 1, out_w = 1;
  int64_t in_channels = 0, out_channels = 0;  ///< Of one group.
  int64_t kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  int64_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
  bool in_nhwc = true;
  int64_t x_pixel = 0, y_pixel = 0, r_pixel = 0;  ///< Between pixels of X (NHWC), Y and R.
  Residual residual = Residual::kNone;

  int64_t taps() const { return kernel_h * kernel_w; }
  int64_t k() const { return taps() * in_channels; }
  int64_t all_in_channels() const { return group * in_channels; }
  bool padded() const { return pad_top + pad_left + pad_bottom + pad_right > 0; }
  bool pointwise() const { return taps() == 1 && !padded(); }
};

inline constexpr int kConvBias = 2;
inline constexpr int kConvResidual = 3;

/// False unless it is a FusedConv over one or two spatial dims with constant weights and an NHWC output.
bool read_conv_geometry(const Problem& problem, ConvForm& form);
/// What follows the convolution, for ProductEpilogue.
EpilogueForm conv_epilogue_form(const Problem& problem, const ConvForm& form);
/// False unless it is a FLOAT FusedConv over one or two spatial dims with constant weights and an NHWC output.
bool read_conv_form(const Problem& problem, ConvForm& form);

/// As many groups as channels over NHWC images: cpu.f32_depthwise.
inline bool is_depthwise(const ConvForm& form) {
  return form.in_nhwc && form.group > 1 && form.in_channels == 1 && form.out_channels == 1;
}

/// The bias of all groups, each padded to whole panels: group g's begins at g·round_up(out_channels, 16).
PackedBlob pack_conv_bias(const Problem& problem, const ConvForm& form);
inline int64_t conv_bias_floats(const ConvForm& form) {
  return form.group * round_up(form.out_channels, kPanelColumns);
}
/// What pack_conv_bias() made, the second blob; nullptr when there is no constant bias.
const float* packed_conv_bias(const Problem& problem, const ConvForm& form, std::span<const PackedView> packed);
/// As above for a bias that is known only while running.
void copy_conv_bias(const float* bias, const ConvForm& form, float* padded);

/// Weights, and the bias where it is constant: what pack() of these tactics absorbs.
bool packs_conv_input(const Problem& problem, int input);

/// The residual may be overwritten: an element is read just before its sum is stored, if it stands before the
/// activation.
bool conv_in_place(const Problem& problem, int input);

/// What every run of a convolution starts from: bias and residual found, activation set.
class ConvEpilogue {
 public:
  ConvEpilogue() = default;
  /// `bias` is the packed one, null when there is none.
  ConvEpilogue(const Problem& problem, const ConvForm& form, const float* bias);
  /// Floats of scratch that epilogue() fills.
  int64_t scratch_floats() const;
  /// The epilogue of the first pixel of all; residual_row set, residual_group left to the caller.
  F32Epilogue epilogue(const KernelArgs& args, const ConvForm& form, float* scratch) const;

 private:
  F32Epilogue epilogue_;
  bool copies_bias_ = false;
  bool has_residual_ = false;
  int64_t bias_floats_ = 0;
};

}  // namespace burnish
