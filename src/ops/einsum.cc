#include "ops/einsum.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "base/checked.h"
#include "ops/einsum_equation.h"
#include "ops/gemm.h"
#include "ops/infer.h"
#include "ops/numeric.h"
#include "ops/strided.h"

namespace burnish {
namespace {

// --- inference
// --------------------------------------------------------------------------------------------------------

void infer_einsum(InferContext& c) {
  std::vector<int> ranks;
  for (int i = 0; i < c.num_inputs(); ++i) {
    require_same_dtype(c, 0, i);
    if (!c.has_shape(i)) return infer_unknown(c, c.dtype(0));
    ranks.push_back(c.rank(i));
  }
  const EinsumEquation e = parse_einsum(c.attrs().get_string("equation", ""), ranks);
  std::map<char, Dim> sizes;
  for (int i = 0; i < c.num_inputs(); ++i) {
    const std::string& labels = e.inputs[static_cast<size_t>(i)];
    for (size_t k = 0; k < labels.size(); ++k) {
      const auto [it, fresh] = sizes.try_emplace(labels[k], c.shape(i)[k]);
      if (!fresh) it->second = broadcast(SymShape{it->second}, SymShape{c.shape(i)[k]})[0];
    }
  }
  SymShape shape;
  for (const char label : e.output) shape.push_back(sizes.at(label));
  c.set_output(0, c.dtype(0), std::move(shape));
}

// --- evaluation
// -------------------------------------------------------------------------------------------------------

// A tensor whose dims carry labels, each once.
template <typename T>
struct Labelled {
  std::string labels;
  std::vector<int64_t> dims;
  std::vector<T> data;

