#include <algorithm>

#include "ops/data_movement.h"
#include "ops/infer.h"

namespace burnish {

namespace {

/// Joins the symbolic elements of 1-D inputs.
void concat_dims(InferContext& c) {
  std::vector<Dim> all;
  for (int i = 0; i < c.num_inputs(); ++i) {
    const auto dims = c.rank(i) == 1 ? c.dims(i) : std::nullopt;
    if (!dims) return;
    all.insert(all.end(), dims->begin(), dims->end());
  }
  if (static_cast<int64_t>(all.size()) <= kMaxSymbolicElements) c.set_output_dims(0, std::move(all));
}

}  // namespace

void infer_concat(InferContext& c) {
  for (int i = 1; i < c.num_inputs(); ++i) require_same_dtype(c, 0, i);
  check(c.attrs().has("axis"), ErrorCode::kInvalidModel, "attribute axis is missing");
  for (int i = 0; i < c.num_inputs(); ++i) {
    if (!c.has_shape(i)) return c.set_output(0, c.dtype(0), std::nullopt);
    require_rank(c, i, c.rank(0));
  }
  const auto axis = static_cast<size_t>(axis_of(c.attrs(), "axis", 0, c.rank(0)));
  SymShape out = c.shape(0);
  for (int i = 1; i < c.num_inputs(); ++i) {
    for (size_t d = 0; d < out.size(); ++d) {
      if (d == axis) continue;
      require_equal(out[d], c.shape(i)[d], "dimensions beside Concat's axis must agree");
      out[d] = more_concrete(out[d], c.shape(i)[d]);
    }
    out[axis] = out[axis] + c.shape(i)[axis];
  }
  c.set_output(0, c.dtype(0), std::move(out));
  concat_dims(c);
}

void evaluate_concat(EvalContext& c) {
  const TensorView out = c.output(0);
  const int axis = axis_of(c.attrs(), "axis", 0, out.shape.rank());
  const auto bytes = static_cast<int64_t>(size_of(out.dtype));
  const int64_t outer = out.shape.product(0, axis);
  const int64_t out_row = out.shape.product(axis, out.shape.rank()) * bytes;
  int64_t column = 0;
  for (int i = 0; i < c.num_inputs(); ++i) {
    const TensorView& in = c.input(i);
    const int64_t row = in.shape.product(axis, in.shape.rank()) * bytes;
    for (int64_t o = 0; row > 0 && o < outer; ++o)
      std::memcpy(out.as<std::byte>() + o * out_row + column, in.as<const std::byte>() + o * row,
                  static_cast<size_t>(row));
    column += row;
  }
}

namespace {

/// Lengths of Split's outputs along the axis, or nullopt.
std::optional<std::vector<Dim>> split_sizes(const InferContext& c, const Dim& size) {
  const auto n = static_cast<int64_t>(c.num_outputs());
  if (c.has_input(1)) {
    auto sizes = c.dims(1);
    if (!sizes) return std::nullopt;
    check(static_cast<int64_t>(sizes->size()) == n, ErrorCode::kInvalidModel, "{} sizes for {} outputs", sizes->size(),
          n);
    Dim sum(0);
    for (const Dim& s : *sizes) {
      check(!s.is_constant() || s.value() >= 0, ErrorCode::kInvalidModel, "negative size in a split");
      sum = sum + s;
    }
    require_equal(sum, size, "a split's sizes must sum to the dimension");
    return sizes;
  }
  check(n > 0 && c.attrs().get_int("num_outputs", n) == n, ErrorCode::kInvalidModel,
        "attribute num_outputs differs from the number of outputs, {}", n);
  if (const auto equal = exact_div(size, Dim(n))) return std::vector<Dim>(static_cast<size_t>(n), *equal);
  const Dim chunk = ceil_div(size, Dim(n));
  std::vector<Dim> sizes(static_cast<size_t>(n), chunk);
  sizes.back() = size - chunk * Dim(n - 1);
  check(!sizes.back().is_constant() || sizes.back().value() >= 0, ErrorCode::kInvalidModel,
        "a dimension of {} cannot be split in {}", to_string(size), n);
  return sizes;
}

void split_dims(InferContext& c, const std::vector<Dim>& sizes) {
  const auto values = c.rank(0) == 1 ? c.dims(0) : std::nullopt;
  if (!values || !std::all_of(sizes.begin(), sizes.end(), [](const Dim& d) { return d.is_constant(); })) return;
  auto next = values->begin();
  for (int i = 0; i < c.num_outputs(); ++i) {
    const int64_t n = sizes[static_cast<size_t>(i)].value();
    if (n > values->end() - next) return;
    c.set_output_dims(i, {next, next + n});
    next += n;
  }
}

}  // namespace

void infer_split(InferContext& c) {
  if (!c.has_shape(0)) return infer_unknown(c, c.dtype(0));
  const auto axis = static_cast<size_t>(axis_of(c.attrs(), "axis", 0, c.rank(0)));
  const auto sizes = split_sizes(c, c.shape(0)[axis]);
  if (!sizes) return infer_unknown(c, c.dtype(0));
  for (int i = 0; i < c.num_outputs(); ++i) {
    SymShape out = c.shape(0);
    out[axis] = (*sizes)[static_cast<size_t>(i)];
    c.set_output(i, c.dtype(0), std::move(out));
  }
  split_dims(c, *sizes);
}

void evaluate_split(EvalContext& c) {
  const TensorView& in = c.input(0);
  const int axis = axis_of(c.attrs(), "axis", 0, in.shape.rank());
  const auto bytes = static_cast<int64_t>(size_of(in.dtype));
  const int64_t outer = in.shape.product(0, axis);
  const int64_t in_row = in.shape.product(axis, in.shape.rank()) * bytes;
  int64_t column = 0;
  for (int i = 0; i < c.num_outputs(); ++i) {
    const TensorView out = c.output(i);
    const int64_t row = out.shape.product(axis, out.shape.rank()) * bytes;
    for (int64_t o = 0; row > 0 && o < outer; ++o)
      std::memcpy(out.as<std::byte>() + o * row, in.as<const std::byte>() + o * in_row + column,
                  static_cast<size_t>(row));
    column += row;
  }
}

}  // namespace burnish
