// cpu.f32_conv: convolutions with NHWC results as products of pixels and packed weights, nothing unfolded.
//
// A 1×1 convolution is one product over all pixels. Any other runs over bands of output rows: the input rows of a band
// are copied, with their padding, into a buffer that stays in the second-level cache (an NCHW input is transposed on
// the way), and every row of pixels is a group of the product, every row of the kernel a tap.
#include <algorithm>
#include <cstring>

#include "kernels/cpu/f32_conv_form.h"
#include "kernels/cpu/tactics.h"

namespace burnish {
namespace {

/// Weights [O, I, kH, kW] as panels over k = (ky, kx, i), one block per group.
PackedBlob pack_weights(const ConvForm& form, const float* w) {
  const int64_t k = form.k();
  const int64_t block = packed_floats(k, form.out_channels);
  PackedBlob blob = make_float_blob(form.group * block);
  for (int64_t o = 0; o < form.group * form.out_channels; ++o) {
    const int64_t column = o % form.out_channels;
    float* to = floats_of(blob) + o / form.out_channels * block + column / kPanelColumns * kPanelColumns * k +
                column % kPanelColumns;
    for (int64_t i = 0; i < form.in_channels; ++i) {
      for (int64_t tap = 0; tap < form.taps(); ++tap) to[(tap * form.in_channels + i) * kPanelColumns] = *w++;
    }
  }
  return blob;
}

class ConvKernel : public Kernel {
 public:
  ConvKernel(const Problem& problem, const ConvForm& form, int tile_panels, std::span<const PackedView> packed,
             const Target& target)
      : form_(form),
        functions_(*f32_gemm_functions(target.isa)),
        num_threads_(std::max(1, target.num_threads)),
        l2_bytes_(target.l2_bytes),
        weights_(packed_at(packed, 0, form.group * packed_floats(form.k(), form.out_channels))),
        epilogue_(problem, form, packed_conv_bias(problem, form, packed)) {
    as_one_product_ = form.pointwise() && form.stride_h == 1 && form.stride_w == 1 && form.group == 1 && form.in_nhwc;
    copies_band_ = !form.in_nhwc || form.padded();
    product_.tile_panels = tile_panels;
    product_.b_panel = form.k() * kPanelColumns;
    product_.c_row = form.y_pixel;
    product_.columns = form.out_channels;
    plan_band();
    plan_taps();
  }

  size_t scratch_bytes() const override {
    const int64_t bands = copies_band_ ? num_threads_ * band_floats_ : 0;
    return static_cast<size_t>(bands + epilogue_.scratch_floats()) * sizeof(float);
  }

  void run(const KernelArgs& args) const override {
    auto* scratch = static_cast<float*>(args.scratch);
    F32Product product = product_;
    product.a = static_cast<const float*>(args.inputs[0]);
    product.b = weights_;
    product.c = static_cast<float*>(args.outputs[0]);
    product.epilogue = epilogue_.epilogue(args, form_, scratch);
    scratch += epilogue_.scratch_floats();
    if (as_one_product_) {
      product.rows = form_.batch * form_.in_h * form_.in_w;
      return run_split_product(functions_, product, *args.pool, l2_bytes_);
    }
    run_in_bands(product, *args.pool, scratch);
  }

 private:
  /// Rows of output whose input fits a third of the second-level cache.
  void plan_band() {
    band_w_ =
        copies_band_ ? (form_.out_w - 1) * form_.stride_w + (form_.kernel_w - 1) * form_.dilation_w + 1 : form_.in_w;
    pixel_ = copies_band_ ? form_.all_in_channels() : form_.x_pixel;
    const int64_t row_floats = std::max<int64_t>(1, band_w_ * pixel_);
    const int64_t extent = (form_.kernel_h - 1) * form_.dilation_h + 1;
    const int64_t fitting = l2_bytes_ / 3 / static_cast<int64_t>(sizeof(float)) / row_floats - extent;
    band_rows_ = std::clamp<int64_t>(fitting / form_.stride_h + 1, 1, std::max<int64_t>(1, form_.out_h));
    band_floats_ = round_up(((band_rows_ - 1) * form_.stride_h + extent) * row_floats, 16);
  }

