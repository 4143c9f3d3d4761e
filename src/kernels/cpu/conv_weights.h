#pragma once
// The weights of convolutions that run as products of pixels.
#include "kernels/cpu/f32_conv_form.h"

namespace burnish {

/// How K = (ky, kx, i) falls into taps of whole steps. A row of the kernel is one tap where its pixels are neighbours;
/// behind the tap's last element a step meets weights of zero.
struct ConvTaps {
  bool whole_rows;
  int64_t k, steps, count;

  ConvTaps(const ProductType& type, const ConvForm& form)
      : whole_rows(form.dilation_w == 1 && form.group == 1),
        k(form.in_channels * (whole_rows ? form.kernel_w : 1)),
        steps(type.steps(k)),
        count(form.kernel_h * (whole_rows ? 1 : form.kernel_w)) {}
  int64_t all_steps() const { return count * steps; }
};

/// Packed weights of one group.
int64_t group_bytes(const ProductType& type, const ConvForm& form);
/// Weights [O, I, kH, kW] as panels, one block per group.
PackedBlob pack_conv_weights(const ProductType& type, const ConvForm& form, const Tensor& w);
/// Of INT8 weights: the sum of each output channel's.
std::vector<int32_t> channel_sums(const ConvForm& form, const Tensor& weights);

}  // namespace burnish
