// cuda.wgmma_gemm, cuda.wgmma_conv: products with constant weights, and convolutions of NHWC images, on sm_90a: the
// copy engine brings tiles into shared memory, warpgroups multiply them there.
#include "kernels/cuda/generated.h"
#include "kernels/cuda/mma_problem.h"
#include "kernels/cuda/product_epilogue.h"
#include "kernels/cuda/tactics.h"
#include "kernels/cuda/tensor_core.h"
#include "kernels/cuda/tensor_map.h"
#include "kernels/cuda/walk.h"
#include "kernels/cuda/wgmma_source.h"

namespace burnish::cuda {
namespace {

constexpr int64_t kUnit = 8;  // elements of 16 bytes, as the copy engine wants them

/// Args of wgmma_source().
struct Args {
  int32_t m = 0, n = 0, tiles_n = 0, num_tiles = 0;
  int32_t taps = 1, channel_blocks = 0;
  int32_t num_k = 0, channels = 0, lda = 0;
  int32_t a_by_boxes = 0;
  int32_t in_h = 1, in_w = 1, out_h = 1, out_w = 1;
  int32_t kernel_w = 1, stride_h = 1, stride_w = 1, pad_top = 0, pad_left = 0, dilation_h = 1, dilation_w = 1;
};

int64_t channels_of(const MmaProblem& p) {
  return p.is_conv ? p.conv.in_channels : p.k;
}
int64_t taps_of(const MmaProblem& p) {
  return p.is_conv ? p.conv.taps() : 1;
}

/// Dims of 32-bit coordinates, windows that begin and reach where the copy engine can count.
void check_sizes(const Problem& problem, const MmaProblem& p) {
  check(p.m <= INT32_MAX - 256 && p.n <= INT32_MAX - 256, ErrorCode::kUnsupported,
        "{} over {} is too large for one launch (2^31 rows); use a smaller batch", problem.op,
        to_string(problem.inputs[0].shape));
}

/// The last window begins at the result's last pixel.
int upper_corner(int64_t in, int64_t out, int64_t pad, int64_t stride) {
  return static_cast<int>((out - 1) * stride + 1 - pad - in);
}

TiledMap weights_map(const MmaProblem& p, const WgmmaConfig& c) {
  const auto channels = static_cast<uint64_t>(channels_of(p)), taps = static_cast<uint64_t>(taps_of(p));
  return {.dtype = p.w,
          .rank = 3,
          .dims = {channels, taps, static_cast<uint64_t>(p.n)},
          .stride_bytes = {channels * 2, channels * taps * 2},
          .box = {WgmmaConfig::kBK, 1, static_cast<uint32_t>(c.bn / c.cluster)}};
}

TiledMap rows_map(const MmaProblem& p, const WgmmaConfig& c, int64_t lda) {
  return {.dtype = p.x,
          .dims = {static_cast<uint64_t>(channels_of(p)), static_cast<uint64_t>(p.m)},
          .stride_bytes = {static_cast<uint64_t>(lda) * 2},
          .box = {WgmmaConfig::kBK, static_cast<uint32_t>(c.bm)}};
}

Im2colMap images_map(const MmaProblem& p, const WgmmaConfig& c, int64_t lda) {
  const ConvForm& f = p.conv;
  const auto pixel = static_cast<uint64_t>(lda) * 2;
  const auto w = static_cast<uint64_t>(f.in_w), h = static_cast<uint64_t>(f.in_h);
  return {.dtype = p.x,
          .dims = {static_cast<uint64_t>(f.in_channels), w, h, static_cast<uint64_t>(f.batch)},
          .stride_bytes = {pixel, pixel * w, pixel * w * h},
          .lower = {static_cast<int>(-f.pad_left), static_cast<int>(-f.pad_top)},
          .upper = {upper_corner(f.in_w, f.out_w, f.pad_left, f.stride_w),
                    upper_corner(f.in_h, f.out_h, f.pad_top, f.stride_h)},
          .stride = {static_cast<uint32_t>(f.stride_w), static_cast<uint32_t>(f.stride_h)},
          .channels = WgmmaConfig::kBK,
          .pixels = static_cast<uint32_t>(c.bm)};
}

class WgmmaKernel : public Kernel {
 public:
  WgmmaKernel(const Problem& problem, const MmaProblem& p, const std::string& config,
              std::span<const PackedView> packed, const Target& target)
      : p_(p),
        config_(parse_wgmma_config(config)),
        lda_(problem.inputs[0].ld()),
        num_sms_(target.num_sms),
        product_(device_of(target), packed_at(packed, 0), "product", static_cast<size_t>(config_.shared_bytes())),
        epilogue_(problem, p.epilogue, packed, 2) {
    check_sizes(problem, p);
    const PackedView weights = packed_at(packed, 1);
    check(weights.size() == static_cast<size_t>(p.n * p.k) * 2, ErrorCode::kCorrupt,
          "packed weights of {} hold {} bytes, not {}", problem.op, weights.size(), p.n * p.k * 2);
    encode(weights_map(p, config_), weights.device, weights_);
    fill_args();
  }

