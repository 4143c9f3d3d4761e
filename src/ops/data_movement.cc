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

// --- Concat, Split ---------------------------------------------------------------------------------------------------

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

// --- DepthToSpace, SpaceToDepth --------------------------------------------------------------------------------------

int64_t block_size_of(const AttributeMap& attrs) {
  const int64_t b = attrs.get_int("blocksize", 0);
  check(b > 0 && b < (1 << 20), ErrorCode::kInvalidModel, "attribute blocksize = {} must be positive", b);
  return b;
}

bool is_crd(const AttributeMap& attrs) {
  const std::string mode = attrs.get_string("mode", "DCR");
  constexpr std::string_view kModes[] = {"DCR", "CRD"};
  require_choice("mode", mode, kModes);
  return mode == "CRD";
}

Dim divide(const Dim& d, int64_t by, std::string_view what) {
  check(!d.is_constant() || d.value() % by == 0, ErrorCode::kInvalidModel, "{} {} is no multiple of {}", what,
        to_string(d), by);
  return floor_div(d, Dim(by));
}

void infer_depth_to_space(InferContext& c) {
  require_rank(c, 0, 4);
  const int64_t b = block_size_of(c.attrs());
  is_crd(c.attrs());
  if (!c.has_shape(0)) return c.set_output(0, c.dtype(0), std::nullopt);
  const SymShape& s = c.shape(0);
  c.set_output(0, c.dtype(0), SymShape{s[0], divide(s[1], b * b, "channels"), s[2] * Dim(b), s[3] * Dim(b)});
}

void evaluate_depth_to_space(EvalContext& c) {
  const TensorView& in = c.input(0);
  const TensorView out = c.output(0);
  const int64_t b = block_size_of(c.attrs());
  const int64_t n = in.shape[0], channels = out.shape[1], h = in.shape[2], w = in.shape[3];
  const int64_t plane = h * w;
  const bool crd = is_crd(c.attrs());
  const int64_t dims[] = {n, channels, h, b, w, b};
  const int64_t from[] = {
      in.shape[1] * plane,           crd ? b * b * plane : plane, w, crd ? b * plane : b * channels * plane, 1,
      crd ? plane : channels * plane};
  const int64_t to[] = {channels * plane * b * b, plane * b * b, b * w * b, w * b, b, 1};
  strided_copy(size_of(in.dtype), dims, in.data, from, out.data, to);
}

void infer_space_to_depth(InferContext& c) {
  require_rank(c, 0, 4);
  const int64_t b = block_size_of(c.attrs());
  is_crd(c.attrs());
  if (!c.has_shape(0)) return c.set_output(0, c.dtype(0), std::nullopt);
  const SymShape& s = c.shape(0);
  c.set_output(0, c.dtype(0), SymShape{s[0], s[1] * Dim(b * b), divide(s[2], b, "height"), divide(s[3], b, "width")});
}

void evaluate_space_to_depth(EvalContext& c) {
  const TensorView& in = c.input(0);
  const TensorView out = c.output(0);
  const int64_t b = block_size_of(c.attrs());
  const int64_t n = in.shape[0], channels = in.shape[1], h = out.shape[2], w = out.shape[3];
  const int64_t plane = h * w;
  const bool crd = is_crd(c.attrs());
  const int64_t dims[] = {n, b, b, channels, h, w};
  const int64_t from[] = {channels * plane * b * b, w * b, 1, plane * b * b, b * w * b, b};
  const int64_t to[] = {out.shape[1] * plane,
                        crd ? b * plane : b * channels * plane,
                        crd ? plane : channels * plane,
                        crd ? b * b * plane : plane,
                        w,
                        1};
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
