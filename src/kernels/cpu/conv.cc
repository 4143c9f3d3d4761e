// cpu.f32_conv, cpu.u8_conv, cpu.bf16_conv, cpu.f16_conv: convolutions with NHWC results as products of pixels and
// packed weights, nothing unfolded.
//
// A 1×1 convolution is one product over all pixels. Any other runs over bands of output rows: the input rows of a band
// are copied, with their padding, into a buffer that stays in the second-level cache (an NCHW input is transposed on
// the way), and every row of pixels is a group of the product, every row of the kernel a tap.
#include <algorithm>
#include <cstring>

#include "kernels/cpu/conv_weights.h"
#include "kernels/cpu/tactics.h"

namespace burnish {
namespace {

/// Zeros behind a band: the last step may reach behind the last pixel.
constexpr int64_t kBandSlack = 64;

class ConvKernel : public Kernel {
 public:
  ConvKernel(const Problem& problem, const ProductType& type, const ConvForm& form, int tile_panels,
             std::span<const PackedView> packed, const Target& target)
      : type_(type),
        form_(form),
        taps_(type, form),
        functions_(*gemm_functions(type, target.isa)),
        num_threads_(std::max(1, target.num_threads)),
        l2_bytes_(target.l2_bytes),
        weights_(packed_bytes_at(packed, 0, form.group * group_bytes(type, form))),
        epilogue_(problem, type, conv_epilogue_form(problem, form), packed, 1) {
    if (type.integers()) padding_ = static_cast<uint8_t>(input_encoding(*problem.attrs, 0, type.x).zero);
    const bool plain = form.in_nhwc && functions_.widen == nullptr && form.in_channels % type.step == 0;
    as_one_product_ = plain && form.pointwise() && form.stride_h == 1 && form.stride_w == 1 && form.group == 1;
    copies_band_ = !plain || form.padded();
    product_.tile_panels = tile_panels;
    product_.b_panel = type.panel_bytes(taps_.all_steps());
    y_pixel_ = form.y_pixel * static_cast<int64_t>(size_of(problem.outputs[0].dtype));
    product_.c_row = y_pixel_;
    product_.columns = form.out_channels;
    plan_band();
    plan_taps();
  }

  size_t scratch_bytes() const override {
    const int64_t bands = copies_band_ ? num_threads_ * band_bytes_ : 0;
    return static_cast<size_t>(bands + epilogue_.scratch_floats() * static_cast<int64_t>(sizeof(float)));
  }

  void run(const KernelArgs& args) const override {
    Product product = product_;
    product.a = static_cast<const char*>(args.inputs[0]);
    product.b = weights_;
    product.c = static_cast<char*>(args.outputs[0]);
    product.epilogue = epilogue_.epilogue(args, static_cast<float*>(args.scratch));
    if (as_one_product_) {
      product.rows = form_.batch * form_.in_h * form_.in_w;
      return run_split_product(functions_, product, *args.pool, l2_bytes_);
    }
    run_in_bands(product, *args.pool,
                 static_cast<char*>(args.scratch) + epilogue_.scratch_floats() * static_cast<int64_t>(sizeof(float)));
  }

 private:
  /// Rows of output whose input fits a third of the second-level cache.
  void plan_band() {
    band_w_ =
        copies_band_ ? (form_.out_w - 1) * form_.stride_w + (form_.kernel_w - 1) * form_.dilation_w + 1 : form_.in_w;
    pixel_ = copies_band_ ? form_.all_in_channels() * type_.a_bytes : form_.x_pixel * type_.x_bytes;
    const int64_t row_bytes = std::max<int64_t>(1, band_w_ * pixel_);
    const int64_t extent = (form_.kernel_h - 1) * form_.dilation_h + 1;
    const int64_t fitting = l2_bytes_ / 3 / row_bytes - extent;
    band_rows_ = std::clamp<int64_t>(fitting / form_.stride_h + 1, 1, std::max<int64_t>(1, form_.out_h));
    band_bytes_ = round_up(((band_rows_ - 1) * form_.stride_h + extent) * row_bytes + kBandSlack, 64);
  }

