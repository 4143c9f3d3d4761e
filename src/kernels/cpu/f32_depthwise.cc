// cpu.f32_depthwise: convolutions over NHWC images with as many groups as channels.
#include <algorithm>

#include "kernels/cpu/f32_conv_form.h"
#include "kernels/cpu/simd/depthwise.h"
#include "kernels/cpu/tactics.h"

namespace burnish {
namespace {

bool read_depthwise_form(const Problem& problem, ConvForm& form) {
  return read_conv_form(problem, form) && is_depthwise(form);
}

/// All channels as one group: how bias and residual lie.
ConvForm as_one_group(ConvForm form) {
  form.out_channels *= form.group;
  form.group = 1;
  return form;
}

/// Weights [C, 1, kH, kW] as [kH][kW][C, padded].
PackedBlob pack_weights(const ConvForm& form, const float* w) {
  const int64_t row = round_up(form.group, kPanelColumns);
  PackedBlob blob = make_float_blob(form.taps() * row);
  for (int64_t c = 0; c < form.group; ++c) {
    for (int64_t tap = 0; tap < form.taps(); ++tap) floats_of(blob)[tap * row + c] = *w++;
  }
  return blob;
}

class DepthwiseKernel : public Kernel {
 public:
  DepthwiseKernel(const Problem& problem, const ConvForm& form, std::span<const PackedView> packed,
                  const Target& target)
      : form_(form),
        functions_(target.isa >= Isa::kAvx512 ? avx512::kF32Depthwise : avx2::kF32Depthwise),
        epilogue_(problem, as_one_group(form), packed_conv_bias(problem, as_one_group(form), packed)) {
    row_.x_pixel = form.x_pixel;
    row_.in_w = form.in_w;
    row_.pad_left = form.pad_left;
    row_.stride_w = form.stride_w;
    row_.dilation_w = form.dilation_w;
    row_.tap_row = form.dilation_h * form.in_w * form.x_pixel;
    row_.kernel_w = form.kernel_w;
    row_.weights = packed_at(packed, 0, form.taps() * round_up(form.group, kPanelColumns));
    row_.channels = form.group;
    row_.y_pixel = form.y_pixel;
    row_.out_w = form.out_w;
  }

  size_t scratch_bytes() const override { return static_cast<size_t>(epilogue_.scratch_floats()) * sizeof(float); }

  void run(const KernelArgs& args) const override {
    const F32Epilogue epilogue = epilogue_.epilogue(args, as_one_group(form_), static_cast<float*>(args.scratch));
    const auto* x = static_cast<const float*>(args.inputs[0]);
    auto* y = static_cast<float*>(args.outputs[0]);
    args.pool->for_ranges(form_.batch * form_.out_h, [&](int64_t begin, int64_t end) {
      F32DepthwiseRow row = row_;
      row.epilogue = &epilogue;
      for (int64_t i = begin; i < end; ++i) {
        place(row, x, i / form_.out_h, i % form_.out_h);
        row.y = y + i * form_.out_w * form_.y_pixel;
        if (epilogue.residual != nullptr) row.residual = epilogue.residual + i * form_.out_w * epilogue.residual_row;
        functions_.row(row);
      }
    });
  }

 private:
  void place(F32DepthwiseRow& row, const float* x, int64_t image, int64_t out_row) const {
    const int64_t first = out_row * form_.stride_h - form_.pad_top;
    row.row_begin = 0;
    row.row_end = form_.kernel_h;
    while (row.row_begin < row.row_end && first + row.row_begin * form_.dilation_h < 0) ++row.row_begin;
    while (row.row_begin < row.row_end && first + (row.row_end - 1) * form_.dilation_h >= form_.in_h) --row.row_end;
    row.x = x + ((image * form_.in_h + first) * form_.in_w - form_.pad_left) * form_.x_pixel;
  }

  ConvForm form_;
  const F32DepthwiseFunctions& functions_;
  ConvEpilogue epilogue_;
  F32DepthwiseRow row_;
};

class DepthwiseTactic : public Tactic {
 public:
  std::string_view name() const override { return "cpu.f32_depthwise"; }
  std::vector<std::string_view> ops() const override { return {kFusedConv}; }

  bool supports(const Problem& problem, const Target& target) const override {
    ConvForm form;
    return gemm_functions(kF32Product, target.isa) != nullptr && read_depthwise_form(problem, form);
  }

  bool packs_input(const Problem& problem, int input) const override { return packs_conv_input(problem, input); }

  std::vector<PackedBlob> pack(const Problem& problem, const std::string&) const override {
    ConvForm form;
    read_depthwise_form(problem, form);
    std::vector<PackedBlob> blobs;
    blobs.push_back(pack_weights(form, problem.constants[1].as<float>()));
    if (packs_conv_input(problem, kConvBias)) blobs.push_back(pack_conv_bias(problem, as_one_group(form)));
    return blobs;
  }

  std::unique_ptr<Kernel> prepare(const Problem& problem, const std::string&, std::span<const PackedView> packed,
                                  const Target& target) const override {
    ConvForm form;
    check(read_depthwise_form(problem, form), ErrorCode::kUnsupported, "this {} is not for {}", problem.op, name());
    return std::make_unique<DepthwiseKernel>(problem, form, packed, target);
  }

  bool accepts_strided_input(const Problem&, int input) const override { return input == 0 || input == kConvResidual; }
  bool accepts_strided_output(const Problem&, int) const override { return true; }
  bool may_run_in_place(const Problem& problem, int input) const override { return conv_in_place(problem, input); }
};

}  // namespace

const Tactic& f32_depthwise_tactic() {
  static const DepthwiseTactic tactic;
  return tactic;
}

}  // namespace burnish