  void run(const KernelArgs& args) const override {
    if (p_.m == 0 || p_.n == 0) return;
    Args a = args_;
    const void* x = args.inputs[0];
    a.a_by_boxes = is_aligned(x, 16) && lda_ % kUnit == 0 ? 1 : 0;
    TensorMap rows;
    if (a.a_by_boxes != 0) {
      if (p_.plain())
        encode(rows_map(p_, config_, lda_), x, rows);
      else
        encode(images_map(p_, config_, lda_), x, rows);
    }
    product_.launch({.grid_x = std::min<int64_t>(a.num_tiles, num_sms_ / config_.cluster) * config_.cluster,
                     .block_x = config_.threads(),
                     .shared_bytes = static_cast<size_t>(config_.shared_bytes()),
                     .cluster_x = config_.cluster},
                    Parameters().add(rows).add(weights_).add(x).add(a).add(epilogue_.values(args)), args.stream);
  }

 private:
  void fill_args() {
    args_.m = static_cast<int32_t>(p_.m);
    args_.n = static_cast<int32_t>(p_.n);
    args_.tiles_n = static_cast<int32_t>(ceil_div(p_.n, config_.bn));
    const int64_t tiles = ceil_div(p_.m, config_.bm * config_.cluster) * args_.tiles_n;
    check(tiles <= INT32_MAX, ErrorCode::kUnsupported, "a product of {} tiles is too large for one launch", tiles);
    args_.num_tiles = static_cast<int32_t>(tiles);
    args_.taps = static_cast<int32_t>(taps_of(p_));
    args_.channels = static_cast<int32_t>(channels_of(p_));
    args_.channel_blocks = static_cast<int32_t>(ceil_div(channels_of(p_), WgmmaConfig::kBK));
    args_.num_k = args_.taps * args_.channel_blocks;
    args_.lda = static_cast<int32_t>(lda_);
    if (!p_.is_conv) return;
    const ConvForm& f = p_.conv;
    const std::pair<int32_t Args::*, int64_t> geometry[] = {{&Args::in_h, f.in_h},
                                                            {&Args::in_w, f.in_w},
                                                            {&Args::out_h, f.out_h},
                                                            {&Args::out_w, f.out_w},
                                                            {&Args::kernel_w, f.kernel_w},
                                                            {&Args::stride_h, f.stride_h},
                                                            {&Args::stride_w, f.stride_w},
                                                            {&Args::pad_top, f.pad_top},
                                                            {&Args::pad_left, f.pad_left},
                                                            {&Args::dilation_h, f.dilation_h},
                                                            {&Args::dilation_w, f.dilation_w}};
    for (const auto& [member, value] : geometry) args_.*member = static_cast<int32_t>(value);
  }

