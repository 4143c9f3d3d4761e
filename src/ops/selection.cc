#include "ops/selection.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/numeric.h"

namespace burnish {
namespace {

// a stands before b. NaN counts as the greatest number.
template <typename T>
bool precedes(T a, T b, bool largest) {
  if constexpr (std::is_floating_point_v<T>) {
    if (a != a || b != b) return largest ? a != a && b == b : a == a && b != b;
  }
  return largest ? a > b : a < b;
}

// --- ArgMax, ArgMin
// ---------------------------------------------------------------------------------------------------

void infer_arg(InferContext& c) {
  if (!c.has_shape(0)) return infer_unknown(c, DType::kInt64);
  const int axis = axis_of(c.attrs(), "axis", 0, c.rank(0));
  SymShape shape = c.shape(0);
  shape[static_cast<size_t>(axis)] = 1;
  if (c.attrs().get_int("keepdims", 1) == 0) shape.erase(shape.begin() + axis);
  c.set_output(0, DType::kInt64, std::move(shape));
}

template <typename T>
int64_t best_index(const T* x, int64_t n, int64_t stride, bool largest, bool last) {
  int64_t best = 0;
  for (int64_t i = 1; i < n; ++i) {
    const T a = x[i * stride];
    const T b = x[best * stride];
    if (precedes(a, b, largest) || (last && !precedes(b, a, largest))) best = i;
  }
  return best;
}

void evaluate_arg(const EvalContext& c, bool largest) {
  const Shape& shape = c.input(0).shape;
  const Lanes lanes(shape, axis_of(c.attrs(), "axis", 0, shape.rank()));
  const TensorView y = c.output(0);
  check(lanes.length > 0 || y.num_elements() == 0, ErrorCode::kInvalidArgument, "there is no extreme of no elements");
  const bool last = c.attrs().get_int("select_last_index", 0) != 0;
  with_compute(c.input(0).dtype, [&]<typename T>(T) {
    const Source<T> x(c.input(0));
    auto* to = y.as<int64_t>();
    lanes.for_each(
        [&](int64_t first) { *to++ = best_index(x.data() + first, lanes.length, lanes.inner, largest, last); });
  });
}

void evaluate_arg_max(EvalContext& c) {
  evaluate_arg(c, true);
}
void evaluate_arg_min(EvalContext& c) {
  evaluate_arg(c, false);
}

// --- TopK
// -------------------------------------------------------------------------------------------------------------

void infer_top_k(InferContext& c) {
  if (!c.has_shape(0)) {
    c.set_output(0, c.dtype(0), std::nullopt);
    return c.set_output(1, DType::kInt64, std::nullopt);
  }
  SymShape shape = c.shape(0);
  Dim& k = shape[static_cast<size_t>(axis_of(c.attrs(), "axis", -1, c.rank(0)))];
  const auto wanted = c.dims(1);
  check(!wanted || wanted->size() == 1, ErrorCode::kInvalidModel, "input 1 must be one number");
  if (wanted && (*wanted)[0].is_constant()) {
    const bool fits = (*wanted)[0].value() >= 0 && (!k.is_constant() || (*wanted)[0].value() <= k.value());
    check(fits, ErrorCode::kInvalidModel, "k = {} is more than the {} elements of the axis", to_string((*wanted)[0]),
          to_string(k));
  }
  k = wanted ? (*wanted)[0] : data_dim("top_k", c);
  c.set_output(0, c.dtype(0), shape);
  c.set_output(1, DType::kInt64, std::move(shape));
}

// The first k positions in order; of equal elements the one with the lower index comes first.
template <typename T>
void select_top(const T* x, int64_t stride, bool largest, int64_t k, std::vector<int64_t>& order) {
  std::iota(order.begin(), order.end(), 0);
  std::partial_sort(order.begin(), order.begin() + k, order.end(), [&](int64_t a, int64_t b) {
    if (precedes(x[a * stride], x[b * stride], largest)) return true;
    return !precedes(x[b * stride], x[a * stride], largest) && a < b;
  });
}

int64_t wanted_count(const EvalContext& c, int64_t available) {
  const auto k = ints_of(c.input(1));
  check(k.size() == 1 && k[0] >= 0 && k[0] <= available, ErrorCode::kInvalidModel, "k must be one number in [0, {}]",
        available);
  return k[0];
}

// indices may be null.
template <typename T>
void top_k(const T* x, const Lanes& from, int64_t k, bool largest, T* values, int64_t* indices) {
  std::vector<int64_t> order(static_cast<size_t>(from.length));
  int64_t lane = 0;
  from.for_each([&](int64_t first) {
    select_top(x + first, from.inner, largest, k, order);
    const int64_t to = lane / from.inner * k * from.inner + lane % from.inner;
    ++lane;
    for (int64_t i = 0; i < k; ++i) {
      const int64_t index = order[static_cast<size_t>(i)];
      values[to + i * from.inner] = x[first + index * from.inner];
      if (indices != nullptr) indices[to + i * from.inner] = index;
    }
  });
}

void evaluate_top_k(EvalContext& c) {
  Shape shape = c.input(0).shape;
  const int axis = axis_of(c.attrs(), "axis", -1, shape.rank());
  const Lanes from(shape, axis);
  const int64_t k = shape[axis] = wanted_count(c, from.length);
  const TensorView values = c.allocate(0, c.input(0).dtype, shape);
  int64_t* indices = c.wants_output(1) ? c.allocate(1, DType::kInt64, shape).as<int64_t>() : nullptr;
  const bool largest = c.attrs().get_int("largest", 1) != 0;
  with_compute(c.input(0).dtype, [&]<typename T>(T) {
    const Source<T> x(c.input(0));
    Sink<T> y(values);
    top_k(x.data(), from, k, largest, y.data(), indices);
    y.commit();
  });
}

// --- Hardmax
// ----------------------------------------------------------------------------------------------------------

void infer_hardmax(InferContext& c) {
  require_real(c, 0);
  if (c.has_shape(0)) axis_of(c.attrs(), "axis", -1, c.rank(0));
  infer_like(c);
}

void evaluate_hardmax(EvalContext& c) {
  const Shape& shape = c.input(0).shape;
  const Lanes lanes(shape, axis_of(c.attrs(), "axis", -1, shape.rank()));
  if (shape.num_elements() == 0) return;
  with_float(c.input(0).dtype, [&]<typename T>(T) {
    const Source<T> x(c.input(0));
    Sink<T> y(c.output(0));
    std::fill_n(y.data(), x.size(), T{0});
    lanes.for_each([&](int64_t first) {
      y[first + best_index(x.data() + first, lanes.length, lanes.inner, true, false) * lanes.inner] = 1;
    });
    y.commit();
  });
}

const std::array kRows{
    OpDescriptor{"ArgMax", 1, 1, 1, 1, infer_arg, evaluate_arg_max},
    OpDescriptor{"ArgMin", 1, 1, 1, 1, infer_arg, evaluate_arg_min},
    OpDescriptor{"TopK", 2, 2, 1, 2, infer_top_k, evaluate_top_k},
    OpDescriptor{"Hardmax", 1, 1, 1, 1, infer_hardmax, evaluate_hardmax},
};

}  // namespace

std::span<const OpDescriptor> selection_ops() {
  return kRows;
}

}  // namespace burnish
