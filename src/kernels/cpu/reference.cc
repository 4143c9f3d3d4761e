// cpu.reference: the reference evaluation of any operator as a tactic. Slow, right, always there.
#include <algorithm>
#include <cstring>
#include <memory>

#include "kernels/cpu/tactics.h"

namespace burnish {
namespace {

/// What inference says of the outputs, for those that nobody asked for but an evaluation may still write.
std::vector<TypeInfo> infer_outputs(const OpDescriptor& op, const Problem& problem) {
  std::vector<TypeInfo> types;
  std::vector<ValueInfo> values(problem.inputs.size());
  for (const TensorDesc& desc : problem.inputs) {
    types.push_back(desc.present() ? TypeInfo{desc.dtype, to_symbolic(desc.shape)} : TypeInfo{});
  }
  for (size_t i = 0; i < problem.constants.size(); ++i) {
    if (problem.constants[i].defined()) values[i].constant = &problem.constants[i];
  }
  InferContext context(*problem.attrs, types, values, static_cast<int>(problem.outputs.size()));
  op.infer(context);
  return context.outputs();
}

class ReferenceKernel : public Kernel {
 public:
  ReferenceKernel(const OpDescriptor& op, const Problem& problem) : op_(op), attrs_(*problem.attrs) {
    for (const TensorDesc& desc : problem.inputs) inputs_.push_back({desc.dtype, desc.shape, nullptr});
    for (const TensorDesc& desc : problem.outputs) outputs_.push_back({desc.dtype, desc.shape, nullptr});
    while (!outputs_.empty() && outputs_.back().dtype == DType::kUndefined) outputs_.pop_back();
    unwanted_.resize(outputs_.size());
    const auto absent = [](const TensorView& v) { return v.dtype == DType::kUndefined; };
    if (std::any_of(outputs_.begin(), outputs_.end(), absent)) find_unwanted(problem);
  }

  /// Views and tensors of one run stand in the scratch memory: a run allocates nothing of its own.
  size_t scratch_bytes() const override {
    return inputs_.size() * sizeof(TensorView) + outputs_.size() * sizeof(Tensor) + alignof(Tensor);
  }

  void run(const KernelArgs& args) const override {
    auto* views = static_cast<TensorView*>(args.scratch);
    std::uninitialized_copy(inputs_.begin(), inputs_.end(), views);
    for (size_t i = 0; i < inputs_.size(); ++i) {
      views[i].data = const_cast<void*>(args.inputs[i]);  // evaluations only read their inputs
    }
    Outputs outputs(views + inputs_.size(), outputs_.size());
    for (size_t i = 0; i < outputs_.size(); ++i) outputs[i] = output_for(args, i);
    EvalContext context(attrs_, {views, inputs_.size()}, {outputs.data(), outputs_.size()});
    op_.evaluate(context);
    for (size_t i = 0; i < outputs_.size(); ++i) bring_home(outputs[i], args, i);
  }

 private:
  /// Tensors in borrowed memory, destroyed also when the evaluation throws.
  class Outputs {
   public:
    Outputs(void* memory, size_t count) : data_(static_cast<Tensor*>(memory)), count_(count) {
      std::uninitialized_default_construct_n(data_, count_);
    }
    ~Outputs() { std::destroy_n(data_, count_); }
    Outputs(const Outputs&) = delete;
    Outputs& operator=(const Outputs&) = delete;
    Tensor& operator[](size_t i) { return data_[i]; }
    Tensor* data() { return data_; }

   private:
    Tensor* data_;
    size_t count_;
  };

  void find_unwanted(const Problem& problem) {
    const std::vector<TypeInfo> types = infer_outputs(op_, problem);
    for (size_t i = 0; i < outputs_.size(); ++i) {
      if (outputs_[i].dtype != DType::kUndefined || !types[i].shape) continue;
      if (const auto shape = to_concrete(*types[i].shape)) unwanted_[i] = {types[i].dtype, *shape, nullptr};
    }
  }

  Tensor output_for(const KernelArgs& args, size_t i) const {
    if (outputs_[i].dtype != DType::kUndefined) {
      return {outputs_[i].dtype, outputs_[i].shape, nullptr, args.outputs[i]};
    }
    if (unwanted_[i].dtype != DType::kUndefined) return {unwanted_[i].dtype, unwanted_[i].shape};
    return {};
  }

  /// An evaluation may have allocated its output anew; its elements belong where the caller wants them.
  void bring_home(const Tensor& output, const KernelArgs& args, size_t i) const {
    const TensorView& wanted = outputs_[i];
    if (wanted.dtype == DType::kUndefined || output.data() == args.outputs[i]) return;
    check(output.dtype() == wanted.dtype && output.shape() == wanted.shape, ErrorCode::kInternal,
          "{} made output {} of shape {} where {} was planned", op_.name, i, to_string(output.shape()),
          to_string(wanted.shape));
    if (output.num_bytes() > 0) std::memcpy(args.outputs[i], output.data(), output.num_bytes());
  }

  const OpDescriptor& op_;
  AttributeMap attrs_;
  std::vector<TensorView> inputs_;    // without data
  std::vector<TensorView> outputs_;   // without data; absent ones have no dtype
  std::vector<TensorView> unwanted_;  // the types of absent outputs, where known
};

class ReferenceTactic : public Tactic {
 public:
  std::string_view name() const override { return "cpu.reference"; }
  std::vector<std::string_view> ops() const override { return {}; }

  bool supports(const Problem& problem, const Target&) const override {
    const auto dense = [](const TensorDesc& desc) { return desc.dense(); };
    return find_op(problem.op) != nullptr && std::all_of(problem.inputs.begin(), problem.inputs.end(), dense) &&
           std::all_of(problem.outputs.begin(), problem.outputs.end(), dense);
  }

  std::unique_ptr<Kernel> prepare(const Problem& problem, const std::string&, std::span<const PackedView>,
                                  const Target&) const override {
    const OpDescriptor* op = find_op(problem.op);
    check(op != nullptr, ErrorCode::kUnsupported, "no operator '{}' in this build", problem.op);
    return std::make_unique<ReferenceKernel>(*op, problem);
  }
};

}  // namespace

const Tactic& reference_tactic() {
  static const ReferenceTactic tactic;
  return tactic;
}

}  // namespace burnish