  MmaProblem p_;
  WgmmaConfig config_;
  int64_t lda_;
  int num_sms_;
  Function product_;
  EpilogueArgs epilogue_;
  TensorMap weights_;
  Args args_;
};

/// What the copy engine can count: windows' offsets of 8 bits, strides up to 8, corners within 128.
bool fits_windows(const ConvForm& f) {
  const auto small = [](int64_t v) { return v >= -128 && v <= 127; };
  return f.stride_h <= 8 && f.stride_w <= 8 && (f.kernel_h - 1) * f.dilation_h <= 255 &&
         (f.kernel_w - 1) * f.dilation_w <= 255 && small(f.pad_top) && small(f.pad_left) &&
         small(upper_corner(f.in_w, f.out_w, f.pad_left, f.stride_w)) &&
         small(upper_corner(f.in_h, f.out_h, f.pad_top, f.stride_h));
}

bool read_gemm(const Problem& problem, MmaProblem& p) {
  return read_mma_gemm(problem, p) && p.packs_b && !p.n_free && !p.k_free;
}
bool read_conv(const Problem& problem, MmaProblem& p) {
  return read_mma_conv(problem, p) && p.conv.in_nhwc && p.batch == 1 && (p.plain() || fits_windows(p.conv));
}

class WgmmaTactic : public GeneratedTactic {
 public:
  using Read = bool (*)(const Problem&, MmaProblem&);
  WgmmaTactic(std::string_view name, Read read, std::vector<std::string_view> ops)
      : name_(name), read_(read), ops_(std::move(ops)) {}

  std::string_view name() const override { return name_; }
  std::vector<std::string_view> ops() const override { return ops_; }

  bool supports(const Problem& problem, const Target& target) const override {
    MmaProblem p;
    return target.arch() == "sm_90a" && read_(problem, p) && p.x == p.w && p.w != DType::kFloat32 && p.batch == 1 &&
           channels_of(p) > 0 && channels_of(p) % kUnit == 0;
  }

  std::vector<std::string> candidates(const Problem& problem, const Target& target) const override {
    const MmaProblem p = read(problem);
    std::vector<std::string> texts;
    for (const WgmmaConfig& c : wgmma_candidates(p.m, p.n, channels_of(p), taps_of(p), target)) {
      texts.push_back(to_string(c, target.arch()));
    }
    return texts;
  }

  bool packs_input(const Problem& problem, int input) const override {
    MmaProblem p;
    return read_(problem, p) && (input == 1 || packs_epilogue_column(problem, p.epilogue, input));
  }

  std::unique_ptr<Kernel> prepare(const Problem& problem, const std::string& config, std::span<const PackedView> packed,
                                  const Target& target) const override {
    return std::make_unique<WgmmaKernel>(problem, read(problem), config, packed, target);
  }

  bool accepts_strided_input(const Problem& problem, int input) const override {
    return input == 0 || input == read(problem).epilogue.residual;
  }
  bool accepts_strided_output(const Problem&, int) const override { return true; }
  bool may_run_in_place(const Problem& problem, int input) const override {
    // A thread reads the elements of the residual just before it writes these results.
    return input != 0 && input == read(problem).epilogue.residual &&
           problem.inputs[static_cast<size_t>(input)].dtype == problem.outputs[0].dtype;
  }

 protected:
  Program program(const Problem& problem, const std::string& config) const override {
    const MmaProblem p = read(problem);
    const std::string type(type_name(p.w));
    std::string source = "using T = " + type + ";\n";
    source += tensor_core_source();
    source += epilogue_source(problem, p.epilogue);
    return {std::string(name_), source + wgmma_source(parse_wgmma_config(config), !p.plain(), type)};
  }

  std::vector<PackedBlob> pack_weights(const Problem& problem, const std::string&) const override {
    const MmaProblem p = read(problem);
    std::vector<PackedBlob> blobs = {pack_mma_weights(problem, p)};
    if (packs_columns(problem, p.epilogue)) blobs.push_back(pack_epilogue_columns(problem, p.epilogue));
    return blobs;
  }

 private:
  MmaProblem read(const Problem& problem) const {
    MmaProblem p;
    check(read_(problem, p), ErrorCode::kUnsupported, "this {} is not for {}", problem.op, name_);
    return p;
  }

  std::string_view name_;
  Read read_;
  std::vector<std::string_view> ops_;
};

}  // namespace

const Tactic& wgmma_gemm_tactic() {
  static const WgmmaTactic tactic("cuda.wgmma_gemm", read_gemm, {kFusedMatMul, kJoinedMatMul, "MatMul", "Gemm"});
  return tactic;
}
const Tactic& wgmma_conv_tactic() {
  static const WgmmaTactic tactic("cuda.wgmma_conv", read_conv, {kFusedConv, kJoinedConv});
  return tactic;
}

}  // namespace burnish::cuda
