// cpu.u8_depthwise: depthwise convolutions of UINT8 by INT8 where the machine multiplies four bytes at once.
#include "kernels/cpu/simd/u8_depthwise.h"

#include <algorithm>
#include <array>
#include <limits>

#include "kernels/cpu/depthwise_form.h"
#include "kernels/cpu/problem_util.h"
#include "kernels/cpu/simd/depthwise.h"
#include "kernels/cpu/tactics.h"
#include "kernels/cpu/tensor_format.h"

namespace burnish {
namespace {

constexpr int64_t kMaxRows = kMaxDotQuads * kDotRows;  ///< Rows of taps.
static_assert(kDotChannels == kUnfinishedRow);

bool is_clamp(const Activation& a) {
  return a.kind <= ActivationKind::kClip;
}

/// Results become bytes in registers: the activation is a clamp and nothing is added. Y's scale is then in the
/// multipliers and biases.
bool ends_in_bytes(const Problem& p) {
  return !p.has_input(kConvResidual) && is_clamp(activation_of(*p.attrs)) && output_encoding(*p.attrs).is_integer();
}

/// Packed for 64 channels, in the order of the kernel's registers; weights [quad][column][register][64 bytes] follow.
struct BlockHead {
  std::array<int32_t, kDotChannels> starts;
  std::array<float, kDotChannels> multipliers, biases;
};

int64_t num_quads(const ConvForm& form) {
  return (form.kernel_h + kDotRows - 1) / kDotRows;
}
int64_t num_blocks(const ConvForm& form) {
  return (form.group + kDotChannels - 1) / kDotChannels;
}
int64_t block_bytes(const ConvForm& form) {
  return static_cast<int64_t>(sizeof(BlockHead)) + num_quads(form) * form.kernel_w * kDotRows * kDotChannels;
}

/// Where a channel of a block stands: 16-channel lanes, four channels of each to a register.
int64_t place_of(int64_t channel) {
  return channel % 16 / 4 * 16 + channel / 16 * 4 + channel % 4;
}

/// Channel c at its place in the block, or at that of a channel `shift` behind it.
void pack_channel(const Problem& p, const ConvForm& form, int64_t c, int64_t shift, std::byte* block) {
  auto* head = reinterpret_cast<BlockHead*>(block);
  auto* weights = reinterpret_cast<int8_t*>(block + sizeof(BlockHead));
  const auto* w = p.constants[1].as<int8_t>() + c * form.taps();
  const int64_t place = place_of(c % kDotChannels + shift);
  int32_t sum = 0;
  for (int64_t tap = 0; tap < form.taps(); ++tap) {
    const int64_t ky = tap / form.kernel_w, kx = tap % form.kernel_w;
    const int64_t at = (ky / kDotRows * form.kernel_w + kx) * kDotChannels + place;
    weights[at * kDotRows + ky % kDotRows] = w[tap];
    sum += w[tap];
  }
  const Encoding x = input_encoding(*p.attrs, 0, DType::kUInt8), y = output_encoding(*p.attrs);
  const float y_scale = ends_in_bytes(p) ? y.scale : 1.0F;
  const auto at = static_cast<size_t>(place);
  head->starts[at] = -x.zero * sum;
  head->multipliers[at] = x.scale * input_encoding(*p.attrs, 1, DType::kInt8).scale * weight_scale(p, c) / y_scale;
  head->biases[at] = p.has_input(kConvBias) ? p.constants[kConvBias].as<float>()[c] / y_scale : 0.0F;
}

class U8DepthwiseKernel : public Kernel {
 public:
  U8DepthwiseKernel(const Problem& p, const ConvForm& form, std::span<const PackedView> packed, const Target& target)
      : form_(form), in_bytes_(ends_in_bytes(p)), num_threads_(target.num_threads) {
    const int64_t floats = num_blocks(form) * block_bytes(form) / static_cast<int64_t>(sizeof(float));
    blocks_ = reinterpret_cast<const std::byte*>(packed_at(packed, 0, floats));
    dot_.num_quads = num_quads(form);
    dot_.x_pixel = form.x_pixel;
    dot_.in_w = form.in_w;
    dot_.pad_left = form.pad_left;
    dot_.x_zero = static_cast<uint8_t>(input_encoding(*p.attrs, 0, DType::kUInt8).zero);
    dot_.kernel_w = form.kernel_w;
    dot_.stride_w = form.stride_w;
    dot_.out_w = form.out_w;
    dot_.y_pixel = form.y_pixel;
    if (in_bytes_) set_bytes(activation_of(*p.attrs), output_encoding(*p.attrs));
    activation_ = activation_of(*p.attrs);
    row_.y_format = format_of(output_encoding(*p.attrs));
    row_.y_pixel = form.y_pixel;
    if (form.residual != Residual::kNone) row_.residual_format = input_format(p, kConvResidual);
    row_.residual_pixel = form.r_pixel;
  }

