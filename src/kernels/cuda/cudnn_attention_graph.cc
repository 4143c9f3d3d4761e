#include "kernels/cuda/cudnn_attention_graph.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace burnish::cuda {
namespace {

using dnn::Descriptor;

constexpr int kMaskInput = 3;
constexpr int64_t kMostColumns = 128, kUnit = 8;  ///< Of a head.

bool has_free_dims(const Problem& p) {
  const auto is_free = [](const TensorDesc& d) { return d.present() && d.free_dims != 0; };
  return std::any_of(p.inputs.begin(), p.inputs.end(), is_free) ||
         std::any_of(p.outputs.begin(), p.outputs.end(), is_free);
}

bool fits(int64_t columns) {
  return columns > 0 && columns <= kMostColumns && columns % kUnit == 0;
}

}  // namespace

bool read_dnn_attention(const Problem& p, DnnAttention& a) {
  if (!p.has_input(0) || p.has_input(kMaskInput) || has_free_dims(p)) return false;
  const TensorDesc &q = p.inputs[0], &y = p.outputs[0];
  const bool packed = p.attrs->get_int("packed_qkv", 0) != 0;
  if (!packed && (!p.has_input(1) || !p.has_input(2))) return false;
  a.type = q.dtype;
  a.scale = p.attrs->get_float("scale", 1);
  a.heads = p.attrs->get_int("num_heads", 1);
  a.batch = q.shape[0];
  a.queries = q.shape[1];
  a.v = y.shape[2] / a.heads;
  a.qk = packed ? a.v : q.shape[2] / a.heads;
  if (packed)
    a.column = {0, a.heads * a.qk, 2 * a.heads * a.qk};
  else
    a.inputs = {0, 1, 2};
  for (size_t i = 0; i < 3; ++i) {
    const TensorDesc& x = p.inputs[static_cast<size_t>(a.inputs[i])];
    if (x.dtype != a.type || !x.dense()) return false;
    a.row[i] = x.ld();
  }
  a.keys = p.inputs[static_cast<size_t>(a.inputs[1])].shape[1];
  const bool narrow = a.type == DType::kFloat16 || a.type == DType::kBFloat16;
  // The library's kernels may look for the largest score before they scale.
  return narrow && y.dtype == a.type && y.dense() && fits(a.qk) && fits(a.v) && a.keys > 0 && a.queries > 0 &&
         a.batch > 0 && std::isfinite(a.scale) && a.scale > 0;
}

std::string key_of(const DnnAttention& a) {
  return fmt::format("{} {},{},{},{},{},{} {}", name_of(a.type), a.batch, a.heads, a.queries, a.keys, a.qk, a.v,
                     fmt::join(a.row, ","));
}

DnnAttentionGraph::DnnAttentionGraph(const DnnAttention& attention, const dnn::Site& site) : a_(attention) {
  const auto id = [](DnnAttentionTensor t) { return static_cast<int64_t>(t); };
  // Rows of all heads follow each other; K is read as its transposed.
  const int64_t q_dims[] = {a_.batch, a_.heads, a_.queries, a_.qk},
                q_strides[] = {a_.queries * a_.row[0], a_.qk, a_.row[0], 1};
  const int64_t k_dims[] = {a_.batch, a_.heads, a_.qk, a_.keys},
                k_strides[] = {a_.keys * a_.row[1], a_.qk, 1, a_.row[1]};
  const int64_t v_dims[] = {a_.batch, a_.heads, a_.keys, a_.v}, v_strides[] = {a_.keys * a_.row[2], a_.v, a_.row[2], 1};
  const int64_t y_row = a_.heads * a_.v;
  const int64_t y_dims[] = {a_.batch, a_.heads, a_.queries, a_.v}, y_strides[] = {a_.queries * y_row, a_.v, y_row, 1};
  const int64_t ones[] = {1, 1, 1, 1};
  const Handle q = tensor(id(DnnAttentionTensor::kQ), {q_dims, q_strides}, a_.type, kDnnAligned);
  const Handle k = tensor(id(DnnAttentionTensor::kK), {k_dims, k_strides}, a_.type, kDnnAligned);
  const Handle v = tensor(id(DnnAttentionTensor::kV), {v_dims, v_strides}, a_.type, kDnnAligned);
  const Handle y = tensor(id(DnnAttentionTensor::kY), {y_dims, y_strides}, a_.type, kDnnAligned);
  const Handle scale = number(id(DnnAttentionTensor::kScale), {ones, ones});

  Handle s = scores(a_.keys, DType::kFloat32);
  multiply(q, k, s);
  s = apply(dnn::kMultiply, s, scale, scores(a_.keys, DType::kFloat32));
  multiply(softmax(s), v, y);
  finish(site);
}

Handle DnnAttentionGraph::scores(int64_t columns, DType type) {
  const int64_t row = a_.queries * columns;
  const int64_t dims[] = {a_.batch, a_.heads, a_.queries, columns}, strides[] = {a_.heads * row, row, columns, 1};
  return between({dims, strides}, type);
}

Handle DnnAttentionGraph::softmax(Handle x) {
  const Handle top = reduce(dnn::kLargestOf, x);
  const Handle below = apply(dnn::kSubtract, x, top, scores(a_.keys, DType::kFloat32));
  const Handle weights = apply(dnn::kExponential, below, nullptr, scores(a_.keys, DType::kFloat32));
  const Handle sum = reduce(dnn::kSumOf, weights);
  // The logarithm of the sum of exponentials, which training would keep: the library knows the pattern with it only.
  const Handle logarithm = apply(dnn::kLogarithm, sum, nullptr, scores(1, DType::kFloat32));
  apply(dnn::kAdd, top, logarithm, scores(1, DType::kFloat32));
  return apply(dnn::kDivide, weights, sum, scores(a_.keys, a_.type));
}

Handle DnnAttentionGraph::apply(int which, Handle x, Handle b, Handle y) {
  Descriptor mode = dnn_mode(which);
  pointwise(mode.finalize(), x, b, y);
  parts_.push_back(std::move(mode));
  return y;
}

Handle DnnAttentionGraph::reduce(int op, Handle x) {
  const Handle y = scores(1, DType::kFloat32);
  Descriptor& how = part(dnn::kReduction);
  how.set(dnn::kReductionOperator, dnn::kTypeReduction, op);
  how.set(dnn::kReductionPrecision, dnn::kTypeDataType, dnn::kFloat);
  const Handle reduction = how.finalize().handle();
  Descriptor& operation = part(dnn::kReductionOperation);
  operation.set(dnn::kReductionName, dnn::kTypeDescriptor, reduction);
  operation.set(dnn::kReductionX, dnn::kTypeDescriptor, x).set(dnn::kReductionY, dnn::kTypeDescriptor, y);
  add(operation);
  return y;
}

void DnnAttentionGraph::multiply(Handle a, Handle b, Handle c) {
  Descriptor& how = part(dnn::kMatmul);
  how.set(dnn::kMatmulPrecision, dnn::kTypeDataType, dnn::kFloat);
  const Handle product = how.finalize().handle();
  Descriptor& operation = part(dnn::kMatmulOperation);
  operation.set(dnn::kMatmulName, dnn::kTypeDescriptor, product);
  operation.set(dnn::kMatmulA, dnn::kTypeDescriptor, a).set(dnn::kMatmulB, dnn::kTypeDescriptor, b);
  operation.set(dnn::kMatmulC, dnn::kTypeDescriptor, c);
  add(operation);
}

}  // namespace burnish::cuda
