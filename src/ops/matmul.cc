#include "ops/matmul.h"

#include <array>
#include <cmath>

#include "ops/infer.h"
#include "ops/numeric.h"

namespace burnish {

SymShape matmul_shape(const SymShape& a, const SymShape& b) {
  check(!a.empty() && !b.empty(), ErrorCode::kInvalidModel, "a product of matrices takes no scalar: {} and {}",
        to_string(a), to_string(b));
  const Dim& inner_b = b.size() == 1 ? b[0] : b[b.size() - 2];
  check(!a.back().is_constant() || !inner_b.is_constant() || a.back() == inner_b, ErrorCode::kInvalidModel,
        "shapes {} and {} do not multiply: {} against {}", to_string(a), to_string(b), to_string(a.back()),
        to_string(inner_b));
  const auto batch = [](const SymShape& s) { return s.size() < 3 ? SymShape{} : SymShape(s.begin(), s.end() - 2); };
  SymShape out = broadcast(batch(a), batch(b));
  if (a.size() > 1) out.push_back(a[a.size() - 2]);
  if (b.size() > 1) out.push_back(b.back());
  return out;
}

template <typename T>
void multiply_stacks(const Shape& a_shape, const T* a, const Shape& b_shape, const T* b, T* y) {
  const auto batch = [](const Shape& s) {
    return Shape(s.dims().first(static_cast<size_t>(std::max(0, s.rank() - 2))));
  };
  const int64_t k = a_shape.back();
  const int64_t m = a_shape.rank() > 1 ? a_shape[a_shape.rank() - 2] : 1;
  const int64_t n = b_shape.rank() > 1 ? b_shape.back() : 1;
  const std::array batches{batch(a_shape), batch(b_shape)};
  // One b for all matrices of a: a single taller product.
  if (batches[1].num_elements() == 1 && batches[0].rank() >= batches[1].rank())
    return multiply<T>(batches[0].num_elements() * m, n, k, {a, k}, {b, n}, y);
  const BroadcastLoop loop(broadcast(batches[0], batches[1]), batches);
  loop.for_each_run([&](int64_t at, const std::vector<int64_t>& offsets) {
    for (int64_t i = 0; i < loop.run_length(); ++i) {
      const T* pa = a + (offsets[0] + i * loop.step(0)) * m * k;
      const T* pb = b + (offsets[1] + i * loop.step(1)) * k * n;
      multiply<T>(m, n, k, {pa, k}, {pb, n}, y + (at + i) * m * n);
    }
  });
}

template void multiply_stacks<float>(const Shape&, const float*, const Shape&, const float*, float*);
template void multiply_stacks<double>(const Shape&, const double*, const Shape&, const double*, double*);
template void multiply_stacks<uint64_t>(const Shape&, const uint64_t*, const Shape&, const uint64_t*, uint64_t*);

namespace {

// Integers of both kinds wrap alike.
template <typename F>
void with_product_type(DType dtype, F&& f) {
  if (is_floating(dtype)) return with_float(dtype, f);
  f(uint64_t{});
}

// --- MatMul, Gemm
// -----------------------------------------------------------------------------------------------------

void infer_product(InferContext& c, int a, int b, DType dtype) {
  if (!c.has_shape(a) || !c.has_shape(b)) return c.set_output(0, dtype, std::nullopt);
  c.set_output(0, dtype, matmul_shape(c.shape(a), c.shape(b)));
}

void infer_matmul(InferContext& c) {
  require_same_dtype(c, 0, 1);
  infer_product(c, 0, 1, c.dtype(0));
}

void evaluate_matmul(EvalContext& c) {
  with_product_type(c.input(0).dtype, [&]<typename T>(T) {
    const Source<T> a(c.input(0));
    const Source<T> b(c.input(1));
    Sink<T> y(c.output(0));
    multiply_stacks<T>(a.shape(), a.data(), b.shape(), b.data(), y.data());
    y.commit();
  });
}

void infer_gemm(InferContext& c) {
  for (int i = 0; i < 2; ++i) {
    require_rank(c, i, 2);
    require_same_dtype(c, 0, i + 1);
  }
  const size_t ta = c.attrs().get_int("transA", 0) != 0 ? 1 : 0;
  const size_t tb = c.attrs().get_int("transB", 0) != 0 ? 1 : 0;
  SymShape y{data_dim("gemm_rows", c), data_dim("gemm_columns", c)};
  if (c.has_shape(0)) y[0] = c.shape(0)[ta];
  if (c.has_shape(1)) y[1] = c.shape(1)[1 - tb];
  if (c.has_shape(0) && c.has_shape(1)) require_equal(c.shape(0)[1 - ta], c.shape(1)[tb], "inner dims of A and B");
  if (c.has_shape(2)) {
    const SymShape joined = broadcast(y, c.shape(2));
    check(joined.size() == 2, ErrorCode::kInvalidModel, "input 2 {} does not broadcast to {}", to_string(c.shape(2)),
          to_string(y));
    require_equal(y[0], joined[0], "rows of C");
    require_equal(y[1], joined[1], "columns of C");
  }
  c.set_output(0, c.dtype(0), std::move(y));
}

// y = alpha · y + beta · c, in floating point also for integers, as the attributes are.
template <typename T>
void scale_and_add(const EvalContext& c, Sink<T>& y) {
  const float alpha = c.attrs().get_float("alpha", 1);
  const float beta = c.attrs().get_float("beta", 1);
  using S = std::conditional_t<std::is_integral_v<T>, int64_t, T>;
  const auto scaled = [](float factor, T v) {
    if (factor == 1) return v;
    if constexpr (std::is_integral_v<T>)
      return static_cast<T>(std::llrint(static_cast<double>(factor) * static_cast<double>(static_cast<S>(v))));
    return static_cast<T>(static_cast<T>(factor) * v);
  };
  const int64_t n = y.shape().num_elements();
  if (alpha != 1)
    for (int64_t i = 0; i < n; ++i) y[i] = scaled(alpha, y[i]);
  if (!c.has_input(2) || beta == 0) return;
  const Source<T> bias(c.input(2));
  broadcast_binary(y.shape(), y.shape(), y.data(), bias.shape(), bias.data(), y.data(),
                   [&](T a, T b) { return static_cast<T>(a + scaled(beta, b)); });
}

void evaluate_gemm(EvalContext& c) {
  const bool ta = c.attrs().get_int("transA", 0) != 0;
  const bool tb = c.attrs().get_int("transB", 0) != 0;
  with_product_type(c.input(0).dtype, [&]<typename T>(T) {
    const Source<T> a(c.input(0));
    const Source<T> b(c.input(1));
    Sink<T> y(c.output(0));
    multiply<T>(y.shape()[0], y.shape()[1], a.shape()[ta ? 0 : 1], {a.data(), a.shape()[1], ta},
                {b.data(), b.shape()[1], tb}, y.data());
    scale_and_add(c, y);
    y.commit();
  });
}

// --- MatMulInteger, QLinearMatMul
// -------------------------------------------------------------------------------------

// A parameter of a quantised matrix by row (of A) or column (of B): a scalar, a vector, or a stack of vectors. Its
// shape made to broadcast to the matrix.
Shape parameter_shape(const Shape& shape, bool by_row) {
  if (shape.rank() != 1 || !by_row) return shape;
  return Shape{shape[0], 1};
}

// x - zero_point, exact in double.
std::vector<double> centred(const EvalContext& c, int x_index, int zero_index, bool by_row) {
  const Source<double> x(c.input(x_index));
  std::vector<double> y(x.data(), x.data() + x.size());
  if (!c.has_input(zero_index)) return y;
  const Source<double> zero(c.input(zero_index));
  broadcast_binary(x.shape(), x.shape(), x.data(), zero.size() == 1 ? Shape{} : parameter_shape(zero.shape(), by_row),
                   zero.data(), y.data(), [](double a, double b) { return a - b; });
  return y;
}

// Sums of products of bytes are exact in double.
std::vector<double> centred_product(const EvalContext& c, int a, int a_zero, int b, int b_zero) {
  const std::vector<double> x = centred(c, a, a_zero, true);
  const std::vector<double> w = centred(c, b, b_zero, false);
  std::vector<double> y(static_cast<size_t>(c.output(0).num_elements()));
  multiply_stacks<double>(c.input(a).shape, x.data(), c.input(b).shape, w.data(), y.data());
  return y;
}

void infer_matmul_integer(InferContext& c) {
  infer_product(c, 0, 1, DType::kInt32);
}

void evaluate_matmul_integer(EvalContext& c) {
  const std::vector<double> y = centred_product(c, 0, 2, 1, 3);
  std::vector<int64_t> wrapped(y.begin(), y.end());
  store_elements<int64_t>(wrapped.data(), c.output(0));
}

void infer_qlinear_matmul(InferContext& c) {
  infer_product(c, 0, 3, c.dtype(7));
}

// y *= the scale of input i, or y /= it.
void apply_scale(const EvalContext& c, int i, bool by_row, bool divides, std::vector<double>& y) {
  const Source<double> scale(c.input(i));
  const Shape& shape = c.output(0).shape;
  broadcast_binary(shape, shape, y.data(), scale.size() == 1 ? Shape{} : parameter_shape(scale.shape(), by_row),
                   scale.data(), y.data(), [divides](double a, double s) { return divides ? a / s : a * s; });
}

void evaluate_qlinear_matmul(EvalContext& c) {
  std::vector<double> y = centred_product(c, 0, 2, 3, 5);
  apply_scale(c, 1, true, false, y);
  apply_scale(c, 4, false, false, y);
  apply_scale(c, 6, true, true, y);
  const bool rounds = !is_floating(c.output(0).dtype);
  if (rounds)
    for (double& v : y) v = std::nearbyint(v);
  const Source<double> zero(c.input(7));
  const Shape& shape = c.output(0).shape;
  broadcast_binary(shape, shape, y.data(), zero.size() == 1 ? Shape{} : parameter_shape(zero.shape(), true),
                   zero.data(), y.data(), [](double a, double z) { return a + z; });
  store_elements<double>(y.data(), c.output(0));
}

const std::array kRows{
    OpDescriptor{"MatMul", 2, 2, 1, 1, infer_matmul, evaluate_matmul},
    OpDescriptor{"Gemm", 2, 3, 1, 1, infer_gemm, evaluate_gemm},
    OpDescriptor{"MatMulInteger", 2, 4, 1, 1, infer_matmul_integer, evaluate_matmul_integer},
    OpDescriptor{"QLinearMatMul", 8, 8, 1, 1, infer_qlinear_matmul, evaluate_qlinear_matmul},
};

}  // namespace

std::span<const OpDescriptor> matmul_ops() {
  return kRows;
}

}  // namespace burnish
