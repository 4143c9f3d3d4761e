#include <algorithm>

#include "base/checked.h"
#include "ops/data_movement.h"
#include "ops/elements.h"
#include "ops/infer.h"
#include "ops/strided.h"

namespace burnish {
namespace {

/// Elements added before and after every axis; negative ones crop.
struct Padding {
  std::vector<int64_t> begin, end;
  explicit Padding(int rank) : begin(static_cast<size_t>(rank)), end(static_cast<size_t>(rank)) {}
};

enum class PadMode { kConstant, kReflect, kEdge, kWrap };

PadMode pad_mode_of(const AttributeMap& attrs) {
  const std::string mode = attrs.get_string("mode", "constant");
  if (mode == "constant") return PadMode::kConstant;
  if (mode == "reflect") return PadMode::kReflect;
  if (mode == "edge") return PadMode::kEdge;
  if (mode == "wrap") return PadMode::kWrap;
  throw_error(ErrorCode::kInvalidModel, "attribute mode has the unknown value '{}'", mode);
}

int64_t modulo(int64_t i, int64_t n) {
  return (i % n + n) % n;
}

/// The index in [0, size) that index i of the padded axis shows.
int64_t source_index(PadMode mode, int64_t i, int64_t size) {
  if (mode == PadMode::kEdge) return std::clamp<int64_t>(i, 0, size - 1);
  if (mode == PadMode::kWrap) return modulo(i, size);
  if (size == 1) return 0;
  const int64_t j = modulo(i, 2 * (size - 1));
  return j < size ? j : 2 * (size - 1) - j;
}

/// Fills with the constant, then copies what remains of the input.
void pad_constant(const TensorView& in, const Padding& pads, const void* value, const TensorView& out) {
  fill_elements(size_of(in.dtype), value, out.data, out.num_elements());
  const Shape in_strides = strides_of(in.shape);
  const Shape out_strides = strides_of(out.shape);
  Shape copied = in.shape;
  int64_t from = 0;
  int64_t to = 0;
  for (int i = 0; i < in.shape.rank(); ++i) {
    const int64_t begin = pads.begin[static_cast<size_t>(i)];
    const int64_t first = std::max<int64_t>(0, -begin);
    const int64_t last = std::min(in.shape[i], out.shape[i] - begin);
    copied[i] = std::max<int64_t>(0, last - first);
    if (copied[i] == 0) return;
    from += first * in_strides[i];
    to += (first + begin) * out_strides[i];
  }
  strided_copy(size_of(in.dtype), copied.dims(), element_at(in, from), in_strides.dims(), element_at(out, to),
               out_strides.dims());
}

/// Axis by axis: every output index along `axis` copies a slab of the input.
Tensor pad_axis(const TensorView& in, int axis, int64_t begin, int64_t size, PadMode mode) {
  Shape shape = in.shape;
  shape[axis] = size;
  Tensor out(in.dtype, shape);
  if (out.num_elements() == 0) return out;
  check(in.shape[axis] > 0, ErrorCode::kInvalidModel, "cannot pad an empty axis without a constant");
  const int64_t outer = in.shape.product(0, axis);
  const int64_t inner = in.shape.product(axis + 1, in.shape.rank()) * static_cast<int64_t>(size_of(in.dtype));
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < size; ++i) {
      const int64_t j = source_index(mode, i - begin, in.shape[axis]);
      std::memcpy(out.as<std::byte>() + (o * size + i) * inner,
                  in.as<const std::byte>() + (o * in.shape[axis] + j) * inner, static_cast<size_t>(inner));
    }
  }
  return out;
}

std::vector<int> pad_axes(const std::optional<std::vector<int64_t>>& given, int rank) {
  if (given) return normalize_axes(*given, rank);
  std::vector<int> all(static_cast<size_t>(rank));
  for (int i = 0; i < rank; ++i) all[static_cast<size_t>(i)] = i;
  return all;
}

