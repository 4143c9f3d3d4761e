// (x - mean)/√(variance + ε)·γ + β over the last axes is LayerNormalization.
#include <algorithm>
#include <cmath>

#include "passes/pass.h"
#include "passes/rewrite.h"

namespace burnish {
namespace {

struct Match {
  ValueId x = kNoValue;
  int axis = 0;  ///< First normalised axis.
  float epsilon = 0;
};

/// The first of the last axes that a mean with kept dimensions is over; -1 otherwise.
int first_mean_axis(const Graph& graph, const Node* mean) {
  if (mean == nullptr || mean->attrs.get_int("keepdims", 1) == 0) return -1;
  const auto axes = reduction_axes(graph, *mean);
  const int rank = rank_of(graph, mean->input(0));
  if (!axes || axes->empty()) return -1;
  for (size_t i = 0; i < axes->size(); ++i) {
    if ((*axes)[i] != rank - static_cast<int>(axes->size()) + static_cast<int>(i)) return -1;
  }
  return axes->front();
}

/// d² as Pow or Mul.
bool is_square_of(const Graph& graph, ValueId v, ValueId d) {
  const Node* n = graph.producer(v);
  if (n == nullptr || n->input(0) != d) return false;
  return (n->op == "Mul" && n->input(1) == d) || (n->op == "Pow" && is_constant_near(graph, n->input(1), 2));
}

/// For v = √(mean(d²) + ε): ε; nullopt otherwise.
std::optional<float> epsilon_of_deviation(const Graph& graph, ValueId v, ValueId d, int axis) {
  const Node* root = producer_if(graph, v, "Sqrt");
  const Node* sum = root != nullptr ? producer_if(graph, root->input(0), "Add") : nullptr;
  const auto operands = sum != nullptr ? split_uniform(graph, *sum, true) : std::nullopt;
  const Node* mean = operands ? producer_if(graph, operands->value, "ReduceMean") : nullptr;
  if (first_mean_axis(graph, mean) != axis || !is_square_of(graph, mean->input(0), d)) return std::nullopt;
  return static_cast<float>(operands->constant);
}

/// The deviation in d/deviation, also written d·(1/deviation).
ValueId deviation_under(const Graph& graph, const Node& n, ValueId& d) {
  d = n.input(0);
  if (n.op == "Div") return n.input(1);
  if (n.op != "Mul" || n.inputs.size() != 2) return kNoValue;
  for (int i = 0; i < 2; ++i) {
    const Node* reciprocal = producer_if(graph, n.input(i), "Reciprocal");
    if (reciprocal == nullptr) continue;
    d = n.input(1 - i);
    return reciprocal->input(0);
  }
  return kNoValue;
}

std::optional<Match> match(const Graph& graph, const Node& n) {
  ValueId d = kNoValue;
  const ValueId deviation = deviation_under(graph, n, d);
  const Node* centred = deviation != kNoValue ? producer_if(graph, d, "Sub") : nullptr;
  const Node* mean = centred != nullptr ? producer_if(graph, centred->input(1), "ReduceMean") : nullptr;
  const int axis = first_mean_axis(graph, mean);
  if (axis < 0 || mean->input(0) != centred->input(0)) return std::nullopt;
  const auto epsilon = epsilon_of_deviation(graph, deviation, d, axis);
  if (!epsilon) return std::nullopt;
  return Match{centred->input(0), axis, *epsilon};
}

/// The extent of the normalised axes; nullopt when it is not known.
std::optional<Shape> normalised_shape(const Graph& graph, const Match& m) {
  const SymShape* shape = shape_of(graph, m.x);
  return to_concrete(SymShape(shape->begin() + m.axis, shape->end()));
}

/// A constant that multiplies or adds to exactly the normalised axes, behind v; moves v on when found.
ValueId take_parameter(const Graph& graph, ValueId& v, std::string_view op, const Shape& shape, std::string& name) {
  const Node* n = single_user(graph, v);
  if (n == nullptr || n->op != op || !same_shape(graph, v, n->output())) return kNoValue;
  const ValueId other = n->input(0) == v ? n->input(1) : n->input(0);
  if (!graph.value(other).is_constant() || !(graph.value(other).constant.shape() == shape)) return kNoValue;
  v = n->output();
  name = join_names({name, n->name});
  return other;
}

ValueId filled(Graph& graph, const Shape& shape, float value) {
  Tensor t(DType::kFloat32, shape);
  std::fill_n(t.as<float>(), t.num_elements(), value);
  return graph.add_constant("scale", std::move(t));
}

bool rewrite(Graph& graph, NodeId id, const PassContext& context) {
  const Node& n = graph.node(id);
  const auto m = match(graph, n);
  const auto shape = m ? normalised_shape(graph, *m) : std::nullopt;
  if (!shape || shape->num_elements() > (int64_t{1} << 24) || !is_float(graph, m->x)) return false;
  ValueId y = n.output();
  std::string name = n.name;
  ValueId scale = take_parameter(graph, y, "Mul", *shape, name);
  const ValueId bias = take_parameter(graph, y, "Add", *shape, name);
  if (scale == kNoValue) scale = filled(graph, *shape, 1.0F);
  AttributeMap attrs;
  attrs.set("axis", int64_t{m->axis});
  attrs.set("epsilon", m->epsilon);
  std::vector<ValueId> inputs = {m->x, scale};
  if (bias != kNoValue) inputs.push_back(bias);
  replace_value(graph, y,
                emit(graph, "LayerNormalization", name, std::move(inputs), std::move(attrs), graph.value(y).name));
  context.count("LayerNormalization");
  return true;
}

}  // namespace

bool recognise_layer_norm(Graph& graph, const PassContext& context) {
  bool changed = false;
  for (NodeId id : graph.topological_order()) {
    if (graph.node(id).alive) changed = rewrite(graph, id, context) || changed;
  }
  return changed;
}

}  // namespace burnish
