// Loop and Scan whose number of rounds is known while importing, unrolled.
#include <algorithm>

#include "onnx/model_importer.h"
#include "onnx/upgrade.h"

namespace burnish {
namespace {

/// Unrolling more rounds than this helps nobody.
constexpr int64_t kMaxRounds = 1024;

/// The scalar that the value is known to hold, or nullopt.
std::optional<int64_t> known_scalar(const Graph& graph, ValueId id) {
  const auto value = try_evaluate(graph, id);
  if (!value || value->num_elements() != 1) return std::nullopt;
  if (value->dtype() == DType::kBool) return *value->as<uint8_t>();
  check(value->dtype() == DType::kInt64, ErrorCode::kInvalidModel, "its number of rounds is of type {}",
        name_of(value->dtype()));
  return *value->as<int64_t>();
}

[[noreturn]] void refuse(const char* what) {
  throw Error(ErrorCode::kUnsupported, fmt::format("{} is not known while importing", what))
      .with_hint("Export the model with this loop unrolled, or with fixed shapes");
}

/// A node that only emits helpers named after the site.
OldNode helper(const NodeSite& site, Graph& graph) {
  return {.op = "",
          .name = site.name,
          .version = 0,
          .attrs = {},
          .inputs = {},
          .outputs = {},
          .results = {},
          .graph = graph};
}

bool has_failed(const std::vector<ValueId>& values) {
  return std::find(values.begin(), values.end(), kFailedValue) != values.end();
}

AttributeMap axis_attribute(int64_t axis) {
  AttributeMap attributes;
  attributes.set("axis", axis);
  return attributes;
}

/// What each round made, as slices of one tensor along axis.
ValueId stack(OldNode& emitter, const std::vector<ValueId>& slices, int64_t axis, bool reverse) {
  check(!slices.empty(), ErrorCode::kUnsupported, "it collects slices of no round");
  std::vector<ValueId> parts;
  for (const ValueId slice : slices) parts.push_back(emitter.emit("Unsqueeze", {slice, emitter.ints("axes", {axis})}));
  if (reverse) std::reverse(parts.begin(), parts.end());
  return emitter.emit("Concat", parts, axis_attribute(axis));
}

int64_t list_item(const std::vector<int64_t>& list, size_t i) {
  return i < list.size() ? list[i] : 0;
}

/// The number of slices that a scan input has.
int64_t scan_length(const Graph& graph, ValueId input, int64_t axis) {
  check(input != kNoValue, ErrorCode::kInvalidModel, "an input to scan is absent");
  const auto& shape = graph.value(input).type.shape;
  if (!shape) refuse("its number of rounds");
  const int at = normalize_axis(axis, static_cast<int>(shape->size()));
  const Dim& length = (*shape)[static_cast<size_t>(at)];
  if (!length.is_constant()) refuse("its number of rounds");
  return length.value();
}

void check_rounds(int64_t rounds) {
  check(rounds <= kMaxRounds, ErrorCode::kUnsupported, "its {} rounds are more than {}", rounds, kMaxRounds);
}

}  // namespace

void ModelImporter::import_loop(const NodeSite& site, const std::vector<ValueId>& inputs, Scope& scope) {
  const auto& body = body_of(site, "body");
  check(inputs.size() >= 2 && static_cast<size_t>(body.output_size()) + 1 >= inputs.size(), ErrorCode::kInvalidModel,
        "it has {} inputs, and its graph {} outputs", inputs.size(), body.output_size());
  const size_t num_states = inputs.size() - 2;
  OldNode emitter = helper(site, graph_);
  const auto limit = inputs[0] == kNoValue ? std::optional(kMaxRounds + 1) : known_scalar(graph_, inputs[0]);
  if (!limit) refuse("its number of rounds");
  ValueId condition = inputs[1];
  std::vector<ValueId> states(inputs.begin() + 2, inputs.end());
  std::vector<std::vector<ValueId>> slices(static_cast<size_t>(body.output_size()) - 1 - num_states);
  for (int64_t round = 0; round < *limit; ++round) {
    check_rounds(round + 1);
    const auto go_on = condition == kNoValue ? std::optional(int64_t{1}) : known_scalar(graph_, condition);
    if (!go_on) refuse("its condition");
    if (*go_on == 0) break;
    const ValueId index = emitter.constant("round", Tensor::scalar<int64_t>(DType::kInt64, round));
    if (condition == kNoValue) condition = emitter.constant("condition", Tensor::scalar<uint8_t>(DType::kBool, 1));
    std::vector<ValueId> arguments = {index, condition};
    arguments.insert(arguments.end(), states.begin(), states.end());
    const auto made = inline_graph(body, arguments, fmt::format("{}/{}", site.name, round), scope);
    if (has_failed(made)) return;
    condition = made[0];
    std::copy_n(made.begin() + 1, num_states, states.begin());
    for (size_t i = 0; i < slices.size(); ++i) slices[i].push_back(made[1 + num_states + i]);
  }
  for (const auto& each : slices) states.push_back(stack(emitter, each, 0, false));
  bind_outputs(site, states, scope);
}

void ModelImporter::import_scan(const NodeSite& site, const std::vector<ValueId>& inputs, Scope& scope) {
  check(site.version >= 9, ErrorCode::kUnsupported, "Scan of opset 8 is not supported; convert the model to opset 9");
  const auto& body = body_of(site, "body");
  ProtoAttributes plain = site.attributes;
  plain.erase("body");
  const AttributeMap attrs = to_attributes(plain, &external_);
  const auto num_scans = static_cast<size_t>(std::max(int64_t{0}, attrs.get_int("num_scan_inputs", 0)));
  check(num_scans > 0 && num_scans <= inputs.size(), ErrorCode::kInvalidModel, "num_scan_inputs is {}", num_scans);
  const size_t num_states = inputs.size() - num_scans;
  check(static_cast<size_t>(body.output_size()) >= num_states, ErrorCode::kInvalidModel, "its graph has {} outputs",
        body.output_size());
  const auto axes = attrs.get_ints("scan_input_axes");
  const auto directions = attrs.get_ints("scan_input_directions");
  const int64_t length = scan_length(graph_, inputs[num_states], list_item(axes, 0));
  check_rounds(length);
  OldNode emitter = helper(site, graph_);
  std::vector<ValueId> states(inputs.begin(), inputs.begin() + static_cast<std::ptrdiff_t>(num_states));
  std::vector<std::vector<ValueId>> slices(static_cast<size_t>(body.output_size()) - num_states);
  for (int64_t round = 0; round < length; ++round) {
    std::vector<ValueId> arguments = states;
    for (size_t i = 0; i < num_scans; ++i) {
      const int64_t at = list_item(directions, i) == 0 ? round : length - 1 - round;
      const ValueId index = emitter.constant("round", Tensor::scalar<int64_t>(DType::kInt64, at));
      arguments.push_back(emitter.emit("Gather", {inputs[num_states + i], index}, axis_attribute(list_item(axes, i))));
    }
    const auto made = inline_graph(body, arguments, fmt::format("{}/{}", site.name, round), scope);
    if (has_failed(made)) return;
    std::copy_n(made.begin(), num_states, states.begin());
    for (size_t i = 0; i < slices.size(); ++i) slices[i].push_back(made[num_states + i]);
  }
  const auto output_axes = attrs.get_ints("scan_output_axes");
  const auto output_directions = attrs.get_ints("scan_output_directions");
  for (size_t i = 0; i < slices.size(); ++i) {
    states.push_back(stack(emitter, slices[i], list_item(output_axes, i), list_item(output_directions, i) != 0));
  }
  bind_outputs(site, states, scope);
}

}  // namespace burnish
