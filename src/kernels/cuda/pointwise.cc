// cuda.pointwise: elementwise steps over broadcast inputs: Pointwise chains of any encoding, plain arithmetic,
// comparisons, logic, choices, casts and quantisation. A thread computes groups of neighbouring elements.
#include <algorithm>

#include "kernels/cpu/broadcast_loop.h"
#include "kernels/cuda/elementwise_source.h"
#include "kernels/cuda/generated.h"
#include "kernels/cuda/tactics.h"
#include "kernels/cuda/walk.h"
#include "ops/views.h"

namespace burnish::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kMaxInputs = 16;
/// Bytes of all tensors below which one group a thread spreads the work over more of the GPU.
constexpr int64_t kSmallBytes = 8 << 20;

/// Dims of a one-dimensional scale or zero point along the axis it belongs to.
Shape along_axis(const Problem& p, const Shape& scale) {
  if (scale.num_elements() == 1) return Shape{};
  const int rank = p.inputs[0].shape.rank();
  const int axis = normalize_axis(p.attrs->get_int("axis", 1), rank);
  Shape spread{scale.num_elements()};
  for (int d = axis + 1; d < rank; ++d) spread.push_back(1);
  return spread;
}

bool is_scaling(const Problem& p) {
  return p.op == "QuantizeLinear" || p.op == "DequantizeLinear";
}

/// Scales come one for all or one for each index of an axis; blocks of them are left to others.
bool scales_fit(const Problem& p) {
  if (!is_scaling(p)) return true;
  const Shape& scale = p.inputs[1].shape;
  if (p.has_input(2) && p.inputs[2].shape.num_elements() != scale.num_elements()) return false;
  if (scale.num_elements() == 1) return true;
  const int rank = p.inputs[0].shape.rank();
  const int64_t axis = p.attrs->get_int("axis", 1);
  return scale.rank() == 1 && axis >= -rank && axis < rank && scale[0] == p.inputs[0].shape[normalize_axis(axis, rank)];
}

bool is_viewed(const Problem& p, size_t input) {
  return has_views(*p.attrs) && !views_of(*p.attrs, static_cast<int>(p.inputs.size()))[input].empty();
}

/// Row-major, rows ld() apart.
Shape strides_of(const TensorDesc& d) {
  Shape strides(std::vector<int64_t>(static_cast<size_t>(d.shape.rank()), 1));
  for (int i = d.shape.rank() - 2; i >= 0; --i) {
    strides[i] = i == d.shape.rank() - 2 ? d.ld() : strides[i + 1] * d.shape[i + 1];
  }
  return strides;
}

/// Strides along the output's dimensions of a tensor that is broadcast to them.
Shape broadcast_strides(const Shape& dims, const Shape& shape, std::span<const int64_t> strides) {
  Shape result(std::vector<int64_t>(static_cast<size_t>(dims.rank()), 0));
  const int skipped = dims.rank() - shape.rank();
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i] != 1) result[skipped + i] = strides[static_cast<size_t>(i)];
  }
  return result;
}

/// Inputs that are looked at through transposes and slices.
Loop viewed_loop(const Problem& p) {
  const Shape& dims = p.outputs[0].shape;
  const auto views = views_of(*p.attrs, static_cast<int>(p.inputs.size()));
  Loop loop{dims, {strides_of(p.outputs[0])}};
  for (size_t i = 0; i < p.inputs.size(); ++i) {
    const TensorDesc& in = p.inputs[i];
    const StridedView view = strided_view(in.shape, views[i]);
    const Shape as_stored = strides_of(in);
    loop.strides.push_back(broadcast_strides(dims, view.shape, views[i].empty() ? as_stored.dims() : view.strides));
  }
  return merged(loop);
}

/// Elements from the start of each tensor of loop_of() to the first that is read.
std::vector<int64_t> offsets_of(const Problem& p) {
  std::vector<int64_t> offsets = {0};
  const auto views = views_of(*p.attrs, static_cast<int>(p.inputs.size()));
  for (size_t i = 0; i < p.inputs.size(); ++i) {
    if (p.inputs[i].present()) offsets.push_back(strided_view(p.inputs[i].shape, views[i]).offset);
  }
  return offsets;
}

/// The output, then every present input.
Loop loop_of(Problem p) {
  if (has_views(*p.attrs)) return viewed_loop(p);
  for (size_t i = 1; is_scaling(p) && i < p.inputs.size(); ++i) {
    if (p.inputs[i].present()) p.inputs[i] = {p.inputs[i].dtype, along_axis(p, p.inputs[i].shape)};
  }
  const BroadcastLoop broadcast = make_broadcast_loop(p);
  Loop loop{broadcast.dims, {broadcast.out_strides}};
  for (size_t i = 0; i < p.inputs.size(); ++i) {
    if (p.inputs[i].present()) loop.strides.push_back(broadcast.in_strides[i]);
  }
  return loop;
}