  void plan_taps() {
    product_.a_row = form_.stride_w * pixel_;
    product_.a_group = form_.stride_h * band_w_ * pixel_;
    product_.c_group = form_.out_w * form_.y_pixel;
    product_.rows = form_.out_w;
    const bool whole_rows = form_.dilation_w == 1 && pixel_ == form_.in_channels;
    product_.tap_k = whole_rows ? form_.kernel_w * form_.in_channels : form_.in_channels;
    for (int64_t y = 0; y < form_.kernel_h; ++y) {
      for (int64_t x = 0; x < (whole_rows ? 1 : form_.kernel_w); ++x) {
        taps_.push_back((y * form_.dilation_h * band_w_ + x * form_.dilation_w) * pixel_);
      }
    }
    product_.taps = taps_.data();
    product_.num_taps = static_cast<int64_t>(taps_.size());
    if (as_one_product_) product_.a_row = form_.x_pixel;
  }

  void run_in_bands(const F32Product& product, ThreadPool& pool, float* bands) const {
    const int64_t num_rows = form_.batch * form_.out_h;
    const int64_t num_panels = (form_.out_channels + kPanelColumns - 1) / kPanelColumns;
    const int threads = std::min(num_threads_, pool.num_threads());
    const ThreadGrid grid = choose_thread_grid(num_rows, form_.group == 1 ? num_panels : 1, threads);
    pool.run([&](int thread, int) {
      if (thread >= grid.rows * grid.panels) return;
      const int r = thread % grid.rows;
      const int c = thread / grid.rows;
      const F32Product part =
          product_columns(product, num_panels * c / grid.panels, num_panels * (c + 1) / grid.panels);
      if (part.columns <= 0) return;
      run_rows(part, num_rows * r / grid.rows, num_rows * (r + 1) / grid.rows, bands + thread * band_floats_);
    });
  }

  /// Rows [begin, end) of all images' output rows, in bands of one image each.
  void run_rows(const F32Product& all, int64_t begin, int64_t end, float* band) const {
    while (begin < end) {
      const int64_t image = begin / form_.out_h;
      const int64_t row = begin % form_.out_h;
      const int64_t count = std::min({end - begin, form_.out_h - row, band_rows_});
      F32Product p = all;
      p.groups = count;
      p.c += begin * p.c_group;
      if (p.epilogue.residual != nullptr) {
        p.epilogue.residual_group = form_.out_w * p.epilogue.residual_row;
        p.epilogue.residual += begin * p.epilogue.residual_group;
      }
      if (copies_band_) {
        fill_band(all.a, image, row, count, band);
        p.a = band;
      } else {
        p.a += (image * form_.in_h + row * form_.stride_h) * form_.in_w * form_.x_pixel;
      }
      for (int64_t g = 0; g < form_.group; ++g) functions_.product(product_of_group(p, g));
      begin += count;
    }
  }

  F32Product product_of_group(const F32Product& product, int64_t g) const {
    F32Product p = product;
    p.a += g * form_.in_channels;
    p.b += g * packed_floats(form_.k(), form_.out_channels);
    p.c += g * form_.out_channels;
    if (p.epilogue.bias != nullptr) p.epilogue.bias += g * round_up(form_.out_channels, kPanelColumns);
    if (p.epilogue.residual != nullptr) p.epilogue.residual += g * form_.out_channels;
    return p;
  }

