// cuda.mma_gemm, cuda.mma_conv: matrix products and convolutions with NHWC results as products of tiles, on tensor
// cores for narrow floats and TF32, else by single-precision multiply-adds.
#include "kernels/cuda/generated.h"
#include "kernels/cuda/mma_problem.h"
#include "kernels/cuda/mma_source.h"
#include "kernels/cuda/product_epilogue.h"
#include "kernels/cuda/tactics.h"
#include "kernels/cuda/tensor_core.h"

namespace burnish::cuda {
namespace {

/// Args of mma_source().
struct Args {
  std::array<int64_t, kMaxBatchDims> a_step = {}, b_step = {};
  std::array<int32_t, kMaxBatchDims> batch_dims = {1, 1, 1, 1};
  int32_t m = 0, n = 0, k = 0, lda = 0, ldb = 0;
  int32_t in_h = 0, in_w = 0, out_h = 0, out_w = 0;
  int32_t a_aligned = 0, b_aligned = 0;
  int32_t tiles_n = 0;
  void* workspace = nullptr;
  int32_t tiles = 0, units = 0, units_each = 0;
  void* flags = nullptr;
};

/// Offsets in A are of 32 bits.
void check_sizes(const Problem& problem, const MmaProblem& p) {
  const TensorDesc& x = problem.inputs[0];
  const int64_t rows = p.is_conv && !p.conv.in_nhwc ? 1 : x.shape.product(0, x.shape.rank() - 1);
  const int64_t elements = rows == 1 ? x.shape.num_elements() : rows * x.ld();
  check(elements < INT32_MAX && p.m < INT32_MAX && p.batch <= 65535, ErrorCode::kUnsupported,
        "{} over {} is too large for one launch (2^31 elements, 65,535 matrices); use a smaller batch", problem.op,
        to_string(x.shape));
}

class MmaKernel : public Kernel {
 public:
  MmaKernel(const Problem& problem, const MmaProblem& p, const std::string& config, std::span<const PackedView> packed,
            const Target& target)
      : p_(p),
        config_(parse_mma_config(config)),
        shared_bytes_(static_cast<size_t>(config_.shared_bytes(static_cast<int64_t>(size_of(p.w))))),
        clustered_(sm_of(config) >= 90),
        product_(device_of(target), packed_at(packed, 0), "product", shared_bytes_),
        epilogue_(problem, p.epilogue, packed, p.packs_b ? 2 : 1) {
    check_sizes(problem, p);
    if (reduces()) reduce_ = Function(device_of(target), packed_at(packed, 0), "reduce_splits");
    if (p.packs_b) find_weights(packed_at(packed, 1), problem);
    fill_args(problem);
    if (config_.stream > 0) share(problem, target);
  }

  size_t num_flags() const override { return static_cast<size_t>(shares_.blocks); }
  size_t scratch_bytes() const override {
    if (config_.stream > 0) return static_cast<size_t>(shares_.blocks * config_.bm * config_.bn) * sizeof(float);
    return reduces() ? static_cast<size_t>(config_.splits * p_.batch * p_.m * p_.n) * sizeof(float) : 0;
  }

  void run(const KernelArgs& args) const override {
    if (p_.m == 0 || p_.n == 0 || p_.batch == 0) return;
    Args a = args_;
    const void* b = p_.packs_b ? weights_ : args.inputs[1];
    a.a_aligned = is_aligned(args.inputs[0], p_.a_unit(), size_of(p_.x), a.lda, a.a_step);
    a.b_aligned = is_aligned(b, p_.b_unit(), size_of(p_.w), a.ldb, a.b_step);
    a.workspace = args.scratch;
    a.flags = args.flags;
    const EpilogueArgs::Values epilogue = epilogue_.values(args);
    const bool streams = config_.stream > 0;
    const int64_t tiles = ceil_div(p_.m, config_.bm) * a.tiles_n;
    product_.launch({.grid_x = streams ? shares_.blocks : tiles * config_.splits,
                     .grid_z = streams ? 1 : p_.batch,
                     .block_x = config_.threads(),
                     .shared_bytes = shared_bytes_,
                     .cluster_x = clustered_ ? config_.splits : 1},
                    Parameters().add(args.inputs[0]).add(b).add(a).add(epilogue), args.stream);
    if (!reduces()) return;
    reduce_.launch({.grid_x = ceil_div(p_.m * ceil_div(p_.n, kEpilogueChunk), 256), .grid_z = p_.batch, .block_x = 256},
                   Parameters().add(a).add(epilogue), args.stream);
  }

 private:
  /// Whether a second kernel adds the partial sums up; on sm_90 the blocks of a cluster do.
  bool reduces() const { return config_.splits > 1 && !clustered_; }

  void find_weights(const PackedView& view, const Problem& problem) {
    const auto bytes = static_cast<size_t>(p_.batch * p_.n * p_.packed_k()) * size_of(p_.w);
    check(view.size() == bytes, ErrorCode::kCorrupt, "packed weights of {} hold {} bytes, not {}", problem.op,
          view.size(), bytes);
    weights_ = view.device;
  }

