// The one list of operator families. A new family is one more header and one more line here.
#include <array>
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

constexpr std::array kFamilies{unary_ops,     activation_ops,   binary_ops,        variadic_ops,      cast_ops,
                               reduction_ops, scan_ops,         selection_ops,     softmax_ops,       matmul_ops,
                               einsum_ops,    quantization_ops, generator_ops,     window_ops,        random_ops,
                               loss_ops,      ml_ops,           tree_ensemble_ops, shape_ops,         data_movement_ops,
                               indexing_ops,  conv_ops,         pooling_ops,       normalization_ops, recurrent_ops,
                               attention_ops, image_ops,        signal_ops,        detection_ops,     fused_ops};

std::vector<const OpDescriptor*> collect_rows() {
  std::vector<const OpDescriptor*> rows;
  for (const auto family : kFamilies)
    for (const OpDescriptor& row : family()) rows.push_back(&row);
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
