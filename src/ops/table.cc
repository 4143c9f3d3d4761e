// The one list of operator families. A new family is one more header and one more line here.
#include <unordered_map>

#if __has_include("ops/attention.h")
#include "ops/attention.h"
#endif
#include "ops/binary.h"
#include "ops/cast.h"
#if __has_include("ops/conv.h")
#include "ops/conv.h"
#endif
#if __has_include("ops/data_movement.h")
#include "ops/data_movement.h"
#endif
#if __has_include("ops/detection.h")
#include "ops/detection.h"
#endif
#include "ops/einsum.h"
#if __has_include("ops/fused_table.h")
#include "ops/fused_table.h"
#endif
#include "ops/generator.h"
#if __has_include("ops/image.h")
#include "ops/image.h"
#endif
#if __has_include("ops/indexing.h")
#include "ops/indexing.h"
#endif
#include "ops/loss.h"
#include "ops/matmul.h"
#include "ops/ml.h"
#if __has_include("ops/normalization.h")
#include "ops/normalization.h"
#endif
#if __has_include("ops/pooling.h")
#include "ops/pooling.h"
#endif
#include "ops/quantization.h"
#include "ops/random.h"
#if __has_include("ops/recurrent.h")
#include "ops/recurrent.h"
#endif
#include "ops/reduction.h"
#include "ops/scan.h"
#include "ops/selection.h"
#if __has_include("ops/shape.h")
#include "ops/shape.h"
#endif
#if __has_include("ops/signal.h")
#include "ops/signal.h"
#endif
#include "ops/op.h"
#include "ops/softmax.h"
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
#if __has_include("ops/shape.h")
  add(shape_ops());
#endif
#if __has_include("ops/data_movement.h")
  add(data_movement_ops());
#endif
#if __has_include("ops/indexing.h")
  add(indexing_ops());
#endif
#if __has_include("ops/conv.h")
  add(conv_ops());
#endif
#if __has_include("ops/pooling.h")
  add(pooling_ops());
#endif
#if __has_include("ops/normalization.h")
  add(normalization_ops());
#endif
#if __has_include("ops/recurrent.h")
  add(recurrent_ops());
#endif
#if __has_include("ops/attention.h")
  add(attention_ops());
#endif
#if __has_include("ops/image.h")
  add(image_ops());
#endif
#if __has_include("ops/signal.h")
  add(signal_ops());
#endif
#if __has_include("ops/detection.h")
  add(detection_ops());
#endif
#if __has_include("ops/fused_table.h")
  add(fused_ops());
#endif
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
