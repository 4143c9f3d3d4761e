// cuda.stem_conv: the first convolution of a network, over images of at most four channels, on tensor cores.
#include <cstring>

#include "kernels/cuda/generated.h"
#include "kernels/cuda/mma_problem.h"
#include "kernels/cuda/product_epilogue.h"
#include "kernels/cuda/stem_source.h"
#include "kernels/cuda/tactics.h"
#include "kernels/cuda/tensor_core.h"

namespace burnish::cuda {
namespace {

constexpr int64_t kMostChannels = 4, kMostTaps = 64, kMostFetches = 64, kTileW = 16, kGroupBytes = 512;

/// "sm_90a rows=2 warps=4 columns=64": rows of results of a warp, columns of a block.
struct StemConfig {
  int rows = 2, warps = 4, columns = 64;

  static StemConfig parse(const std::string& text) {
    StemConfig c{int_of(text, "rows", 0), int_of(text, "warps", 0), int_of(text, "columns", 0)};
    check(c.rows > 0 && c.rows <= 4 && c.warps > 0 && c.warps <= 32 && c.columns > 0 && c.columns % 32 == 0,
          ErrorCode::kCorrupt, "the configuration '{}' is none of cuda.stem_conv", text);
    return c;
  }
  int threads() const { return 32 * warps; }
  int64_t tile_h() const { return int64_t{rows} * warps; }
  int64_t pixels(const ConvForm& c) const {
    return ((tile_h() - 1) * c.stride_h + (c.kernel_h - 1) * c.dilation_h + 1) *
           ((kTileW - 1) * c.stride_w + (c.kernel_w - 1) * c.dilation_w + 1);
  }
  int64_t weight_bytes(const ConvForm& c) const { return ceil_div(c.taps(), 4) * columns / 16 * kGroupBytes; }
  int64_t shared_bytes(const ConvForm& c) const { return weight_bytes(c) + columns * 8 + pixels(c) * 8; }
  bool fits(const ConvForm& c, const Target& target) const {
    return ceil_div(pixels(c), threads()) * c.in_channels <= kMostFetches && shared_bytes(c) <= target.shared_bytes;
  }
};

constexpr StemConfig kConfigs[] = {{2, 4, 64}, {2, 8, 64}, {1, 8, 64}, {1, 4, 64}, {2, 2, 64}, {1, 2, 64},
                                   {2, 4, 32}, {2, 8, 32}, {1, 8, 32}, {1, 4, 32}, {2, 2, 32}, {4, 4, 32}};

std::vector<StemConfig> configs_for(const ConvForm& c, const Target& target) {
  std::vector<StemConfig> configs;
  for (const StemConfig& config : kConfigs) {
    const bool whole = config.columns == (c.out_channels % 64 == 0 || c.out_channels > 96 ? 64 : 32);
    if (whole && config.fits(c, target)) configs.push_back(config);
  }
  return configs;
}

/// The column of the result that column q of the 8-wide tile j of a block stands for (stem_source.cc).
int64_t column_of(int64_t j, int64_t q) {
  return j / 4 * 32 + q / 2 * 8 + j % 4 * 2 + q % 2;
}

/// By block of columns, step of four taps and pair of tiles: of each lane both tiles' four channels of its tap.
PackedBlob pack_stem_weights(const Problem& problem, const ConvForm& c, const StemConfig& config) {
  const int64_t blocks = ceil_div(c.out_channels, config.columns), steps = ceil_div(c.taps(), 4);
  const int64_t tiles = config.columns / 8;
  PackedBlob blob(static_cast<size_t>(blocks * config.weight_bytes(c)));
  const auto* from = static_cast<const std::byte*>(problem.constants[1].data());
  for (int64_t i = 0; i < blocks * steps * tiles * 32; ++i) {
    const int64_t tile_of_pair = i % 2, lane = i / 2 % 32, j = i / 64 % (tiles / 2) * 2 + tile_of_pair;
    const int64_t step = i / (32 * tiles) % steps, block = i / (32 * tiles) / steps;
    const int64_t tap = step * 4 + lane % 4, column = block * config.columns + column_of(j, lane / 4);
    for (int64_t channel = 0; channel < c.in_channels && tap < c.taps() && column < c.out_channels; ++channel) {
      const int64_t at = (column * c.in_channels + channel) * c.taps() + tap;
      std::memcpy(blob.data() + (i * 4 + channel) * 2, from + at * 2, 2);
    }
  }
  return blob;
}

/// As the source declares it.
struct Args {
  int64_t image_step = 0, channel_step = 0, pixel_step = 0;
  int32_t in_h = 0, in_w = 0, out_h = 0, out_w = 0;
  int32_t tiles_h = 0, tiles_w = 0, tiles = 0;
};

Args args_of(const ConvForm& c, const StemConfig& config) {
  Args a;
  const int64_t plane = c.in_h * c.in_w, pixel = c.in_nhwc ? c.x_pixel : 1;
  a.image_step = c.in_nhwc ? plane * pixel : plane * c.in_channels;
  a.channel_step = c.in_nhwc ? 1 : plane;
  a.pixel_step = pixel;
  const int64_t tiles_h = ceil_div(c.out_h, config.tile_h()), tiles_w = ceil_div(c.out_w, kTileW);
  check(std::max({c.in_h, c.in_w, c.out_h, c.out_w, c.batch * tiles_h * tiles_w}) < INT32_MAX / 64,
        ErrorCode::kUnsupported, "images of {} x {} are too many for cuda.stem_conv; use a smaller batch", c.in_h,
        c.in_w);
  a.in_h = static_cast<int32_t>(c.in_h);
  a.in_w = static_cast<int32_t>(c.in_w);
  a.out_h = static_cast<int32_t>(c.out_h);
  a.out_w = static_cast<int32_t>(c.out_w);
  a.tiles_h = static_cast<int32_t>(tiles_h);
  a.tiles_w = static_cast<int32_t>(tiles_w);
  a.tiles = static_cast<int32_t>(c.batch * tiles_h * tiles_w);
  return a;
}

class StemKernel : public Kernel {
 public:
  StemKernel(const Problem& problem, const MmaProblem& p, const std::string& config, std::span<const PackedView> packed,
             const Target& target)
      : config_(StemConfig::parse(config)),
        epilogue_(problem, p.epilogue, packed, 2),
        weights_(packed_at(packed, 1).device),
        args_(args_of(p.conv, config_)) {
    const int64_t blocks_n = ceil_div(p.n, config_.columns);
    check(static_cast<int64_t>(packed_at(packed, 1).size()) == blocks_n * config_.weight_bytes(p.conv),
          ErrorCode::kCorrupt, "packed weights of {} hold {} bytes", problem.op, packed_at(packed, 1).size());
    shape_.block_x = config_.threads();
    shape_.shared_bytes = static_cast<size_t>(config_.shared_bytes(p.conv));
    function_ = Function(device_of(target), packed_at(packed, 0), "product", shape_.shared_bytes);
    shape_.grid_x = std::min<int64_t>(args_.tiles, std::max(1, target.num_sms) * blocks_per_sm(target));
    shape_.grid_y = blocks_n;
  }