/// Elements of a group: 16 bytes of the narrowest type, at most 32 of the widest.
int group_of(const Problem& p) {
  size_t least = size_of(p.outputs[0].dtype), most = least;
  for (const TensorDesc& d : p.inputs) {
    if (!d.present()) continue;
    least = std::min(least, size_of(d.dtype));
    most = std::max(most, size_of(d.dtype));
  }
  return static_cast<int>(std::min(16 / least, 32 / most));
}

constexpr std::string_view kKernel = R"cuda(
constexpr int kThreads = 256;
// N neighbours, or one element N times.
template <int N, typename T> __device__ __forceinline__ Pack<T, N> load_group(const T* p, bool repeats) {
  if (N == 1 || !repeats) return load_pack<N>(p);
  Pack<T, N> x;
  const T value = *p;
#pragma unroll
  for (int i = 0; i < N; ++i) x.v[i] = value;
  return x;
}
)cuda";

std::string entry_source(const ElementwiseSource& s, int width) {
  std::string parameters, strides, loads, elements;
  int t = 1;
  for (size_t i = 0; i < s.input_types.size(); ++i) {
    const std::string& type = s.input_types[i];
    if (type.empty()) continue;
    parameters += fmt::format(", const {}* p{}, WalkStrides s{}", type, i, i);
    strides += fmt::format(", s{}", i);
    loads += fmt::format("    g{0}[u] = load_group<{1}>(p{0} + at[u][{2}], repeats >> {2} & 1);\n", i, width, t++);
    elements += fmt::format("{}g{}[u].v[e]", elements.empty() ? "" : ", ", i);
  }
  std::string groups;
  for (size_t i = 0; i < s.input_types.size(); ++i) {
    if (!s.input_types[i].empty()) groups += fmt::format("  Pack<{}, {}> g{}[kUnroll];\n", s.input_types[i], width, i);
  }
  return fmt::format(R"cuda(
extern "C" __global__ void __launch_bounds__(kThreads) pointwise_{width}(WalkDims dims, uint32 repeats, {type}* y,
                                                                          WalkStrides sy{parameters}) {{
  const WalkStrides strides[] = {{sy{strides}}};
  const uint32 first = blockIdx.x * (kThreads * kUnroll) + threadIdx.x;
  int32 at[kUnroll][{tensors}];
#pragma unroll
  for (int u = 0; u < kUnroll; ++u) walk(dims, strides, first + u * kThreads, at[u]);
  wait_for_inputs();
  let_next_start();
{groups}
#pragma unroll
  for (int u = 0; u < kUnroll; ++u) {{
    if (first + u * kThreads >= dims.total) break;
{loads}  }}
#pragma unroll
  for (int u = 0; u < kUnroll; ++u) {{
    if (first + u * kThreads >= dims.total) break;
    Pack<{type}, {width}> result;
#pragma unroll
    for (int e = 0; e < {width}; ++e) result.v[e] = element({elements});
    store_pack(y + at[u][0], result);
  }}
}}
)cuda",
                     fmt::arg("width", width), fmt::arg("type", s.output_type), fmt::arg("parameters", parameters),
                     fmt::arg("strides", strides), fmt::arg("tensors", t), fmt::arg("groups", groups),
                     fmt::arg("loads", loads), fmt::arg("elements", elements));
}

/// The parts of a loop and the function for groups of one width.
struct Variant {
  Function function;
  std::vector<WalkPiece> pieces;
  uint32_t repeats = 0;  ///< Bit t: tensor t has the same element all along the innermost dimension.

  Variant(const Device& device, PackedView cubin, const Loop& loop, int width)
      : function(device, cubin, fmt::format("pointwise_{}", width)), pieces(walk_pieces(packed_by(loop, width))) {
    for (size_t t = 0; t < loop.strides.size(); ++t) {
      if (loop.strides[t].back() == 0) repeats |= 1U << t;
    }
  }
};

class PointwiseKernel : public Kernel {
 public:
  PointwiseKernel(const Problem& p, const std::string& config, PackedView cubin, const Target& target)
      : unroll_(int_of(config, "unroll", 1)), group_(group_of(p)) {
    const Loop loop = loop_of(p);
    offsets_ = offsets_of(p);
    const Device& device = device_of(target);
    single_.emplace(device, cubin, loop, 1);
    if (group_ > 1 && packs_by(loop, group_)) grouped_.emplace(device, cubin, loop, group_);
    bytes_.push_back(static_cast<int64_t>(size_of(p.outputs[0].dtype)));
    for (size_t i = 0; i < p.inputs.size(); ++i) {
      if (!p.inputs[i].present()) continue;
      inputs_.push_back(i);
      bytes_.push_back(static_cast<int64_t>(size_of(p.inputs[i].dtype)));
    }
  }

