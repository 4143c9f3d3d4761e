// Loop and Scan whose number of rounds is known while importing, unrolled.
#include <algorithm>
#include <span>

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

/// What the rounds hand on and collect.
struct Rounds {
  std::vector<ValueId> states;
  std::vector<std::vector<ValueId>> slices;

  /// num_made: states and slices that each round makes.
  Rounds(std::vector<ValueId> initial, size_t num_made)
      : states(std::move(initial)), slices(num_made - states.size()) {}
  void take(std::span<const ValueId> made) {
    std::copy_n(made.begin(), states.size(), states.begin());
    for (size_t i = 0; i < slices.size(); ++i) slices[i].push_back(made[states.size() + i]);
  }
};

/// Whether a loop with this condition runs another round.
bool goes_on(const Graph& graph, ValueId condition) {
  if (condition == kNoValue) return true;
  const auto known = known_scalar(graph, condition);
  if (!known) refuse("its condition");
  return *known != 0;
}

/// What scan input number i shows in this round.
ValueId scan_slice(OldNode& emitter, const AttributeMap& attrs, ValueId input, size_t i, int64_t round,
                   int64_t length) {
  const bool backwards = list_item(attrs.get_ints("scan_input_directions"), i) != 0;
  const int64_t at = backwards ? length - 1 - round : round;
  const ValueId index = emitter.constant("round", Tensor::scalar<int64_t>(DType::kInt64, at));
  return emitter.emit("Gather", {input, index}, axis_attribute(list_item(attrs.get_ints("scan_input_axes"), i)));
}

void check_rounds(int64_t rounds) {
  check(rounds <= kMaxRounds, ErrorCode::kUnsupported, "its {} rounds are more than {}", rounds, kMaxRounds);
}

}  // namespace

void ModelImporter::import_loop(const NodeSite& site, const std::vector<ValueId>& inputs, Scope& scope) {
  const auto& body = body_of(site, "body");
  check(inputs.size() >= 2 && static_cast<size_t>(body.output_size()) + 1 >= inputs.size(), ErrorCode::kInvalidModel,
        "it has {} inputs, and its graph {} outputs", inputs.size(), body.output_size());
  const auto limit = inputs[0] == kNoValue ? std::optional(kMaxRounds + 1) : known_scalar(graph_, inputs[0]);
  if (!limit) refuse("its number of rounds");
  OldNode emitter = helper(site, graph_);
  Rounds rounds({inputs.begin() + 2, inputs.end()}, static_cast<size_t>(body.output_size()) - 1);
  ValueId condition = inputs[1];
  for (int64_t round = 0; round < *limit && goes_on(graph_, condition); ++round) {
    check_rounds(round + 1);
    if (condition == kNoValue) condition = emitter.constant("condition", Tensor::scalar<uint8_t>(DType::kBool, 1));
    std::vector<ValueId> arguments = {emitter.constant("round", Tensor::scalar<int64_t>(DType::kInt64, round)),
                                      condition};
    arguments.insert(arguments.end(), rounds.states.begin(), rounds.states.end());
    const auto made = inline_graph(body, arguments, fmt::format("{}/{}", site.name, round), scope);
    if (has_failed(made)) return;
    condition = made[0];
    rounds.take(std::span(made).subspan(1));
  }
  for (const auto& each : rounds.slices) rounds.states.push_back(stack(emitter, each, 0, false));
  bind_outputs(site, rounds.states, scope);
}

void ModelImporter::import_scan(const NodeSite& site, const std::vector<ValueId>& inputs, Scope& scope) {
  check(site.version >= 9, ErrorCode::kUnsupported, "Scan of opset 8 is not supported; convert the model to opset 9");
  const auto& body = body_of(site, "body");
  ProtoAttributes plain = site.attributes;
  plain.erase("body");
  const AttributeMap attrs = to_attributes(plain, &external_);
  const int64_t num_scans = attrs.get_int("num_scan_inputs", 0);
  const int64_t num_states = static_cast<int64_t>(inputs.size()) - num_scans;
  check(num_scans > 0 && num_states >= 0 && body.output_size() >= num_states, ErrorCode::kInvalidModel,
        "num_scan_inputs is {} for {} inputs and {} outputs of its graph", num_scans, inputs.size(),
        body.output_size());
  OldNode emitter = helper(site, graph_);
  Rounds rounds({inputs.begin(), inputs.begin() + num_states}, static_cast<size_t>(body.output_size()));
  const std::span scanned = std::span(inputs).subspan(static_cast<size_t>(num_states));
  const int64_t length = scan_length(graph_, scanned[0], list_item(attrs.get_ints("scan_input_axes"), 0));
  check_rounds(length);
  for (int64_t round = 0; round < length; ++round) {
    std::vector<ValueId> arguments = rounds.states;
    for (size_t i = 0; i < scanned.size(); ++i) {
      arguments.push_back(scan_slice(emitter, attrs, scanned[i], i, round, length));
    }
    const auto made = inline_graph(body, arguments, fmt::format("{}/{}", site.name, round), scope);
    if (has_failed(made)) return;
    rounds.take(made);
  }
  const auto axes = attrs.get_ints("scan_output_axes");
  const auto directions = attrs.get_ints("scan_output_directions");
  for (size_t i = 0; i < rounds.slices.size(); ++i) {
    rounds.states.push_back(stack(emitter, rounds.slices[i], list_item(axes, i), list_item(directions, i) != 0));
  }
  bind_outputs(site, rounds.states, scope);
}

}  // namespace burnish
