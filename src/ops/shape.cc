#include "ops/shape.h"

#include <algorithm>

#include "ops/elements.h"
#include "ops/infer.h"
#include "ops/strided.h"

namespace burnish {
namespace {

// --- Shape, Size -----------------------------------------------------------------------------------------------------

/// [start, end) of a rank, as Shape's attributes select it.
std::pair<int64_t, int64_t> shape_range(const AttributeMap& attrs, int64_t rank) {
  const auto clamp = [rank](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + rank : i, 0, rank); };
  const int64_t start = clamp(attrs.get_int("start", 0));
  return {start, std::max(start, clamp(attrs.get_int("end", rank)))};
}

void infer_shape(InferContext& c) {
  if (!c.has_shape(0)) return c.set_output(0, DType::kInt64, std::nullopt);
  const auto [start, end] = shape_range(c.attrs(), c.rank(0));
  c.set_output(0, DType::kInt64, SymShape{end - start});
  c.set_output_dims(0, {c.shape(0).begin() + start, c.shape(0).begin() + end});
}

void evaluate_shape(EvalContext& c) {
  const Shape& shape = c.input(0).shape;
  const auto [start, end] = shape_range(c.attrs(), shape.rank());
  std::copy(shape.begin() + start, shape.begin() + end, c.output(0).as<int64_t>());
}

void infer_size(InferContext& c) {
  c.set_output(0, DType::kInt64, SymShape{});
  if (c.has_shape(0)) c.set_output_dims(0, {num_elements(c.shape(0))});
}

void evaluate_size(EvalContext& c) {
  *c.output(0).as<int64_t>() = c.input(0).num_elements();
}

// --- views -----------------------------------------------------------------------------------------------------------

void evaluate_view(EvalContext& c) {
  copy_bytes(c.input(0), c.output(0));
}

void infer_identity(InferContext& c) {
  infer_like(c);
  pass_dims(c);
}

/// The dim that -1 stands for: what is left of the input's elements, dims copied by 0 excepted from both sides.
Dim remaining_dim(const SymShape& in, const std::vector<Dim>& target, bool allow_zero) {
  Dim left(1);
  Dim taken(1);
  for (size_t i = 0; i < in.size(); ++i) {
    const bool copied = !allow_zero && i < target.size() && target[i].is(0);
    if (!copied) left = left * in[i];
  }
  for (const Dim& d : target) {
    if (!d.is(-1) && (allow_zero || !d.is(0))) taken = taken * d;
  }
  check(!taken.is(0), ErrorCode::kInvalidModel, "-1 beside a dimension of 0 is ambiguous");
  if (const auto exact = exact_div(left, taken)) return *exact;
  check(!left.is_constant() || !taken.is_constant(), ErrorCode::kInvalidModel, "cannot reshape {} to {}", to_string(in),
        to_string(target));
  return floor_div(left, taken);
}

SymShape reshaped(const SymShape& in, const std::vector<Dim>& target, bool allow_zero) {
  SymShape out;
  int num_wildcards = 0;
  for (size_t i = 0; i < target.size(); ++i) {
    const Dim& d = target[i];
    if (d.is(-1)) {
      check(++num_wildcards == 1, ErrorCode::kInvalidModel, "more than one -1 in shape {}", to_string(target));
      out.push_back(remaining_dim(in, target, allow_zero));
    } else if (d.is(0) && !allow_zero) {
      check(i < in.size(), ErrorCode::kInvalidModel, "dimension {} is to be copied from {}, which has none", i,
            to_string(in));
      out.push_back(in[i]);
    } else {
      check(!d.is_constant() || d.value() >= 0, ErrorCode::kInvalidModel, "negative dimension in shape {}",
            to_string(target));
      out.push_back(d);
    }
  }
  const Dim before = num_elements(in);
  const Dim after = num_elements(out);
  check(!before.is_constant() || !after.is_constant() || before == after, ErrorCode::kInvalidModel,
        "cannot reshape {} to {}", to_string(in), to_string(target));
  return out;
}

void infer_reshape(InferContext& c) {
  require_rank(c, 1, 1);
  const auto target = c.dims(1);
  const bool allow_zero = c.attrs().get_int("allowzero", 0) != 0;
  if (!target) {
    c.set_output(0, c.dtype(0), std::nullopt);
  } else if (c.has_shape(0)) {
    c.set_output(0, c.dtype(0), reshaped(c.shape(0), *target, allow_zero));
  } else {
    const bool plain =
        std::all_of(target->begin(), target->end(), [](const Dim& d) { return d.is_constant() && d.value() > 0; });
    c.set_output(0, c.dtype(0), plain ? std::optional<SymShape>(*target) : std::nullopt);
  }
  pass_dims(c);
}

void infer_flatten(InferContext& c) {
  if (!c.has_shape(0)) return c.set_output(0, c.dtype(0), std::nullopt);
  const int rank = c.rank(0);
  const int64_t axis = c.attrs().get_int("axis", 1);
  check(axis >= -rank && axis <= rank, ErrorCode::kInvalidModel, "attribute axis = {} is outside [{}, {}]", axis, -rank,
        rank);
  const auto split = c.shape(0).begin() + (axis < 0 ? axis + rank : axis);
  c.set_output(0, c.dtype(0),
               SymShape{num_elements({c.shape(0).begin(), split}), num_elements({split, c.shape(0).end()})});
  pass_dims(c);
}

void infer_squeeze(InferContext& c) {
  pass_dims(c);
  const auto axes = c.ints(1);
  if (!c.has_shape(0) || (c.has_input(1) && !axes)) return c.set_output(0, c.dtype(0), std::nullopt);
  const SymShape& in = c.shape(0);
  std::vector<int> dropped;
  if (axes) {
    dropped = normalize_axes(*axes, c.rank(0));
    for (int a : dropped) require_equal(in[static_cast<size_t>(a)], Dim(1), "a squeezed dimension must be 1");
  } else {
    for (int i = 0; i < c.rank(0); ++i) {
      if (in[static_cast<size_t>(i)].is(1)) dropped.push_back(i);
    }
  }
  SymShape out;
  for (int i = 0; i < c.rank(0); ++i) {
    if (std::find(dropped.begin(), dropped.end(), i) == dropped.end()) out.push_back(in[static_cast<size_t>(i)]);
  }
  c.set_output(0, c.dtype(0), std::move(out));
}

void infer_unsqueeze(InferContext& c) {
  pass_dims(c);
  const auto axes = c.ints(1);
  if (!c.has_shape(0) || !axes) return c.set_output(0, c.dtype(0), std::nullopt);
  const int rank = c.rank(0) + static_cast<int>(axes->size());
  check(rank <= kMaxRank, ErrorCode::kUnsupported, "tensors of more than {} dimensions are not supported", kMaxRank);
  const std::vector<int> added = normalize_axes(*axes, rank);
  SymShape out;
  auto next = c.shape(0).begin();
  for (int i = 0; i < rank; ++i) {
    const bool is_new = std::find(added.begin(), added.end(), i) != added.end();
    out.push_back(is_new ? Dim(1) : *next++);
  }
  c.set_output(0, c.dtype(0), std::move(out));
}

// --- Constant --------------------------------------------------------------------------------------------------------

/// The tensor that one of Constant's attributes describes.
Tensor constant_of(const AttributeMap& attrs) {
  if (attrs.has("value")) return attrs.get_tensor("value");
  if (attrs.has("value_int")) return Tensor::scalar<int64_t>(DType::kInt64, attrs.get_int("value_int", 0));
  if (attrs.has("value_float")) return Tensor::scalar<float>(DType::kFloat32, attrs.get_float("value_float", 0));
  if (attrs.has("value_ints")) return Tensor::from_ints(attrs.get_ints("value_ints"));
  if (attrs.has("value_floats")) return Tensor::from_floats(attrs.get_floats("value_floats"));
  throw_error(ErrorCode::kInvalidModel,
              "none of the attributes value, value_int, value_float, value_ints and "
              "value_floats is there");
}

void infer_constant(InferContext& c) {
  const Tensor value = constant_of(c.attrs());
  c.set_output(0, value.dtype(), to_symbolic(value.shape()));
  const bool small = value.num_elements() <= kMaxSymbolicElements;
  if (!small || (value.dtype() != DType::kInt64 && value.dtype() != DType::kInt32)) return;
  const std::vector<int64_t> ints = ints_of(value.view());
  c.set_output_dims(0, {ints.begin(), ints.end()});
}

void evaluate_constant(EvalContext& c) {
  copy_bytes(constant_of(c.attrs()).view(), c.output(0));
}

constexpr OpDescriptor kOps[] = {
    {"Shape", 1, 1, 1, 1, infer_shape, evaluate_shape, kShapeOnly},
    {"Size", 1, 1, 1, 1, infer_size, evaluate_size, kShapeOnly},
    {"Reshape", 2, 2, 1, 1, infer_reshape, evaluate_view, kView},
    {"Squeeze", 1, 2, 1, 1, infer_squeeze, evaluate_view, kView},
    {"Unsqueeze", 2, 2, 1, 1, infer_unsqueeze, evaluate_view, kView},
    {"Flatten", 1, 1, 1, 1, infer_flatten, evaluate_view, kView},
    {"Identity", 1, 1, 1, 1, infer_identity, evaluate_view, kView},
    {"Constant", 0, 0, 1, 1, infer_constant, evaluate_constant},
};

}  // namespace

std::span<const OpDescriptor> shape_ops() {
  return kOps;
}

}  // namespace burnish
