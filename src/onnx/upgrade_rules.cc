#include "onnx/upgrade_rules.h"

#include <algorithm>

#include "base/error.h"

namespace burnish {
namespace {

void rename_mode(OldNode& node, std::string_view from, std::string_view to) {
  if (node.attrs.get_string("mode", "") == from) node.attrs.set("mode", std::string(to));
}

/// One value for each group to one for each channel.
ValueId per_channel(OldNode& node, size_t input, int64_t groups, int64_t channels) {
  const std::string purpose = input == 1 ? "scale" : "bias";
  const ValueId column = node.emit("Unsqueeze", {node.input(input), node.ints(purpose + "_axes", {1})});
  const ValueId matrix = node.emit("Expand", {column, node.ints(purpose + "_shape", {groups, channels / groups})});
  return node.emit("Reshape", {matrix, node.ints(purpose + "_flat", {-1})});
}

/// How opset 10 rounds to the nearest pixel: down when enlarging, up when shrinking.
std::string nearest_mode_of_scales(const OldNode& node, ValueId scales) {
  const auto known = try_evaluate(node.graph, scales);
  check(known && known->dtype() == DType::kFloat32, ErrorCode::kUnsupported,
        "its scales are not known while importing");
  const auto* begin = known->as<float>();
  const auto* end = begin + known->num_elements();
  if (std::all_of(begin, end, [](float s) { return s >= 1; })) return "floor";
  check(std::all_of(begin, end, [](float s) { return s <= 1; }), ErrorCode::kUnsupported,
        "opset 10 cannot enlarge one axis and shrink another in mode 'nearest'; export with opset 11 or newer");
  return "ceil";
}

/// (X, scales) to today's Resize(X, roi, scales).
void to_resize(OldNode& node, const std::string& nearest_mode) {
  check(node.inputs.size() == 2, ErrorCode::kInvalidModel, "it has {} inputs instead of 2", node.inputs.size());
  node.op = "Resize";
  const ValueId scales = node.input(1);
  node.set_input(1, kNoValue);
  node.set_input(2, scales);
  rename_mode(node, "bilinear", "linear");
  node.attrs.set("coordinate_transformation_mode", std::string("asymmetric"));
  node.attrs.set("nearest_mode", nearest_mode);
}

}  // namespace

void upgrade_axes(OldNode& node) {
  node.ints_to_input("axes", 1);
}

void upgrade_batch_normalization(OldNode& node) {
  check(node.outputs.size() <= 1, ErrorCode::kUnsupported,
        "its outputs for training are used; export the model for inference");
  check(node.attrs.get_int("spatial", 1) == 1, ErrorCode::kUnsupported, "spatial=0 is not supported");
  node.attrs.erase("spatial");
}

void upgrade_clip(OldNode& node) {
  if (node.attrs.has("min")) node.set_input(1, node.scalar_like_input("min", node.attrs.get_float("min", 0)));
  if (node.attrs.has("max")) node.set_input(2, node.scalar_like_input("max", node.attrs.get_float("max", 0)));
  node.attrs.erase("min");
  node.attrs.erase("max");
}

void upgrade_dft(OldNode& node) {
  node.set_input(2, node.constant("axis", Tensor::scalar<int64_t>(DType::kInt64, node.attrs.get_int("axis", 1))));
  node.attrs.erase("axis");
}

void upgrade_dropout(OldNode& node) {
  if (node.attrs.has("ratio")) {
    node.set_input(1, node.constant("ratio", Tensor::scalar<float>(DType::kFloat32, node.attrs.get_float("ratio", 0))));
    node.attrs.erase("ratio");
  }
  const bool mask_has_input_type = node.version < 10 && node.outputs.size() > 1;
  check(!mask_has_input_type, ErrorCode::kUnsupported, "its mask is used; export the model for inference");
}

void upgrade_grid_sample(OldNode& node) {
  rename_mode(node, "bilinear", "linear");
  rename_mode(node, "bicubic", "cubic");
}

void upgrade_group_normalization(OldNode& node) {
  const int64_t groups = node.attrs.get_int("num_groups", 0);
  check(node.inputs.size() == 3 && groups > 0, ErrorCode::kInvalidModel, "it needs 3 inputs and num_groups");
  const auto& shape = node.type(0).shape;
  const bool known = shape && shape->size() > 1 && (*shape)[1].is_constant();
  check(known && (*shape)[1].value() % groups == 0, ErrorCode::kUnsupported,
        "its number of channels is not known while importing, or no multiple of num_groups");
  const int64_t channels = (*shape)[1].value();
  node.set_input(1, per_channel(node, 1, groups, channels));
  node.set_input(2, per_channel(node, 2, groups, channels));
}

void upgrade_pad(OldNode& node) {
  node.ints_to_input("pads", 1);
  if (!node.attrs.has("value")) return;
  node.set_input(2, node.scalar_like_input("value", node.attrs.get_float("value", 0)));
  node.attrs.erase("value");
}

void upgrade_resize_10(OldNode& node) {
  const bool nearest = node.attrs.get_string("mode", "nearest") == "nearest" && node.input(1) != kNoValue;
  to_resize(node, nearest ? nearest_mode_of_scales(node, node.input(1)) : "floor");
}

void upgrade_resize_11(OldNode& node) {
  if (node.attrs.get_string("coordinate_transformation_mode", "") != "tf_half_pixel_for_nn") return;
  // It maps x to (x + 1/2)/scale, half a pixel beyond half_pixel: another rounding makes up for it.
  const std::string rounding = node.attrs.get_string("nearest_mode", "round_prefer_floor");
  const bool is_known = rounding == "floor" || rounding == "round_prefer_floor";
  check(node.attrs.get_string("mode", "nearest") == "nearest" && is_known, ErrorCode::kUnsupported,
        "tf_half_pixel_for_nn is supported with mode 'nearest' and nearest_mode 'floor' or 'round_prefer_floor' only");
  node.attrs.set("coordinate_transformation_mode", std::string("half_pixel"));
  node.attrs.set("nearest_mode", std::string(rounding == "floor" ? "round_prefer_ceil" : "ceil"));
}

void upgrade_roi_align(OldNode& node) {
  node.attrs.set("coordinate_transformation_mode", std::string("output_half_pixel"));
}

void upgrade_scatter(OldNode& node) {
  node.op = "ScatterElements";
}

void upgrade_slice(OldNode& node) {
  node.ints_to_input("starts", 1);
  node.ints_to_input("ends", 2);
  node.ints_to_input("axes", 3);
}

void upgrade_softmax(OldNode& node) {
  const int64_t axis = node.attrs.get_int("axis", 1);
  check(!node.outputs.empty(), ErrorCode::kInvalidModel, "it has no output");
  const auto& shape = node.type(0).shape;
  const auto rank = shape ? static_cast<int64_t>(shape->size()) : int64_t{-1};
  node.attrs.set("axis", int64_t{-1});
  if (axis == -1 || (shape && axis == rank - 1)) return;
  const ValueId x = node.input(0);
  AttributeMap flatten;
  flatten.set("axis", axis);
  const ValueId flat = node.emit("Flatten", {x}, flatten);
  const ValueId soft = node.emit(node.op, {flat}, node.attrs);
  node.finish_with("Reshape", {soft, node.emit("Shape", {x})});
}

void upgrade_split_11(OldNode& node) {
  node.ints_to_input("split", 1);
}

void upgrade_split_13(OldNode& node) {
  if (node.input(1) == kNoValue) node.attrs.set("num_outputs", static_cast<int64_t>(node.outputs.size()));
}

void upgrade_top_k(OldNode& node) {
  node.set_input(1, node.ints("k", {node.attrs.get_int("k", 0)}));
  node.attrs.erase("k");
}

void upgrade_upsample_7(OldNode& node) {
  node.set_input(1, node.constant("scales", Tensor::from_floats(node.attrs.get_floats("scales"))));
  node.attrs.erase("scales");
}

void upgrade_upsample(OldNode& node) {
  to_resize(node, "floor");
}

}  // namespace burnish