  void run(const KernelArgs& args) const override {
    if (args_.tiles == 0 || shape_.grid_y == 0) return;
    Parameters parameters;
    parameters.add(args.inputs[0]).add(weights_).add(args_).add(epilogue_.values(args));
    function_.launch(shape_, parameters, args.stream);
  }

 private:
  int64_t blocks_per_sm(const Target& target) const {
    const int64_t by_shared = (target.shared_bytes + 1024) / (static_cast<int64_t>(shape_.shared_bytes) + 1024);
    const int64_t registers = std::max(32, function_.num_registers()) * int64_t{config_.threads()};
    return std::max<int64_t>(1, std::min({by_shared, 65536 / registers, int64_t{1536} / config_.threads()}));
  }

  StemConfig config_;
  Function function_;
  EpilogueArgs epilogue_;
  const void* weights_;
  Args args_;
  LaunchShape shape_;
};

class StemTactic : public GeneratedTactic {
 public:
  std::string_view name() const override { return "cuda.stem_conv"; }
  std::vector<std::string_view> ops() const override { return {kFusedConv}; }

  bool supports(const Problem& problem, const Target& target) const override {
    MmaProblem p;
    if (!read_stem(problem, p)) return false;
    return target.sm >= (p.w == DType::kBFloat16 ? 80 : 75) && !configs_for(p.conv, target).empty();
  }

