#include <algorithm>
#include <cmath>

#include "ops/elements.h"
#include "ops/indexing.h"
#include "ops/infer.h"
#include "ops/numeric.h"
#include "ops/strided.h"
#include "ops/walk.h"

namespace burnish {
namespace {

enum class Reduction { kNone, kAdd, kMul, kMax, kMin };

Reduction reduction_of(const AttributeMap& attrs) {
  const std::string name = attrs.get_string("reduction", "none");
  if (name == "none") return Reduction::kNone;
  if (name == "add") return Reduction::kAdd;
  if (name == "mul") return Reduction::kMul;
  if (name == "max") return Reduction::kMax;
  if (name == "min") return Reduction::kMin;
  throw_error(ErrorCode::kInvalidModel, "attribute reduction has the unknown value '{}'", name);
}

template <typename T>
T combine(Reduction reduction, T old, T update) {
  switch (reduction) {
    case Reduction::kNone:
      return update;
    case Reduction::kAdd:
      return wrapping_add(old, update);
    case Reduction::kMul:
      return wrapping_mul(old, update);
    case Reduction::kMax:
      return old < update ? update : old;
    case Reduction::kMin:
      return update < old ? update : old;
  }
  return update;
}

/// Output = data, then slab k of the updates goes to the elements from offsets[k] on.
void scatter_slabs(EvalContext& c, const TensorView& updates, const std::vector<int64_t>& offsets, int64_t slab) {
  const Reduction reduction = reduction_of(c.attrs());
  const TensorView& data = c.input(0);
  const TensorView out = c.output(0);
  if (reduction == Reduction::kNone) {
    copy_bytes(data, out);
    const auto bytes = static_cast<size_t>(slab) * size_of(data.dtype);
    for (size_t k = 0; bytes > 0 && k < offsets.size(); ++k)
      std::memcpy(element_at(out, offsets[k]), element_at(updates, static_cast<int64_t>(k) * slab), bytes);
    return;
  }
  with_compute(data.dtype, [&](auto tag) {
    using T = decltype(tag);
    std::vector<T> y(static_cast<size_t>(data.num_elements()));
    load_elements<T>(data, y.data());
    const Source<T> u(updates);
    for (size_t k = 0; k < offsets.size(); ++k)
      for (int64_t i = 0; i < slab; ++i) {
        T& value = y[static_cast<size_t>(offsets[k] + i)];
        value = combine(reduction, value, u[static_cast<int64_t>(k) * slab + i]);
      }
    store_elements<T>(y.data(), out);
  });
}

}  // namespace

void infer_scatter_elements(InferContext& c) {
  require_index(c, 1);
  require_min_rank(c, 0, 1);
  require_same_dtype(c, 0, 2);
  reduction_of(c.attrs());
  infer_like(c);
  if (!c.has_shape(0)) return;
  const int axis = axis_of(c.attrs(), "axis", 0, c.rank(0));
  require_rank(c, 1, c.rank(0));
  require_rank(c, 2, c.rank(0));
  for (int i = 0; c.has_shape(1) && i < c.rank(0); ++i) {
    const Dim &d = c.shape(0)[static_cast<size_t>(i)], &n = c.shape(1)[static_cast<size_t>(i)];
    if (c.has_shape(2)) require_equal(n, c.shape(2)[static_cast<size_t>(i)], "indices against updates");
    check(i == axis || !d.is_constant() || !n.is_constant() || n.value() <= d.value(), ErrorCode::kInvalidModel,
          "indices {} reach beyond data {}", to_string(c.shape(1)), to_string(c.shape(0)));
  }
}

void evaluate_scatter_elements(EvalContext& c) {
  const Shape& shape = c.input(0).shape;
  const int axis = axis_of(c.attrs(), "axis", 0, shape.rank());
  std::vector<int64_t> indices = ints_of(c.input(1));
  const Shape strides = strides_of(shape);
  std::vector<int64_t> steps(strides.begin(), strides.end());
  steps[static_cast<size_t>(axis)] = 0;
  Walk walk(c.input(1).shape, {steps});
  for (int64_t& i : indices) {
    i = walk.offset(0) + checked_index(i, shape[axis]) * strides[axis];
    walk.next();
  }
  scatter_slabs(c, c.input(2), indices, 1);
}

void infer_scatter_nd(InferContext& c) {
  require_index(c, 1);
  require_min_rank(c, 0, 1);
  require_min_rank(c, 1, 1);
  require_same_dtype(c, 0, 2);
  reduction_of(c.attrs());
  infer_like(c);
  if (!c.has_shape(0) || !c.has_shape(1) || !c.shape(1).back().is_constant()) return;
  const SymShape &data = c.shape(0), &indices = c.shape(1);
  const int64_t depth = indices.back().value();
  check(depth >= 1 && depth <= c.rank(0), ErrorCode::kInvalidModel, "indices of {} dims into {}", depth,
        to_string(data));
  SymShape expected(indices.begin(), indices.end() - 1);
  expected.insert(expected.end(), data.begin() + depth, data.end());
  require_rank(c, 2, static_cast<int>(expected.size()));
  for (size_t i = 0; c.has_shape(2) && i < expected.size(); ++i)
    require_equal(c.shape(2)[i], expected[i], "the updates' shape");
}

void evaluate_scatter_nd(EvalContext& c) {
  const Shape& shape = c.input(0).shape;
  const Shape& index_shape = c.input(1).shape;
  const std::vector<int64_t> indices = ints_of(c.input(1));
  const int depth = static_cast<int>(index_shape.back());
  const Shape strides = strides_of(shape);
  std::vector<int64_t> offsets(static_cast<size_t>(index_shape.product(0, index_shape.rank() - 1)));
  for (size_t k = 0; k < offsets.size(); ++k)
    for (int d = 0; d < depth; ++d)
      offsets[k] +=
          checked_index(indices[k * static_cast<size_t>(depth) + static_cast<size_t>(d)], shape[d]) * strides[d];
  scatter_slabs(c, c.input(2), offsets, shape.product(depth, shape.rank()));
}

// Inputs: past_cache, update, write_indices (one for each batch entry).
void infer_tensor_scatter(InferContext& c) {
  require_same_dtype(c, 0, 1);
  require_index(c, 2);
  require_rank(c, 2, 1);
  constexpr std::string_view kModes[] = {"linear", "circular"};
  require_choice("mode", c.attrs().get_string("mode", "linear"), kModes);
  infer_like(c);
  if (!c.has_shape(0)) return;
  const int axis = axis_of(c.attrs(), "axis", -2, c.rank(0));
  check(axis > 0, ErrorCode::kInvalidModel, "attribute axis must not be the batch dimension");
  require_rank(c, 1, c.rank(0));
  if (c.has_shape(2)) require_equal(c.shape(2)[0], c.shape(0)[0], "one write index for each batch entry");
  for (int i = 0; c.has_shape(1) && i < c.rank(0); ++i) {
    const Dim &d = c.shape(0)[static_cast<size_t>(i)], &n = c.shape(1)[static_cast<size_t>(i)];
    if (i != axis) require_equal(d, n, "the update's shape");
    check(!d.is_constant() || !n.is_constant() || n.value() <= d.value(), ErrorCode::kInvalidModel,
          "an update of {} rows into a cache of {}", to_string(n), to_string(d));
  }
}

void evaluate_tensor_scatter(EvalContext& c) {
  const TensorView &cache = c.input(0), &update = c.input(1);
  const TensorView out = c.output(0);
  const int axis = axis_of(c.attrs(), "axis", -2, cache.shape.rank());
  const bool circular = c.attrs().get_string("mode", "linear") == "circular";
  std::vector<int64_t> starts(static_cast<size_t>(cache.shape[0]));
  if (c.has_input(2)) starts = ints_of(c.input(2));
  const int64_t rows = cache.shape[axis], updated = update.shape[axis];
  const int64_t slab = cache.shape.product(axis + 1, cache.shape.rank());
  const int64_t prefixes = cache.shape.product(0, axis);
  copy_bytes(cache, out);
  for (int64_t p = 0; p < prefixes; ++p) {
    const int64_t start = starts[static_cast<size_t>(p / (prefixes / cache.shape[0]))];
    check(start >= 0 && start <= INT64_MAX - updated && (circular || start + updated <= rows),
          ErrorCode::kInvalidArgument, "the write index {} does not fit into a cache of {}", start, rows);
    for (int64_t i = 0; i < updated; ++i)
      std::memcpy(element_at(out, (p * rows + (start + i) % rows) * slab), element_at(update, (p * updated + i) * slab),
                  static_cast<size_t>(slab) * size_of(cache.dtype));
  }
}

}  // namespace burnish