  void plan_taps() {
    product_.a_row = form_.stride_w * pixel_;
    product_.a_group = form_.stride_h * band_w_ * pixel_;
    product_.c_group = form_.out_w * y_pixel_;
    product_.rows = form_.out_w;
    // Pixels of a wider tensor are no neighbours: their steps are whole, so that the weights' order is the same.
    const bool whole_rows = taps_.whole_rows && pixel_ == form_.in_channels * type_.a_bytes;
    product_.tap_steps = whole_rows ? taps_.steps : type_.steps(form_.in_channels);
    for (int64_t y = 0; y < form_.kernel_h; ++y) {
      for (int64_t x = 0; x < (whole_rows ? 1 : form_.kernel_w); ++x) {
        offsets_.push_back((y * form_.dilation_h * band_w_ + x * form_.dilation_w) * pixel_);
      }
    }
    product_.taps = offsets_.data();
    product_.num_taps = static_cast<int64_t>(offsets_.size());
    if (as_one_product_) product_.a_row = form_.x_pixel * type_.x_bytes;
  }

  void run_in_bands(const Product& product, ThreadPool& pool, char* bands) const {
    const int64_t num_rows = form_.batch * form_.out_h;
    const int64_t num_panels = (form_.out_channels + kPanelColumns - 1) / kPanelColumns;
    const int threads = std::min(num_threads_, pool.num_threads());
    const ThreadGrid grid = choose_thread_grid(num_rows, form_.group == 1 ? num_panels : 1, threads);
    pool.run([&](int thread, int) {
      if (thread >= grid.rows * grid.panels) return;
      const int r = thread % grid.rows;
      const int c = thread / grid.rows;
      const Product part = product_columns(product, num_panels * c / grid.panels, num_panels * (c + 1) / grid.panels);
      if (part.columns <= 0) return;
      run_rows(part, num_rows * r / grid.rows, num_rows * (r + 1) / grid.rows, bands + thread * band_bytes_);
    });
  }

  /// Rows [begin, end) of all images' output rows, in bands of one image each.
  void run_rows(const Product& all, int64_t begin, int64_t end, char* band) const {
    while (begin < end) {
      const int64_t image = begin / form_.out_h;
      const int64_t row = begin % form_.out_h;
      const int64_t count = std::min({end - begin, form_.out_h - row, band_rows_});
      Product p = all;
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
        p.a += (image * form_.in_h + row * form_.stride_h) * form_.in_w * pixel_;
      }
      for (int64_t g = 0; g < form_.group; ++g) functions_.product(product_of_group(p, g));
      begin += count;
    }
  }

  Product product_of_group(const Product& product, int64_t g) const {
    Product p = product;
    p.a += g * form_.in_channels * type_.a_bytes;
    p.b += g * group_bytes(type_, form_);
    skip_columns(p, g * form_.out_channels, g * round_up(form_.out_channels, kPanelColumns));
    return p;
  }

  /// The padded input rows of `count` output rows from `row` on.
  void fill_band(const char* x, int64_t image, int64_t row, int64_t count, char* band) const {
    const int64_t first = row * form_.stride_h - form_.pad_top;
    const int64_t last = first + (count - 1) * form_.stride_h + (form_.kernel_h - 1) * form_.dilation_h;
    const int64_t left = std::min(form_.pad_left, band_w_);
    const int64_t inner = std::clamp<int64_t>(band_w_ - left, 0, form_.in_w);
    for (int64_t y = first; y <= last; ++y, band += band_w_ * pixel_) {
      if (y < 0 || y >= form_.in_h) {
        pad(band, 0, band_w_);
        continue;
      }
      pad(band, 0, left);
      copy_pixels(x, image, y, inner, band + left * pixel_);
      pad(band, left + inner, band_w_);
    }
    std::memset(band, 0, kBandSlack);
  }

  /// Pixels [begin, end) of a band's row: what stands for zero.
  void pad(char* row, int64_t begin, int64_t end) const {
    std::memset(row + begin * pixel_, padding_, static_cast<size_t>((end - begin) * pixel_));
  }

