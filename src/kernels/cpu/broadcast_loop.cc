#include "kernels/cpu/broadcast_loop.h"

#include "kernels/cpu/strided_copy.h"

namespace burnish {
namespace {

/// An input's strides along the output's dimensions.
Shape broadcast_strides(const TensorDesc& input, const Shape& out) {
  const Shape own = strides_of(input);
  Shape strides = out;  // of the right rank
  const int added = out.rank() - input.shape.rank();
  for (int d = 0; d < out.rank(); ++d) {
    strides[d] = d < added || input.shape[d - added] == 1 ? 0 : own[d - added];
  }
  return strides;
}

/// At least a row and a column.
void pad_to_two(Shape& shape, int64_t fill) {
  while (shape.rank() < 2) {
    Shape padded{fill};
    for (const int64_t v : shape.dims()) padded.push_back(v);
    shape = padded;
  }
}

void add_dimension(BroadcastLoop& loop, int64_t size, int64_t out_stride, const std::vector<int64_t>& in_strides) {
  const int last = loop.dims.rank() - 1;
  bool merges = last >= 0 && loop.out_strides[last] == size * out_stride;
  for (size_t i = 0; merges && i < in_strides.size(); ++i) {
    merges = loop.in_strides[i][last] == size * in_strides[i];
  }
  if (merges) {
    loop.dims[last] *= size;
    loop.out_strides[last] = out_stride;
  } else {
    loop.dims.push_back(size);
    loop.out_strides.push_back(out_stride);
  }
  for (size_t i = 0; i < in_strides.size(); ++i) {
    Shape& s = loop.in_strides[i];
    if (!merges) s.push_back(in_strides[i]);
    s[s.rank() - 1] = in_strides[i];
  }
}

}  // namespace

BroadcastLoop make_broadcast_loop(const Problem& problem) {
  const Shape& out = problem.outputs[0].shape;
  const Shape out_strides = strides_of(problem.outputs[0]);
  std::vector<Shape> strides;
  for (const TensorDesc& d : problem.inputs) strides.push_back(broadcast_strides(d, out));
  BroadcastLoop loop;
  loop.in_strides.resize(strides.size());
  std::vector<int64_t> here(strides.size());
  for (int d = 0; d < out.rank(); ++d) {
    if (out[d] == 1) continue;
    for (size_t i = 0; i < strides.size(); ++i) here[i] = strides[i][d];
    add_dimension(loop, out[d], out_strides[d], here);
  }
  if (loop.dims.rank() == 0) add_dimension(loop, 1, 1, std::vector<int64_t>(strides.size(), 0));
  pad_to_two(loop.dims, 1);
  pad_to_two(loop.out_strides, 0);
  for (Shape& s : loop.in_strides) pad_to_two(s, 0);
  return loop;
}

}  // namespace burnish
