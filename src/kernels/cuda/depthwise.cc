// cuda.depthwise: one filter a channel over NHWC images; a thread makes eight channels of one pixel.
#include "base/float_types.h"
#include "kernels/cuda/direct_problem.h"
#include "kernels/cuda/generated.h"
#include "kernels/cuda/product_epilogue.h"
#include "kernels/cuda/tactics.h"

namespace burnish::cuda {
namespace {

constexpr int kThreads = 128;

// Weights: [tap][channels rounded up to eight], floats.
constexpr std::string_view kSource = R"cuda(
struct Args {
  int64 total;  // chunks of channels of all pixels
  int64 x_pixel;
  int in[3], out[3];
  int aligned;  // whether chunks of X are
};
constexpr int kChunks = (kGroups + kChunk - 1) / kChunk;

extern "C" __global__ void __launch_bounds__(128) convolve(const X* x, const float* w,
                                                           const __grid_constant__ Args args,
                                                           const __grid_constant__ Epilogue e) {
  const int64 i = int64(blockIdx.x) * 128 + threadIdx.x;
  const int64 row = i / kChunks;
  const int channel = int(i - row * kChunks) * kChunk, count = kGroups - channel;
  const int o2 = int(row % OUT_2), o1 = int(row / OUT_2 % OUT_1);
  const int64 plane = row / OUT_2 / OUT_1;
  const int o0 = int(plane % OUT_0);
  const int64 image = plane / OUT_0;
  const X* from = x + image * IN_0 * IN_1 * IN_2 * args.x_pixel + channel;
  wait_for_inputs();
  let_next_start();
  if (i >= args.total) return;
  float sums[kChunk] = {};
#pragma unroll
  for (int tap = 0; tap < kTaps; ++tap) {
    const int t2 = tap % kKernel[2], t1 = tap / kKernel[2] % kKernel[1], t0 = tap / kKernel[2] / kKernel[1];
    const int i0 = o0 * kStride[0] - kPad[0] + t0 * kDilation[0];
    const int i1 = o1 * kStride[1] - kPad[1] + t1 * kDilation[1];
    const int i2 = o2 * kStride[2] - kPad[2] + t2 * kDilation[2];
    if (uint32(i0) >= uint32(IN_0) || uint32(i1) >= uint32(IN_1) || uint32(i2) >= uint32(IN_2)) continue;
    float v[kChunk], weights[kChunk];
    load_chunk<X>(from + ((int64(i0) * IN_1 + i1) * IN_2 + i2) * args.x_pixel, args.aligned, count, v);
    load_chunk<float>(w + tap * kChunks * kChunk + channel, true, kChunk, weights);
#pragma unroll
    for (int c = 0; c < kChunk; ++c) sums[c] = fmaf(v[c], weights[c], sums[c]);
  }
  float scale[kChunk], bias[kChunk];
#pragma unroll
  for (int c = 0; c < kChunk; ++c) {
    scale[c] = c < count ? column_scale(e, channel + c) : 0.f;
    bias[c] = c < count ? column_bias(e, channel + c) : 0.f;
  }
  finish_chunk(e, row, channel, count, e.wide && count >= kChunk, scale, bias, sums);
}
)cuda";

struct Args {
  int64_t total = 0, x_pixel = 0;
  DirectSizes sizes;
  int32_t aligned = 0;
};

bool read_depthwise(const Problem& problem, DirectProblem& p) {
  if (!is_constant_input(problem, 1) || !read_direct(problem, p)) return false;
  // Channels are the columns of one block.
  p.epilogue.columns = p.group;
  p.epilogue.blocks = 1;
  return p.in_nhwc && p.out_nhwc && p.in_channels == 1 && p.out_channels == 1 && p.group > 1;
}

int64_t chunks_of(const DirectProblem& p) {
  return ceil_div(p.group, kEpilogueChunk);
}

class DepthwiseKernel : public Kernel {
 public:
  DepthwiseKernel(const Problem& problem, const DirectProblem& p, std::span<const PackedView> packed,
                  const Target& target)
      : function_(device_of(target), packed_at(packed, 0), "convolve"),
        epilogue_(problem, p.epilogue, packed, 2),
        weights_(packed_at(packed, 1).device),
        x_bytes_(size_of(p.x)),
        whole_(p.group % kEpilogueChunk == 0) {
    args_ = {p.batch * p.pixels() * chunks_of(p), problem.inputs[0].ld(), sizes_of(p)};
    blocks_ = ceil_div(args_.total, kThreads);
    check(blocks_ < INT32_MAX, ErrorCode::kUnsupported, "{} has too many results for one launch", problem.op);
  }

