#include "ops/reduction.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "ops/infer.h"
#include "ops/numeric.h"

namespace burnish {
namespace {

// The axes to reduce; nullopt while input 1 is unknown. Without axes all are reduced, or none with
// noop_with_empty_axes.
std::optional<std::vector<int64_t>> all_or_none(const AttributeMap& attrs, std::vector<int64_t> axes, int rank) {
  if (!axes.empty() || attrs.get_int("noop_with_empty_axes", 0) != 0) return axes;
  for (int i = 0; i < rank; ++i) axes.push_back(i);
  return axes;
}

std::vector<bool> axis_mask(std::span<const int64_t> axes, int rank) {
  std::vector<bool> mask(static_cast<size_t>(rank), false);
  for (const int axis : normalize_axes(axes, rank)) mask[static_cast<size_t>(axis)] = true;
  return mask;
}

void infer_reduction(InferContext& c) {
  if (!c.has_shape(0)) return infer_unknown(c, c.dtype(0));
  const bool keepdims = c.attrs().get_int("keepdims", 1) != 0;
  const auto axes = c.has_input(1) ? c.ints(1) : std::vector<int64_t>{};
  if (!axes) {
    // The rank is known at least when the reduced dims stay, or when the number of axes is.
    if (!keepdims) return infer_unknown(c, c.dtype(0));
    SymShape shape;
    for (int i = 0; i < c.rank(0); ++i) shape.push_back(data_dim("reduced" + std::to_string(i), c));
    return c.set_output(0, c.dtype(0), std::move(shape));
  }
  const auto mask = axis_mask(*all_or_none(c.attrs(), *axes, c.rank(0)), c.rank(0));
  SymShape shape;
  for (size_t i = 0; i < mask.size(); ++i) {
    if (!mask[i]) shape.push_back(c.shape(0)[i]);
    if (mask[i] && keepdims) shape.emplace_back(1);
  }
  c.set_output(0, c.dtype(0), std::move(shape));
}

// One reduction: the input's shape, and the output's with the reduced dims kept as 1.
struct Extent {
  Shape input;
  Shape kept;
  int64_t reduced_elements;
};

Extent extent_of(const EvalContext& c) {
  const Shape& shape = c.input(0).shape;
  const auto axes = c.has_input(1) ? ints_of(c.input(1)) : std::vector<int64_t>{};
  const auto mask = axis_mask(*all_or_none(c.attrs(), axes, shape.rank()), shape.rank());
  Extent e{shape, shape, 1};
  for (int i = 0; i < shape.rank(); ++i) {
    if (!mask[static_cast<size_t>(i)]) continue;
    e.reduced_elements *= shape[i];
    e.kept[i] = 1;
  }
  return e;
}

// Calls f(accumulator, x) for every element, along with its accumulator: the output broadcast to the input.
template <typename A, typename T, typename F>
void accumulate(const Extent& e, const T* x, A* accumulators, F&& f) {
  const BroadcastLoop loop(e.input, std::span(&e.kept, 1));
  const int64_t n = loop.run_length();
  const int64_t step = loop.step(0);
  loop.for_each_run([&](int64_t at, const std::vector<int64_t>& offsets) {
    A* to = accumulators + offsets[0];
    const T* from = x + at;
    if (step == 1) {
      for (int64_t i = 0; i < n; ++i) f(to[i], from[i]);
      return;
    }
    A total = *to;
    for (int64_t i = 0; i < n; ++i) f(total, from[i]);
    *to = total;
  });
}

// Accumulates in A, then finish(accumulator) becomes the element.
template <typename A, typename T, typename F, typename G>
void reduce_as(const EvalContext& c, A initial, F&& f, G&& finish) {
  const Extent e = extent_of(c);
  const Source<T> x(c.input(0));
  std::vector<A> accumulators(static_cast<size_t>(e.kept.num_elements()), initial);
  accumulate(e, x.data(), accumulators.data(), f);
  for (A& a : accumulators) a = finish(a, e.reduced_elements);
  store_elements<A>(accumulators.data(), c.output(0));
}

// Floats accumulate in double; integers in their own kind, wrapping.
template <typename F, typename G>
void reduce(const EvalContext& c, int initial, F&& f, G&& finish) {
  with_compute(c.input(0).dtype, [&]<typename T>(T) {
    using A = std::conditional_t<std::is_floating_point_v<T>, double, T>;
    reduce_as<A, T>(
        c, static_cast<A>(initial), [&f](A& a, T x) { f(a, static_cast<A>(x)); }, finish);
  });
}

// In double whatever the type; integers are truncated, as a cast does.
template <typename F, typename G>
void reduce_real(const EvalContext& c, F&& f, G&& finish) {
  const bool truncates = !is_floating(c.input(0).dtype);
  reduce_as<double, double>(c, 0.0, f, [&](double a, int64_t n) {
    const double y = finish(a, n);
    return truncates ? std::trunc(y) : y;
  });
}

constexpr auto kKeep = [](auto a, int64_t) { return a; };

void evaluate_sum(EvalContext& c) {
  reduce(
      c, 0, []<typename A>(A& a, A x) { a = wrapping_add(a, x); }, kKeep);
}

void evaluate_prod(EvalContext& c) {
  reduce(
      c, 1, []<typename A>(A& a, A x) { a = wrapping_mul(a, x); }, kKeep);
}

void evaluate_sum_square(EvalContext& c) {
  reduce(
      c, 0, []<typename A>(A& a, A x) { a = wrapping_add(a, wrapping_mul(x, x)); }, kKeep);
}

void evaluate_l1(EvalContext& c) {
  reduce(
      c, 0, []<typename A>(A& a, A x) { a = wrapping_add(a, x < A{0} ? wrapping_sub(A{0}, x) : x); }, kKeep);
}

void evaluate_mean(EvalContext& c) {
  reduce(
      c, 0, []<typename A>(A& a, A x) { a = wrapping_add(a, x); },
      []<typename A>(A a, int64_t n) {
        if (std::is_integral_v<A> && n == 0) return A{0};
        return a / static_cast<A>(n);
      });
}

void evaluate_l2(EvalContext& c) {
  reduce_real(
      c, [](double& a, double x) { a += x * x; }, [](double a, int64_t) { return std::sqrt(a); });
}

void evaluate_log_sum(EvalContext& c) {
  reduce_real(
      c, [](double& a, double x) { a += x; }, [](double a, int64_t) { return std::log(a); });
}

// A running maximum and the sum of exponentials relative to it.
void evaluate_log_sum_exp(EvalContext& c) {
  struct Partial {
    double largest = -std::numeric_limits<double>::infinity();
    double sum = 0;
  };
  const Extent e = extent_of(c);
  const Source<double> x(c.input(0));
  std::vector<Partial> partials(static_cast<size_t>(e.kept.num_elements()));
  accumulate(e, x.data(), partials.data(), [](Partial& p, double v) {
    if (v > p.largest)
      p = {v, p.sum * std::exp(p.largest - v) + 1};
    else if (v == p.largest)
      p.sum += 1;
    else
      p.sum += std::exp(v - p.largest);
  });
  std::vector<double> y;
  for (const Partial& p : partials) y.push_back(p.largest + std::log(p.sum));
  if (!is_floating(c.input(0).dtype))
    std::transform(y.begin(), y.end(), y.begin(), [](double v) { return std::trunc(v); });
  store_elements<double>(y.data(), c.output(0));
}

// The least (or greatest) value of an element type: what an empty maximum (or minimum) gives.
template <typename T>
T limit_of(DType dtype, bool least) {
  if constexpr (std::is_floating_point_v<T>) {
    return least ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::infinity();
  } else {
    if (dtype == DType::kBool) return least ? 0 : 1;
    const auto bits = static_cast<int>(8 * size_of(dtype));
    const uint64_t highest = ~uint64_t{0} >> (64 - bits + (std::is_signed_v<T> ? 1 : 0));
    if (least) return std::is_signed_v<T> ? -static_cast<T>(highest) - 1 : T{0};
    return static_cast<T>(highest);
  }
}

template <typename F>
void reduce_extreme(const EvalContext& c, bool max, F&& f) {
  with_compute(c.input(0).dtype,
               [&]<typename T>(T) { reduce_as<T, T>(c, limit_of<T>(c.input(0).dtype, max), f, kKeep); });
}

void evaluate_max(EvalContext& c) {
  reduce_extreme(c, true, []<typename T>(T& a, T x) { a = x > a || x != x ? x : a; });
}

void evaluate_min(EvalContext& c) {
  reduce_extreme(c, false, []<typename T>(T& a, T x) { a = x < a || x != x ? x : a; });
}

const std::array kRows{
    OpDescriptor{"ReduceSum", 1, 2, 1, 1, infer_reduction, evaluate_sum},
    OpDescriptor{"ReduceMean", 1, 2, 1, 1, infer_reduction, evaluate_mean},
    OpDescriptor{"ReduceMax", 1, 2, 1, 1, infer_reduction, evaluate_max},
    OpDescriptor{"ReduceMin", 1, 2, 1, 1, infer_reduction, evaluate_min},
    OpDescriptor{"ReduceProd", 1, 2, 1, 1, infer_reduction, evaluate_prod},
    OpDescriptor{"ReduceL1", 1, 2, 1, 1, infer_reduction, evaluate_l1},
    OpDescriptor{"ReduceL2", 1, 2, 1, 1, infer_reduction, evaluate_l2},
    OpDescriptor{"ReduceSumSquare", 1, 2, 1, 1, infer_reduction, evaluate_sum_square},
    OpDescriptor{"ReduceLogSum", 1, 2, 1, 1, infer_reduction, evaluate_log_sum},
    OpDescriptor{"ReduceLogSumExp", 1, 2, 1, 1, infer_reduction, evaluate_log_sum_exp},
};

}  // namespace

std::span<const OpDescriptor> reduction_ops() {
  return kRows;
}

}  // namespace burnish
