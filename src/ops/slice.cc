#include <algorithm>
#include <limits>

#include "ops/data_movement.h"
#include "ops/elements.h"
#include "ops/infer.h"
#include "ops/strided.h"

namespace burnish {

SliceRange slice_range(int64_t size, int64_t start, int64_t end, int64_t step) {
  check(step != 0, ErrorCode::kInvalidModel, "a slice's step must not be zero");
  const auto from_end = [size](int64_t i) { return i < 0 ? i + size : i; };
  if (step > 0) {
    start = std::clamp<int64_t>(from_end(start), 0, size);
    end = std::clamp<int64_t>(from_end(end), 0, size);
    return {start, end <= start ? 0 : (end - start - 1) / step + 1};
  }
  if (size == 0) return {0, 0};
  start = std::clamp<int64_t>(from_end(start), 0, size - 1);
  end = std::clamp<int64_t>(from_end(end), -1, size - 1);
  if (end >= start) return {start, 0};
  const int64_t stride = step == std::numeric_limits<int64_t>::min() ? std::numeric_limits<int64_t>::max() : -step;
  return {start, (start - end - 1) / stride + 1};
}

namespace {

/// Whether an expression looks negative: its value with every symbol at a middling size. Symbols of sizes are
/// positive, so this decides rightly for what exporters write (-n, n - 1, total - n).
bool looks_negative(const Dim& d) {
  if (d.is_constant()) return d.value() < 0;
  std::vector<std::string> names;
  d.collect_symbols(names);
  std::map<std::string, int64_t, std::less<>> symbols;
  for (const auto& name : names) symbols.emplace(name, 64);
  return d.evaluate(symbols).value_or(0) < 0;
}

/// An index of a forward slice, brought into [0, size].
Dim clamp_index(const Dim& size, const Dim& index) {
  if (looks_negative(index)) {
    const Dim shifted = index.is_constant() && index.value() < -(int64_t{1} << 40) ? Dim(0) : size + index;
    // A size is at least one, so that size - 1 needs no clamp.
    return index.is(-1) || !index.is_constant() ? shifted : max(shifted, Dim(0));
  }
  if (index.is(0) || index == size) return index;
  if (index.is_constant() && index.value() > (int64_t{1} << 40)) return size;
  if (index.is(1)) return size.is(0) ? Dim(0) : index;
  // An end that is an expression of its own is taken to lie inside: models slice tables to a sequence's length so.
  return index.is_constant() ? min(size, index) : index;
}

Dim slice_length(const Dim& size, const Dim& start, const Dim& end, int64_t step) {
  if (size.is_constant() && start.is_constant() && end.is_constant())
    return slice_range(size.value(), start.value(), end.value(), step).length;
  if (step > 0) {
    const Dim length = clamp_index(size, end) - clamp_index(size, start);
    return looks_negative(length) ? Dim(0) : ceil_div(length, Dim(step));
  }
  const bool from_last = start.is_constant() && (start.is(-1) || start.value() > (int64_t{1} << 30));
  const bool to_first = end.is_constant() && end.value() < -(int64_t{1} << 30);
  if (from_last && to_first) return ceil_div(size, Dim(step == INT64_MIN ? INT64_MAX : -step));
  return max(Dim(0),
             ceil_div(clamp_index(size, start) - clamp_index(size, end), Dim(step == INT64_MIN ? INT64_MAX : -step)));
}

struct SliceInputs {
  std::vector<Dim> starts, ends;
  std::vector<int> axes;
  std::vector<int64_t> steps;
};

/// nullopt when something is unknown.
std::optional<SliceInputs> slice_inputs(const InferContext& c) {
  auto starts = c.dims(1);
  auto ends = c.dims(2);
  if (!starts || !ends || !c.has_shape(0)) return std::nullopt;
  const size_t n = starts->size();
  std::vector<int64_t> axes(n), steps(n, 1);
  for (size_t i = 0; i < n; ++i) axes[i] = static_cast<int64_t>(i);
  if (c.has_input(3)) {
    const auto given = c.ints(3);
    if (!given) return std::nullopt;
    axes = *given;
  }
  if (c.has_input(4)) {
    const auto given = c.ints(4);
    if (!given) return std::nullopt;
    steps = *given;
  }
  check(ends->size() == n && axes.size() == n && steps.size() == n, ErrorCode::kInvalidModel,
        "starts, ends, axes and steps have different lengths");
  for (int64_t s : steps) check(s != 0, ErrorCode::kInvalidModel, "a slice's step must not be zero");
  return SliceInputs{std::move(*starts), std::move(*ends), normalize_axes(axes, c.rank(0)), std::move(steps)};
}

/// Slices of symbolic values: 1-D, everything known.
void pass_sliced_dims(InferContext& c, const SliceInputs& s) {
  const auto values = c.dims(0);
  if (!values || c.rank(0) != 1 || s.starts.size() > 1) return;
  if (s.starts.empty()) return c.set_output_dims(0, *values);
  if (!s.starts[0].is_constant() || !s.ends[0].is_constant()) return;
  const SliceRange r =
      slice_range(static_cast<int64_t>(values->size()), s.starts[0].value(), s.ends[0].value(), s.steps[0]);
  std::vector<Dim> out;
  for (int64_t i = 0; i < r.length; ++i) out.push_back((*values)[static_cast<size_t>(r.start + i * s.steps[0])]);
  c.set_output_dims(0, std::move(out));
}

}  // namespace

void infer_slice(InferContext& c) {
  for (int i = 1; i <= 4; ++i) {
    require_rank(c, i, 1);
    require_index(c, i);
  }
  const auto s = slice_inputs(c);
  if (!s) return c.set_output(0, c.dtype(0), std::nullopt);
  SymShape out = c.shape(0);
  for (size_t i = 0; i < s->axes.size(); ++i) {
    Dim& d = out[static_cast<size_t>(s->axes[i])];
    d = slice_length(d, s->starts[i], s->ends[i], s->steps[i]);
  }
  c.set_output(0, c.dtype(0), std::move(out));
  pass_sliced_dims(c, *s);
}

void evaluate_slice(EvalContext& c) {
  const TensorView& in = c.input(0);
  const int rank = in.shape.rank();
  const std::vector<int64_t> starts = ints_of(c.input(1));
  const std::vector<int64_t> ends = ints_of(c.input(2));
  std::vector<int64_t> axes, steps(starts.size(), 1);
  for (size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<int64_t>(i));
  if (c.has_input(3)) axes = ints_of(c.input(3));
  if (c.has_input(4)) steps = ints_of(c.input(4));
  Shape strides = strides_of(in.shape);
  Shape shape = in.shape;
  int64_t offset = 0;
  for (size_t i = 0; i < axes.size(); ++i) {
    const int a = normalize_axis(axes[i], rank);
    const SliceRange r = slice_range(in.shape[a], starts[i], ends[i], steps[i]);
    offset += r.length > 0 ? r.start * strides[a] : 0;
    strides[a] = r.length > 1 ? strides[a] * steps[i] : 0;
    shape[a] = r.length;
  }
  const TensorView out = c.output(0);
  strided_copy(size_of(in.dtype), shape.dims(), element_at(in, offset), strides.dims(), out.data,
               strides_of(shape).dims());
}

}  // namespace burnish
