// cpu.depthwise: convolutions over NHWC images with as many groups as channels, of floats or of integers.
#include "kernels/cpu/simd/depthwise.h"

#include <algorithm>

#include "kernels/cpu/depthwise_form.h"
#include "kernels/cpu/tactics.h"
#include "kernels/cpu/tensor_format.h"

namespace burnish {

bool read_depthwise_form(const Problem& problem, ConvForm& form) {
  if (problem.op != kFusedConv) return false;
  Problem floats = problem;  // the form of FLOAT tensors is that of all others
  floats.inputs.resize(std::min<size_t>(floats.inputs.size(), kFusedWeightScales));
  for (TensorDesc& d : floats.inputs) d.dtype = d.present() ? DType::kFloat32 : d.dtype;
  floats.outputs[0].dtype = DType::kFloat32;
  return read_conv_form(floats, form) && is_depthwise(form);
}

bool depthwise_formats_fit(const Problem& p) {
  for (const int i : {0, 1, kFusedResidual}) {
    if (p.has_input(i) && !is_storable_input(p, i)) return false;
  }
  if (p.has_input(kConvBias) && p.inputs[kConvBias].dtype != DType::kFloat32) return false;
  if (p.has_input(kFusedWeightScales) && !is_constant_input(p, kFusedWeightScales)) return false;
  return is_storable(output_encoding(*p.attrs));
}

namespace {

bool has_integer_x(const Problem& problem) {
  return problem.inputs[0].dtype == DType::kUInt8;
}

/// Integers of X want integer weights, so that sums are whole numbers; no more of them than a float holds exactly.
bool operands_fit(const Problem& p, const ConvForm& form) {
  if (p.inputs[0].dtype == DType::kInt8) return false;
  return !has_integer_x(p) || (Encoding{p.inputs[1].dtype}.is_integer() && form.taps() <= kMaxIntegerTaps);
}

int64_t weight_row(const ConvForm& form) {
  return round_up(form.group, kPanelColumns);
}
int64_t weight_floats(const ConvForm& form) {
  return (form.taps() + 1) * weight_row(form);
}

/// Weights [C, 1, kH, kW] as [kH][kW][C, padded], and behind them what sums are multiplied with: for X of floats 1, the
/// scales being in the weights already.
PackedBlob pack_weights(const Problem& p, const ConvForm& form) {
  const int64_t row = weight_row(form);
  PackedBlob blob = make_float_blob(weight_floats(form));
  const Tensor& w = p.constants[1];
  const Encoding encoding = input_encoding(*p.attrs, 1, w.dtype());
  Tensor decoded(DType::kFloat32, w.shape());
  const bool whole = has_integer_x(p);
  decode(w.view(), whole ? Encoding{encoding.dtype, 1, encoding.zero} : encoding, decoded.as<float>());
  const float x_scale = input_encoding(*p.attrs, 0, p.inputs[0].dtype).scale;
  for (int64_t c = 0; c < form.group; ++c) {
    const float s = weight_scale(p, c);
    for (int64_t tap = 0; tap < form.taps(); ++tap) {
      floats_of(blob)[tap * row + c] = decoded.as<float>()[c * form.taps() + tap] * (whole ? 1.0F : s);
    }
    floats_of(blob)[form.taps() * row + c] = whole ? x_scale * encoding.scale * s : 1.0F;
  }
  return blob;
}

class DepthwiseKernel : public Kernel {
 public:
  DepthwiseKernel(const Problem& problem, const ConvForm& form, std::span<const PackedView> packed,
                  const Target& target)
      : form_(form),
        functions_(target.isa >= Isa::kAvx512 ? avx512::kDepthwise : avx2::kDepthwise),
        epilogue_(problem, without_residual(form), packed_conv_bias(problem, as_one_group(form), packed)) {
    row_.x_format = input_format(problem, 0);
    row_.x_pixel = form.x_pixel;
    row_.in_w = form.in_w;
    row_.pad_left = form.pad_left;
    row_.stride_w = form.stride_w;
    row_.dilation_w = form.dilation_w;
    row_.tap_row = form.dilation_h * form.in_w * form.x_pixel;
    row_.kernel_w = form.kernel_w;
    row_.weights = packed_at(packed, 0, weight_floats(form));
    row_.multipliers = row_.weights + form.taps() * weight_row(form);
    row_.channels = form.group;
    row_.y_format = format_of(output_encoding(*problem.attrs));
    row_.y_pixel = form.y_pixel;
    row_.out_w = form.out_w;
    if (form.residual != Residual::kNone) row_.residual_format = input_format(problem, kConvResidual);
    row_.residual_pixel = form.r_pixel;
  }