  void run(const KernelArgs& args) const override {
    std::array<const char*, kMaxInputs + 1> pointers;
    pointers[0] = static_cast<const char*>(args.outputs[0]);
    for (size_t i = 0; i < inputs_.size(); ++i) {
      pointers[i + 1] = static_cast<const char*>(args.inputs[inputs_[i]]) + offsets_[i + 1] * bytes_[i + 1];
    }
    const Variant& variant = grouped_ && is_grouped(pointers) ? *grouped_ : *single_;
    for (const WalkPiece& piece : variant.pieces) launch(variant, piece, pointers, args.stream);
  }

 private:
  using Pointers = std::array<const char*, kMaxInputs + 1>;

  bool is_grouped(const Pointers& pointers) const {
    for (size_t t = 0; t < bytes_.size(); ++t) {
      const bool repeats = (grouped_->repeats >> t & 1U) != 0;
      if (!repeats && !is_aligned(pointers[t], std::min<int64_t>(16, bytes_[t] * group_))) return false;
    }
    return true;
  }

  void launch(const Variant& variant, const WalkPiece& piece, const Pointers& pointers, void* stream) const {
    Parameters parameters;
    parameters.add(piece.dims).add(variant.repeats);
    for (size_t t = 0; t < bytes_.size(); ++t) {
      parameters.add(pointers[t] + piece.offsets[t] * bytes_[t]).add(piece.strides[t]);
    }
    variant.function.launch({.grid_x = ceil_div(piece.dims.total, int64_t{kThreads} * unroll_), .block_x = kThreads},
                            parameters, stream);
  }

  int unroll_, group_;
  std::optional<Variant> single_, grouped_;
  std::vector<size_t> inputs_;    // those that are present
  std::vector<int64_t> bytes_;    // of an element: the output's, then theirs
  std::vector<int64_t> offsets_;  // of views, in elements, likewise
};

class PointwiseTactic : public GeneratedTactic {
 public:
  std::string_view name() const override { return "cuda.pointwise"; }
  std::vector<std::string_view> ops() const override { return elementwise_ops(); }

  bool supports(const Problem& p, const Target&) const override {
    if (p.inputs.size() > kMaxInputs || !elementwise_source(p) || !scales_fit(p)) return false;
    return loop_of(p).dims.rank() < kMaxWalkDims;  // one more where rows stand apart
  }

  std::vector<std::string> candidates(const Problem& p, const Target& target) const override {
    int64_t bytes = p.outputs[0].shape.num_elements() * static_cast<int64_t>(size_of(p.outputs[0].dtype));
    for (const TensorDesc& d : p.inputs) {
      if (d.present()) bytes += d.shape.num_elements() * static_cast<int64_t>(size_of(d.dtype));
    }
    const auto with = [&](int unroll) { return fmt::format("{} unroll={}", target.arch(), unroll); };
    if (bytes < kSmallBytes) return {with(1)};
    return {with(2), with(1), with(4)};
  }

  std::unique_ptr<Kernel> prepare(const Problem& p, const std::string& config, std::span<const PackedView> packed,
                                  const Target& target) const override {
    return std::make_unique<PointwiseKernel>(p, config, packed_at(packed, 0), target);
  }

  bool accepts_strided_input(const Problem& p, int input) const override {
    return (!is_scaling(p) || input == 0) && !is_viewed(p, static_cast<size_t>(input));
  }
  bool accepts_strided_output(const Problem&, int) const override { return true; }
  bool may_run_in_place(const Problem& p, int input) const override {
    const TensorDesc& from = p.inputs[static_cast<size_t>(input)];
    return !is_viewed(p, static_cast<size_t>(input)) && from.shape == p.outputs[0].shape &&
           size_of(from.dtype) == size_of(p.outputs[0].dtype);
  }

 protected:
  Program program(const Problem& p, const std::string& config) const override {
    const auto source = elementwise_source(p);
    check(source.has_value(), ErrorCode::kUnsupported, "cuda.pointwise cannot run this {}", p.op);
    std::string text = fmt::format("constexpr int kUnroll = {};\n", int_of(config, "unroll", 1));
    text.append(walk_source()).append(kKernel).append(source->source).append(entry_source(*source, 1));
    if (group_of(p) > 1) text += entry_source(*source, group_of(p));
    return {std::string(name()), text};
  }
};

}  // namespace

const Tactic& pointwise_tactic() {
  static const PointwiseTactic tactic;
  return tactic;
}

}  // namespace burnish::cuda