  void run(const KernelArgs& args) const override {
    if (args_.total == 0) return;
    Args a = args_;
    const auto address = reinterpret_cast<uintptr_t>(args.inputs[0]);
    a.aligned = whole_ && (address | static_cast<uintptr_t>(a.x_pixel) * x_bytes_) % 16 == 0 ? 1 : 0;
    function_.launch({.grid_x = blocks_, .block_x = kThreads},
                     Parameters().add(args.inputs[0]).add(weights_).add(a).add(epilogue_.values(args)), args.stream);
  }

 private:
  Function function_;
  EpilogueArgs epilogue_;
  const void* weights_;
  size_t x_bytes_;
  bool whole_;
  Args args_;
  int64_t blocks_ = 0;
};

class DepthwiseTactic : public GeneratedTactic {
 public:
  std::string_view name() const override { return "cuda.depthwise"; }
  std::vector<std::string_view> ops() const override { return {kFusedConv}; }
  bool supports(const Problem& problem, const Target&) const override {
    DirectProblem p;
    return read_depthwise(problem, p);
  }
  bool packs_input(const Problem& problem, int input) const override {
    DirectProblem p;
    return read_depthwise(problem, p) && (input == 1 || packs_epilogue_column(problem, p.epilogue, input));
  }
  std::unique_ptr<Kernel> prepare(const Problem& problem, const std::string&, std::span<const PackedView> packed,
                                  const Target& target) const override {
    return std::make_unique<DepthwiseKernel>(problem, read(problem), packed, target);
  }
  bool accepts_strided_input(const Problem& problem, int input) const override {
    return input == 0 || (input != 0 && input == read(problem).epilogue.residual);
  }
  bool accepts_strided_output(const Problem&, int) const override { return true; }
  bool may_run_in_place(const Problem& problem, int input) const override {
    return input != 0 && input == read(problem).epilogue.residual &&
           problem.inputs[static_cast<size_t>(input)].dtype == problem.outputs[0].dtype;
  }

 protected:
  Program program(const Problem& problem, const std::string&) const override {
    const DirectProblem p = read(problem);
    return {std::string(name()), epilogue_source(problem, p.epilogue) + direct_constants(p) + std::string(kSource)};
  }

  std::vector<PackedBlob> pack_weights(const Problem& problem, const std::string&) const override {
    const DirectProblem p = read(problem);
    std::vector<PackedBlob> blobs = {make_float_blob(p.taps() * chunks_of(p) * kEpilogueChunk)};
    for (int64_t i = 0; i < p.group * p.taps(); ++i) {
      floats_of(blobs[0])[i % p.taps() * chunks_of(p) * kEpilogueChunk + i / p.taps()] =
          float_at(problem.constants[1], i);
    }
    if (packs_columns(problem, p.epilogue)) blobs.push_back(pack_epilogue_columns(problem, p.epilogue));
    return blobs;
  }

 private:
  DirectProblem read(const Problem& problem) const {
    DirectProblem p;
    check(read_depthwise(problem, p), ErrorCode::kUnsupported, "this {} is not for {}", problem.op, name());
    return p;
  }
};

}  // namespace

const Tactic& depthwise_tactic() {
  static const DepthwiseTactic tactic;
  return tactic;
}

}  // namespace burnish::cuda
