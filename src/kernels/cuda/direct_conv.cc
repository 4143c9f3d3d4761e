// cuda.direct_conv: a convolution of any geometry, layout and number type, one thread a result. The fallback.
#include <cstring>

#include "kernels/cuda/direct_problem.h"
#include "kernels/cuda/generated.h"
#include "kernels/cuda/product_epilogue.h"
#include "kernels/cuda/tactics.h"

namespace burnish::cuda {
namespace {

constexpr int kThreads = 256;

// Constant weights are [tap][channel][result], so that neighbouring threads read neighbours; others as ONNX has them.
constexpr std::string_view kSource = R"cuda(
struct Args {
  int64 total;  // results
  int64 x_pixel;
  int in[3], out[3];
};

extern "C" __global__ void __launch_bounds__(256) convolve(const X* x, const W* w, const __grid_constant__ Args args,
                                                           const __grid_constant__ Epilogue e) {
  wait_for_inputs();
  let_next_start();
  const int64 i = int64(blockIdx.x) * 256 + threadIdx.x;
  if (i >= args.total) return;
  const int pixels = OUT_0 * OUT_1 * OUT_2, channels = kGroups * kOut;
  const int64 rest = i / (kOutNhwc ? channels : pixels);
  const int inner = int(i - rest * (kOutNhwc ? channels : pixels));
  const int image = int(rest / (kOutNhwc ? pixels : channels));
  const int outer = int(rest - int64(image) * (kOutNhwc ? pixels : channels));
  const int o = kOutNhwc ? inner : outer, pixel = kOutNhwc ? outer : inner;
  const int group = o / kOut, o2 = pixel % OUT_2, o1 = pixel / OUT_2 % OUT_1, o0 = pixel / OUT_2 / OUT_1;
  const int64 x_channel = kInNhwc ? 1 : int64(IN_0) * IN_1 * IN_2;
  const X* from = x + (kInNhwc ? int64(image) * IN_0 * IN_1 * IN_2 * args.x_pixel
                               : int64(image) * kGroups * kIn * x_channel) + group * kIn * x_channel;
  float sum = 0.f;
#pragma unroll 1
  for (int tap = 0; tap < kTaps; ++tap) {
    const int t2 = tap % kKernel[2], t1 = tap / kKernel[2] % kKernel[1], t0 = tap / kKernel[2] / kKernel[1];
    const int i0 = o0 * kStride[0] - kPad[0] + t0 * kDilation[0];
    const int i1 = o1 * kStride[1] - kPad[1] + t1 * kDilation[1];
    const int i2 = o2 * kStride[2] - kPad[2] + t2 * kDilation[2];
    if (uint32(i0) >= uint32(IN_0) || uint32(i1) >= uint32(IN_1) || uint32(i2) >= uint32(IN_2)) continue;
    const X* at = from + ((int64(i0) * IN_1 + i1) * IN_2 + i2) * (kInNhwc ? args.x_pixel : 1);
    const W* weights = kPacked ? w + int64(tap) * kIn * channels + o : w + int64(o) * kIn * kTaps + tap;
#pragma unroll 4
    for (int c = 0; c < kIn; ++c) {
      sum = fmaf(to_float(at[c * x_channel]), to_float(weights[int64(c) * (kPacked ? channels : kTaps)]), sum);
    }
  }
  if (kOutNhwc) finish_one(e, rest * e.ldy + o, rest * e.ldr + o, o, sum);
  else finish_one(e, i, i, o, sum);
}
)cuda";

struct Args {
  int64_t total = 0, x_pixel = 0;
  DirectSizes sizes;
};

class DirectKernel : public Kernel {
 public:
  DirectKernel(const Problem& problem, const DirectProblem& p, std::span<const PackedView> packed, const Target& target)
      : packs_(is_constant_input(problem, 1)),
        function_(device_of(target), packed_at(packed, 0), "convolve"),
        epilogue_(problem, p.epilogue, packed, packs_ ? 2 : 1) {
    if (packs_) weights_ = packed_at(packed, 1).device;
    args_ = {p.batch * p.pixels() * p.all_out_channels(), problem.inputs[0].ld(), sizes_of(p)};
    blocks_ = ceil_div(args_.total, kThreads);
    check(blocks_ < INT32_MAX, ErrorCode::kUnsupported, "{} has too many results for one launch", problem.op);
  }

