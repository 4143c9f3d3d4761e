// cpu.f32_winograd, cpu.bf16_winograd, cpu.f16_winograd: 3×3 convolutions of stride one by Winograd's method,
// configurations "m=2" and "m=4": narrow floats become floats in the transforms. Where bfloat16 multiply faster there
// is "m=2 bf16" too: transformed tiles and weights are rounded to bfloat16, once each, sums stay floats. That costs
// about 0.4 % of the results' root mean square; larger tiles would cost three times as much, too much for BF16.
//
// Tiles of the image are transformed, multiplied position by position with transformed weights, and transformed back.
// Where every thread has tiles enough it works alone, block by block in its own cache; a few tiles (small images with
// many channels) are shared instead: the threads split tiles, then positions, then tiles again, so that the weights
// are read once in all.
#include "kernels/cpu/simd/winograd.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/float_types.h"
#include "kernels/cpu/f32_conv_form.h"
#include "kernels/cpu/tactics.h"

namespace burnish {
namespace {

/// Rows of a product that keep it busy: below, threads join forces.
constexpr int64_t kTilesPerThread = 16;

struct WinogradForm {
  int m = 4;
  const ProductType* product = &kF32Product;  // of transformed tiles and weights
};

WinogradForm form_of(const std::string& config, const ProductType& type, std::string_view tactic) {
  for (const int m : {2, 4}) {
    if (config == fmt::format("m={}", m)) return {m, &kF32Product};
  }
  if (type.x == DType::kBFloat16 && config == "m=2 bf16") return {2, &kBf16Product};
  throw_error(ErrorCode::kInvalidArgument, "{} has no configuration '{}'", tactic, config);
}

/// G: rows for the points 0, +p₁, -p₁, …, ∞. Row p is [1, p, p²] / Π (p - other finite points).
std::vector<std::array<double, 3>> weight_transform(int m) {
  std::vector<double> points = {0};
  for (int i = 0; i < m / 2; ++i) {
    points.push_back(kWinogradPoints[m / 2 - 1][i]);
    points.push_back(-points.back());
  }
  std::vector<std::array<double, 3>> g;
  for (size_t i = 0; i < points.size(); ++i) {
    double scale = 1;
    for (size_t j = 0; j < points.size(); ++j) scale *= j == i ? 1 : points[i] - points[j];
    g.push_back({1 / scale, points[i] / scale, points[i] * points[i] / scale});
  }
  g.push_back({0, 0, 1});
  return g;
}

/// Of one position.
int64_t weight_bytes(const ConvForm& form, const ProductType& type) {
  return type.packed_bytes(type.steps(form.in_channels), form.out_channels);
}

void store_weight(const ProductType& type, double value, std::byte* to) {
  const auto rounded = static_cast<float>(value);
  if (type.w == DType::kFloat32) {
    std::memcpy(to, &rounded, sizeof(rounded));
  } else {
    const uint16_t bits = float_to_bfloat16(rounded);
    std::memcpy(to, &bits, sizeof(bits));
  }
}

/// Weights [O, I, 3, 3] as (m+2)² packed matrices over k = i, one for each position.
PackedBlob pack_weights(const ConvForm& form, const WinogradForm& winograd, const Tensor& weights) {
  std::vector<float> floats(static_cast<size_t>(weights.num_elements()));
  decode(weights.view(), {weights.dtype()}, floats.data());
  const float* w = floats.data();
  const ProductType& type = *winograd.product;
  const auto g = weight_transform(winograd.m);
  const size_t side = g.size();
  const int64_t matrix = weight_bytes(form, type);
  PackedBlob blob(static_cast<size_t>(matrix * winograd_positions(winograd.m)));  // zeros
  for (int64_t o = 0; o < form.out_channels; ++o) {
    std::byte* panel = blob.data() + o / kPanelColumns * type.panel_bytes(type.steps(form.in_channels));
    for (int64_t i = 0; i < form.in_channels; ++i, w += 9) {
      const int64_t step = i / type.step * kPanelColumns + o % kPanelColumns;
      std::byte* to = panel + (step * type.step + i % type.step) * type.w_bytes;
      for (size_t a = 0; a < side; ++a) {
        double half[3];
        for (int x = 0; x < 3; ++x) half[x] = g[a][0] * w[x] + g[a][1] * w[3 + x] + g[a][2] * w[6 + x];
        for (size_t b = 0; b < side; ++b, to += matrix) {
          store_weight(type, half[0] * g[b][0] + half[1] * g[b][1] + half[2] * g[b][2], to);
        }
      }
    }
  }
  return blob;
}

class WinogradKernel : public Kernel {
 public:
  WinogradKernel(const Problem& problem, const ProductType& type, const ConvForm& form, const WinogradForm& winograd,
                 std::span<const PackedView> packed, const Target& target)
      : form_(form),
        product_(*winograd.product),
        gemm_(*gemm_functions(product_, target.isa)),
        m_(winograd.m),
        positions_(winograd_positions(m_)),
        num_threads_(std::max(1, target.num_threads)),
        weight_bytes_(weight_bytes(form, product_)),
        weights_(packed_bytes_at(packed, 0, positions_ * weight_bytes_)),
        epilogue_(problem, type, conv_epilogue_form(problem, form), packed, 1),
        x_pixel_(form.x_pixel * type.x_bytes),
        y_pixel_(form.y_pixel * static_cast<int64_t>(size_of(problem.outputs[0].dtype))) {
    choose_transforms(problem, type, transforms_of(target.isa));
    tiles_h_ = (form.out_h + m_ - 1) / m_;
    tiles_w_ = (form.out_w + m_ - 1) / m_;
    num_tiles_ = form.batch * tiles_h_ * tiles_w_;
    v_row_ = round_up(form.in_channels, kPanelColumns) * product_.a_bytes;
    p_row_ = round_up(form.out_channels, kPanelColumns) * static_cast<int64_t>(sizeof(float));
    plan_blocks(target.l2_bytes);
  }

