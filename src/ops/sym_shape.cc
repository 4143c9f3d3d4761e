// Symbolic shapes: see ops/dim.h.
#include <algorithm>

#include "base/error.h"
#include "ops/dim.h"

namespace burnish {

std::string to_string(const SymShape& shape) {
  std::string s = "[";
  for (size_t i = 0; i < shape.size(); ++i) s += (i ? "," : "") + to_string(shape[i]);
  return s + "]";
}

SymShape to_symbolic(const Shape& shape) {
  return {shape.begin(), shape.end()};
}

std::optional<Shape> to_concrete(const SymShape& shape) {
  Shape out;
  for (const Dim& d : shape) {
    if (!d.is_constant()) return std::nullopt;
    out.push_back(d.value());
  }
  return out;
}

namespace {

// nullopt: the two clash.
std::optional<Dim> broadcast_dim(const Dim& a, const Dim& b) {
  if (a.is(1)) return b;
  if (b.is(1) || a == b) return a;
  if (a.is_constant() && b.is_constant()) return std::nullopt;
  return b.is_constant() ? b : a;
}

}  // namespace

SymShape broadcast(const SymShape& a, const SymShape& b) {
  const SymShape& longer = a.size() >= b.size() ? a : b;
  const size_t shift = longer.size() - std::min(a.size(), b.size());
  SymShape out = longer;
  for (size_t i = shift; i < out.size(); ++i) {
    const Dim& da = a[i - (longer.size() - a.size())];
    const Dim& db = b[i - (longer.size() - b.size())];
    const auto d = broadcast_dim(da, db);
    check(d.has_value(), ErrorCode::kInvalidArgument, "shapes {} and {} do not broadcast", to_string(a), to_string(b));
    out[i] = *d;
  }
  return out;
}

Dim num_elements(const SymShape& shape) {
  Dim n = 1;
  for (const Dim& d : shape) n = n * d;
  return n;
}

}  // namespace burnish
