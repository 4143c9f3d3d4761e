// A Gather or GatherND whose indices run through all elements in order is a view. Exporters write such gathers for
// mask[b, s] with b = arange(batch) and s = arange(sequence).
#include <algorithm>

#include "passes/pass.h"
#include "passes/rewrite.h"

namespace burnish {
namespace {

constexpr int kMaxDepth = 32;

/// Integers that depend on their position linearly: base + Σ step[i]·position[i].
struct Affine {
  Dim base = 0;
  std::vector<Dim> steps;  ///< One for each dimension.
};

std::optional<Affine> affine_of(const Graph& graph, ValueId v, int depth);

/// A number known while compiling, or a symbol.
std::optional<Dim> number_of(const Graph& graph, ValueId v) {
  if (v == kNoValue) return std::nullopt;
  const auto constant = int_constant(graph, v);
  if (constant && !constant->empty() && uniform_constant(graph, v)) return Dim(constant->front());
  const Value& value = graph.value(v);
  if (value.dims && value.dims->size() == 1) return value.dims->front();
  return std::nullopt;
}

/// Moves steps to the shape that a Reshape which only adds or removes ones makes of it; nullopt for other Reshapes.
std::optional<Affine> reshaped(const Graph& graph, const Node& n, const Affine& a) {
  const SymShape& from = *shape_of(graph, n.input(0));
  const SymShape& to = *shape_of(graph, n.output());
  Affine result{a.base, std::vector<Dim>(to.size(), Dim(0))};
  size_t next = 0;
  for (size_t i = 0; i < to.size(); ++i) {
    if (to[i].is(1)) continue;
    while (next < from.size() && from[next].is(1)) ++next;
    if (next >= from.size() || !(from[next] == to[i])) return std::nullopt;
    result.steps[i] = a.steps[next++];
  }
  while (next < from.size() && from[next].is(1)) ++next;
  return next == from.size() ? std::optional(result) : std::nullopt;
}

/// The steps as dimensions of a higher rank, those of one element without a step.
Affine broadcast_to(const Graph& graph, const Affine& a, ValueId v, size_t rank) {
  Affine result{a.base, std::vector<Dim>(rank, Dim(0))};
  const SymShape& shape = *shape_of(graph, v);
  for (size_t i = 0; i < shape.size(); ++i) {
    if (!shape[i].is(1)) result.steps[rank - shape.size() + i] = a.steps[i];
  }
  return result;
}

std::optional<Affine> sum_or_product(const Graph& graph, const Node& n, size_t rank, int depth) {
  const auto a = affine_of(graph, n.input(0), depth);
  const auto b = affine_of(graph, n.input(1), depth);
  if (!a || !b) return std::nullopt;
  Affine x = broadcast_to(graph, *a, n.input(0), rank);
  Affine y = broadcast_to(graph, *b, n.input(1), rank);
  if (n.op == "Add") {
    x.base = x.base + y.base;
    for (size_t i = 0; i < rank; ++i) x.steps[i] = x.steps[i] + y.steps[i];
    return x;
  }
  const auto is_flat = [](const Affine& f) {
    return std::ranges::all_of(f.steps, [](const Dim& d) { return d.is(0); });
  };
  if (!is_flat(y)) std::swap(x, y);
  if (!is_flat(y)) return std::nullopt;
  x.base = x.base * y.base;
  for (Dim& step : x.steps) step = step * y.base;
  return x;
}

std::optional<Affine> affine_of(const Graph& graph, ValueId v, int depth) {
  const int rank = rank_of(graph, v);
  if (rank < 0 || depth > kMaxDepth || !is_integer(graph.value(v).type.dtype)) return std::nullopt;
  const auto count = static_cast<size_t>(rank);
  if (const auto number = number_of(graph, v)) return Affine{*number, std::vector<Dim>(count, Dim(0))};
  const Node* n = graph.producer(v);
  if (n == nullptr || n->inputs.empty()) return std::nullopt;
  if (n->op == "Range") {
    const auto start = number_of(graph, n->input(0));
    const auto delta = number_of(graph, n->input(2));
    if (!start || !delta) return std::nullopt;
    return Affine{*start, {*delta}};
  }
  if (n->op == "Add" || n->op == "Mul") return sum_or_product(graph, *n, count, depth + 1);
  if (n->op != "Cast" && n->op != "Reshape" && n->op != "Unsqueeze" && n->op != "Squeeze" && n->op != "Expand")
    return std::nullopt;
  const auto inner = affine_of(graph, n->input(0), depth + 1);
  if (!inner || n->op == "Cast") return inner;
  return n->op == "Expand" ? broadcast_to(graph, *inner, n->input(0), count) : reshaped(graph, *n, *inner);
}

/// The indices count 0, 1, 2, … through a shape in row-major order.
bool counts_through(const Affine& a, const SymShape& shape) {
  if (!a.base.is(0) || a.steps.size() != shape.size()) return false;
  Dim stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    if (!shape[i].is(1) && !(a.steps[i] == stride)) return false;
    stride = stride * shape[i];
  }
  return true;
}

/// Position in the flattened leading dimensions of the data.
std::optional<Affine> flat_index(const Graph& graph, const Node& gather, const SymShape& data, size_t rank) {
  if (gather.op == "Gather") return affine_of(graph, gather.input(1), 0);
  const Node* parts = producer_if(graph, gather.input(1), "Concat");
  if (parts == nullptr || parts->inputs.size() > data.size()) return std::nullopt;
  if (axis_of(graph, *parts, 0) != static_cast<int>(rank)) return std::nullopt;
  Affine sum{Dim(0), std::vector<Dim>(rank, Dim(0))};
  Dim stride = 1;
  for (size_t i = parts->inputs.size(); i-- > 0;) {
    const SymShape* shape = shape_of(graph, parts->inputs[i]);
    const auto a = affine_of(graph, parts->inputs[i], 0);
    if (!a || shape == nullptr || shape->size() != rank + 1 || !shape->back().is(1)) return std::nullopt;
    sum.base = sum.base + a->base * stride;
    for (size_t k = 0; k < rank; ++k) sum.steps[k] = sum.steps[k] + a->steps[k] * stride;
    stride = stride * data[i];
  }
  return sum;
}

/// The same for constant indices: rows of `width` numbers, each a position in the leading dimensions.
bool constants_count_through(const std::vector<int64_t>& index, size_t width, const SymShape& leading) {
  const auto shape = to_concrete(leading);
  if (!shape || width == 0 || index.size() / width != static_cast<size_t>(shape->num_elements())) return false;
  const Shape strides = strides_of(*shape);
  for (size_t row = 0; row < index.size() / width; ++row) {
    int64_t position = 0;
    for (size_t i = 0; i < width; ++i) {
      const int64_t at = index[row * width + i];
      if (at < 0 || at >= (*shape)[static_cast<int>(i)]) return false;
      position += at * strides[static_cast<int>(i)];
    }
    if (position != static_cast<int64_t>(row)) return false;
  }
  return true;
}

/// The gather visits all of the leading dimensions, given the shape of its index without the last dimension of an ND
/// one, in order.
bool visits_in_order(const Graph& graph, const Node& gather, const SymShape& positions, const SymShape& leading) {
  if (const auto constant = int_constant(graph, gather.input(1))) {
    return constants_count_through(*constant, leading.size(), leading);
  }
  const auto flat = flat_index(graph, gather, *shape_of(graph, gather.input(0)), positions.size());
  return flat && counts_through(*flat, positions) && num_elements(positions) == num_elements(leading);
}

/// Reshapes the data, or what it is itself a Reshape of where that is easier to say.
ValueId view_of(Graph& graph, ValueId data, const SymShape& to, const std::string& name) {
  ValueId view = add_reshape(graph, data, to, name);
  for (const Node* n = producer_if(graph, data, "Reshape"); view == kNoValue && n != nullptr;
       n = producer_if(graph, data, "Reshape")) {
    data = n->input(0);
    view = add_reshape(graph, data, to, name);
  }
  return view;
}

bool rewrite(Graph& graph, NodeId id, const PassContext& context) {
  const Node& n = graph.node(id);
  const bool nd = n.op == "GatherND";
  if ((n.op != "Gather" && !nd) || n.attrs.get_int("batch_dims", 0) != 0) return false;
  const SymShape* data = shape_of(graph, n.input(0));
  const SymShape* index = shape_of(graph, n.input(1));
  const SymShape* result = shape_of(graph, n.output());
  if (data == nullptr || index == nullptr || result == nullptr || data->empty() || index->empty()) return false;
  if (!nd && axis_of(graph, n, 0) != 0) return false;
  const SymShape positions(index->begin(), index->end() - (nd ? 1 : 0));
  if (nd && !index->back().is_constant()) return false;
  const size_t covered = nd ? static_cast<size_t>(std::max<int64_t>(index->back().value(), 0)) : 1;
  if (covered == 0 || covered > data->size()) return false;
  const SymShape leading(data->begin(), data->begin() + static_cast<int64_t>(covered));
  if (!visits_in_order(graph, n, positions, leading)) return false;
  const ValueId y = n.output();
  const ValueId view = view_of(graph, n.input(0), SymShape(*result), std::string(n.name));
  if (view == kNoValue) return false;
  replace_value(graph, y, view);
  context.count("Gather in order");
  return true;
}

}  // namespace

bool recognise_reshaping_gather(Graph& graph, const PassContext& context) {
  bool changed = false;
  for (NodeId id : graph.topological_order()) {
    if (graph.node(id).alive) changed = rewrite(graph, id, context) || changed;
  }
  return changed;
}

}  // namespace burnish