  size_t scratch_bytes() const override { return static_cast<size_t>(epilogue_.scratch_floats()) * sizeof(float); }

  void run(const KernelArgs& args) const override {
    F32Epilogue epilogue = epilogue_.epilogue(args, as_one_group(form_), static_cast<float*>(args.scratch));
    epilogue.residual_after = form_.residual == Residual::kAfter;
    args.pool->for_ranges(form_.batch * form_.out_h, [&](int64_t begin, int64_t end) {
      DepthwiseRow row = row_;
      row.epilogue = &epilogue;
      for (int64_t i = begin; i < end; ++i) {
        place(row, static_cast<const char*>(args.inputs[0]), i / form_.out_h, i % form_.out_h);
        row.y = static_cast<char*>(args.outputs[0]) + i * form_.out_w * form_.y_pixel * size_of(row_.y_format.storage);
        if (form_.residual != Residual::kNone) {
          row.residual = static_cast<const char*>(args.inputs[kConvResidual]) +
                         i * form_.out_w * form_.r_pixel * size_of(row_.residual_format.storage);
        }
        functions_.row(row);
      }
    });
  }

 private:
  /// It may be no FLOAT: the kernel adds it itself.
  static ConvForm without_residual(const ConvForm& form) {
    ConvForm alone = as_one_group(form);
    alone.residual = Residual::kNone;
    return alone;
  }

  void place(DepthwiseRow& row, const char* x, int64_t image, int64_t out_row) const {
    const int64_t first = out_row * form_.stride_h - form_.pad_top;
    row.row_begin = 0;
    row.row_end = form_.kernel_h;
    while (row.row_begin < row.row_end && first + row.row_begin * form_.dilation_h < 0) ++row.row_begin;
    while (row.row_begin < row.row_end && first + (row.row_end - 1) * form_.dilation_h >= form_.in_h) --row.row_end;
    const int64_t at = ((image * form_.in_h + first) * form_.in_w - form_.pad_left) * form_.x_pixel;
    row.x = x + at * size_of(row_.x_format.storage);
  }

  ConvForm form_;
  const DepthwiseFunctions& functions_;
  ConvEpilogue epilogue_;
  DepthwiseRow row_;
};

class DepthwiseTactic : public Tactic {
 public:
  std::string_view name() const override { return "cpu.depthwise"; }
  std::vector<std::string_view> ops() const override { return {kFusedConv}; }

  bool supports(const Problem& problem, const Target& target) const override {
    ConvForm form;
    return target.isa >= Isa::kAvx2 && read_depthwise_form(problem, form) && operands_fit(problem, form) &&
           depthwise_formats_fit(problem);
  }

  bool packs_input(const Problem& problem, int input) const override {
    return packs_conv_input(problem, input) || (input == kFusedWeightScales && problem.has_input(input));
  }

  std::vector<PackedBlob> pack(const Problem& problem, const std::string&) const override {
    ConvForm form;
    read_depthwise_form(problem, form);
    std::vector<PackedBlob> blobs;
    blobs.push_back(pack_weights(problem, form));
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
  bool may_run_in_place(const Problem& problem, int input) const override { return depthwise_in_place(problem, input); }
};

}  // namespace

const Tactic& depthwise_tactic() {
  static const DepthwiseTactic tactic;
  return tactic;
}

}  // namespace burnish