  void run(const KernelArgs& args) const override {
    if (args_.total == 0) return;
    const void* weights = packs_ ? weights_ : args.inputs[1];
    function_.launch({.grid_x = blocks_, .block_x = kThreads},
                     Parameters().add(args.inputs[0]).add(weights).add(args_).add(epilogue_.values(args)), args.stream);
  }

 private:
  bool packs_;
  Function function_;
  EpilogueArgs epilogue_;
  const void* weights_ = nullptr;
  Args args_;
  int64_t blocks_ = 0;
};

class DirectTactic : public GeneratedTactic {
 public:
  std::string_view name() const override { return "cuda.direct_conv"; }
  std::vector<std::string_view> ops() const override { return {kFusedConv, "Conv"}; }
  bool supports(const Problem& problem, const Target&) const override {
    DirectProblem p;
    return read_direct(problem, p);
  }
  bool packs_input(const Problem& problem, int input) const override {
    DirectProblem p;
    return read_direct(problem, p) &&
           ((input == 1 && is_constant_input(problem, 1)) || packs_epilogue_column(problem, p.epilogue, input));
  }
  std::unique_ptr<Kernel> prepare(const Problem& problem, const std::string&, std::span<const PackedView> packed,
                                  const Target& target) const override {
    return std::make_unique<DirectKernel>(problem, read(problem), packed, target);
  }
  bool accepts_strided_input(const Problem& problem, int input) const override {
    const DirectProblem p = read(problem);
    return (input == 0 && p.in_nhwc) || (input != 0 && input == p.epilogue.residual && p.out_nhwc);
  }
  bool accepts_strided_output(const Problem& problem, int) const override { return read(problem).out_nhwc; }
  bool may_run_in_place(const Problem& problem, int input) const override {
    return input != 0 && input == read(problem).epilogue.residual &&
           problem.inputs[static_cast<size_t>(input)].dtype == problem.outputs[0].dtype;
  }

 protected:
  Program program(const Problem& problem, const std::string&) const override {
    const DirectProblem p = read(problem);
    std::string source = epilogue_source(problem, p.epilogue) + direct_constants(p);
    source += fmt::format("constexpr bool kPacked = {};\n", is_constant_input(problem, 1));
    return {std::string(name()), source + std::string(kSource)};
  }

  std::vector<PackedBlob> pack_weights(const Problem& problem, const std::string&) const override {
    const DirectProblem p = read(problem);
    std::vector<PackedBlob> blobs;
    if (is_constant_input(problem, 1)) blobs.push_back(pack(problem, p));
    if (packs_columns(problem, p.epilogue)) blobs.push_back(pack_epilogue_columns(problem, p.epilogue));
    return blobs;
  }

 private:
  static PackedBlob pack(const Problem& problem, const DirectProblem& p) {
    const size_t bytes = size_of(p.w);
    const Tensor& w = problem.constants[1];
    PackedBlob blob(static_cast<size_t>(w.num_elements()) * bytes);
    const auto* from = static_cast<const std::byte*>(w.data());
    for (int64_t i = 0; i < w.num_elements(); ++i) {
      const int64_t tap = i % p.taps(), c = i / p.taps() % p.in_channels, o = i / p.taps() / p.in_channels;
      const auto to = static_cast<size_t>((tap * p.in_channels + c) * p.all_out_channels() + o);
      std::memcpy(blob.data() + to * bytes, from + static_cast<size_t>(i) * bytes, bytes);
    }
    return blob;
  }

  DirectProblem read(const Problem& problem) const {
    DirectProblem p;
    check(read_direct(problem, p), ErrorCode::kUnsupported, "this {} is not for {}", problem.op, name());
    return p;
  }
};

}  // namespace

const Tactic& direct_conv_tactic() {
  static const DirectTactic tactic;
  return tactic;
}

}  // namespace burnish::cuda