  std::vector<std::string> candidates(const Problem& problem, const Target& target) const override {
    std::vector<std::string> texts;
    for (const StemConfig& c : configs_for(read(problem).conv, target)) {
      texts.push_back(fmt::format("{} rows={} warps={} columns={}", target.arch(), c.rows, c.warps, c.columns));
    }
    return texts;
  }

  bool packs_input(const Problem& problem, int input) const override {
    MmaProblem p;
    return read_stem(problem, p) && (input == 1 || packs_epilogue_column(problem, p.epilogue, input));
  }

  std::unique_ptr<Kernel> prepare(const Problem& problem, const std::string& config, std::span<const PackedView> packed,
                                  const Target& target) const override {
    return std::make_unique<StemKernel>(problem, read(problem), config, packed, target);
  }

  bool accepts_strided_input(const Problem& problem, int input) const override {
    const MmaProblem p = read(problem);
    return (input == 0 && p.conv.in_nhwc) || (input != 0 && input == p.epilogue.residual);
  }
  bool accepts_strided_output(const Problem&, int) const override { return true; }
  bool may_run_in_place(const Problem& problem, int input) const override {
    // A thread reads an element of the residual just before it writes the result.
    return input != 0 && input == read(problem).epilogue.residual &&
           problem.inputs[static_cast<size_t>(input)].dtype == problem.outputs[0].dtype;
  }

 protected:
  Program program(const Problem& problem, const std::string& config) const override {
    const MmaProblem p = read(problem);
    const StemConfig s = StemConfig::parse(config);
    const ConvForm& c = p.conv;
    std::string source(tensor_core_source());
    source += epilogue_source(problem, p.epilogue);
    source += fmt::format(
        "using T = {};\nusing X = {};\nconstexpr int kRows = {}, kWarps = {}, kBN = {}, N = {}, kChannels = {}, "
        "kKernelH = {}, kKernelW = {}, kStrideH = {}, kStrideW = {}, kDilationH = {}, kDilationW = {}, kPadTop = {}, "
        "kPadLeft = {};\n",
        type_name(p.w), type_name(p.x), s.rows, s.warps, s.columns, p.n, c.in_channels, c.kernel_h, c.kernel_w,
        c.stride_h, c.stride_w, c.dilation_h, c.dilation_w, c.pad_top, c.pad_left);
    return {std::string(name()), source.append(stem_source())};
  }

  std::vector<PackedBlob> pack_weights(const Problem& problem, const std::string& config) const override {
    const MmaProblem p = read(problem);
    std::vector<PackedBlob> blobs = {pack_stem_weights(problem, p.conv, StemConfig::parse(config))};
    if (packs_columns(problem, p.epilogue)) blobs.push_back(pack_epilogue_columns(problem, p.epilogue));
    return blobs;
  }

 private:
  static bool read_stem(const Problem& problem, MmaProblem& p) {
    return read_mma_conv(problem, p) && p.w != DType::kFloat32 && p.batch == 1 && p.conv.in_channels > 0 &&
           p.conv.in_channels <= kMostChannels && p.conv.taps() > 1 && p.conv.taps() <= kMostTaps;
  }
  MmaProblem read(const Problem& problem) const {
    MmaProblem p;
    check(read_stem(problem, p), ErrorCode::kUnsupported, "this {} is not for {}", problem.op, name());
    return p;
  }
};

}  // namespace

const Tactic& stem_conv_tactic() {
  static const StemTactic tactic;
  return tactic;
}

}  // namespace burnish::cuda
