#include "ops/elements.h"
#include "ops/indexing.h"
#include "ops/infer.h"
#include "ops/walk.h"

namespace burnish {
namespace {

std::byte* bytes_of(const TensorView& v) {
  return v.as<std::byte>();
}

/// Symbolic elements picked from a vector.
void gather_dims(InferContext& c) {
  const auto values = c.rank(0) == 1 ? c.dims(0) : std::nullopt;
  const auto indices = c.ints(1);
  if (!values || !indices || static_cast<int64_t>(indices->size()) > kMaxSymbolicElements) return;
  std::vector<Dim> picked;
  for (int64_t i : *indices)
    picked.push_back((*values)[static_cast<size_t>(checked_index(i, static_cast<int64_t>(values->size())))]);
  c.set_output_dims(0, std::move(picked));
}

}  // namespace

void infer_gather(InferContext& c) {
  require_index(c, 1);
  require_min_rank(c, 0, 1);
  if (!c.has_shape(0) || !c.has_shape(1)) return c.set_output(0, c.dtype(0), std::nullopt);
  const int axis = axis_of(c.attrs(), "axis", 0, c.rank(0));
  const SymShape& data = c.shape(0);
  SymShape out(data.begin(), data.begin() + axis);
  out.insert(out.end(), c.shape(1).begin(), c.shape(1).end());
  out.insert(out.end(), data.begin() + axis + 1, data.end());
  c.set_output(0, c.dtype(0), std::move(out));
  gather_dims(c);
}

void evaluate_gather(EvalContext& c) {
  const TensorView& data = c.input(0);
  const TensorView out = c.output(0);
  const int axis = axis_of(c.attrs(), "axis", 0, data.shape.rank());
  const std::vector<int64_t> indices = ints_of(c.input(1));
  const int64_t size = data.shape[axis];
  const int64_t inner = data.shape.product(axis + 1, data.shape.rank()) * static_cast<int64_t>(size_of(data.dtype));
  std::byte* to = bytes_of(out);
  for (int64_t o = 0; o < data.shape.product(0, axis); ++o) {
    for (int64_t i : indices) {
      const int64_t at = o * size + checked_index(i, size);
      if (inner > 0) std::memcpy(to, bytes_of(data) + at * inner, static_cast<size_t>(inner));
      to += inner;
    }
  }
}

void infer_gather_elements(InferContext& c) {
  require_index(c, 1);
  require_min_rank(c, 0, 1);
  if (c.has_shape(0) && c.has_shape(1)) {
    require_rank(c, 1, c.rank(0));
    const int axis = axis_of(c.attrs(), "axis", 0, c.rank(0));
    for (int i = 0; i < c.rank(0); ++i) {
      const Dim &d = c.shape(0)[static_cast<size_t>(i)], &n = c.shape(1)[static_cast<size_t>(i)];
      check(i == axis || !d.is_constant() || !n.is_constant() || n.value() <= d.value(), ErrorCode::kInvalidModel,
            "indices {} reach beyond data {}", to_string(c.shape(1)), to_string(c.shape(0)));
    }
  }
  c.set_output(0, c.dtype(0), c.has_shape(1) ? std::optional(c.shape(1)) : std::nullopt);
}

void evaluate_gather_elements(EvalContext& c) {
  const TensorView& data = c.input(0);
  const TensorView out = c.output(0);
  const int axis = axis_of(c.attrs(), "axis", 0, data.shape.rank());
  const std::vector<int64_t> indices = ints_of(c.input(1));
  const Shape strides = strides_of(data.shape);
  std::vector<int64_t> steps(strides.begin(), strides.end());
  steps[static_cast<size_t>(axis)] = 0;
  const auto bytes = static_cast<int64_t>(size_of(data.dtype));
  Walk walk(out.shape, {steps});
  for (size_t i = 0; i < indices.size(); ++i, walk.next()) {
    const int64_t at = walk.offset(0) + checked_index(indices[i], data.shape[axis]) * strides[axis];
    std::memcpy(bytes_of(out) + static_cast<int64_t>(i) * bytes, bytes_of(data) + at * bytes,
                static_cast<size_t>(bytes));
  }
}

void infer_gather_nd(InferContext& c) {
  require_index(c, 1);
  require_min_rank(c, 0, 1);
  require_min_rank(c, 1, 1);
  if (!c.has_shape(0) || !c.has_shape(1) || !c.shape(1).back().is_constant())
    return c.set_output(0, c.dtype(0), std::nullopt);
  const SymShape &data = c.shape(0), &indices = c.shape(1);
  const int64_t batch = c.attrs().get_int("batch_dims", 0);
  const int64_t depth = indices.back().value();
  check(batch >= 0 && batch < c.rank(0) && batch < c.rank(1), ErrorCode::kInvalidModel,
        "attribute batch_dims = {} does not fit", batch);
  check(depth >= 1 && depth <= c.rank(0) - batch, ErrorCode::kInvalidModel, "indices of {} dims into {}", depth,
        to_string(data));
  for (int64_t i = 0; i < batch; ++i)
    require_equal(data[static_cast<size_t>(i)], indices[static_cast<size_t>(i)], "batch dims of data and indices");
  SymShape out(indices.begin(), indices.end() - 1);
  out.insert(out.end(), data.begin() + batch + depth, data.end());
  c.set_output(0, c.dtype(0), std::move(out));
}

void evaluate_gather_nd(EvalContext& c) {
  const TensorView &data = c.input(0), &index = c.input(1);
  const int batch = static_cast<int>(c.attrs().get_int("batch_dims", 0));
  const int depth = static_cast<int>(index.shape.back());
  const std::vector<int64_t> indices = ints_of(index);
  const Shape strides = strides_of(data.shape);
  const int64_t rows = index.shape.product(0, index.shape.rank() - 1);
  const int64_t batches = index.shape.product(0, batch);
  const int64_t batch_size = data.shape.product(batch, data.shape.rank());
  const int64_t slab = data.shape.product(batch + depth, data.shape.rank()) * static_cast<int64_t>(size_of(data.dtype));
  std::byte* to = bytes_of(c.output(0));
  for (int64_t r = 0; r < rows; ++r, to += slab) {
    int64_t at = r / (rows / batches) * batch_size;
    for (int d = 0; d < depth; ++d)
      at += checked_index(indices[static_cast<size_t>(r * depth + d)], data.shape[batch + d]) * strides[batch + d];
    if (slab > 0)
      std::memcpy(to, bytes_of(data) + at * static_cast<int64_t>(size_of(data.dtype)), static_cast<size_t>(slab));
  }
}

}  // namespace burnish