  size_t scratch_bytes() const override {
    return static_cast<size_t>(epilogue_.scratch_floats()) * sizeof(float) +
           static_cast<size_t>((shared_ ? 1 : num_threads_) * block_bytes());
  }

  void run(const KernelArgs& args) const override {
    auto* scratch = static_cast<float*>(args.scratch);
    Run run{static_cast<const char*>(args.inputs[0]), static_cast<char*>(args.outputs[0]),
            epilogue_.epilogue(args, scratch)};
    run.epilogue.residual_group = form_.out_w * run.epilogue.residual_row;
    auto* blocks = reinterpret_cast<char*>(scratch + epilogue_.scratch_floats());
    if (shared_) return run_shared(run, *args.pool, blocks);
    const int threads = std::min(num_threads_, args.pool->num_threads());
    args.pool->run([&](int thread, int) {
      if (thread >= threads) return;
      run_alone(run, num_tiles_ * thread / threads, num_tiles_ * (thread + 1) / threads,
                blocks + thread * block_bytes());
    });
  }

 private:
  struct Run {
    const char* x;
    char* y;
    Epilogue epilogue;
  };

  void choose_transforms(const Problem& problem, const ProductType& type, const WinogradFunctions& functions) {
    const auto i = static_cast<size_t>(m_ / 2 - 1);
    input_ = functions.input_floats[i];
    if (type.x == DType::kBFloat16) {
      input_ = product_.x == DType::kBFloat16 ? functions.input_to_bfloat16[i] : functions.input_bfloat16[i];
    }
    if (type.x == DType::kFloat16) input_ = functions.input_halves[i];
    output_ = functions.output_any[i];
    const DType y = problem.outputs[0].dtype;
    if (problem.has_input(kFusedWeightScales)) return;
    if (form_.residual != Residual::kNone && problem.inputs[kConvResidual].dtype != y) return;
    const ActivationKind activation = activation_of(*problem.attrs).kind;
    const bool clamps = activation == ActivationKind::kNone || activation == ActivationKind::kRelu ||
                        activation == ActivationKind::kClip;
    if (y == DType::kFloat32) output_ = functions.output_floats[i];
    if (y == DType::kBFloat16 && clamps && form_.residual != Residual::kAfter) output_ = functions.output_bfloat16[i];
  }

  static const WinogradFunctions& transforms_of(Isa isa) {
    if (isa >= Isa::kAvx512Bf16) return avx512bf16::kWinograd;
    return isa >= Isa::kAvx512 ? avx512::kWinograd : avx2::kWinograd;
  }

  /// Between positions of `count` rows: an odd number of cache lines, so that positions do not share sets of the cache.
  static int64_t position_bytes(int64_t count, int64_t row) { return ((count * row + 63) / 64 | 1) * 64; }
  int64_t v_position(int64_t count) const { return position_bytes(count, v_row_); }
  int64_t p_position(int64_t count) const { return position_bytes(count, p_row_); }
  int64_t block_bytes() const { return positions_ * (v_position(block_tiles_) + p_position(block_tiles_)); }

