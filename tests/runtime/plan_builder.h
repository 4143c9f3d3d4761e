#pragma once
// Plans made by hand: small engines for the tests of the engine file and the runtime.
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "engine/engine_data.h"
#include "kernels/target.h"

namespace burnish::testing {

class PlanBuilder {
 public:
  PlanValueId input(const std::string& name, DType dtype, SymShape shape) {
    const PlanValueId id = value(name, dtype, std::move(shape));
    plan_.values.back().kind = ValueKind::kInput;
    plan_.inputs.push_back({name, id});
    return id;
  }
  PlanValueId value(const std::string& name, DType dtype, SymShape shape) {
    PlanValue v;
    v.name = name;
    v.dtype = dtype;
    v.shape = std::move(shape);
    plan_.values.push_back(std::move(v));
    return static_cast<PlanValueId>(plan_.values.size() - 1);
  }
  PlanValueId value_of_any_shape(const std::string& name, DType dtype) {
    const PlanValueId id = value(name, dtype, {});
    at(id).has_shape = false;
    return id;
  }
  PlanValueId constant(const std::string& name, const Tensor& tensor) {
    const PlanValueId id = value(name, tensor.dtype(), to_symbolic(tensor.shape()));
    at(id).kind = ValueKind::kConstant;
    at(id).blob = static_cast<int32_t>(blobs_.size());
    const Tensor copy = tensor.clone();
    blobs_.push_back({copy.dtype(), copy.shape(), std::make_shared<Tensor>(copy),
                      static_cast<const std::byte*>(copy.data()), copy.num_bytes()});
    return id;
  }
  PlanValueId ints(const std::string& name, std::vector<int64_t> values) {
    return constant(name, Tensor::from_ints(values));
  }
  PlanValueId floats(const std::string& name, const Shape& shape, const std::vector<float>& values) {
    Tensor tensor(DType::kFloat32, shape);
    std::memcpy(tensor.data(), values.data(), tensor.num_bytes());
    return constant(name, tensor);
  }

  PlanStep& step(const std::string& op, std::vector<PlanValueId> inputs, std::vector<PlanValueId> outputs,
                 AttributeMap attrs = {}, const std::string& tactic = "cpu.reference") {
    PlanStep s;
    s.op = op;
    s.name = op + "_" + std::to_string(plan_.steps.size());
    s.inputs = std::move(inputs);
    s.outputs = std::move(outputs);
    s.attrs = std::move(attrs);
    s.tactic = tactic;
    s.tactic_version = 1;
    plan_.steps.push_back(std::move(s));
    return plan_.steps.back();
  }
  PlanStep& view(const std::string& op, std::vector<PlanValueId> inputs, PlanValueId output, AttributeMap attrs = {}) {
    alias(output, inputs[0]);
    return of_kind(step(op, std::move(inputs), {output}, std::move(attrs), ""), StepKind::kView);
  }
  PlanStep& shape_step(const std::string& op, std::vector<PlanValueId> inputs, std::vector<PlanValueId> outputs,
                       AttributeMap attrs = {}) {
    return of_kind(step(op, std::move(inputs), std::move(outputs), std::move(attrs), ""), StepKind::kShape);
  }
  /// A concat whose inputs at `placed` are written in place by the steps that make them.
  PlanStep& concat(std::vector<PlanValueId> inputs, PlanValueId output, int64_t axis,
                   const std::vector<int32_t>& placed = {}) {
    for (const int32_t position : placed) {
      PlanValue& v = at(inputs[static_cast<size_t>(position)]);
      v.storage = Storage::kSlice;
      v.root = output;
      v.slice_step = static_cast<int32_t>(plan_.steps.size());
      v.slice_position = position;
    }
    AttributeMap attrs;
    attrs.set("axis", axis);
    return step("Concat", std::move(inputs), {output}, std::move(attrs));
  }
  void alias(PlanValueId id, PlanValueId root) {
    at(id).storage = Storage::kAlias;
    at(id).root = root;
  }
  void output(const std::string& name, PlanValueId id) { plan_.outputs.push_back({name, id}); }
  void profile(const std::string& input, const Shape& min, const Shape& opt, const Shape& max) {
    plan_.profile.inputs[input] = {min, opt, max};
  }
  PlanValue& at(PlanValueId id) { return plan_.values[static_cast<size_t>(id)]; }
  Plan& plan() { return plan_; }
  std::vector<Blob>& blobs() { return blobs_; }

  EngineData build() const {
    const Target target = detect_cpu(1);
    EngineData data;
    data.target_kind = target.kind;
    data.target_isa = std::string(name_of(target.isa));
    data.target_fingerprint = target.fingerprint();
    data.plans = {plan_};
    data.blobs = blobs_;
    data.metadata["model.producer"] = "plan builder";
    return data;
  }

 private:
  static PlanStep& of_kind(PlanStep& step, StepKind kind) {
    step.kind = kind;
    step.tactic_version = 0;
    return step;
  }
  Plan plan_;
  std::vector<Blob> blobs_;
};

/// x [batch,4] → relu(x·2 + x) → concat with itself shifted → reshape by a shape computed from x: every kind of step,
/// storage, attribute and constant, in a few hundred bytes.
inline EngineData small_engine() {
  PlanBuilder b;
  const Dim batch = Dim::symbol("batch");
  const auto x = b.input("x", DType::kFloat32, {batch, 4});
  const auto two = b.floats("two", Shape{4}, {2, 2, 2, 2});
  const auto doubled = b.value("doubled", DType::kFloat32, {batch, 4});
  const auto sum = b.value("sum", DType::kFloat32, {batch, 4});
  const auto rectified = b.value("rectified", DType::kFloat32, {batch, 4});
  const auto both = b.value("both", DType::kFloat32, {batch, 8});
  const auto shape = b.value("shape", DType::kInt64, {2});
  const auto axes = b.ints("axes", {-1});
  const auto length = b.value("length", DType::kInt64, {1});
  const auto zero = b.ints("zero", {0});
  const auto target = b.value("target", DType::kInt64, {2});
  const auto flat = b.value("flat", DType::kFloat32, {batch * Dim(8), 1});
  b.step("Mul", {x, two}, {doubled});
  b.step("Add", {doubled, x}, {sum});
  b.step("Relu", {sum}, {rectified});
  b.concat({rectified, sum}, both, 1);
  b.shape_step("Shape", {both}, {shape});
  AttributeMap keep;
  keep.set("keepdims", int64_t{1});
  b.shape_step("ReduceProd", {shape, zero}, {length}, keep);
  b.concat({length, axes}, target, 0);
  b.plan().steps.back().kind = StepKind::kShape;
  b.plan().steps.back().tactic.clear();
  b.view("Reshape", {both, target}, flat);
  b.output("y", flat);
  b.output("sum", sum);
  b.profile("x", Shape{1, 4}, Shape{2, 4}, Shape{8, 4});
  return b.build();
}

}  // namespace burnish::testing