  /// For results that do not end in bytes: a row of them, 64 channels, for each thread.
  size_t scratch_bytes() const override { return in_bytes_ ? 0 : static_cast<size_t>(num_threads_ * row_floats()) * 4; }

  void run(const KernelArgs& args) const override {
    const int64_t n = form_.batch * form_.out_h;
    const int threads = usable_threads(*args.pool, num_threads_);
    const auto some = [&](int t, int of) {
      for (int64_t i = n * t / of; i < n * (t + 1) / of; ++i) run_row(args, i, t);
    };
    if (threads == 1) {
      some(0, 1);
    } else {
      args.pool->run(some);
    }
  }

 private:
  int64_t row_floats() const { return form_.out_w * kDotChannels; }

  /// INT8 results are computed as UINT8 ones, 128 higher.
  void set_bytes(const Activation& a, const Encoding& y) {
    const Encoding raised{DType::kUInt8, y.scale, y.zero + (y.dtype == DType::kInt8 ? 128 : 0)};
    const float inf = std::numeric_limits<float>::infinity();
    const float low = a.kind == ActivationKind::kRelu ? 0 : a.kind == ActivationKind::kClip ? a.alpha : -inf;
    dot_.zero = static_cast<int16_t>(raised.zero);
    dot_.low = static_cast<uint8_t>(quantize(low, raised));
    dot_.high = static_cast<uint8_t>(quantize(a.kind == ActivationKind::kClip ? a.beta : inf, raised));
    dot_.flip = y.dtype == DType::kInt8 ? 0x80 : 0;
  }

  void run_row(const KernelArgs& args, int64_t index, int thread) const {
    const int64_t first = index % form_.out_h * form_.stride_h - form_.pad_top;
    const auto* image =
        static_cast<const uint8_t*>(args.inputs[0]) + index / form_.out_h * form_.in_h * form_.in_w * form_.x_pixel;
    const int64_t y_bytes = size_of(row_.y_format.storage);
    auto* y = static_cast<char*>(args.outputs[0]) + index * form_.out_w * form_.y_pixel * y_bytes;
    U8DepthwiseRow dot = dot_;
    std::array<const uint8_t*, kMaxRows> rows{};
    dot.rows = rows.data();
    if (!in_bytes_) dot.floats = static_cast<float*>(args.scratch) + thread * row_floats();
    for (int64_t b = 0; b < num_blocks(form_); ++b) {
      const int64_t channel = b * kDotChannels;
      for (int64_t k = 0; k < form_.kernel_h; ++k) {
        const int64_t at = first + k * form_.dilation_h;
        const bool inside = at >= 0 && at < form_.in_h;
        rows[static_cast<size_t>(k)] = inside ? image + at * form_.in_w * form_.x_pixel + channel : nullptr;
      }
      use_block(b, dot);
      dot.y = reinterpret_cast<uint8_t*>(y) + channel;
      avx512vnni::kU8Depthwise.row(dot);
      if (!in_bytes_) finish(args, index, channel, dot, y);
    }
  }

  void use_block(int64_t b, U8DepthwiseRow& dot) const {
    const std::byte* block = blocks_ + b * block_bytes(form_);
    const auto* head = reinterpret_cast<const BlockHead*>(block);
    dot.starts = head->starts.data();
    dot.multipliers = head->multipliers.data();
    dot.biases = head->biases.data();
    dot.weights = reinterpret_cast<const int8_t*>(block + sizeof(BlockHead));
    dot.channels = std::min(kDotChannels, form_.group - b * kDotChannels);
  }