  /// The padded input rows of `count` output rows from `row` on.
  void fill_band(const float* x, int64_t image, int64_t row, int64_t count, float* band) const {
    const int64_t first = row * form_.stride_h - form_.pad_top;
    const int64_t last = first + (count - 1) * form_.stride_h + (form_.kernel_h - 1) * form_.dilation_h;
    const int64_t left = std::min(form_.pad_left, band_w_);
    const int64_t inner = std::clamp<int64_t>(band_w_ - left, 0, form_.in_w);
    for (int64_t y = first; y <= last; ++y, band += band_w_ * pixel_) {
      if (y < 0 || y >= form_.in_h) {
        std::fill_n(band, band_w_ * pixel_, 0.0F);
        continue;
      }
      std::fill_n(band, left * pixel_, 0.0F);
      copy_pixels(x, image, y, inner, band + left * pixel_);
      std::fill(band + (left + inner) * pixel_, band + band_w_ * pixel_, 0.0F);
    }
  }

  void copy_pixels(const float* x, int64_t image, int64_t y, int64_t count, float* to) const {
    if (!form_.in_nhwc) {
      const int64_t plane = form_.in_h * form_.in_w;
      functions_.interleave(x + image * pixel_ * plane + y * form_.in_w, plane, pixel_, count, to);
      return;
    }
    const float* from = x + (image * form_.in_h + y) * form_.in_w * form_.x_pixel;
    if (form_.x_pixel == pixel_) {
      std::memcpy(to, from, static_cast<size_t>(count * pixel_) * sizeof(float));
      return;
    }
    for (int64_t i = 0; i < count; ++i) {
      std::memcpy(to + i * pixel_, from + i * form_.x_pixel, static_cast<size_t>(pixel_) * sizeof(float));
    }
  }

  ConvForm form_;
  const F32GemmFunctions& functions_;
  int num_threads_;
  int64_t l2_bytes_;
  const float* weights_;
  ConvEpilogue epilogue_;
  bool as_one_product_ = false;
  bool copies_band_ = false;
  int64_t band_w_ = 0, pixel_ = 0, band_rows_ = 1, band_floats_ = 0;
  std::vector<int64_t> taps_;
  F32Product product_;
};

class ConvTactic : public Tactic {
 public:
  std::string_view name() const override { return "cpu.f32_conv"; }
  std::vector<std::string_view> ops() const override { return {kFusedConv}; }

  bool supports(const Problem& problem, const Target& target) const override {
    ConvForm form;
    return f32_gemm_functions(target.isa) != nullptr && read_conv_form(problem, form) && !is_depthwise(form);
  }

  std::vector<std::string> candidates(const Problem&, const Target& target) const override {
    return tile_candidates(target, 2);
  }

  bool packs_input(const Problem& problem, int input) const override { return packs_conv_input(problem, input); }

  std::vector<PackedBlob> pack(const Problem& problem, const std::string&) const override {
    ConvForm form;
    read_conv_form(problem, form);
    std::vector<PackedBlob> blobs;
    blobs.push_back(pack_weights(form, problem.constants[1].as<float>()));
    if (packs_conv_input(problem, kConvBias)) blobs.push_back(pack_conv_bias(problem, form));
    return blobs;
  }

  std::unique_ptr<Kernel> prepare(const Problem& problem, const std::string& config, std::span<const PackedView> packed,
                                  const Target& target) const override {
    ConvForm form;
    check(read_conv_form(problem, form), ErrorCode::kUnsupported, "this {} is not for {}", problem.op, name());
    const auto known = candidates(problem, target);
    check(std::find(known.begin(), known.end(), config) != known.end(), ErrorCode::kInvalidArgument,
          "{} has no configuration '{}'", name(), config);
    return std::make_unique<ConvKernel>(problem, form, tile_panels_of(config, name()), packed, target);
  }

  bool accepts_strided_input(const Problem& problem, int input) const override {
    return input == kConvResidual || (input == 0 && is_nhwc(*problem.attrs, "input_layout"));
  }
  bool accepts_strided_output(const Problem&, int) const override { return true; }
  bool may_run_in_place(const Problem& problem, int input) const override { return conv_in_place(problem, input); }
};

}  // namespace

const Tactic& f32_conv_tactic() {
  static const ConvTactic tactic;
  return tactic;
}

}  // namespace burnish
