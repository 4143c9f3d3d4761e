// The one list of operator families. A new family is one more header and one more line here.
#include <unordered_map>

#include "ops/attention.h"
#include "ops/binary.h"
#include "ops/cast.h"
#include "ops/conv.h"
#include "ops/data_movement.h"
#include "ops/detection.h"
#include "ops/einsum.h"
#include "ops/fused_table.h"
#include "ops/generator.h"
#include "ops/image.h"
#include "ops/indexing.h"
#include "ops/loss.h"
#include "ops/matmul.h"
#include "ops/ml.h"
#include "ops/normalization.h"
#include "ops/op.h"
#include "ops/pooling.h"
#include "ops/quantization.h"
#include "ops/random.h"
#include "ops/recurrent.h"
#include "ops/reduction.h"
#include "ops/scan.h"
#include "ops/selection.h"
#include "ops/shape.h"
#include "ops/signal.h"
#include "ops/softmax.h"
#include "ops/tree_ensemble.h"
#include "ops/unary.h"
#include "ops/variadic.h"
#include "ops/window.h"

namespace burnish {
namespace {

std::vector<const OpDescriptor*> collect_rows() {
  std::vector<const OpDescriptor*> rows;
  const auto add = [&rows](std::span<const OpDescriptor> family) {
    for (const OpDescriptor& row : family) rows.push_back(&row);
  };
  add(unary_ops());
  add(activation_ops());
  add(binary_ops());
  add(variadic_ops());
  add(cast_ops());
  add(reduction_ops());
  add(scan_ops());
  add(selection_ops());
  add(softmax_ops());
  add(matmul_ops());
  add(einsum_ops());
  add(quantization_ops());
  add(generator_ops());
  add(window_ops());
  add(random_ops());
  add(loss_ops());
  add(ml_ops());
  add(tree_ensemble_ops());
  add(shape_ops());
  add(data_movement_ops());
  add(indexing_ops());
  add(conv_ops());
  add(pooling_ops());
  add(normalization_ops());
  add(recurrent_ops());
  add(attention_ops());
  add(image_ops());
  add(signal_ops());
  add(detection_ops());
  add(fused_ops());
  return rows;
}

const std::vector<const OpDescriptor*>& rows() {
  static const std::vector<const OpDescriptor*> table = collect_rows();
  return table;
}

}  // namespace

std::span<const OpDescriptor* const> op_table() {
  return rows();
}

const OpDescriptor* find_op(std::string_view name) {
  static const auto index = [] {
    std::unordered_map<std::string_view, const OpDescriptor*> map;
    for (const OpDescriptor* row : rows()) map.emplace(row->name, row);
    return map;
  }();
  const auto it = index.find(name);
  return it == index.end() ? nullptr : it->second;
}

}  // namespace burnish
