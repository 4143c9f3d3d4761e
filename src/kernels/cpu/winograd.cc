// cpu.f32_winograd, cpu.bf16_winograd, cpu.f16_winograd: 3×3 convolutions of stride one by Winograd's method,
// configurations "m=2" and "m=4". Narrow floats become floats in the transforms: saving multiplications saves more than
// multiplying narrow ones, and costs no accuracy.
//
// Tiles of the image are transformed, multiplied position by position with transformed weights, and transformed back.
// Where every thread has tiles enough it works alone, block by block in its own cache; a few tiles (small images with
// many channels) are shared instead: the threads split tiles, then positions, then tiles again, so that the weights
// are read once in all.
#include "kernels/cpu/simd/winograd.h"

#include <algorithm>
#include <array>

#include "kernels/cpu/f32_conv_form.h"
#include "kernels/cpu/tactics.h"

namespace burnish {
namespace {

/// Rows of a product that keep it busy: below, threads join forces.
constexpr int64_t kTilesPerThread = 16;

int tile_of(const std::string& config, std::string_view tactic) {
  for (const int m : {2, 4}) {
    if (config == fmt::format("m={}", m)) return m;
  }
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

/// Weights [O, I, 3, 3] as (m+2)² packed matrices over k = i, one for each position.
PackedBlob pack_weights(const ConvForm& form, int m, const Tensor& weights) {
  std::vector<float> floats(static_cast<size_t>(weights.num_elements()));
  decode(weights.view(), {weights.dtype()}, floats.data());
  const float* w = floats.data();
  const auto g = weight_transform(m);
  const size_t side = g.size();
  const int64_t matrix = packed_floats(form.in_channels, form.out_channels);
  PackedBlob blob = make_float_blob(matrix * winograd_positions(m));
  for (int64_t o = 0; o < form.out_channels; ++o) {
    float* panel = floats_of(blob) + o / kPanelColumns * kPanelColumns * form.in_channels + o % kPanelColumns;
    for (int64_t i = 0; i < form.in_channels; ++i, w += 9) {
      float* to = panel + i * kPanelColumns;
      for (size_t a = 0; a < side; ++a) {
        double half[3];
        for (int x = 0; x < 3; ++x) half[x] = g[a][0] * w[x] + g[a][1] * w[3 + x] + g[a][2] * w[6 + x];
        for (size_t b = 0; b < side; ++b, to += matrix) {
          *to = static_cast<float>(half[0] * g[b][0] + half[1] * g[b][1] + half[2] * g[b][2]);
        }
      }
    }
  }
  return blob;
}

class WinogradKernel : public Kernel {
 public:
  WinogradKernel(const Problem& problem, const ProductType& type, const ConvForm& form, int m,
                 std::span<const PackedView> packed, const Target& target)
      : form_(form),
        gemm_(*gemm_functions(kF32Product, target.isa)),
        winograd_(target.isa >= Isa::kAvx512 ? avx512::kWinograd : avx2::kWinograd),
        m_(m),
        positions_(winograd_positions(m)),
        num_threads_(std::max(1, target.num_threads)),
        weights_(packed_at(packed, 0, positions_ * packed_floats(form.in_channels, form.out_channels))),
        epilogue_(problem, type, conv_epilogue_form(problem, form), packed, 1),
        x_pixel_(form.x_pixel * type.x_bytes),
        y_pixel_(form.y_pixel * static_cast<int64_t>(size_of(problem.outputs[0].dtype))) {
    const auto i = static_cast<size_t>(m / 2 - 1);
    input_ = winograd_.input_floats[i];
    if (type.x == DType::kBFloat16) input_ = winograd_.input_bfloat16[i];
    if (type.x == DType::kFloat16) input_ = winograd_.input_halves[i];
    const bool floats = problem.outputs[0].dtype == DType::kFloat32 && !problem.has_input(kFusedWeightScales) &&
                        (form.residual == Residual::kNone || problem.inputs[kConvResidual].dtype == DType::kFloat32);
    output_ = floats ? winograd_.output_floats[i] : winograd_.output_any[i];
    tiles_h_ = (form.out_h + m - 1) / m;
    tiles_w_ = (form.out_w + m - 1) / m;
    num_tiles_ = form.batch * tiles_h_ * tiles_w_;
    v_row_ = round_up(form.in_channels, kPanelColumns);
    p_row_ = round_up(form.out_channels, kPanelColumns);
    plan_blocks(target.l2_bytes);
  }

  size_t scratch_bytes() const override {
    return static_cast<size_t>(epilogue_.scratch_floats() + (shared_ ? 1 : num_threads_) * block_floats()) *
           sizeof(float);
  }

  void run(const KernelArgs& args) const override {
    auto* scratch = static_cast<float*>(args.scratch);
    Run run{static_cast<const char*>(args.inputs[0]), static_cast<char*>(args.outputs[0]),
            epilogue_.epilogue(args, scratch)};
    run.epilogue.residual_group = form_.out_w * run.epilogue.residual_row;
    scratch += epilogue_.scratch_floats();
    if (shared_) return run_shared(run, *args.pool, scratch);
    const int threads = std::min(num_threads_, args.pool->num_threads());
    args.pool->run([&](int thread, int) {
      if (thread >= threads) return;
      run_alone(run, num_tiles_ * thread / threads, num_tiles_ * (thread + 1) / threads,
                scratch + thread * block_floats());
    });
  }

 private:
  struct Run {
    const char* x;
    char* y;
    Epilogue epilogue;
  };

  int64_t block_floats() const { return block_tiles_ * positions_ * (v_row_ + p_row_); }

  /// Tiles of a block: transformed input and products fit most of the second-level cache, but enough of them that the
  /// weights, read once a block, are not what limits.
  void plan_blocks(int64_t l2_bytes) {
    shared_ = num_tiles_ < kTilesPerThread * num_threads_;
    const int64_t tile_bytes = positions_ * (v_row_ + p_row_) * static_cast<int64_t>(sizeof(float));
    const int64_t fitting = std::clamp<int64_t>(l2_bytes * 3 / 4 / tile_bytes, 24, 96);
    const int64_t own = shared_ ? num_tiles_ : (num_tiles_ + num_threads_ - 1) / num_threads_;
    const int64_t blocks = std::max<int64_t>(1, (own + fitting - 1) / fitting);
    block_tiles_ = std::max<int64_t>(1, (own + blocks - 1) / blocks);
  }

  void run_alone(const Run& run, int64_t begin, int64_t end, float* v) const {
    for (; begin < end; begin += block_tiles_) {
      const int64_t count = std::min(block_tiles_, end - begin);
      float* p = v + count * positions_ * v_row_;
      for (int64_t i = 0; i < count; ++i) transform_input(run, begin + i, count, v + i * v_row_);
      for (int position = 0; position < positions_; ++position) multiply(position, count, 0, form_.out_channels, v, p);
      for (int64_t i = 0; i < count; ++i) transform_output(run, begin + i, count, p + i * p_row_);
    }
  }

  void run_shared(const Run& run, ThreadPool& pool, float* v) const {
    // Positions are split further when there are more threads than share them evenly.
    const int64_t parts = positions_ % pool.num_threads() == 0 ? 1 : std::min<int64_t>(4, p_row_ / kPanelColumns);
    const int64_t columns = round_up((p_row_ + parts - 1) / parts, kPanelColumns);
    for (int64_t begin = 0; begin < num_tiles_; begin += block_tiles_) {
      const int64_t count = std::min(block_tiles_, num_tiles_ - begin);
      float* p = v + count * positions_ * v_row_;
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

  void transform_input(const Run& run, int64_t tile, int64_t count, float* v) const {
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
    t.v_position = count * v_row_;
    input_(t);
  }

  /// Columns [first, last) of one position's product.
  void multiply(int position, int64_t count, int64_t first, int64_t last, const float* v, float* p) const {
    if (first >= last) return;
    constexpr int64_t kBytes = sizeof(float);
    const int64_t weights = packed_floats(form_.in_channels, form_.out_channels);
    Product product;
    product.a = reinterpret_cast<const char*>(v + position * count * v_row_);
    product.a_row = v_row_ * kBytes;
    product.rows = count;
    product.tap_steps = form_.in_channels;
    product.b = reinterpret_cast<const char*>(weights_ + position * weights + first * form_.in_channels);
    product.b_panel = form_.in_channels * kPanelColumns * kBytes;
    if (position + 1 < positions_) product.b_next = product.b + weights * kBytes;
    product.c = reinterpret_cast<char*>(p + position * count * p_row_ + first);
    product.c_row = p_row_ * kBytes;
    product.columns = round_up(last - first, kPanelColumns);  // whole panels: the rows have room
    gemm_.product(product);
  }

  void transform_output(const Run& run, int64_t tile, int64_t count, const float* p) const {
    const TilePlace place = place_of(tile);
    const int64_t pixel = (place.image * form_.out_h + place.row) * form_.out_w + place.column;
    WinogradOutput t;
    t.products = p;
    t.position = count * p_row_;
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
  const GemmFunctions& gemm_;
  const WinogradFunctions& winograd_;
  int m_;
  int positions_;
  int num_threads_;
  const float* weights_;
  ProductEpilogue epilogue_;
  int64_t x_pixel_, y_pixel_;  // in bytes
  void (*input_)(const WinogradInput&) = nullptr;
  void (*output_)(const WinogradOutput&) = nullptr;
  int64_t tiles_h_ = 0, tiles_w_ = 0, num_tiles_ = 0;
  int64_t v_row_ = 0, p_row_ = 0;  // floats of a tile's channels at one position, before and behind the product
  int64_t block_tiles_ = 1;
  bool shared_ = false;
};

class WinogradTactic : public Tactic {
 public:
  explicit WinogradTactic(const ProductType& type) : type_(type), name_(fmt::format("cpu.{}_winograd", type.name)) {}

  std::string_view name() const override { return name_; }
  int version() const override { return 2; }
  std::vector<std::string_view> ops() const override { return {kFusedConv}; }

  bool supports(const Problem& problem, const Target& target) const override {
    ConvForm form;
    return gemm_functions(kF32Product, target.isa) != nullptr && takes(problem, form);
  }

  std::vector<std::string> candidates(const Problem&, const Target&) const override { return {"m=4", "m=2"}; }

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
    blobs.push_back(pack_weights(form, tile_of(config, name_), problem.constants[1]));
    if (packs_columns(problem, type_, epilogue)) blobs.push_back(pack_columns(problem, type_, epilogue, {}));
    return blobs;
  }

  std::unique_ptr<Kernel> prepare(const Problem& problem, const std::string& config, std::span<const PackedView> packed,
                                  const Target& target) const override {
    ConvForm form;
    check(takes(problem, form), ErrorCode::kUnsupported, "this {} is not for {}", problem.op, name_);
    return std::make_unique<WinogradKernel>(problem, type_, form, tile_of(config, name_), packed, target);
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