  /// Tiles of a block: transformed input and products fit most of the second-level cache, but enough of them that the
  /// weights, read once a block, are not what limits.
  void plan_blocks(int64_t l2_bytes) {
    shared_ = num_tiles_ < kTilesPerThread * num_threads_;
    const int64_t tile_bytes = positions_ * (v_row_ + p_row_);
    const int64_t fitting = std::clamp<int64_t>(l2_bytes * 3 / 4 / tile_bytes, 24, 96);
    const int64_t own = shared_ ? num_tiles_ : (num_tiles_ + num_threads_ - 1) / num_threads_;
    const int64_t blocks = std::max<int64_t>(1, (own + fitting - 1) / fitting);
    block_tiles_ = std::max<int64_t>(1, (own + blocks - 1) / blocks);
  }

  void run_alone(const Run& run, int64_t begin, int64_t end, char* v) const {
    for (; begin < end; begin += block_tiles_) {
      const int64_t count = std::min(block_tiles_, end - begin);
      char* p = v + positions_ * v_position(count);
      for (int64_t i = 0; i < count; ++i) transform_input(run, begin + i, count, v + i * v_row_);
      for (int position = 0; position < positions_; ++position) multiply(position, count, 0, form_.out_channels, v, p);
      for (int64_t i = 0; i < count; ++i) transform_output(run, begin + i, count, p + i * p_row_);
    }
  }

  void run_shared(const Run& run, ThreadPool& pool, char* v) const {
    // Positions are split further when there are more threads than share them evenly.
    const int64_t parts = positions_ % pool.num_threads() == 0
                              ? 1
                              : std::min<int64_t>(4, (form_.out_channels + kPanelColumns - 1) / kPanelColumns);
    const int64_t columns = round_up((form_.out_channels + parts - 1) / parts, kPanelColumns);
    for (int64_t begin = 0; begin < num_tiles_; begin += block_tiles_) {
      const int64_t count = std::min(block_tiles_, num_tiles_ - begin);
      char* p = v + positions_ * v_position(count);
      pool.for_ranges(count, [&](int64_t from, int64_t to) {
        for (int64_t i = from; i < to; ++i) transform_input(run, begin + i, count, v + i * v_row_);
      });
      pool.for_ranges(positions_ * parts, [&](int64_t from, int64_t to) {
        for (int64_t i = from; i < to; ++i) {
          const int64_t first = i % parts * columns;
          multiply(static_cast<int>(i / parts), count, first, std::min(form_.out_channels, first + columns), v, p);
        }
      });
      pool.for_ranges(count, [&](int64_t from, int64_t to) {
        for (int64_t i = from; i < to; ++i) transform_output(run, begin + i, count, p + i * p_row_);
      });
    }
  }

  struct TilePlace {
    int64_t image, row, column;  // of its first result
  };
  TilePlace place_of(int64_t tile) const {
    return {tile / (tiles_h_ * tiles_w_), tile / tiles_w_ % tiles_h_ * m_, tile % tiles_w_ * m_};
  }

  void transform_input(const Run& run, int64_t tile, int64_t count, char* v) const {
    const TilePlace place = place_of(tile);
    const int64_t row = place.row - form_.pad_top;
    const int64_t column = place.column - form_.pad_left;
    const int64_t side = winograd_side(m_);
    WinogradInput t;
    t.pixel = x_pixel_;
    t.row = form_.in_w * x_pixel_;
    t.x = run.x + ((place.image * form_.in_h + row) * form_.in_w + column) * x_pixel_;
    t.row_begin = static_cast<int>(std::clamp<int64_t>(-row, 0, side));
    t.row_end = static_cast<int>(std::clamp<int64_t>(form_.in_h - row, 0, side));
    t.column_begin = static_cast<int>(std::clamp<int64_t>(-column, 0, side));
    t.column_end = static_cast<int>(std::clamp<int64_t>(form_.in_w - column, 0, side));
    t.channels = form_.in_channels;
    t.v = v;
    t.v_position = v_position(count);
    input_(t);
  }

  /// Columns [first, last) of one position's product.
  void multiply(int position, int64_t count, int64_t first, int64_t last, const char* v, char* p) const {
    if (first >= last) return;
    Product product;
    product.a = v + position * v_position(count);
    product.a_row = v_row_;
    product.rows = count;
    product.tap_steps = product_.steps(form_.in_channels);
    product.b_panel = product_.panel_bytes(product.tap_steps);
    product.b = weights_ + position * weight_bytes_ + first / kPanelColumns * product.b_panel;
    if (position + 1 < positions_) product.b_next = product.b + weight_bytes_;
    product.c = p + position * p_position(count) + first * static_cast<int64_t>(sizeof(float));
    product.c_row = p_row_;
    product.columns = round_up(last - first, kPanelColumns);  // whole panels: the rows have room
    gemm_.product(product);
  }

