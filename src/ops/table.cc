// The one list of operator families. A new family is one more header and one more line here.
#include <unordered_map>

#include "ops/op.h"
#if __has_include("ops/attention.h")
#include "ops/attention.h"
#endif
#if __has_include("ops/binary.h")
#include "ops/binary.h"
#endif
#if __has_include("ops/cast.h")
#include "ops/cast.h"
#endif
#if __has_include("ops/conv.h")
#include "ops/conv.h"
#endif
#if __has_include("ops/data_movement.h")
#include "ops/data_movement.h"
#endif
#if __has_include("ops/detection.h")
#include "ops/detection.h"
#endif
#if __has_include("ops/einsum.h")
#include "ops/einsum.h"
#endif
#if __has_include("ops/fused_table.h")
#include "ops/fused_table.h"
#endif
#if __has_include("ops/generator.h")
#include "ops/generator.h"
#endif
#if __has_include("ops/image.h")
#include "ops/image.h"
#endif
#if __has_include("ops/indexing.h")
#include "ops/indexing.h"
#endif
#if __has_include("ops/loss.h")
#include "ops/loss.h"
#endif
#if __has_include("ops/matmul.h")
#include "ops/matmul.h"
#endif
#if __has_include("ops/ml.h")
#include "ops/ml.h"
#endif
#if __has_include("ops/normalization.h")
#include "ops/normalization.h"
#endif
#if __has_include("ops/pooling.h")
#include "ops/pooling.h"
#endif
#if __has_include("ops/quantization.h")
#include "ops/quantization.h"
#endif
#if __has_include("ops/random.h")
#include "ops/random.h"
#endif
#if __has_include("ops/recurrent.h")
#include "ops/recurrent.h"
#endif
#if __has_include("ops/reduction.h")
#include "ops/reduction.h"
#endif
#if __has_include("ops/scan.h")
#include "ops/scan.h"
#endif
#if __has_include("ops/selection.h")
#include "ops/selection.h"
#endif
#if __has_include("ops/shape.h")
#include "ops/shape.h"
#endif
#if __has_include("ops/signal.h")
#include "ops/signal.h"
#endif
#if __has_include("ops/softmax.h")
#include "ops/softmax.h"
#endif
#if __has_include("ops/unary.h")
#include "ops/unary.h"
#endif
#if __has_include("ops/variadic.h")
#include "ops/variadic.h"
#endif

namespace burnish {
namespace {

std::vector<const OpDescriptor*> collect_rows() {
  std::vector<const OpDescriptor*> rows;
  const auto add = [&rows](std::span<const OpDescriptor> family) {
    for (const OpDescriptor& row : family) rows.push_back(&row);
  };
#if __has_include("ops/unary.h")
  add(unary_ops());
#endif
#if __has_include("ops/binary.h")
  add(binary_ops());
#endif
#if __has_include("ops/variadic.h")
  add(variadic_ops());
#endif
#if __has_include("ops/cast.h")
  add(cast_ops());
#endif
#if __has_include("ops/reduction.h")
  add(reduction_ops());
#endif
#if __has_include("ops/scan.h")
  add(scan_ops());
#endif
#if __has_include("ops/selection.h")
  add(selection_ops());
#endif
#if __has_include("ops/softmax.h")
  add(softmax_ops());
#endif
#if __has_include("ops/matmul.h")
  add(matmul_ops());
#endif
#if __has_include("ops/einsum.h")
  add(einsum_ops());
#endif
#if __has_include("ops/quantization.h")
  add(quantization_ops());
#endif
#if __has_include("ops/generator.h")
  add(generator_ops());
#endif
#if __has_include("ops/random.h")
  add(random_ops());
#endif
#if __has_include("ops/loss.h")
  add(loss_ops());
#endif
#if __has_include("ops/ml.h")
  add(ml_ops());
#endif
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