/// Output dims of CenterCropPad, or nullopt.
std::optional<SymShape> center_target(const SymShape& in, const AttributeMap& attrs, const std::vector<Dim>& sizes) {
  const int rank = static_cast<int>(in.size());
  const auto axes = pad_axes(attrs.has("axes") ? std::optional(attrs.get_ints("axes")) : std::nullopt, rank);
  check(axes.size() == sizes.size(), ErrorCode::kInvalidModel, "{} sizes for {} axes", sizes.size(), axes.size());
  SymShape out = in;
  for (size_t i = 0; i < axes.size(); ++i) out[static_cast<size_t>(axes[i])] = sizes[i];
  return out;
}

}  // namespace

void infer_pad(InferContext& c) {
  pad_mode_of(c.attrs());
  require_rank(c, 1, 1);
  require_same_dtype(c, 0, 2);
  const auto pads = c.dims(1);
  const auto axes = c.ints(3);
  if (!c.has_shape(0) || !pads || (c.has_input(3) && !axes)) return c.set_output(0, c.dtype(0), std::nullopt);
  const std::vector<int> padded = pad_axes(axes, c.rank(0));
  check(pads->size() == 2 * padded.size(), ErrorCode::kInvalidModel, "{} pads for {} axes", pads->size(),
        padded.size());
  SymShape out = c.shape(0);
  for (size_t i = 0; i < padded.size(); ++i) {
    Dim& d = out[static_cast<size_t>(padded[i])];
    d = d + (*pads)[i] + (*pads)[padded.size() + i];
    check(!d.is_constant() || d.value() >= 0, ErrorCode::kInvalidModel, "pads crop more than axis {} has", padded[i]);
  }
  c.set_output(0, c.dtype(0), std::move(out));
}

void evaluate_pad(EvalContext& c) {
  const TensorView& in = c.input(0);
  const int rank = in.shape.rank();
  const std::vector<int64_t> given = ints_of(c.input(1));
  const auto axes = pad_axes(c.has_input(3) ? std::optional(ints_of(c.input(3))) : std::nullopt, rank);
  check(given.size() == 2 * axes.size(), ErrorCode::kInvalidModel, "{} pads for {} axes", given.size(), axes.size());
  Padding pads(rank);
  for (size_t i = 0; i < axes.size(); ++i) {
    pads.begin[static_cast<size_t>(axes[i])] = given[i];
    pads.end[static_cast<size_t>(axes[i])] = given[axes.size() + i];
  }
  const PadMode mode = pad_mode_of(c.attrs());
  if (mode == PadMode::kConstant) {
    const uint64_t zero = 0;
    const bool has_value = c.has_input(2) && c.input(2).num_elements() > 0;
    return pad_constant(in, pads, has_value ? c.input(2).data : &zero, c.output(0));
  }
  Tensor owner;
  TensorView current = in;
  for (int a = 0; a < rank; ++a) {
    const size_t i = static_cast<size_t>(a);
    if (pads.begin[i] == 0 && pads.end[i] == 0) continue;
    Tensor next = pad_axis(current, a, pads.begin[i], c.output(0).shape[a], mode);
    owner = std::move(next);
    current = owner.view();
  }
  copy_bytes(current, c.output(0));
}

void infer_center_crop_pad(InferContext& c) {
  require_rank(c, 1, 1);
  const auto sizes = c.dims(1);
  if (!c.has_shape(0) || !sizes) return c.set_output(0, c.dtype(0), std::nullopt);
  c.set_output(0, c.dtype(0), center_target(c.shape(0), c.attrs(), *sizes));
}

void evaluate_center_crop_pad(EvalContext& c) {
  const TensorView& in = c.input(0);
  const TensorView out = c.output(0);
  Padding pads(in.shape.rank());
  for (int i = 0; i < in.shape.rank(); ++i) {
    const int64_t grown = out.shape[i] - in.shape[i];
    // Both a crop and a pad leave the odd element at the end.
    pads.begin[static_cast<size_t>(i)] = grown >= 0 ? grown / 2 : -((-grown) / 2);
  }
  const uint64_t zero = 0;
  pad_constant(in, pads, &zero, out);
}

}  // namespace burnish
