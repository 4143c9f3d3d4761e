#include "passes/epilogue.h"

#include "passes/rewrite.h"

namespace burnish {
namespace {

bool take_activation(const Graph& graph, const Node& next, Epilogue& e) {
  if (e.activation.kind != ActivationKind::kNone || e.residual == Residual::kAfter) return false;
  const auto activation = match_activation(graph, next);
  if (!activation || next.input(0) != e.result) return false;
  e.activation = *activation;
  return true;
}

bool take_residual(const Graph& graph, const Node& next, Epilogue& e) {
  if (next.op != "Add" || e.residual != Residual::kNone) return false;
  const ValueId other = next.input(0) == e.result ? next.input(1) : next.input(0);
  if (!same_shape(graph, e.result, other) || !same_shape(graph, e.result, next.output())) return false;
  e.residual = e.activation.kind == ActivationKind::kNone ? Residual::kBefore : Residual::kAfter;
  e.residual_value = other;
  return true;
}

}  // namespace

bool extend(const Graph& graph, Epilogue& epilogue) {
  const Node* next = single_user(graph, epilogue.result);
  if (next == nullptr || !is_float(graph, next->output())) return false;
  if (!take_activation(graph, *next, epilogue) && !take_residual(graph, *next, epilogue)) return false;
  epilogue.names.push_back(next->name);
  epilogue.kind += "+" + next->op;
  epilogue.result = next->output();
  return true;
}

void set_epilogue(AttributeMap& attrs, const Epilogue& epilogue) {
  set_activation(attrs, epilogue.activation);
  if (epilogue.residual != Residual::kNone) {
    attrs.set("residual", epilogue.residual == Residual::kBefore ? "before" : "after");
  }
}

}  // namespace burnish
