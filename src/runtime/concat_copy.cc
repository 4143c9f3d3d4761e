#include "runtime/concat_copy.h"

#include <algorithm>
#include <cstring>

#include "kernels/cuda/device.h"

namespace burnish {
namespace {

// Below this many bytes waking the other threads costs more than it saves.
constexpr int64_t kSerialBytes = 32 << 10;

}  // namespace

std::optional<ConcatCopy> ConcatCopy::find(const Plan& plan, const PlanStep& step, const Problem& problem,
                                           const MemoryLayout& layout) {
  if (step.op != "Concat") return std::nullopt;
  const Place& out = layout.places[static_cast<size_t>(step.outputs[0])];
  const auto is_placed = [&](size_t i) {
    const PlanValue& v = plan.values[static_cast<size_t>(step.inputs[i])];
    const Place& p = layout.places[static_cast<size_t>(step.inputs[i])];
    return v.storage == Storage::kSlice && v.root == step.outputs[0] && v.slice_position == static_cast<int32_t>(i) &&
           p.region == Region::kArena && p.root == out.root;
  };
  std::vector<bool> placed(step.inputs.size());
  for (size_t i = 0; i < placed.size(); ++i) placed[i] = is_placed(i);
  if (std::none_of(placed.begin(), placed.end(), [](bool p) { return p; })) return std::nullopt;

  // A slice exists, so that the axis is the last one or everything before it is 1 (find_places).
  const Shape& whole = problem.outputs[0].shape;
  const int axis = normalize_axis(step.attrs.get_int("axis", 0), whole.rank());
  const auto size = static_cast<int64_t>(size_of(problem.outputs[0].dtype));
  const int64_t rows = whole.product(0, axis);
  ConcatCopy copy;
  int64_t before = 0;
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const TensorDesc& in = problem.inputs[i];
    const int64_t row = in.shape.product(axis, in.shape.rank());
    check(in.dense() || axis == whole.rank() - 1, ErrorCode::kCorrupt, "input {} has rows that stand apart", i);
    const int64_t source_stride = (in.dense() ? row : in.ld()) * size;
    if (!placed[i] && row > 0 && rows > 0) {
      copy.copies_.push_back(
          {i, rows, row * size, source_stride, before * size, whole.product(axis, whole.rank()) * size});
    }
    before += row;
  }
  return copy;
}

void ConcatCopy::run(const KernelArgs& args) const {
  for (const Rows& c : copies_) {
    const auto* source = static_cast<const std::byte*>(args.inputs[c.input]);
    auto* target = static_cast<std::byte*>(args.outputs[0]) + c.target_offset_bytes;
    if (args.stream != nullptr) {
      cuda::copy_rows(
          {target, static_cast<size_t>(c.target_stride_bytes), source, static_cast<size_t>(c.source_stride_bytes),
           static_cast<size_t>(c.row_bytes), static_cast<size_t>(c.num_rows)},
          args.stream);
      continue;
    }
    const auto copy_rows = [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        std::memcpy(target + r * c.target_stride_bytes, source + r * c.source_stride_bytes,
                    static_cast<size_t>(c.row_bytes));
      }
    };
    if (c.num_rows * c.row_bytes <= kSerialBytes) {
      copy_rows(0, c.num_rows);
    } else {
      args.pool->for_ranges(c.num_rows, copy_rows);
    }
  }
}

}  // namespace burnish
