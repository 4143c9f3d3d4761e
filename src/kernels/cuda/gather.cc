// cuda.gather: rows picked along one axis, of any element type. An index outside the axis, which the host cannot see,
// takes the nearest row inside it. One program serves all shapes.
#include <algorithm>
#include <vector>

#include "kernels/cuda/generated.h"
#include "kernels/cuda/tactics.h"
#include "kernels/cuda/walk.h"

namespace burnish::cuda {
namespace {

constexpr int kThreads = 256;

// Output items are [outer, index, unit of the row].
constexpr std::string_view kKernel = R"cuda(
struct alignas(16) uint128 { uint64 low, high; };

template <typename T, typename Index>
__device__ __forceinline__ void gather(const FastDivisor& row_units, const FastDivisor& num_indices, uint32 total,
                                       const T* data, const Index* indices, T* out, int64 size) {
  const uint32 i = blockIdx.x * 256 + threadIdx.x;
  const uint32 row = divide(i, row_units), unit = i - row * row_units.divisor;
  const uint32 outer = divide(row, num_indices);
  wait_for_inputs();
  let_next_start();
  if (i >= total) return;
  int64 index = indices[row - outer * num_indices.divisor];
  index = index < 0 ? index + size : index;
  index = index < 0 ? 0 : index < size ? index : size - 1;
  out[i] = data[(int64(outer) * size + index) * row_units.divisor + unit];
}

#define GATHER(bytes, T, bits)                                                                                         \
  extern "C" __global__ void __launch_bounds__(256)                                                                    \
      gather_##bytes##_int##bits(FastDivisor row_units, FastDivisor num_indices, uint32 total, const T* data,          \
                                 const int##bits* indices, T* out, int64 size) {                                       \
    gather(row_units, num_indices, total, data, indices, out, size);                                                   \
  }
GATHER(1, uint8, 32)
GATHER(2, uint16, 32)
GATHER(4, uint32, 32)
GATHER(8, uint64, 32)
GATHER(16, uint128, 32)
GATHER(1, uint8, 64)
GATHER(2, uint16, 64)
GATHER(4, uint32, 64)
GATHER(8, uint64, 64)
GATHER(16, uint128, 64)
)cuda";

class GatherKernel : public Kernel {
 public:
  GatherKernel(const Problem& p, PackedView cubin, const Target& target) {
    const Shape& data = p.inputs[0].shape;
    const int axis = normalize_axis(p.attrs->get_int("axis", 0), data.rank());
    outer_ = data.product(0, axis);
    size_ = data[axis];
    num_indices_ = p.inputs[1].shape.num_elements();
    element_bytes_ = static_cast<int64_t>(size_of(p.inputs[0].dtype));
    row_bytes_ = data.product(axis + 1, data.rank()) * element_bytes_;
    // One launch counts its items in 31 bits; longer outputs are cut between outer slices.
    const int64_t slice = std::max<int64_t>(1, num_indices_ * row_bytes_ / element_bytes_);
    check(slice < kMostItems, ErrorCode::kUnsupported, "a Gather of {} elements in one slice is too long", slice);
    outer_per_launch_ = std::max<int64_t>(1, kMostItems / slice);
    const char* const index = p.inputs[1].dtype == DType::kInt64 ? "int64" : "int32";
    for (int64_t unit = 16; unit >= element_bytes_; unit /= 2) {
      if (row_bytes_ % unit != 0) continue;
      units_.push_back({unit, Function(device_of(target), cubin, fmt::format("gather_{}_{}", unit, index))});
    }
  }

  void run(const KernelArgs& args) const override {
    if (outer_ * num_indices_ * row_bytes_ == 0) return;
    size_t i = 0;
    while (!is_aligned(args.inputs[0], units_[i].bytes) || !is_aligned(args.outputs[0], units_[i].bytes)) ++i;
    for (int64_t first = 0; first < outer_; first += outer_per_launch_) launch(args, units_[i], first);
  }

 private:
  static constexpr int64_t kMostItems = (int64_t{1} << 31) - 1;
  struct Unit {
    int64_t bytes;
    Function function;
  };

  void launch(const KernelArgs& args, const Unit& unit, int64_t first) const {
    const int64_t row_units = row_bytes_ / unit.bytes, count = std::min(outer_per_launch_, outer_ - first);
    const int64_t total = count * num_indices_ * row_units;
    Parameters parameters;
    parameters.add(fast_divisor(row_units)).add(fast_divisor(num_indices_)).add(static_cast<uint32_t>(total));
    parameters.add(static_cast<const char*>(args.inputs[0]) + first * size_ * row_bytes_).add(args.inputs[1]);
    parameters.add(static_cast<char*>(args.outputs[0]) + first * num_indices_ * row_bytes_).add(size_);
    unit.function.launch({.grid_x = ceil_div(total, kThreads), .block_x = kThreads}, parameters, args.stream);
  }

  int64_t outer_ = 0, size_ = 0, num_indices_ = 0, row_bytes_ = 0, element_bytes_ = 0, outer_per_launch_ = 1;
  std::vector<Unit> units_;  // the widest first
};

class GatherTactic : public GeneratedTactic {
 public:
  std::string_view name() const override { return "cuda.gather"; }
  std::vector<std::string_view> ops() const override { return {"Gather"}; }
  bool supports(const Problem& p, const Target&) const override {
    const bool indexed = p.has_input(1) && (p.inputs[1].dtype == DType::kInt64 || p.inputs[1].dtype == DType::kInt32);
    if (p.op != "Gather" || !indexed) return false;
    // Nothing can be taken of an empty axis: the host says so.
    const Shape& data = p.inputs[0].shape;
    return data[normalize_axis(p.attrs->get_int("axis", 0), data.rank())] > 0 && p.inputs[0].dense() &&
           p.inputs[1].dense() && p.outputs[0].dense();
  }
  std::unique_ptr<Kernel> prepare(const Problem& p, const std::string&, std::span<const PackedView> packed,
                                  const Target& target) const override {
    return std::make_unique<GatherKernel>(p, packed_at(packed, 0), target);
  }

 protected:
  Program program(const Problem&, const std::string&) const override {
    return {std::string(name()), std::string(walk_source()) + std::string(kKernel)};
  }
};

}  // namespace

const Tactic& gather_tactic() {
  static const GatherTactic tactic;
  return tactic;
}

}  // namespace burnish::cuda
