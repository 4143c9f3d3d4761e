#include "ops/data_movement.h"

#include <algorithm>
#include <numeric>

#include "ops/elements.h"
#include "ops/infer.h"
#include "ops/strided.h"

namespace burnish {

std::vector<int64_t> permutation_of(const AttributeMap& attrs, int rank) {
  std::vector<int64_t> reversed(static_cast<size_t>(rank));
  for (int i = 0; i < rank; ++i) reversed[static_cast<size_t>(i)] = rank - 1 - i;
  std::vector<int64_t> perm = attrs.get_ints("perm", reversed);
  std::vector<int64_t> sorted = perm;
  std::sort(sorted.begin(), sorted.end());
  std::reverse(reversed.begin(), reversed.end());
  check(sorted == reversed, ErrorCode::kInvalidModel, "attribute perm is no permutation of {} axes", rank);
  return perm;
}

namespace {

// --- Transpose -------------------------------------------------------------------------------------------------------

void infer_transpose(InferContext& c) {
  if (!c.has_shape(0)) return c.set_output(0, c.dtype(0), std::nullopt);
  SymShape out;
  for (int64_t p : permutation_of(c.attrs(), c.rank(0))) out.push_back(c.shape(0)[static_cast<size_t>(p)]);
  c.set_output(0, c.dtype(0), std::move(out));
  if (c.rank(0) <= 1) pass_dims(c);
}

void evaluate_transpose(EvalContext& c) {
  const TensorView& in = c.input(0);
  const TensorView out = c.output(0);
  const Shape in_strides = strides_of(in.shape);
  Shape strides;
  for (int64_t p : permutation_of(c.attrs(), in.shape.rank())) strides.push_back(in_strides[static_cast<int>(p)]);
  strided_copy(size_of(in.dtype), out.shape.dims(), in.data, strides.dims(), out.data, strides_of(out.shape).dims());
}

// --- Expand, Tile ----------------------------------------------------------------------------------------------------

/// The single element of input 0, repeated over a small output.
void repeat_dims(InferContext& c, const SymShape& out) {
  const auto values = c.dims(0);
  const Dim count = num_elements(out);
  if (!values || values->size() != 1 || !count.is_constant() || count.value() > kMaxSymbolicElements) return;
  c.set_output_dims(0, std::vector<Dim>(static_cast<size_t>(count.value()), values->front()));
}

void infer_expand(InferContext& c) {
  require_rank(c, 1, 1);
  const auto target = c.dims(1);
  if (!target || !c.has_shape(0)) return c.set_output(0, c.dtype(0), std::nullopt);
  for (const Dim& d : *target)
    check(!d.is_constant() || d.value() >= 0, ErrorCode::kInvalidModel, "negative dimension in shape {}",
          to_string(*target));
  const SymShape out = broadcast(c.shape(0), *target);
  c.set_output(0, c.dtype(0), out);
  repeat_dims(c, out);
}

void evaluate_expand(EvalContext& c) {
  const TensorView& in = c.input(0);
  const TensorView out = c.output(0);
  const Shape in_strides = strides_of(in.shape);
  const int added = out.shape.rank() - in.shape.rank();
  Shape strides;
  for (int i = 0; i < out.shape.rank(); ++i) {
    const bool repeated = i < added || in.shape[i - added] == 1;
    strides.push_back(repeated ? 0 : in_strides[i - added]);
  }
  strided_copy(size_of(in.dtype), out.shape.dims(), in.data, strides.dims(), out.data, strides_of(out.shape).dims());
}

void infer_tile(InferContext& c) {
  require_rank(c, 1, 1);
  const auto repeats = c.dims(1);
  if (!repeats || !c.has_shape(0)) return c.set_output(0, c.dtype(0), std::nullopt);
  check(static_cast<int>(repeats->size()) == c.rank(0), ErrorCode::kInvalidModel, "{} repeats for {} axes",
        repeats->size(), c.rank(0));
  SymShape out;
  for (size_t i = 0; i < repeats->size(); ++i) {
    const Dim& r = (*repeats)[i];
    check(!r.is_constant() || r.value() >= 0, ErrorCode::kInvalidModel, "negative repeats");
    out.push_back(c.shape(0)[i] * r);
  }
  c.set_output(0, c.dtype(0), out);
  repeat_dims(c, out);
}

void evaluate_tile(EvalContext& c) {
  const TensorView& in = c.input(0);
  const TensorView out = c.output(0);
  const Shape in_strides = strides_of(in.shape);
  const Shape out_strides = strides_of(out.shape);
  // Every axis is two loops: over the repeats, standing still in the input, and over the elements.
  std::vector<int64_t> dims, from, to;
  for (int i = 0; i < in.shape.rank(); ++i) {
    const int64_t repeats = in.shape[i] == 0 ? 0 : out.shape[i] / in.shape[i];
    dims.insert(dims.end(), {repeats, in.shape[i]});
    from.insert(from.end(), {0, in_strides[i]});
    to.insert(to.end(), {out_strides[i] * in.shape[i], out_strides[i]});
  }
  strided_copy(size_of(in.dtype), dims, in.data, from, out.data, to);
}

// --- ReverseSequence, Compress ---------------------------------------------------------------------------------------

void infer_reverse_sequence(InferContext& c) {
  require_min_rank(c, 0, 2);
  require_rank(c, 1, 1);
  require_index(c, 1);
  const int64_t time = c.attrs().get_int("time_axis", 0);
  const int64_t batch = c.attrs().get_int("batch_axis", 1);
  check((time == 0 && batch == 1) || (time == 1 && batch == 0), ErrorCode::kInvalidModel,
        "time_axis and batch_axis must be 0 and 1 or 1 and 0, not {} and {}", time, batch);
  if (c.has_shape(0) && c.has_shape(1))
    require_equal(c.shape(0)[static_cast<size_t>(batch)], c.shape(1)[0], "one sequence length for each batch entry");
  infer_like(c);
}

void evaluate_reverse_sequence(EvalContext& c) {
  const TensorView& in = c.input(0);
  const TensorView out = c.output(0);
  const int time_axis = static_cast<int>(c.attrs().get_int("time_axis", 0));
  const std::vector<int64_t> lengths = ints_of(c.input(1));
  const int64_t times = in.shape[time_axis];
  const int64_t batches = in.shape[1 - time_axis];
  const size_t bytes = static_cast<size_t>(in.shape.product(2, in.shape.rank())) * size_of(in.dtype);
  const auto slab = [&](const TensorView& v, int64_t t, int64_t b) {
    return v.as<std::byte>() + (time_axis == 0 ? t * batches + b : b * times + t) * static_cast<int64_t>(bytes);
  };
  for (int64_t b = 0; b < batches; ++b) {
    const int64_t length = lengths[static_cast<size_t>(b)];
    check(length >= 0 && length <= times, ErrorCode::kInvalidArgument, "sequence length {} is outside [0, {}]", length,
          times);
    for (int64_t t = 0; t < times; ++t)
      std::memcpy(slab(out, t, b), slab(in, t < length ? length - 1 - t : t, b), bytes);
  }
}

void infer_compress(InferContext& c) {
  require_rank(c, 1, 1);
  check(c.dtype(1) == DType::kBool, ErrorCode::kInvalidModel, "the condition must be bool");
  const Dim count = data_dim("compress", c);
  if (!c.attrs().has("axis")) return c.set_output(0, c.dtype(0), SymShape{count});
  if (!c.has_shape(0)) return c.set_output(0, c.dtype(0), std::nullopt);
  SymShape out = c.shape(0);
  out[static_cast<size_t>(axis_of(c.attrs(), "axis", 0, c.rank(0)))] = count;
  c.set_output(0, c.dtype(0), std::move(out));
}

void evaluate_compress(EvalContext& c) {
  const TensorView& in = c.input(0);
  const TensorView& condition = c.input(1);
  const bool flat = !c.attrs().has("axis");
  const Shape shape = flat ? Shape{in.num_elements()} : in.shape;
  const int axis = flat ? 0 : axis_of(c.attrs(), "axis", 0, shape.rank());
  std::vector<int64_t> kept;
  for (int64_t i = 0; i < std::min(shape[axis], condition.num_elements()); ++i) {
    if (condition.as<const uint8_t>()[i] != 0) kept.push_back(i);
  }
  Shape out_shape = shape;
  out_shape[axis] = static_cast<int64_t>(kept.size());
  const TensorView out = c.allocate(0, in.dtype, out_shape);
  const int64_t inner = shape.product(axis + 1, shape.rank()) * static_cast<int64_t>(size_of(in.dtype));
  auto* to = out.as<std::byte>();
  for (int64_t o = 0; o < shape.product(0, axis); ++o) {
    for (int64_t i : kept) {
      if (inner > 0)
        std::memcpy(to, in.as<const std::byte>() + (o * shape[axis] + i) * inner, static_cast<size_t>(inner));
      to += inner;
    }
  }
}

constexpr OpDescriptor kOps[] = {
    {"Transpose", 1, 1, 1, 1, infer_transpose, evaluate_transpose},
    {"Concat", 1, -1, 1, 1, infer_concat, evaluate_concat},
    {"Split", 1, 2, 1, -1, infer_split, evaluate_split},
    {"Slice", 3, 5, 1, 1, infer_slice, evaluate_slice},
    {"Pad", 2, 4, 1, 1, infer_pad, evaluate_pad},
    {"Tile", 2, 2, 1, 1, infer_tile, evaluate_tile},
    {"Expand", 2, 2, 1, 1, infer_expand, evaluate_expand},
    {"DepthToSpace", 1, 1, 1, 1, infer_depth_to_space, evaluate_depth_to_space},
    {"SpaceToDepth", 1, 1, 1, 1, infer_space_to_depth, evaluate_space_to_depth},
    {"ReverseSequence", 2, 2, 1, 1, infer_reverse_sequence, evaluate_reverse_sequence},
    {"CenterCropPad", 2, 2, 1, 1, infer_center_crop_pad, evaluate_center_crop_pad},
    {"Compress", 2, 2, 1, 1, infer_compress, evaluate_compress, kDataDependentShape},
};

}  // namespace

std::span<const OpDescriptor> data_movement_ops() {
  return kOps;
}

}  // namespace burnish