  int64_t size_of_label(char label) const {
    const size_t at = labels.find(label);
    return at == std::string::npos ? 1 : dims[at];
  }
};

int64_t product(std::span<const int64_t> dims) {
  int64_t n = 1;
  for (const int64_t d : dims) n = checked_mul(n, d);
  return n;
}

// Copies to the order of labels; ones that x lacks get size 1. Strides of x come by label, so that a diagonal is a sum
// of two strides.
template <typename T>
Labelled<T> gather(const T* data, const std::map<char, int64_t>& dims, const std::map<char, int64_t>& strides,
                   const std::string& labels) {
  Labelled<T> y{labels, {}, {}};
  std::vector<int64_t> from;
  for (const char label : labels) {
    const auto it = dims.find(label);
    y.dims.push_back(it == dims.end() ? 1 : it->second);
    from.push_back(it == dims.end() ? 0 : strides.at(label));
  }
  std::vector<int64_t> to(labels.size());
  int64_t n = 1;
  for (size_t i = labels.size(); i-- > 0; n *= y.dims[i]) to[i] = n;
  y.data.resize(static_cast<size_t>(n));
  if (n > 0) strided_copy(sizeof(T), y.dims, data, from, y.data.data(), to);
  return y;
}

template <typename T>
Labelled<T> reordered(const Labelled<T>& x, const std::string& labels) {
  std::map<char, int64_t> dims;
  std::map<char, int64_t> strides;
  int64_t stride = 1;
  for (size_t i = x.labels.size(); i-- > 0; stride *= x.dims[i]) {
    dims[x.labels[i]] = x.dims[i];
    strides[x.labels[i]] = stride;
  }
  return gather(x.data.data(), dims, strides, labels);
}

// An operand with diagonals taken. A dim of 1 that broadcasts drops out: its label means nothing here.
template <typename T>
Labelled<T> operand(const Source<T>& x, const std::string& labels, const std::map<char, int64_t>& sizes) {
  std::map<char, int64_t> dims;
  std::map<char, int64_t> strides;
  std::string kept;
  int64_t stride = 1;
  for (size_t i = labels.size(); i-- > 0; stride *= x.shape()[static_cast<int>(i)]) {
    const char label = labels[i];
    const int64_t dim = x.shape()[static_cast<int>(i)];
    if (dim == 1 && sizes.at(label) != 1) continue;
    if (kept.find(label) == std::string::npos) kept.insert(kept.begin(), label);
    dims[label] = dim;
    strides[label] += stride;
  }
  return gather(x.data(), dims, strides, kept);
}

std::string filtered(const std::string& labels, auto&& keeps) {
  std::string s;
  std::copy_if(labels.begin(), labels.end(), std::back_inserter(s), keeps);
  return s;
}

// Sums over the labels that are not kept.
template <typename T>
Labelled<T> summed(const Labelled<T>& x, const std::string& keep) {
  const auto is_kept = [&](char l) { return keep.find(l) != std::string::npos; };
  const std::string outer = filtered(x.labels, is_kept);
  const std::string inner = filtered(x.labels, [&](char l) { return !is_kept(l); });
  if (inner.empty()) return x;
  const Labelled<T> ordered = reordered(x, outer + inner);
  Labelled<T> y{outer, {ordered.dims.begin(), ordered.dims.begin() + static_cast<std::ptrdiff_t>(outer.size())}, {}};
  const int64_t rows = product(y.dims);
  const int64_t length = product(std::span(ordered.dims).subspan(outer.size()));
  for (int64_t r = 0; r < rows; ++r) {
    std::conditional_t<std::is_same_v<T, float>, double, T> sum = 0;
    for (int64_t i = 0; i < length; ++i) sum += ordered.data[static_cast<size_t>(r * length + i)];
    y.data.push_back(static_cast<T>(sum));
  }
  return y;
}

// The product of two operands as a stack of matrix products, summed over the labels that both have and nobody keeps.
template <typename T>
Labelled<T> contracted(const Labelled<T>& a, const Labelled<T>& b, const std::string& keep) {
  const auto has = [](const std::string& s, char l) { return s.find(l) != std::string::npos; };
  const std::string batch = filtered(a.labels, [&](char l) { return has(b.labels, l) && has(keep, l); });
  const std::string inner = filtered(a.labels, [&](char l) { return has(b.labels, l) && !has(keep, l); });
  const std::string rows = filtered(a.labels, [&](char l) { return !has(b.labels, l); });
  const std::string columns = filtered(b.labels, [&](char l) { return !has(a.labels, l); });
  const Labelled<T> x = reordered(a, batch + rows + inner);
  const Labelled<T> w = reordered(b, batch + inner + columns);
  Labelled<T> y{batch + rows + columns, {}, {}};
  for (const char l : batch + rows) y.dims.push_back(x.size_of_label(l));
  for (const char l : columns) y.dims.push_back(w.size_of_label(l));
  const int64_t stacks = product(std::span(x.dims).first(batch.size()));
  const int64_t m = product(std::span(x.dims).subspan(batch.size(), rows.size()));
  const int64_t k = product(std::span(x.dims).subspan(batch.size() + rows.size()));
  const int64_t n = product(std::span(w.dims).subspan(batch.size() + inner.size()));
  y.data.resize(static_cast<size_t>(checked_mul(stacks, checked_mul(m, n))));
  for (int64_t s = 0; s < stacks; ++s)
    multiply<T>(m, n, k, {x.data.data() + s * m * k, k}, {w.data.data() + s * k * n, n}, y.data.data() + s * m * n);
  return y;
}

std::map<char, int64_t> sizes_of(const EvalContext& c, const EinsumEquation& e) {
  std::map<char, int64_t> sizes;
  for (int i = 0; i < c.num_inputs(); ++i) {
    const std::string& labels = e.inputs[static_cast<size_t>(i)];
    for (size_t k = 0; k < labels.size(); ++k) {
      const int64_t dim = c.input(i).shape[static_cast<int>(k)];
      int64_t& size = sizes.try_emplace(labels[k], 1).first->second;
      check(dim == size || dim == 1 || size == 1, ErrorCode::kInvalidArgument,
            "dimension {} of input {} is {}, elsewhere {}", k, i, dim, size);
      if (dim != 1) size = dim;
    }
  }
  return sizes;
}

template <typename T>
void einsum(const EvalContext& c, const EinsumEquation& e) {
  const auto sizes = sizes_of(c, e);
  // Labels that a partial result must keep: those of the output and of operands still to come.
  const auto wanted_after = [&](size_t i) {
    std::string s = e.output;
    for (size_t k = i + 1; k < e.inputs.size(); ++k) s += e.inputs[k];
    return s;
  };
  Labelled<T> total;
  for (size_t i = 0; i < e.inputs.size(); ++i) {
    const Labelled<T> x = operand(Source<T>(c.input(static_cast<int>(i))), e.inputs[i], sizes);
    const std::string after = wanted_after(i);
    total = i == 0 ? summed(x, after) : contracted(total, summed(x, after + total.labels), after);
    if (i > 0) total = summed(total, after);
  }
  // A label that every operand broadcast is absent; it has size 1 in the output.
  const Labelled<T> y = reordered(total, e.output);
  Sink<T> out(c.output(0));
  check(static_cast<int64_t>(y.data.size()) == out.shape().num_elements(), ErrorCode::kInternal,
        "the einsum's result has the wrong size");
  std::copy(y.data.begin(), y.data.end(), out.data());
  out.commit();
}

void evaluate_einsum(EvalContext& c) {
  std::vector<int> ranks;
  for (int i = 0; i < c.num_inputs(); ++i) ranks.push_back(c.input(i).shape.rank());
  const EinsumEquation e = parse_einsum(c.attrs().get_string("equation", ""), ranks);
  const DType dtype = c.input(0).dtype;
  if (dtype == DType::kFloat64) return einsum<double>(c, e);
  if (is_floating(dtype)) return einsum<float>(c, e);
  einsum<uint64_t>(c, e);
}

// --- Det
// --------------------------------------------------------------------------------------------------------------

void infer_det(InferContext& c) {
  require_real(c, 0);
  require_min_rank(c, 0, 2);
  if (!c.has_shape(0)) return infer_unknown(c, c.dtype(0));
  SymShape shape = c.shape(0);
  require_equal(shape[shape.size() - 2], shape.back(), "a determinant needs square matrices");
  shape.resize(shape.size() - 2);
  c.set_output(0, c.dtype(0), std::move(shape));
}

// Gaussian elimination with partial pivoting; overwrites a[n, n].
double determinant(double* a, int64_t n) {
  double det = 1;
  for (int64_t i = 0; i < n; ++i) {
    int64_t pivot = i;
    for (int64_t r = i + 1; r < n; ++r)
      if (std::fabs(a[r * n + i]) > std::fabs(a[pivot * n + i])) pivot = r;
    if (a[pivot * n + i] == 0) return 0;
    if (pivot != i) std::swap_ranges(a + i * n, a + (i + 1) * n, a + pivot * n);
    det *= pivot != i ? -a[i * n + i] : a[i * n + i];
    for (int64_t r = i + 1; r < n; ++r) {
      const double factor = a[r * n + i] / a[i * n + i];
      for (int64_t j = i; j < n; ++j) a[r * n + j] -= factor * a[i * n + j];
    }
  }
  return det;
}

void evaluate_det(EvalContext& c) {
  std::vector<double> x(static_cast<size_t>(c.input(0).num_elements()));
  load_elements<double>(c.input(0), x.data());
  const int64_t n = c.input(0).shape.back();
  check(c.input(0).shape[c.input(0).shape.rank() - 2] == n, ErrorCode::kInvalidArgument,
        "a determinant needs square matrices, not {}", to_string(c.input(0).shape));
  Sink<double> y(c.output(0));
  for (int64_t i = 0; i < y.shape().num_elements(); ++i) y[i] = determinant(x.data() + i * n * n, n);
  y.commit();
}

const std::array kRows{
    OpDescriptor{"Einsum", 1, -1, 1, 1, infer_einsum, evaluate_einsum},
    OpDescriptor{"Det", 1, 1, 1, 1, infer_det, evaluate_det},
};

}  // namespace

std::span<const OpDescriptor> einsum_ops() {
  return kRows;
}

}  // namespace burnish
