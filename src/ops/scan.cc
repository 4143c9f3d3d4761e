#include "ops/scan.h"

#include <array>

#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/numeric.h"

namespace burnish {
namespace {

template <typename T, typename F>
void scan_lane(const T* x, T* y, int64_t n, int64_t stride, bool exclusive, T initial, F&& f) {
  T total = initial;
  for (int64_t i = 0; i < n; ++i) {
    const T next = f(total, x[i * stride]);
    y[i * stride] = exclusive ? total : next;
    total = next;
  }
}

template <typename F>
void scan(const EvalContext& c, int initial, F&& f) {
  const auto axis = ints_of(c.input(1));
  check(axis.size() == 1, ErrorCode::kInvalidModel, "input 1 must be one axis");
  const Shape& shape = c.input(0).shape;
  if (shape.num_elements() == 0) return;
  const Lanes lanes(shape, normalize_axis(axis[0], shape.rank()));
  const bool exclusive = c.attrs().get_int("exclusive", 0) != 0;
  const bool reverse = c.attrs().get_int("reverse", 0) != 0;
  with_compute(c.input(0).dtype, [&]<typename T>(T) {
    const Source<T> x(c.input(0));
    Sink<T> y(c.output(0));
    lanes.for_each([&](int64_t first) {
      const int64_t start = reverse ? first + (lanes.length - 1) * lanes.inner : first;
      scan_lane(x.data() + start, y.data() + start, lanes.length, reverse ? -lanes.inner : lanes.inner, exclusive,
                static_cast<T>(initial), f);
    });
    y.commit();
  });
}

void evaluate_cum_sum(EvalContext& c) {
  scan(c, 0, [](auto a, auto b) { return wrapping_add(a, b); });
}

void evaluate_cum_prod(EvalContext& c) {
  scan(c, 1, [](auto a, auto b) { return wrapping_mul(a, b); });
}

void infer_scan(InferContext& c) {
  infer_like(c);
}

const std::array kRows{
    OpDescriptor{"CumSum", 2, 2, 1, 1, infer_scan, evaluate_cum_sum},
    OpDescriptor{"CumProd", 2, 2, 1, 1, infer_scan, evaluate_cum_prod},
};

}  // namespace

std::span<const OpDescriptor> scan_ops() {
  return kRows;
}

}  // namespace burnish
