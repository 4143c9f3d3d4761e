#pragma once
// What the depthwise tactics read from a FusedConv problem.
#include "kernels/cpu/f32_conv_form.h"

namespace burnish {

/// False unless it is a depthwise convolution over NHWC images, whatever its tensors are stored as.
bool read_depthwise_form(const Problem& problem, ConvForm& form);

/// All channels as one group: how bias and residual lie.
inline ConvForm as_one_group(ConvForm form) {
  form.out_channels *= form.group;
  form.group = 1;
  return form;
}

/// Whether kernels can read and write all tensors of the problem; weight scales must be constant, the bias FLOAT.
bool depthwise_formats_fit(const Problem& problem);

/// Weight scales by channel, or ones.
inline float weight_scale(const Problem& problem, int64_t channel) {
  if (!problem.has_input(kFusedWeightScales)) return 1;
  return problem.constants[kFusedWeightScales].as<float>()[channel];
}

/// The residual may be overwritten: an element of it is read just before its result is stored.
inline bool depthwise_in_place(const Problem& problem, int input) {
  return input == kConvResidual && problem.has_input(input) &&
         size_of(problem.inputs[kConvResidual].dtype) == size_of(problem.outputs[0].dtype);
}

}  // namespace burnish