  void copy_pixels(const char* x, int64_t image, int64_t y, int64_t count, char* to) const {
    const int64_t channels = form_.all_in_channels();
    if (!form_.in_nhwc) {
      const int64_t plane = form_.in_h * form_.in_w;
      functions_.interleave(x + (image * channels * plane + y * form_.in_w) * type_.x_bytes, plane, channels, count,
                            to);
      return;
    }
    const int64_t x_pixel = form_.x_pixel * type_.x_bytes;
    const char* from = x + (image * form_.in_h + y) * form_.in_w * x_pixel;
    // One run of pixels that are neighbours, or each alone.
    const bool dense = form_.x_pixel == channels;
    const int64_t run = dense ? count * channels : channels;
    for (int64_t i = 0; i < (dense ? 1 : count); ++i) {
      if (functions_.widen != nullptr) {
        functions_.widen(from + i * x_pixel, run, to + i * pixel_);
      } else {
        std::memcpy(to + i * pixel_, from + i * x_pixel, static_cast<size_t>(run * type_.x_bytes));
      }
    }
  }

  const ProductType& type_;
  ConvForm form_;
  ConvTaps taps_;
  const GemmFunctions& functions_;
  int num_threads_;
  int64_t l2_bytes_;
  const char* weights_;
  ProductEpilogue epilogue_;
  uint8_t padding_ = 0;
  bool as_one_product_ = false;
  bool copies_band_ = false;
  int64_t band_w_ = 0, band_rows_ = 1;
  int64_t pixel_ = 0, y_pixel_ = 0, band_bytes_ = 0;  // in bytes; pixel_: of the band, or of X where nothing is copied
  std::vector<int64_t> offsets_;
  Product product_;
};

class ConvTactic : public Tactic {
 public:
  explicit ConvTactic(const ProductType& type) : type_(type), name_(fmt::format("cpu.{}_conv", type.name)) {}

  std::string_view name() const override { return name_; }
  int version() const override { return 2; }
  std::vector<std::string_view> ops() const override { return {kFusedConv}; }

  bool supports(const Problem& problem, const Target& target) const override {
    ConvForm form;
    return gemm_functions(type_, target.isa) != nullptr && read_conv_geometry(problem, form) && !is_depthwise(form) &&
           takes_operands(problem, type_, conv_epilogue_form(problem, form)) &&
           (!type_.integers() || form.k() <= kMostIntegerK);
  }

  std::vector<std::string> candidates(const Problem&, const Target& target) const override {
    return tile_candidates(type_, target, 2);
  }

  bool packs_input(const Problem& problem, int input) const override {
    ConvForm form;
    return input == 1 || (read_conv_geometry(problem, form) &&
                          packs_epilogue_input(problem, conv_epilogue_form(problem, form), input));
  }

  std::vector<PackedBlob> pack(const Problem& problem, const std::string&) const override {
    ConvForm form;
    read_conv_geometry(problem, form);
    const EpilogueForm epilogue = conv_epilogue_form(problem, form);
    std::vector<PackedBlob> blobs;
    blobs.push_back(pack_conv_weights(type_, form, problem.constants[1]));
    if (packs_columns(problem, type_, epilogue)) {
      const auto sums = type_.integers() ? channel_sums(form, problem.constants[1]) : std::vector<int32_t>{};
      blobs.push_back(pack_columns(problem, type_, epilogue, sums));
    }
    return blobs;
  }

  std::unique_ptr<Kernel> prepare(const Problem& problem, const std::string& config, std::span<const PackedView> packed,
                                  const Target& target) const override {
    ConvForm form;
    check(read_conv_geometry(problem, form), ErrorCode::kUnsupported, "this {} is not for {}", problem.op, name_);
    return std::make_unique<ConvKernel>(problem, type_, form, tile_panels_of(config, name_), packed, target);
  }

  bool accepts_strided_input(const Problem& problem, int input) const override {
    return input == kConvResidual || (input == 0 && is_nhwc(*problem.attrs, "input_layout"));
  }
  bool accepts_strided_output(const Problem&, int) const override { return true; }
  bool may_run_in_place(const Problem& problem, int input) const override {
    ConvForm form;
    return read_conv_geometry(problem, form) &&
           may_overwrite_residual(problem, conv_epilogue_form(problem, form), input);
  }

 private:
  const ProductType& type_;
  std::string name_;
};

}  // namespace

const Tactic& f32_conv_tactic() {
  static const ConvTactic tactic(kF32Product);
  return tactic;
}
const Tactic& u8_conv_tactic() {
  static const ConvTactic tactic(kU8Product);
  return tactic;
}
const Tactic& bf16_conv_tactic() {
  static const ConvTactic tactic(kBf16Product);
  return tactic;
}
const Tactic& f16_conv_tactic() {
  static const ConvTactic tactic(kF16Product);
  return tactic;
}

}  // namespace burnish
