#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/fused_table.h"
#include "ops/infer.h"
#include "ops/walk.h"

namespace burnish {
namespace {

using Function = float (*)(const Activation&, const float*);

struct NamedFunction {
  std::string_view name;
  Function call;
};

/// NaN in either operand wins, as in NumPy.
float smaller(float a, float b) {
  return std::isnan(a) || a < b ? a : b;
}
float larger(float a, float b) {
  return std::isnan(a) || a > b ? a : b;
}

constexpr NamedFunction kFunctions[] = {
    {"add", [](const Activation&, const float* x) { return x[0] + x[1]; }},
    {"sub", [](const Activation&, const float* x) { return x[0] - x[1]; }},
    {"mul", [](const Activation&, const float* x) { return x[0] * x[1]; }},
    {"div", [](const Activation&, const float* x) { return x[0] / x[1]; }},
    {"pow", [](const Activation&, const float* x) { return std::pow(x[0], x[1]); }},
    {"min", [](const Activation&, const float* x) { return smaller(x[0], x[1]); }},
    {"max", [](const Activation&, const float* x) { return larger(x[0], x[1]); }},
    {"neg", [](const Activation&, const float* x) { return -x[0]; }},
    {"abs", [](const Activation&, const float* x) { return std::fabs(x[0]); }},
    {"sqrt", [](const Activation&, const float* x) { return std::sqrt(x[0]); }},
    {"exp", [](const Activation&, const float* x) { return std::exp(x[0]); }},
    {"log", [](const Activation&, const float* x) { return std::log(x[0]); }},
    {"reciprocal", [](const Activation&, const float* x) { return 1 / x[0]; }},
    {"floor", [](const Activation&, const float* x) { return std::floor(x[0]); }},
    {"ceil", [](const Activation&, const float* x) { return std::ceil(x[0]); }},
    {"round", [](const Activation&, const float* x) { return std::nearbyint(x[0]); }},
    {"erf", [](const Activation&, const float* x) { return std::erf(x[0]); }},
};

/// An instruction ready to run: what is not in the table is an activation.
struct Compiled {
  Function call;
  Activation activation;
  const std::vector<PointwiseOperand>* operands;
};

Compiled compile(const PointwiseInstruction& instruction) {
  const auto* it = std::find_if(std::begin(kFunctions), std::end(kFunctions),
                                [&](const NamedFunction& f) { return f.name == instruction.fn; });
  if (it != std::end(kFunctions)) return {it->call, {}, &instruction.operands};
  const auto literal = [&](size_t i) { return instruction.operands.size() > i ? instruction.operands[i].literal : 0; };
  return {[](const Activation& a, const float* x) { return apply(a, x[0]); },
          {parse_activation(instruction.fn), literal(1), literal(2)},
          &instruction.operands};
}

}  // namespace

void infer_pointwise(InferContext& c) {
  require_float32(c, 0, c.num_inputs() - 1);
  for (int i = 0; i < c.num_inputs(); ++i) check(c.has_input(i), ErrorCode::kInvalidModel, "input {} is missing", i);
  for (const PointwiseInstruction& instruction : parse_pointwise(c.attrs(), c.num_inputs())) compile(instruction);
  SymShape out;
  for (int i = 0; i < c.num_inputs(); ++i) {
    if (!c.has_shape(i)) return c.set_output(0, DType::kFloat32, std::nullopt);
    out = i == 0 ? c.shape(0) : broadcast(out, c.shape(i));
  }
  c.set_output(0, DType::kFloat32, std::move(out));
}

void evaluate_pointwise(EvalContext& c) {
  const auto program = parse_pointwise(c.attrs(), c.num_inputs());
  std::vector<Compiled> compiled;
  for (const PointwiseInstruction& instruction : program) compiled.push_back(compile(instruction));
  const TensorView y = c.output(0);
  std::vector<std::vector<int64_t>> strides;
  for (int i = 0; i < c.num_inputs(); ++i) strides.push_back(broadcast_strides(y.shape, c.input(i).shape));
  Walk walk(y.shape, std::move(strides));
  std::vector<float> results(program.size());
  const auto value_of = [&](const PointwiseOperand& o) {
    if (o.kind == PointwiseOperand::Kind::kLiteral) return o.literal;
    const auto index = static_cast<size_t>(o.index);
    if (o.kind == PointwiseOperand::Kind::kResult) return results[index];
    return c.input(o.index).as<const float>()[walk.offset(index)];
  };
  for (int64_t i = 0; i < y.num_elements(); ++i, walk.next()) {
    for (size_t k = 0; k < compiled.size(); ++k) {
      float operands[3] = {};
      for (size_t j = 0; j < compiled[k].operands->size(); ++j) operands[j] = value_of((*compiled[k].operands)[j]);
      results[k] = compiled[k].call(compiled[k].activation, operands);
    }
    y.as<float>()[i] = results.back();
  }
}

}  // namespace burnish