  void transform_output(const Run& run, int64_t tile, int64_t count, const char* p) const {
    const TilePlace place = place_of(tile);
    const int64_t pixel = (place.image * form_.out_h + place.row) * form_.out_w + place.column;
    WinogradOutput t;
    t.products = reinterpret_cast<const float*>(p);
    t.position = p_position(count) / static_cast<int64_t>(sizeof(float));
    t.rows = static_cast<int>(std::min<int64_t>(m_, form_.out_h - place.row));
    t.columns = static_cast<int>(std::min<int64_t>(m_, form_.out_w - place.column));
    t.channels = form_.out_channels;
    t.pixel = y_pixel_;
    t.row = form_.out_w * y_pixel_;
    t.y = run.y + pixel * y_pixel_;
    t.epilogue = &run.epilogue;
    if (run.epilogue.residual != nullptr) t.residual = run.epilogue.residual + pixel * run.epilogue.residual_row;
    output_(t);
  }

  ConvForm form_;
  const ProductType& product_;
  const GemmFunctions& gemm_;
  int m_;
  int positions_;
  int num_threads_;
  int64_t weight_bytes_;
  const char* weights_;
  ProductEpilogue epilogue_;
  int64_t x_pixel_, y_pixel_;  // in bytes
  void (*input_)(const WinogradInput&) = nullptr;
  void (*output_)(const WinogradOutput&) = nullptr;
  int64_t tiles_h_ = 0, tiles_w_ = 0, num_tiles_ = 0;
  int64_t v_row_ = 0, p_row_ = 0;  // bytes of a tile's channels at one position, before and behind the product
  int64_t block_tiles_ = 1;
  bool shared_ = false;
};

class WinogradTactic : public Tactic {
 public:
  explicit WinogradTactic(const ProductType& type) : type_(type), name_(fmt::format("cpu.{}_winograd", type.name)) {}

  std::string_view name() const override { return name_; }
  int version() const override { return 3; }
  std::vector<std::string_view> ops() const override { return {kFusedConv}; }

  bool supports(const Problem& problem, const Target& target) const override {
    ConvForm form;
    return gemm_functions(kF32Product, target.isa) != nullptr && takes(problem, form);
  }

  std::vector<std::string> candidates(const Problem&, const Target& target) const override {
    if (type_.x == DType::kBFloat16 && target.isa >= Isa::kAvx512Bf16) return {"m=2 bf16", "m=4", "m=2"};
    return {"m=4", "m=2"};
  }

  bool packs_input(const Problem& problem, int input) const override {
    ConvForm form;
    return input == 1 || (read_conv_geometry(problem, form) &&
                          packs_epilogue_input(problem, conv_epilogue_form(problem, form), input));
  }

  std::vector<PackedBlob> pack(const Problem& problem, const std::string& config) const override {
    ConvForm form;
    read_conv_geometry(problem, form);
    const EpilogueForm epilogue = conv_epilogue_form(problem, form);
    std::vector<PackedBlob> blobs;
    blobs.push_back(pack_weights(form, form_of(config, type_, name_), problem.constants[1]));
    if (packs_columns(problem, type_, epilogue)) blobs.push_back(pack_columns(problem, type_, epilogue, {}));
    return blobs;
  }

  std::unique_ptr<Kernel> prepare(const Problem& problem, const std::string& config, std::span<const PackedView> packed,
                                  const Target& target) const override {
    ConvForm form;
    check(takes(problem, form), ErrorCode::kUnsupported, "this {} is not for {}", problem.op, name_);
    return std::make_unique<WinogradKernel>(problem, type_, form, form_of(config, type_, name_), packed, target);
  }

  bool accepts_strided_input(const Problem&, int input) const override { return input == 0 || input == kConvResidual; }
  bool accepts_strided_output(const Problem&, int) const override { return true; }
  bool may_run_in_place(const Problem& problem, int input) const override {
    ConvForm form;
    return read_conv_geometry(problem, form) &&
           may_overwrite_residual(problem, conv_epilogue_form(problem, form), input);
  }

 private:
  bool takes(const Problem& problem, ConvForm& f) const {
    return read_conv_geometry(problem, f) && takes_operands(problem, type_, conv_epilogue_form(problem, f)) &&
           f.in_nhwc && f.group == 1 && f.kernel_h == 3 && f.kernel_w == 3 && f.stride_h == 1 && f.stride_w == 1 &&
           f.dilation_h == 1 && f.dilation_w == 1;
  }

  const ProductType& type_;
  std::string name_;
};

}  // namespace

const Tactic& f32_winograd_tactic() {
  static const WinogradTactic tactic(kF32Product);
  return tactic;
}
const Tactic& bf16_winograd_tactic() {
  static const WinogradTactic tactic(kBf16Product);
  return tactic;
}
const Tactic& f16_winograd_tactic() {
  static const WinogradTactic tactic(kF16Product);
  return tactic;
}

}  // namespace burnish
