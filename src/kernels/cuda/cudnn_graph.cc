#include "kernels/cuda/cudnn_graph.h"

#include <algorithm>

namespace burnish::cuda {
namespace {

using dnn::Descriptor;

/// Above those of tensors in memory.
constexpr int64_t kFirstIdBetween = 100;

int library_type(DType type) {
  return type == DType::kFloat32 ? dnn::kFloat : type == DType::kFloat16 ? dnn::kHalf : dnn::kBFloat16;
}

}  // namespace

Descriptor dnn_mode(int which) {
  Descriptor mode(dnn::kPointwise);
  mode.set(dnn::kPointwiseMode, dnn::kTypePointwiseMode, which);
  mode.set(dnn::kPointwisePrecision, dnn::kTypeDataType, dnn::kFloat);
  return mode;
}

Descriptor& DnnGraph::describe(int64_t id, const Extent& extent, DType type, int64_t alignment) {
  Descriptor& t = part(dnn::kTensor);
  t.set(dnn::kTensorId, dnn::kTypeInt64, id);
  t.set(dnn::kTensorDataType, dnn::kTypeDataType, library_type(type));
  t.set(dnn::kTensorDims, dnn::kTypeInt64, extent.dims).set(dnn::kTensorStrides, dnn::kTypeInt64, extent.strides);
  t.set(dnn::kTensorAlignment, dnn::kTypeInt64, std::max(alignment, static_cast<int64_t>(size_of(type))));
  return t;
}

Handle DnnGraph::tensor(int64_t id, const Extent& extent, DType type, int64_t alignment) {
  return describe(id, extent, type, alignment).finalize().handle();
}

Handle DnnGraph::number(int64_t id, const Extent& extent) {
  Descriptor& t = describe(id, extent, DType::kFloat32, kDnnAnyAddress);
  return t.set(dnn::kTensorIsByValue, dnn::kTypeBoolean, true).finalize().handle();
}

Handle DnnGraph::between(const Extent& extent, DType type) {
  Descriptor& t = describe(kFirstIdBetween + num_between_++, extent, type, kDnnAligned);
  return t.set(dnn::kTensorIsVirtual, dnn::kTypeBoolean, true).finalize().handle();
}

void DnnGraph::pointwise(const Descriptor& mode, Handle x, Handle b, Handle y) {
  Descriptor& operation = part(dnn::kPointwiseOperation);
  operation.set(dnn::kOperationPointwise, mode).set(dnn::kOperationX, dnn::kTypeDescriptor, x);
  if (b != nullptr) operation.set(dnn::kOperationB, dnn::kTypeDescriptor, b);
  operation.set(dnn::kOperationY, dnn::kTypeDescriptor, y);
  add(operation);
}

void DnnGraph::finish(const dnn::Site& site) {
  Descriptor graph(dnn::kOperationGraph);
  site.place(graph, dnn::kGraphHandle, 0);
  graph.set(dnn::kGraphOperations, dnn::kTypeDescriptor, std::span<const Handle>(operations_)).finalize();
  parts_.push_back(std::move(graph));
}

}  // namespace burnish::cuda
