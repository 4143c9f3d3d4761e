#include <algorithm>
#include <cmath>

#include "base/float_types.h"
#include "ir/text.h"
#include "ir/text_names.h"

namespace burnish {
namespace {

/// Constants up to this many elements are printed whole.
constexpr int64_t kMaxPrintedElements = 64;

std::string join(const std::vector<std::string>& parts, std::string_view separator = ", ") {
  return fmt::format("{}", fmt::join(parts, separator));
}

std::string float_text(double value, const std::string& text) {
  if (std::isnan(value)) return "nan";
  return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}
std::string float_text(float value) {
  return float_text(value, fmt::format("{}", value));
}

std::string value_text(ValueId id, const Graph& graph) {
  if (id == kNoValue) return "_";
  const std::string& name = graph.value(id).name;
  return "%" + (is_plain_name(name) ? name : quoted(name));
}

std::string type_text(const TypeInfo& type) {
  if (type.dtype == DType::kUndefined) return "?";
  return std::string(name_of(type.dtype)) + (type.shape ? to_string(*type.shape) : "");
}

template <typename T, typename F>
std::string elements_as(const Tensor& t, F to_text) {
  std::vector<std::string> parts;
  for (int64_t i = 0; i < t.num_elements(); ++i) parts.push_back(to_text(t.as<T>()[i]));
  return join(parts);
}

/// Narrow types without arithmetic of their own are printed as their bit patterns.
std::string elements_text(const Tensor& t) {
  const auto plain = [](auto v) { return fmt::format("{}", v); };
  switch (t.dtype()) {
    case DType::kFloat32:
      return elements_as<float>(t, plain);
    case DType::kFloat64:
      return elements_as<double>(t, plain);
    case DType::kFloat16:
      return elements_as<uint16_t>(t, [](uint16_t v) { return fmt::format("{}", half_to_float(v)); });
    case DType::kBFloat16:
      return elements_as<uint16_t>(t, [](uint16_t v) { return fmt::format("{}", bfloat16_to_float(v)); });
    case DType::kInt8:
    case DType::kInt4:
    case DType::kInt2:
      return elements_as<int8_t>(t, [](int8_t v) { return fmt::format("{}", int{v}); });
    case DType::kInt16:
      return elements_as<int16_t>(t, plain);
    case DType::kInt32:
      return elements_as<int32_t>(t, plain);
    case DType::kInt64:
      return elements_as<int64_t>(t, plain);
    case DType::kUInt16:
      return elements_as<uint16_t>(t, plain);
    case DType::kUInt32:
      return elements_as<uint32_t>(t, plain);
    case DType::kUInt64:
      return elements_as<uint64_t>(t, plain);
    default:
      return elements_as<uint8_t>(t, [](uint8_t v) { return fmt::format("{}", unsigned{v}); });
  }
}

std::string tensor_text(const Tensor& t) {
  std::string text = type_text({t.dtype(), to_symbolic(t.shape())});
  if (t.num_elements() <= kMaxPrintedElements) text += " = {" + elements_text(t) + "}";
  return text;
}

struct AttributeText {
  std::string operator()(int64_t v) const { return fmt::format("{}", v); }
  std::string operator()(float v) const { return float_text(v); }
  std::string operator()(const std::string& v) const { return quoted(v); }
  std::string operator()(const std::vector<int64_t>& v) const { return fmt::format("[{}]", fmt::join(v, ",")); }
  std::string operator()(const std::vector<float>& v) const {
    std::vector<std::string> parts;
    parts.reserve(v.size());
    for (float f : v) parts.push_back(float_text(f));
    return parts.empty() ? "floats[]" : "[" + join(parts, ",") + "]";
  }
  std::string operator()(const std::vector<std::string>& v) const {
    std::vector<std::string> parts;
    parts.reserve(v.size());
    for (const std::string& s : v) parts.push_back(quoted(s));
    return parts.empty() ? "strings[]" : "[" + join(parts, ",") + "]";
  }
  std::string operator()(const Tensor& v) const { return "tensor " + tensor_text(v); }
};

std::string attributes_text(const AttributeMap& attrs) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : attrs.values()) parts.push_back(name + "=" + std::visit(AttributeText{}, value));
  return parts.empty() ? "" : " {" + join(parts) + "}";
}

std::string node_text(const Node& node, const Graph& graph) {
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::vector<std::string> types;
  bool typed = false;
  for (ValueId v : node.inputs) inputs.push_back(value_text(v, graph));
  for (ValueId v : node.outputs) {
    outputs.push_back(value_text(v, graph));
    types.push_back(v == kNoValue ? "_" : type_text(graph.value(v).type));
    typed = typed || (v != kNoValue && graph.value(v).type.dtype != DType::kUndefined);
  }
  std::string text = join(outputs) + " = " + node.op + "(" + join(inputs) + ")" + attributes_text(node.attrs);
  if (!node.name.empty()) text += " " + quoted(node.name);
  if (typed) text += " : " + join(types);
  return text;
}

std::vector<bool> values_read(const Graph& graph) {
  std::vector<bool> read(static_cast<size_t>(graph.num_value_ids()), false);
  for (int i = 0; i < graph.num_node_ids(); ++i) {
    if (!graph.node(i).alive) continue;
    for (ValueId v : graph.node(i).inputs) {
      if (v != kNoValue) read[static_cast<size_t>(v)] = true;
    }
  }
  for (const Graph::Output& o : graph.outputs()) read[static_cast<size_t>(o.value)] = true;
  return read;
}

}  // namespace

std::string print(const Graph& graph) {
  std::string text = "graph " + quoted(graph.name) + " {\n";
  for (ValueId v : graph.inputs()) {
    text += fmt::format("  input {}: {}\n", value_text(v, graph), type_text(graph.value(v).type));
  }
  const std::vector<bool> read = values_read(graph);
  for (int i = 0; i < graph.num_value_ids(); ++i) {
    const Value& v = graph.value(i);
    if (!v.is_constant() || !read[static_cast<size_t>(i)]) continue;
    text += fmt::format("  const {}: {}\n", value_text(i, graph), tensor_text(v.constant));
  }
  for (NodeId id : graph.topological_order()) text += "  " + node_text(graph.node(id), graph) + "\n";
  for (const Graph::Output& o : graph.outputs()) {
    text += fmt::format("  output {} = {}\n", quoted(o.name), value_text(o.value, graph));
  }
  return text + "}\n";
}

}  // namespace burnish
