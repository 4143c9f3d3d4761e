// NonZero and Unique: how much comes out, only the data knows.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "ops/elements.h"
#include "ops/indexing.h"
#include "ops/infer.h"
#include "ops/numeric.h"
#include "ops/strided.h"

namespace burnish {

void infer_non_zero(InferContext& c) {
  if (!c.has_shape(0)) return c.set_output(0, DType::kInt64, std::nullopt);
  c.set_output(0, DType::kInt64, SymShape{c.rank(0), data_dim("nonzero", c)});
}

void evaluate_non_zero(EvalContext& c) {
  const TensorView& in = c.input(0);
  const int rank = in.shape.rank();
  std::vector<int64_t> found;
  with_compute(in.dtype, [&](auto tag) {
    const Source<decltype(tag)> x(in);
    for (int64_t i = 0; i < x.size(); ++i)
      if (x[i] != 0) found.push_back(i);
  });
  const auto count = static_cast<int64_t>(found.size());
  auto* out = c.allocate(0, DType::kInt64, Shape{rank, count}).as<int64_t>();
  for (int64_t k = 0; k < count; ++k) {
    int64_t rest = found[static_cast<size_t>(k)];
    for (int d = rank - 1; d >= 0; --d) {
      out[d * count + k] = rest % in.shape[d];
      rest /= in.shape[d];
    }
  }
}

void infer_unique(InferContext& c) {
  const Dim count = data_dim("unique", c);
  std::optional<SymShape> out = SymShape{count};
  if (c.attrs().has("axis")) {
    out.reset();
    if (c.has_shape(0)) {
      out = c.shape(0);
      (*out)[static_cast<size_t>(axis_of(c.attrs(), "axis", 0, c.rank(0)))] = count;
    }
  }
  c.set_output(0, c.dtype(0), std::move(out));
  c.set_output(1, DType::kInt64, SymShape{count});
  c.set_output(3, DType::kInt64, SymShape{count});
  if (!c.has_shape(0)) return c.set_output(2, DType::kInt64, std::nullopt);
  const bool flat = !c.attrs().has("axis");
  const Dim length =
      flat ? num_elements(c.shape(0)) : c.shape(0)[static_cast<size_t>(axis_of(c.attrs(), "axis", 0, c.rank(0)))];
  c.set_output(2, DType::kInt64, SymShape{length});
}

namespace {

/// A tensor seen as [outer, length, inner]; item i is x[:, i, :].
struct Items {
  int64_t outer = 1, length = 0, inner = 1;
};

/// −1, 0 or 1; NaN is greater than every number and equal to itself.
template <typename T>
int order(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a) || std::isnan(b)) return static_cast<int>(std::isnan(a)) - static_cast<int>(std::isnan(b));
  }
  return a < b ? -1 : static_cast<int>(b < a);
}

template <typename T>
int order_items(const T* x, const Items& s, int64_t a, int64_t b) {
  for (int64_t o = 0; o < s.outer; ++o)
    for (int64_t i = 0; i < s.inner; ++i)
      if (const int r = order(x[(o * s.length + a) * s.inner + i], x[(o * s.length + b) * s.inner + i])) return r;
  return 0;
}

/// Classes of equal items: the first member of each, in the order wanted, and the class of every item.
struct Classes {
  std::vector<int64_t> first, of_item, count;
};

template <typename T>
Classes classify(const T* x, const Items& s, bool sorted) {
  std::vector<int64_t> items(static_cast<size_t>(s.length));
  std::iota(items.begin(), items.end(), int64_t{0});
  std::stable_sort(items.begin(), items.end(), [&](int64_t a, int64_t b) { return order_items(x, s, a, b) < 0; });
  // Class numbers by value, and the first member of each: the sort is stable.
  std::vector<int64_t> first;
  Classes c;
  c.of_item.resize(items.size());
  for (size_t k = 0; k < items.size(); ++k) {
    if (k == 0 || order_items(x, s, items[k - 1], items[k]) != 0) first.push_back(items[k]);
    c.of_item[static_cast<size_t>(items[k])] = static_cast<int64_t>(first.size()) - 1;
  }
  std::vector<int64_t> ranking(first.size());
  std::iota(ranking.begin(), ranking.end(), int64_t{0});
  const auto at = [](const std::vector<int64_t>& v, int64_t i) { return v[static_cast<size_t>(i)]; };
  if (!sorted)
    std::sort(ranking.begin(), ranking.end(), [&](int64_t a, int64_t b) { return at(first, a) < at(first, b); });
  std::vector<int64_t> renumbered(first.size());
  for (size_t k = 0; k < ranking.size(); ++k) {
    renumbered[static_cast<size_t>(ranking[k])] = static_cast<int64_t>(k);
    c.first.push_back(at(first, ranking[k]));
  }
  c.count.assign(first.size(), 0);
  for (int64_t& k : c.of_item) ++c.count[static_cast<size_t>(k = at(renumbered, k))];
  return c;
}

void store_ints(EvalContext& c, int i, const std::vector<int64_t>& values) {
  if (!c.wants_output(i)) return;
  const TensorView out = c.allocate(i, DType::kInt64, Shape{static_cast<int64_t>(values.size())});
  std::copy(values.begin(), values.end(), out.as<int64_t>());
}

}  // namespace

void evaluate_unique(EvalContext& c) {
  const TensorView& in = c.input(0);
  const bool flat = !c.attrs().has("axis");
  const Shape shape = flat ? Shape{in.num_elements()} : in.shape;
  const int axis = flat ? 0 : axis_of(c.attrs(), "axis", 0, shape.rank());
  const Items s{shape.product(0, axis), shape[axis], shape.product(axis + 1, shape.rank())};
  Classes classes;
  with_compute(in.dtype, [&](auto tag) {
    const Source<decltype(tag)> x(in);
    classes = classify(x.data(), s, c.attrs().get_int("sorted", 1) != 0);
  });
  Shape out_shape = shape;
  out_shape[axis] = static_cast<int64_t>(classes.first.size());
  const TensorView out = c.allocate(0, in.dtype, out_shape);
  const size_t bytes = static_cast<size_t>(s.inner) * size_of(in.dtype);
  int64_t to = 0;
  for (int64_t o = 0; o < s.outer; ++o)
    for (int64_t i : classes.first) {
      if (bytes > 0) std::memcpy(element_at(out, to), element_at(in, (o * s.length + i) * s.inner), bytes);
      to += s.inner;
    }
  store_ints(c, 1, classes.first);
  store_ints(c, 2, classes.of_item);
  store_ints(c, 3, classes.count);
}

}  // namespace burnish
