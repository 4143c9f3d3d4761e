#include "ops/dim_rules.h"

#include <algorithm>

#include "ops/infer.h"

namespace burnish {
namespace {

bool is_followed(DType dtype) {
  return dtype == DType::kInt64 || dtype == DType::kInt32 || dtype == DType::kBool;
}

// Numbers that wrap are no shape arithmetic: they are left alone.
template <typename Rule, typename... Dims>
std::optional<Dim> try_rule(Rule rule, const Dims&... operands) {
  try {
    return rule(operands...);
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace

void follow_dims(InferContext& c, DimRule rule, int i, int j) {
  if (!is_followed(c.dtype(i)) || !is_followed(c.dtype(j))) return;
  const auto a = c.dims(i);
  const auto b = a ? c.dims(j) : std::nullopt;
  if (!b) return;
  const size_t n = std::max(a->size(), b->size());
  const bool matches = (a->size() == n || a->size() == 1) && (b->size() == n || b->size() == 1);
  if (!matches || n > kMaxSymbolicElements || std::min(a->size(), b->size()) == 0) return;
  // Longer tensors of two dims and more would broadcast otherwise than element by element.
  if (c.has_shape(i) && c.has_shape(j) && a->size() == b->size() && n > 1 && c.shape(i) != c.shape(j)) return;
  std::vector<Dim> out;
  for (size_t k = 0; k < n; ++k) {
    auto d = try_rule(rule, (*a)[a->size() == 1 ? 0 : k], (*b)[b->size() == 1 ? 0 : k]);
    if (!d) return;
    out.push_back(std::move(*d));
  }
  c.set_output_dims(0, std::move(out));
}

void follow_dims(InferContext& c, std::optional<Dim> (*rule)(const Dim& a)) {
  if (!is_followed(c.dtype(0))) return;
  const auto a = c.dims(0);
  if (!a || a->size() > kMaxSymbolicElements) return;
  std::vector<Dim> out;
  for (const Dim& x : *a) {
    auto d = try_rule(rule, x);
    if (!d) return;
    out.push_back(std::move(*d));
  }
  c.set_output_dims(0, std::move(out));
}

std::optional<Dim> div_rule(const Dim& a, const Dim& b) {
  if (b.is(0)) return std::nullopt;
  if (a.is_constant() && b.is_constant()) {  // ONNX truncates
    if (b.is(-1)) return a * b;
    return Dim(a.value() / b.value());
  }
  return floor_div(a, b);
}

std::optional<Dim> mod_rule(const Dim& a, const Dim& b) {
  if (b.is(0)) return std::nullopt;
  return a - b * floor_div(a, b);
}

std::optional<Dim> less_rule(const Dim& a, const Dim& b) {
  if ((b - a).lower_bound().value_or(0) > 0) return Dim(1);
  if ((a - b).lower_bound().value_or(-1) >= 0) return Dim(0);
  return std::nullopt;
}

std::optional<Dim> less_or_equal_rule(const Dim& a, const Dim& b) {
  const auto greater = less_rule(b, a);
  return greater ? std::optional(Dim(1) - *greater) : std::nullopt;
}

std::optional<Dim> equal_rule(const Dim& a, const Dim& b) {
  if (a == b) return Dim(1);
  const bool differ = (a - b).lower_bound().value_or(0) > 0 || (b - a).lower_bound().value_or(0) > 0;
  return differ ? std::optional(Dim(0)) : std::nullopt;
}

}  // namespace burnish
