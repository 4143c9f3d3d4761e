#pragma once
// What an operator is to Burnish: a name, plain attributes, shape inference and a reference evaluation.
//
// Operators carry ONNX's names and the semantics of the newest opset; the importer brings older versions up to date
// (axes as inputs, explicit pads, …). Our fused operators are described in ops/fused.h.
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/tensor.h"
#include "ops/attributes.h"
#include "ops/dim.h"

namespace burnish {

/// What is known of a tensor before it exists. No shape: not even the rank is known.
struct TypeInfo {
  DType dtype = DType::kUndefined;
  std::optional<SymShape> shape;
  bool operator==(const TypeInfo&) const = default;
};

/// What is known of a tensor's elements: all of them, or, for small integer tensors, a symbolic value for each
/// (row-major). Shape arithmetic is followed through it.
struct ValueInfo {
  const Tensor* constant = nullptr;
  std::optional<std::vector<Dim>> dims;
};

/// What inference of one node sees and says. Works for symbolic and for concrete shapes alike; the runtime calls the
/// same functions with everything concrete.
class InferContext {
 public:
  /// origin: unique among the nodes of a graph; names dims that only this node's data knows.
  InferContext(const AttributeMap& attrs, std::span<const TypeInfo> types, std::span<const ValueInfo> values,
               int num_outputs, std::string_view origin = {});

  const AttributeMap& attrs() const { return attrs_; }
  std::string_view origin() const { return origin_; }
  int num_inputs() const { return static_cast<int>(types_.size()); }
  int num_outputs() const { return static_cast<int>(outputs_.size()); }
  /// Optional inputs that are absent have dtype kUndefined.
  bool has_input(int i) const { return i < num_inputs() && types_[static_cast<size_t>(i)].dtype != DType::kUndefined; }
  /// kUndefined when absent.
  DType dtype(int i) const { return has_input(i) ? types_[static_cast<size_t>(i)].dtype : DType::kUndefined; }
  bool has_shape(int i) const { return has_input(i) && types_[static_cast<size_t>(i)].shape.has_value(); }
  /// Requires has_shape(i), else throws kInvalidModel.
  const SymShape& shape(int i) const;
  int rank(int i) const { return static_cast<int>(shape(i).size()); }
  /// The whole value when it is known, else nullptr.
  const Tensor* constant(int i) const;
  /// The integers of input i, symbolic where need be; also from a constant. nullopt when unknown.
  std::optional<std::vector<Dim>> dims(int i) const;
  /// As dims(), when all are plain numbers.
  std::optional<std::vector<int64_t>> ints(int i) const;

  /// Outputs that nobody wants (i >= num_outputs()) may be told too; they are forgotten.
  void set_output(int i, DType dtype, std::optional<SymShape> shape);
  /// Tells the symbolic value of an integer output (row-major).
  void set_output_dims(int i, std::vector<Dim> dims);

  const std::vector<TypeInfo>& outputs() const { return outputs_; }
  const std::vector<std::optional<std::vector<Dim>>>& output_dims() const { return output_dims_; }

 private:
  const AttributeMap& attrs_;
  std::span<const TypeInfo> types_;
  std::span<const ValueInfo> values_;
  std::string_view origin_;
  std::vector<TypeInfo> outputs_;
  std::vector<std::optional<std::vector<Dim>>> output_dims_;
};

/// What a reference evaluation sees. Inputs are dense and row-major; absent optional ones have no data. Outputs whose
/// shape inference knew are allocated already; others (data-dependent shapes) are made with allocate().
class EvalContext {
 public:
  EvalContext(const AttributeMap& attrs, std::span<const TensorView> inputs, std::span<Tensor> outputs)
      : attrs_(attrs), inputs_(inputs), outputs_(outputs) {}

  const AttributeMap& attrs() const { return attrs_; }
  int num_inputs() const { return static_cast<int>(inputs_.size()); }
  int num_outputs() const { return static_cast<int>(outputs_.size()); }
  bool has_input(int i) const { return i < num_inputs() && inputs_[static_cast<size_t>(i)].dtype != DType::kUndefined; }
  /// Throws kInvalidModel when absent.
  const TensorView& input(int i) const;
  /// False for an optional output that nobody wants.
  bool wants_output(int i) const { return i < num_outputs(); }
  /// Requires wants_output(i).
  TensorView output(int i) const;
  /// Makes output i of this shape (again).
  TensorView allocate(int i, DType dtype, const Shape& shape);

 private:
  const AttributeMap& attrs_;
  std::span<const TensorView> inputs_;
  std::span<Tensor> outputs_;
};

enum OpTraits : uint32_t {
  kPlain = 0,
  kElementwise = 1U << 0,        ///< Output element depends on the same (broadcast) element of each input only.
  kView = 1U << 1,               ///< Output 0 has input 0's elements in the same order: Reshape, Squeeze, Identity…
  kShapeOnly = 1U << 2,          ///< Outputs depend on the inputs' shapes only: Shape, Size.
  kRandom = 1U << 3,             ///< Never folded or merged.
  kDataDependentShape = 1U << 4  ///< Output shapes depend on input data: NonZero, Unique, …
};

struct OpDescriptor {
  std::string_view name;
  int min_inputs;
  int max_inputs;  ///< -1: any number.
  int min_outputs;
  int max_outputs;  ///< -1: any number.
  void (*infer)(InferContext&);
  void (*evaluate)(EvalContext&);
  uint32_t traits = kPlain;
};

/// All operators, ordered by family. See ops/table.cc.
std::span<const OpDescriptor* const> op_table();
/// nullptr when unknown.
const OpDescriptor* find_op(std::string_view name);
/// Runs the reference on host tensors: infers the output types, allocates, evaluates. Throws what inference and
/// evaluation throw. Undefined tensors stand for absent optional inputs.
std::vector<Tensor> evaluate_op(const OpDescriptor& op, const AttributeMap& attrs, std::span<const Tensor> inputs,
                                int num_outputs);

}  // namespace burnish
