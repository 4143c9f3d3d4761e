#include "kernels/cpu/copy_moves.h"

#include <algorithm>
#include <array>

#include "kernels/cpu/problem_util.h"
#include "ops/data_movement.h"

namespace burnish {
namespace {

Move move_all(const Problem& p, size_t input, size_t output, const Shape& dims) {
  const auto bytes = static_cast<int64_t>(size_of(p.inputs[input].dtype));
  return {input, output, {dims, strides_of(p.inputs[input]), strides_of(p.outputs[output]), 0, 0, bytes}};
}

std::vector<Move> transpose(const Problem& p) {
  Move m = move_all(p, 0, 0, p.inputs[0].shape);
  const std::vector<int64_t> order = permutation_of(*p.attrs, p.inputs[0].shape.rank());
  const Shape strides = m.copy.target_strides;
  for (size_t i = 0; i < order.size(); ++i) {
    m.copy.target_strides[static_cast<int>(order[i])] = strides[static_cast<int>(i)];
  }
  return {m};
}

/// Both ways between blocks in depth and blocks in space, as a transpose of six dimensions.
std::vector<Move> depth_and_space(const Problem& p, bool to_space) {
  const Shape& deep = to_space ? p.inputs[0].shape : p.outputs[0].shape;
  const int64_t b = p.attrs->get_int("blocksize", 1);
  const int64_t n = deep[0], c = deep[1] / (b * b), h = deep[2], w = deep[3];
  const bool column_row_depth = p.attrs->get_string("mode", "DCR") == "CRD";
  // [n, block row, block column, c, h, w] of the deep side, and where they stand in space
  const Shape deep_strides = column_row_depth ? Shape{c * b * b * h * w, b * h * w, h * w, b * b * h * w, w, 1}
                                              : Shape{c * b * b * h * w, b * c * h * w, c * h * w, h * w, w, 1};
  const Shape wide_strides{c * b * b * h * w, w * b, 1, h * b * w * b, b * w * b, b};
  const auto bytes = static_cast<int64_t>(size_of(p.inputs[0].dtype));
  const Shape dims{n, b, b, c, h, w};
  if (to_space) return {{0, 0, {dims, deep_strides, wide_strides, 0, 0, bytes}}};
  return {{0, 0, {dims, wide_strides, deep_strides, 0, 0, bytes}}};
}

std::vector<Move> slice(const Problem& p) {
  const Shape& shape = p.inputs[0].shape;
  const std::vector<int64_t> starts = ints_at(p, 1), ends = ints_at(p, 2), axes = ints_at(p, 3), steps = ints_at(p, 4);
  Move m = move_all(p, 0, 0, p.outputs[0].shape);
  for (size_t i = 0; i < starts.size(); ++i) {
    const int axis = normalize_axis(axes.empty() ? static_cast<int64_t>(i) : axes[i], shape.rank());
    const int64_t step = steps.empty() ? 1 : steps[i];
    m.copy.source_offset += slice_range(shape[axis], starts[i], ends[i], step).start * m.copy.source_strides[axis];
    // A step beyond the dimension takes one element: any stride does, and no product overflows.
    m.copy.source_strides[axis] *= std::clamp(step, -shape[axis] - 1, shape[axis] + 1);
  }
  if (m.copy.dims.num_elements() == 0) m.copy.source_offset = 0;
  return {m};
}

std::vector<Move> split(const Problem& p) {
  const int axis = normalize_axis(p.attrs->get_int("axis", 0), p.inputs[0].shape.rank());
  std::vector<Move> moves;
  int64_t position = 0;
  for (size_t o = 0; o < p.outputs.size(); ++o) {
    Move m = move_all(p, 0, o, p.outputs[o].shape);
    m.copy.source_offset = position * m.copy.source_strides[axis];
    position += p.outputs[o].shape[axis];
    moves.push_back(m);
  }
  return moves;
}

std::vector<Move> concat(const Problem& p) {
  const int axis = normalize_axis(p.attrs->get_int("axis", 0), p.outputs[0].shape.rank());
  std::vector<Move> moves;
  int64_t position = 0;
  for (size_t i = 0; i < p.inputs.size(); ++i) {
    Move m = move_all(p, i, 0, p.inputs[i].shape);
    m.copy.target_offset = position * m.copy.target_strides[axis];
    position += p.inputs[i].shape[axis];
    moves.push_back(m);
  }
  return moves;
}

std::vector<Move> expand(const Problem& p) {
  const Shape& from = p.inputs[0].shape;
  const Shape from_strides = strides_of(p.inputs[0]);
  Move m = move_all(p, 0, 0, p.outputs[0].shape);
  const int added = m.copy.dims.rank() - from.rank();
  m.copy.source_strides = m.copy.dims;  // of the right rank
  for (int i = 0; i < m.copy.dims.rank(); ++i) {
    m.copy.source_strides[i] = i < added || from[i - added] == 1 ? 0 : from_strides[i - added];
  }
  return {m};
}

/// Every dimension twice: the repeats, then the elements.
std::vector<Move> tile(const Problem& p) {
  const std::vector<int64_t> repeats = ints_at(p, 1);
  const Shape from = strides_of(p.inputs[0]), to = strides_of(p.outputs[0]);
  StridedCopy copy;
  copy.element_bytes = static_cast<int64_t>(size_of(p.inputs[0].dtype));
  for (int d = 0; d < from.rank(); ++d) {
    const int64_t n = p.inputs[0].shape[d];
    for (const auto& [size, source, target] :
         {std::array{repeats[static_cast<size_t>(d)], int64_t{0}, n * to[d]}, std::array{n, from[d], to[d]}}) {
      copy.dims.push_back(size);
      copy.source_strides.push_back(source);
      copy.target_strides.push_back(target);
    }
  }
  return {{0, 0, copy}};
}

/// Reshape and its kin: the same elements in the same order.
std::vector<Move> same_order(const Problem& p) {
  const Shape flat{p.inputs[0].shape.num_elements()};
  return {{0, 0, {flat, Shape{1}, Shape{1}, 0, 0, static_cast<int64_t>(size_of(p.inputs[0].dtype))}}};
}

constexpr std::array kOps = {
    CopyOp{"Transpose", transpose, 0, true},
    CopyOp{"Concat", concat, 0, true},
    CopyOp{"Split", split, 0, true},
    CopyOp{"Slice", slice, 1, true},
    CopyOp{"Expand", expand, 0, true},
    CopyOp{"Tile", tile, 1, true},
    CopyOp{"DepthToSpace", [](const Problem& p) { return depth_and_space(p, true); }},
    CopyOp{"SpaceToDepth", [](const Problem& p) { return depth_and_space(p, false); }},
    CopyOp{"Reshape", same_order},
    CopyOp{"Flatten", same_order},
    CopyOp{"Squeeze", same_order},
    CopyOp{"Unsqueeze", same_order},
    CopyOp{"Identity", same_order},
};

}  // namespace

std::span<const CopyOp> copy_ops() {
  return kOps;
}

const CopyOp* find_copy_op(std::string_view op) {
  const auto* row = std::find_if(kOps.begin(), kOps.end(), [&](const CopyOp& r) { return r.op == op; });
  return row == kOps.end() ? nullptr : row;
}

bool is_copy(const Problem& p) {
  const CopyOp* row = find_copy_op(p.op);
  const auto fits = [&](const TensorDesc& d) { return d.present() && (row->rows_apart || d.dense()); };
  if (row == nullptr || p.inputs.empty() || !fits(p.inputs[0])) return false;
  if (!std::all_of(p.outputs.begin(), p.outputs.end(), fits)) return false;
  const int num_inputs = static_cast<int>(p.inputs.size());
  for (int i = row->needs_ints_from; row->needs_ints_from > 0 && i < num_inputs; ++i) {
    if (!known_ints(p, i)) return false;
  }
  if (p.op == "Tile") return p.has_input(1) && 2 * p.inputs[0].shape.rank() <= kMaxRank;
  if (p.op == "Concat") return std::all_of(p.inputs.begin(), p.inputs.end(), fits);
  return p.op != "DepthToSpace" && p.op != "SpaceToDepth" ? true : p.inputs[0].shape.rank() == 4;
}

bool keeps_order(const CopyOp& op) {
  return op.moves == same_order;
}

}  // namespace burnish