  void finish(const KernelArgs& args, int64_t index, int64_t channel, const U8DepthwiseRow& dot, char* y) const {
    F32Epilogue epilogue = f32_epilogue();
    DepthwiseRow row = row_;
    row.epilogue = &epilogue;
    row.y = y;
    if (form_.residual != Residual::kNone) {
      row.residual = static_cast<const char*>(args.inputs[kConvResidual]) +
                     index * form_.out_w * form_.r_pixel * size_of(row_.residual_format.storage);
    }
    for (int64_t p = 0; p < form_.out_w; p += kUnfinishedPixels) {
      const int64_t pixels = std::min(kUnfinishedPixels, form_.out_w - p);
      avx512::kDepthwise.finish(row, {dot.floats + p * kDotChannels, kDotChannels, p, pixels, channel, dot.channels});
    }
  }

  F32Epilogue f32_epilogue() const {
    F32Epilogue e;
    e.activation = static_cast<int>(activation_.kind);
    e.alpha = activation_.alpha;
    e.beta = activation_.beta;
    e.residual_after = form_.residual == Residual::kAfter;
    return e;
  }

  ConvForm form_;
  bool in_bytes_;
  int num_threads_;
  const std::byte* blocks_ = nullptr;
  U8DepthwiseRow dot_;
  DepthwiseRow row_;
  Activation activation_;
};

class U8DepthwiseTactic : public Tactic {
 public:
  std::string_view name() const override { return "cpu.u8_depthwise"; }
  std::vector<std::string_view> ops() const override { return {kFusedConv}; }

  bool supports(const Problem& p, const Target& target) const override {
    ConvForm form;
    if (target.isa < Isa::kAvx512Vnni || !read_depthwise_form(p, form) || !depthwise_formats_fit(p)) return false;
    if (p.inputs[0].dtype != DType::kUInt8 || p.inputs[1].dtype != DType::kInt8) return false;
    if (input_encoding(*p.attrs, 1, DType::kInt8).zero != 0) return false;
    if (p.has_input(kConvBias) && !is_constant_input(p, kConvBias)) return false;
    const bool known_columns = form.kernel_w == 3 || form.kernel_w == 5 || form.kernel_w == 7;
    return known_columns && form.kernel_h <= kMaxRows && form.stride_w <= 2 && form.dilation_w == 1;
  }

  bool packs_input(const Problem& p, int input) const override {
    return packs_conv_input(p, input) || (input == kFusedWeightScales && p.has_input(input));
  }

  std::vector<PackedBlob> pack(const Problem& p, const std::string&) const override {
    ConvForm form;
    read_depthwise_form(p, form);
    PackedBlob blob(static_cast<size_t>(num_blocks(form) * block_bytes(form)));
    for (int64_t c = 0; c < form.group; ++c) {
      std::byte* block = blob.data() + c / kDotChannels * block_bytes(form);
      pack_channel(p, form, c, 0, block);
      const int64_t in_block = std::min(kDotChannels, form.group - c / kDotChannels * kDotChannels);
      if (in_block <= kDotChannels / 2) pack_channel(p, form, c, kDotChannels / 2, block);
    }
    std::vector<PackedBlob> blobs;
    blobs.push_back(std::move(blob));
    return blobs;
  }

  std::unique_ptr<Kernel> prepare(const Problem& p, const std::string&, std::span<const PackedView> packed,
                                  const Target& target) const override {
    ConvForm form;
    check(read_depthwise_form(p, form), ErrorCode::kUnsupported, "this {} is not for {}", p.op, name());
    return std::make_unique<U8DepthwiseKernel>(p, form, packed, target);
  }

  bool accepts_strided_input(const Problem&, int input) const override { return input == 0 || input == kConvResidual; }
  bool accepts_strided_output(const Problem&, int) const override { return true; }
  bool may_run_in_place(const Problem& p, int input) const override { return depthwise_in_place(p, input); }
};

}  // namespace

const Tactic& u8_depthwise_tactic() {
  static const U8DepthwiseTactic tactic;
  return tactic;
}

}  // namespace burnish
