#include "onnx/upgrade.h"

#include <array>

#include "base/error.h"
#include "base/float_types.h"
#include "onnx/upgrade_rules.h"

namespace burnish {
namespace {

struct Row {
  std::string_view op;
  int64_t below;  ///< Applies to nodes of versions below this one.
  void (*apply)(OldNode&);
};

/// By operator, oldest change first. Source: the operator change log of ONNX.
constexpr std::array kRows = {
    Row{"BatchNormalization", 14, upgrade_batch_normalization},
    Row{"Clip", 11, upgrade_clip},
    Row{"DFT", 20, upgrade_dft},
    Row{"Dropout", 12, upgrade_dropout},
    Row{"GridSample", 20, upgrade_grid_sample},
    Row{"GroupNormalization", 21, upgrade_group_normalization},
    Row{"Hardmax", 13, upgrade_softmax},
    Row{"LogSoftmax", 13, upgrade_softmax},
    Row{"Pad", 11, upgrade_pad},
    Row{"ReduceL1", 18, upgrade_axes},
    Row{"ReduceL2", 18, upgrade_axes},
    Row{"ReduceLogSum", 18, upgrade_axes},
    Row{"ReduceLogSumExp", 18, upgrade_axes},
    Row{"ReduceMax", 18, upgrade_axes},
    Row{"ReduceMean", 18, upgrade_axes},
    Row{"ReduceMin", 18, upgrade_axes},
    Row{"ReduceProd", 18, upgrade_axes},
    Row{"ReduceSum", 13, upgrade_axes},
    Row{"ReduceSumSquare", 18, upgrade_axes},
    Row{"Resize", 11, upgrade_resize_10},
    Row{"Resize", 13, upgrade_resize_11},
    Row{"RoiAlign", 16, upgrade_roi_align},
    Row{"Scatter", 11, upgrade_scatter},
    Row{"Slice", 10, upgrade_slice},
    Row{"Softmax", 13, upgrade_softmax},
    Row{"Split", 13, upgrade_split_11},
    Row{"Split", 18, upgrade_split_13},
    Row{"Squeeze", 13, upgrade_axes},
    Row{"TopK", 10, upgrade_top_k},
    Row{"Unsqueeze", 13, upgrade_axes},
    Row{"Upsample", 9, upgrade_upsample_7},
    Row{"Upsample", 10, upgrade_upsample},
};

Tensor scalar_of(DType dtype, float value) {
  switch (dtype) {
    case DType::kFloat64:
      return Tensor::scalar<double>(dtype, value);
    case DType::kFloat16:
      return Tensor::scalar<uint16_t>(dtype, float_to_half(value));
    case DType::kBFloat16:
      return Tensor::scalar<uint16_t>(dtype, float_to_bfloat16(value));
    case DType::kFloat32:
      return Tensor::scalar<float>(dtype, value);
    default:
      throw_error(ErrorCode::kInvalidModel, "its input is of type {}, not floating", name_of(dtype));
  }
}

}  // namespace

const TypeInfo& OldNode::type(size_t i) const {
  check(input(i) != kNoValue, ErrorCode::kInvalidModel, "it has no input {}", i);
  return graph.value(inputs[i]).type;
}

void OldNode::set_input(size_t i, ValueId value) {
  if (inputs.size() <= i) inputs.resize(i + 1, kNoValue);
  inputs[i] = value;
}

ValueId OldNode::constant(std::string_view purpose, Tensor tensor) {
  return graph.add_constant(fmt::format("{}/{}", name, purpose), std::move(tensor));
}

ValueId OldNode::ints(std::string_view purpose, const std::vector<int64_t>& values) {
  return constant(purpose, Tensor::from_ints(values));
}

ValueId OldNode::scalar_like_input(std::string_view purpose, float value) {
  const DType dtype = type(0).dtype;
  return constant(purpose, scalar_of(dtype == DType::kUndefined ? DType::kFloat32 : dtype, value));
}

ValueId OldNode::emit(std::string_view emit_op, std::vector<ValueId> emit_inputs, AttributeMap emit_attrs) {
  const std::string label = fmt::format("{}/{}", name, emit_op);
  const NodeId id = graph.add_node(std::string(emit_op), label, std::move(emit_inputs), std::move(emit_attrs), {label});
  graph.infer_node(id);
  return graph.node(id).output();
}

void OldNode::ints_to_input(std::string_view attribute, size_t to) {
  if (!attrs.has(attribute)) return;
  check(input(to) == kNoValue, ErrorCode::kInvalidModel, "it has '{}' as attribute and as input", attribute);
  set_input(to, ints(attribute, attrs.get_ints(attribute)));
  attrs.erase(attribute);
}

void OldNode::finish() {
  const NodeId id = graph.add_node(op, name, inputs, attrs, outputs);
  graph.infer_node(id);
  results = graph.node(id).outputs;
}

void OldNode::finish_with(std::string_view last_op, std::vector<ValueId> emit_inputs, AttributeMap emit_attrs) {
  const NodeId id = graph.add_node(std::string(last_op), fmt::format("{}/{}", name, last_op), std::move(emit_inputs),
                                   std::move(emit_attrs), {outputs.at(0)});
  graph.infer_node(id);
  results.insert(results.begin(), graph.node(id).output());
}

void upgrade(const std::string& domain, OldNode& node) {
  if (!domain.empty()) return;
  if (node.op == "Upsample" && node.version >= 10) return upgrade_upsample(node);  // deprecated, but still written
  const std::string op = node.op;
  for (const Row& row : kRows) {
    if (row.op == op && node.version < row.below && node.results.empty()) row.apply(node);
  }
}

std::string newest_name(const std::string& domain, const std::string& op) {
  if (domain.empty() && op == "Upsample") return "Resize";
  if (domain.empty() && op == "Scatter") return "ScatterElements";
  return op;
}

}  // namespace burnish