  void fill_args(const Problem& problem) {
    args_.m = static_cast<int32_t>(p_.m);
    args_.n = static_cast<int32_t>(p_.n);
    args_.k = static_cast<int32_t>(p_.k);
    args_.lda = static_cast<int32_t>(problem.inputs[0].ld());
    args_.ldb = static_cast<int32_t>(p_.packs_b ? p_.packed_k() : problem.inputs[1].ld());
    args_.in_h = static_cast<int32_t>(p_.conv.in_h);
    args_.in_w = static_cast<int32_t>(p_.conv.in_w);
    args_.out_h = static_cast<int32_t>(p_.conv.out_h);
    args_.out_w = static_cast<int32_t>(p_.conv.out_w);
    args_.tiles_n = static_cast<int32_t>(ceil_div(p_.n, config_.bn));
    if (p_.is_conv || p_.shared_b) return;
    const BatchSteps steps = batch_steps(problem);
    args_.a_step = steps.a;
    args_.b_step = steps.b;
    args_.batch_dims = steps.dims;
  }

  void share(const Problem& problem, const Target& target) {
    shares_ = share_work(config_, p_.size(), target.num_sms);
    check(shares_.units < INT32_MAX, ErrorCode::kUnsupported, "{} over {} has too many tiles for stream-K", problem.op,
          to_string(problem.inputs[0].shape));
    args_.tiles = static_cast<int32_t>(ceil_div(p_.m, config_.bm) * args_.tiles_n);
    args_.units = static_cast<int32_t>(shares_.units);
    args_.units_each = static_cast<int32_t>(shares_.units / std::max<int64_t>(1, shares_.tiles));
  }

  static int32_t is_aligned(const void* pointer, int64_t unit, size_t element_bytes, int64_t ld,
                            const std::array<int64_t, kMaxBatchDims>& steps) {
    if (unit == 0) return 0;
    int64_t all = ld;
    for (const int64_t step : steps) all |= step;
    const auto address = reinterpret_cast<uintptr_t>(pointer);
    return all % unit == 0 && address % (static_cast<uintptr_t>(unit) * element_bytes) == 0 ? 1 : 0;
  }

  MmaProblem p_;
  MmaConfig config_;
  size_t shared_bytes_;
  bool clustered_;
  Function product_, reduce_;
  EpilogueArgs epilogue_;
  const void* weights_ = nullptr;
  Args args_;
  StreamK shares_;
};

class MmaTactic : public GeneratedTactic {
 public:
  using Read = bool (*)(const Problem&, MmaProblem&);
  MmaTactic(std::string_view name, Read read, std::vector<std::string_view> ops)
      : name_(name), read_(read), ops_(std::move(ops)) {}

  std::string_view name() const override { return name_; }
  std::vector<std::string_view> ops() const override { return ops_; }

  bool supports(const Problem& problem, const Target& target) const override {
    MmaProblem p;
    if (!read_(problem, p)) return false;
    return target.sm >= 80 || !p.tensor_cores || p.w == DType::kFloat16;
  }

  std::vector<std::string> candidates(const Problem& problem, const Target& target) const override {
    std::vector<std::string> texts;
    for (const MmaConfig& c : mma_candidates(read(problem).size(), target)) {
      texts.push_back(to_string(c, target.arch()));
    }
    return texts;
  }

  bool packs_input(const Problem& problem, int input) const override {
    MmaProblem p;
    return read_(problem, p) && ((input == 1 && p.packs_b) || packs_epilogue_column(problem, p.epilogue, input));
  }

  std::unique_ptr<Kernel> prepare(const Problem& problem, const std::string& config, std::span<const PackedView> packed,
                                  const Target& target) const override {
    return std::make_unique<MmaKernel>(problem, read(problem), config, packed, target);
  }

  bool accepts_strided_input(const Problem& problem, int input) const override {
    const MmaProblem p = read(problem);
    return (input == 0 && (!p.is_conv || p.conv.in_nhwc)) || (input == 1 && !p.packs_b) ||
           (input != 0 && input == p.epilogue.residual);
  }
  bool accepts_strided_output(const Problem&, int) const override { return true; }
  bool may_run_in_place(const Problem& problem, int input) const override {
    const MmaProblem p = read(problem);
    // A thread reads an element of the residual just before it writes the result.
    return input != 0 && input == p.epilogue.residual &&
           problem.inputs[static_cast<size_t>(input)].dtype == problem.outputs[0].dtype;
  }

 protected:
  Program program(const Problem& problem, const std::string& config) const override {
    const MmaProblem p = read(problem);
    std::string source(tensor_core_source());
    source += epilogue_source(problem, p.epilogue);
    source += mma_constants(p, parse_mma_config(config));
    source += stream_k_source();
    return {std::string(name_), source + std::string(mma_source())};
  }

  std::vector<PackedBlob> pack_weights(const Problem& problem, const std::string&) const override {
    const MmaProblem p = read(problem);
    std::vector<PackedBlob> blobs;
    if (p.packs_b) blobs.push_back(pack_mma_weights(problem, p));
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

const Tactic& mma_gemm_tactic() {
  static const MmaTactic tactic("cuda.mma_gemm", read_mma_gemm, {kFusedMatMul, kJoinedMatMul, "MatMul", "Gemm"});
  return tactic;
}
const Tactic& mma_conv_tactic() {
  static const MmaTactic tactic("cuda.mma_conv", read_mma_conv, {kFusedConv, kJoinedConv});
  return tactic;
}

}  // namespace burnish::cuda
