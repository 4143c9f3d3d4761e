#pragma once
// Engines of one step each, run by one tactic with its weights packed: what a compiler would make of a single operator.
#include <string>
#include <vector>

#include "kernels/tactic.h"
#include "runtime/plan_builder.h"

namespace burnish::testing {

/// One operator on FLOAT inputs; inputs from `first_constant` on are constants.
struct OperatorCase {
  std::string name;
  std::string op;
  AttributeMap attrs;
  std::vector<Shape> inputs;
  Shape output;
  int first_constant = 1;
};

inline AttributeMap attributes(std::vector<std::pair<std::string, Attribute>> list) {
  AttributeMap attrs;
  for (auto& [name, value] : list) attrs.set(name, std::move(value));
  return attrs;
}

inline AttributeMap conv_attributes(int64_t group, int64_t pad) {
  return attributes({{"kernel_shape", std::vector<int64_t>{3, 3}},
                     {"strides", std::vector<int64_t>{1, 1}},
                     {"dilations", std::vector<int64_t>{1, 1}},
                     {"pads", std::vector<int64_t>{pad, pad, pad, pad}},
                     {"group", group},
                     {"input_layout", std::string("NHWC")},
                     {"output_layout", std::string("NHWC")},
                     {"activation", std::string("relu")}});
}

inline std::vector<OperatorCase> operator_cases() {
  const AttributeMap pool = attributes({{"kernel_shape", std::vector<int64_t>{2, 2}},
                                        {"strides", std::vector<int64_t>{2, 2}},
                                        {"layout", std::string("NHWC")}});
  return {
      {"Conv", "FusedConv", conv_attributes(1, 1), {{1, 6, 6, 20}, {18, 20, 3, 3}, {18}}, {1, 6, 6, 18}},
      {"GroupConv", "FusedConv", conv_attributes(2, 0), {{2, 6, 6, 8}, {6, 4, 3, 3}, {6}}, {2, 4, 4, 6}},
      {"Depthwise", "FusedConv", conv_attributes(24, 1), {{1, 6, 6, 24}, {24, 1, 3, 3}, {24}}, {1, 6, 6, 24}},
      {"MatMul", "FusedMatMul", {}, {{5, 17}, {17, 33}, {33}}, {5, 33}},
      {"MatMulTransposed", "FusedMatMul", attributes({{"transB", int64_t{1}}}), {{2, 5, 17}, {33, 17}}, {2, 5, 33}},
      {"Gemm", "Gemm", attributes({{"transB", int64_t{1}}}), {{5, 17}, {9, 17}, {9}}, {5, 9}},
      {"Attention",
       "FusedAttention",
       attributes({{"num_heads", int64_t{2}}, {"scale", 0.5F}}),
       {{1, 5, 16}, {1, 7, 16}, {1, 7, 16}},
       {1, 5, 16},
       3},
      {"Pointwise",
       "Pointwise",
       attributes({{"program", std::vector<std::string>{"mul i0 i1", "add t0 #0.5", "silu t1"}}}),
       {{4, 30}, {30}},
       {4, 30},
       2},
      {"Softmax", "Softmax", attributes({{"axis", int64_t{-1}}}), {{3, 19}}, {3, 19}},
      {"LayerNormalization", "LayerNormalization", attributes({{"axis", int64_t{-1}}}), {{3, 19}, {19}, {19}}, {3, 19}},
      {"MaxPool", "MaxPool", pool, {{1, 6, 6, 10}}, {1, 3, 3, 10}},
      {"Transpose", "Transpose", attributes({{"perm", std::vector<int64_t>{0, 2, 1}}}), {{2, 5, 9}}, {2, 9, 5}},
      {"Concat", "Concat", attributes({{"axis", int64_t{1}}}), {{2, 3}, {2, 4}}, {2, 7}, 2},
  };
}

/// Weights that differ from each other, small enough for every sum to be exact.
inline Tensor test_weights(const Shape& shape) {
  Tensor tensor(DType::kFloat32, shape);
  for (int64_t i = 0; i < tensor.num_elements(); ++i) tensor.as<float>()[i] = static_cast<float>(i % 5 - 2) / 4;
  return tensor;
}

inline Problem problem_of(const OperatorCase& c) {
  Problem problem;
  problem.op = c.op;
  problem.attrs = &c.attrs;
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    const bool constant = static_cast<int>(i) >= c.first_constant;
    problem.inputs.push_back({DType::kFloat32, c.inputs[i], 0});
    problem.constants.push_back(constant ? test_weights(c.inputs[i]) : Tensor());
    problem.is_constant.push_back(constant);
  }
  problem.outputs.push_back({DType::kFloat32, c.output, 0});
  return problem;
}

/// The case as an engine, its weights packed by the tactic's configuration.
inline EngineData tactic_engine(const OperatorCase& c, const Tactic& tactic, const std::string& config) {
  const Problem problem = problem_of(c);
  PlanBuilder b;
  std::vector<PlanValueId> inputs;
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    const std::string name = "in" + std::to_string(i);
    const bool packed = tactic.packs_input(problem, static_cast<int>(i));
    if (!problem.is_constant[i]) {
      inputs.push_back(b.input(name, DType::kFloat32, to_symbolic(c.inputs[i])));
    } else if (packed) {
      inputs.push_back(b.value(name, DType::kFloat32, to_symbolic(c.inputs[i])));
      b.at(inputs.back()).kind = ValueKind::kConstant;
    } else {
      inputs.push_back(b.constant(name, problem.constants[i]));
    }
  }
  const PlanValueId out = b.value("out", DType::kFloat32, to_symbolic(c.output));
  PlanStep& step = b.step(c.op, inputs, {out}, c.attrs, std::string(tactic.name()));
  step.tactic_version = tactic.version();
  step.config = config;
  for (const PackedBlob& bytes : tactic.pack(problem, config)) {
    const auto owner = std::make_shared<PackedBlob>(bytes);
    step.packed.push_back(static_cast<int32_t>(b.blobs().size()));
    b.blobs().push_back({DType::kUndefined, {}, owner, owner->data(), owner->size()});
  }
  b.output("out", out);
  EngineData data = b.build();
  return data;
}

}  // namespace burnish::testing
