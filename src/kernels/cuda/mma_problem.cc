#include "kernels/cuda/mma_problem.h"

#include <cstring>

#include "kernels/cuda/generated.h"
#include "kernels/cuda/product_epilogue.h"

namespace burnish::cuda {
namespace {

/// The most elements of 16 bytes, 8 or 4 that divide `length`.
int64_t unit_of(int64_t length, DType dtype) {
  const auto bytes = static_cast<int64_t>(size_of(dtype));
  for (const int64_t unit : {16 / bytes, 8 / bytes, 4 / bytes}) {
    if (length % unit == 0) return unit;
  }
  return 0;
}

bool any_free(const TensorDesc& desc, int begin, int end) {
  for (int i = begin; i < end; ++i) {
    if (desc.is_free(i)) return true;
  }
  return false;
}

/// A FLOAT input of the model may meet narrow weights; it is rounded as it is read.
bool read_types(const Problem& problem, MmaProblem& p) {
  p.x = problem.inputs[0].dtype;
  p.w = problem.inputs[1].dtype;
  p.tensor_cores = p.w != DType::kFloat32 || problem.attrs->get_int(kAllowTf32, 0) != 0;
  return is_real(p.x) && is_real(p.w) && (p.x == p.w || (p.x == DType::kFloat32 && p.is_conv)) &&
         takes_epilogue(problem, p.epilogue);
}

std::string number_or_argument(bool is_free, int64_t number, std::string_view argument) {
  return is_free ? fmt::format("args.{}", argument) : std::to_string(number);
}

std::string geometry(const MmaProblem& p) {
  const ConvForm& c = p.conv;
  std::string s = fmt::format(
      "constexpr int kTaps = {}, kKernelH = {}, kKernelW = {}, kStrideH = {}, kStrideW = {}, kDilationH = {}, "
      "kDilationW = {}, kPadTop = {}, kPadLeft = {}, kChannels = {}, kImageChannels = {};\n",
      c.taps(), c.kernel_h, c.kernel_w, c.stride_h, c.stride_w, c.dilation_h, c.dilation_w, c.pad_top, c.pad_left,
      std::max<int64_t>(1, c.in_channels), c.all_in_channels());
  const std::pair<std::string_view, int64_t> sizes[] = {
      {"in_h", c.in_h}, {"in_w", c.in_w}, {"out_h", c.out_h}, {"out_w", c.out_w}};
  const std::string_view names[] = {"IN_H", "IN_W", "OUT_H", "OUT_W"};
  for (size_t i = 0; i < 4; ++i) {
    s += fmt::format("#define {} {}\n", names[i], number_or_argument(p.image_free, sizes[i].second, sizes[i].first));
  }
  return s;
}

}  // namespace

int64_t MmaProblem::a_unit() const {
  if (x != w || (is_conv && !conv.in_nhwc) || k_free) return 0;
  return unit_of(is_conv ? conv.in_channels : k, x);
}

int64_t MmaProblem::b_unit() const {
  if (packs_b) return 16 / static_cast<int64_t>(size_of(w));
  if (trans_b) return k_free ? 0 : unit_of(k, w);
  return n_free || w == DType::kFloat32 ? 0 : unit_of(n, w);
}

bool read_mma_conv(const Problem& problem, MmaProblem& p) {
  p.is_conv = true;
  if (!read_conv_geometry(problem, p.conv)) return false;
  p.epilogue = conv_epilogue_form(problem, p.conv);
  p.m = p.conv.batch * p.conv.out_h * p.conv.out_w;
  p.n = p.conv.out_channels;
  p.k = p.conv.k();
  p.batch = p.conv.group;
  p.trans_b = p.packs_b = true;
  const TensorDesc& x = problem.inputs[0];
  const int first = p.conv.in_nhwc ? 1 : 2;
  p.image_free = any_free(x, first, first + x.shape.rank() - 2) || any_free(problem.outputs[0], 1, x.shape.rank() - 1);
  return read_types(problem, p);
}

bool read_mma_gemm(const Problem& problem, MmaProblem& p) {
  GemmForm form;
  if (!read_gemm_form(problem, form)) return false;
  const TensorDesc &a = problem.inputs[0], &b = problem.inputs[1], &y = problem.outputs[0];
  const int rank_b = b.shape.rank();
  p.packs_b = packs_gemm_weights(problem, form);
  // A batch of one that may grow is none.
  p.shared_b = form.shared_b && (p.packs_b || !any_free(b, 0, rank_b - 2));
  p.m = p.shared_b ? form.m : a.shape[a.shape.rank() - 2];
  p.n = form.n;
  p.k = form.k;
  p.batch = p.shared_b ? 1 : y.shape.product(0, y.shape.rank() - 2);
  p.trans_b = p.packs_b || form.trans_b;
  p.n_free = b.is_free(rank_b - (form.trans_b ? 2 : 1)) || y.is_free(y.shape.rank() - 1);
  p.k_free = b.is_free(rank_b - (form.trans_b ? 1 : 2)) || a.is_free(a.shape.rank() - 1);
  p.epilogue = form.epilogue;
  return y.shape.rank() - 2 <= kMaxBatchDims && read_types(problem, p);
}

std::string mma_constants(const MmaProblem& p, const MmaConfig& c) {
  const std::string_view w = type_name(p.w);
  std::string s = fmt::format("using T = {};\nusing X = {};\nusing W = {};\n", w, type_name(p.x), w);
  s += fmt::format(
      "constexpr int kBM = {}, kBN = {}, kBK = {}, kWarpsM = {}, kWarpsN = {}, kStages = {}, kSplits = {};\n"
      "constexpr bool kStreamK = {};\n",
      c.bm, c.bn, c.bk, c.warps_m, c.warps_n, c.stages, c.splits, c.stream > 0);
  const bool by_k = !p.trans_b && p.w != DType::kFloat32;
  s += fmt::format("constexpr int kAUnit = {}, kBUnit = {}, kGroups = {};\n", std::max<int64_t>(1, p.a_unit()),
                   std::max<int64_t>(1, p.b_unit()), p.is_conv ? p.batch : 1);
  s += fmt::format("constexpr bool kAByUnit = {}, kBByUnit = {};\n", p.a_unit() > 0, p.b_unit() > 0);
  s += fmt::format(
      "constexpr bool kTensorCores = {}, kBByK = {}, kBTransposed = {}, kConstantB = {}, kBatched = {}, "
      "kPlain = {}, kNhwc = {}, kWholeChunks = {};\n",
      p.tensor_cores, by_k, p.trans_b, p.packs_b, !p.is_conv && !p.shared_b, p.plain(), !p.is_conv || p.conv.in_nhwc,
      !p.n_free && p.n % kEpilogueChunk == 0);
  s += fmt::format("#define N {}\n#define K {}\n#define KB {}\n", number_or_argument(p.n_free, p.n, "n"),
                   number_or_argument(p.k_free, p.k, "k"), p.packs_b ? std::to_string(p.packed_k()) : "K");
  return s + geometry(p);
}

PackedBlob pack_mma_weights(const Problem& problem, const MmaProblem& p) {
  const auto bytes = static_cast<int64_t>(size_of(p.w));
  PackedBlob blob(static_cast<size_t>(p.batch * p.n * p.packed_k() * bytes));
  const auto* from = static_cast<const std::byte*>(problem.constants[1].data());
  const bool by_column = !p.is_conv && problem.attrs->get_int("transB", 0) == 0;
  const int64_t taps = p.is_conv ? p.conv.taps() : 1, channels = p.k / taps;
  for (int64_t row = 0; row < p.batch * p.n; ++row) {
    std::byte* to = blob.data() + row * p.packed_k() * bytes;
    for (int64_t k = 0; k < p.k; ++k) {
      const int64_t at = by_column ? k * p.n + row : row * p.k + k % channels * taps + k / channels;
      std::memcpy(to + k * bytes, from + at * bytes, static_cast<size_t>(bytes));
    }
  }
  return blob;
}

BatchSteps batch_steps(const Problem& problem) {
  BatchSteps steps;
  const Shape& y = problem.outputs[0].shape;
  const auto fill = [&](const TensorDesc& desc, std::array<int64_t, kMaxBatchDims>& to) {
    const int rank = desc.shape.rank();
    int64_t step = desc.shape[rank - 2] * desc.ld();
    for (int i = rank - 3, at = kMaxBatchDims - 1; i >= 0; --i, --at) {
      if (desc.shape[i] != 1) to[static_cast<size_t>(at)] = step;
      step *= desc.shape[i];
    }
  };
  for (int i = y.rank() - 3, at = kMaxBatchDims - 1; i >= 0; --i, --at) {
    steps.dims[static_cast<size_t>(at)] = static_cast<int32_t>(y[i]);
  }
  fill(problem.inputs[0], steps.a);
  fill(problem.inputs[1], steps.b);
  return steps;
}

}  // namespace burnish::cuda
