// Epilogues as oneDNN's post-ops.
#include "kernels/cpu/onednn/primitive.h"
#include "ops/fused.h"

namespace burnish::onednn {
namespace {

/// oneDNN's algorithm with its parameters; nullopt where it has none for every version.
struct Eltwise {
  dnnl::algorithm algorithm;
  float alpha = 0, beta = 0;
};

std::optional<Eltwise> eltwise_of(const Activation& a) {
  using dnnl::algorithm;
  switch (a.kind) {
    case ActivationKind::kRelu:
      return Eltwise{algorithm::eltwise_relu};
    case ActivationKind::kClip:
      return Eltwise{algorithm::eltwise_clip, a.alpha, a.beta};
    case ActivationKind::kLeakyRelu:
      return Eltwise{algorithm::eltwise_relu, a.alpha};
    case ActivationKind::kSigmoid:
      return Eltwise{algorithm::eltwise_logistic};
    case ActivationKind::kTanh:
      return Eltwise{algorithm::eltwise_tanh};
    case ActivationKind::kSilu:
      return Eltwise{algorithm::eltwise_swish, 1.0F};
    case ActivationKind::kGelu:
      return Eltwise{algorithm::eltwise_gelu_erf};
    case ActivationKind::kGeluTanh:
      return Eltwise{algorithm::eltwise_gelu_tanh};
#if DNNL_VERSION_MAJOR >= 3
    case ActivationKind::kHardSwish:
      return Eltwise{algorithm::eltwise_hardswish, 1 / 6.0F, 0.5F};
    case ActivationKind::kHardSigmoid:
      return Eltwise{algorithm::eltwise_hardsigmoid, a.alpha, a.beta};
#else
    case ActivationKind::kHardSwish:
      return Eltwise{algorithm::eltwise_hardswish};
#endif
    default:
      return std::nullopt;
  }
}

void append_eltwise(dnnl::post_ops& ops, const Eltwise& e) {
#if DNNL_VERSION_MAJOR >= 3
  ops.append_eltwise(e.algorithm, e.alpha, e.beta);
#else
  ops.append_eltwise(1.0F, e.algorithm, e.alpha, e.beta);
#endif
}

/// Post-ops in the making. Of linear ones there is at most one, Y's encoding: oneDNN 2.6 computes a second one with the
/// first one's numbers.
struct PostOps {
  dnnl::post_ops ops;
  std::vector<std::pair<Operand, int>> operands;

  void append(dnnl::algorithm algorithm, Operand operand, const dnnl::memory::desc& desc) {
    operands.emplace_back(operand, ops.len());
    ops.append_binary(algorithm, desc);
  }
  /// R counts scale·(r - zero): the sum is brought to its scale and back.
  void append_residual(bool is_integer, const dnnl::memory::desc& residual, const dnnl::memory::desc& row) {
    if (is_integer) append(dnnl::algorithm::binary_mul, Operand::kResidualInverse, row);
    append(dnnl::algorithm::binary_add, Operand::kResidual, residual);
    if (!is_integer) return;
    append(dnnl::algorithm::binary_mul, Operand::kResidualScale, row);
    append(dnnl::algorithm::binary_add, Operand::kResidualShift, row);
  }
};

Dims dense_strides(const Dims& dims) {
  Dims strides(dims.size(), 1);
  for (size_t i = dims.size() - 1; i > 0; --i) strides[i - 1] = strides[i] * dims[i];
  return strides;
}

}  // namespace

std::optional<Epilogue> epilogue_of(const Problem& p, const Dims& y, const Dims& y_strides, const Dims& columns) {
  PostOps made;
  const dnnl::memory::desc row = strided(columns, dense_strides(columns), DType::kFloat32);
  if (is_integer_product(p)) {
    made.append(dnnl::algorithm::binary_mul, Operand::kMultiplier, row);
    made.append(dnnl::algorithm::binary_add, Operand::kBias, row);
  }
  const Residual where = p.has_input(kFusedResidual) ? residual_of(*p.attrs) : Residual::kNone;
  const DType r = where == Residual::kNone ? DType::kFloat32 : p.inputs[kFusedResidual].dtype;
  const bool integer_residual = Encoding{r}.is_integer();
  const dnnl::memory::desc residual = strided(y, y_strides, r);
  if (where == Residual::kBefore) made.append_residual(integer_residual, residual, row);
  const Activation activation = activation_of(*p.attrs);
  if (activation.kind != ActivationKind::kNone) {
    const auto eltwise = eltwise_of(activation);
    if (!eltwise) return std::nullopt;
    append_eltwise(made.ops, *eltwise);
  }
  if (where == Residual::kAfter) made.append_residual(integer_residual, residual, row);
  const Encoding result = output_encoding(*p.attrs);
  if (result.is_integer()) {
    append_eltwise(made.ops, {dnnl::algorithm::eltwise_linear, 1 / result.scale, static_cast<float>(result.zero)});
  }
  Epilogue epilogue{{}, std::move(made.operands)};
  epilogue.attr.set_post_ops(made.ops);
  epilogue.attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return epilogue;
}

void add_operands(const Problem& p, const Epilogue& epilogue, const dnnl::memory::desc& residual, const Dims& columns,
                  int64_t column, int64_t element, std::vector<Argument>& arguments) {
  using Source = Argument::Source;
  const dnnl::memory::desc desc = strided(columns, dense_strides(columns), DType::kFloat32);
  const int64_t all = p.outputs[0].shape.back();
  for (const auto& [operand, number] : epilogue.operands) {
    const int name = DNNL_ARG_ATTR_MULTIPLE_POST_OP(number) | DNNL_ARG_SRC_1;
    if (operand == Operand::kResidual) {
      const auto bytes = static_cast<int64_t>(size_of(p.inputs[kFusedResidual].dtype));
      arguments.push_back({Source::kInput, kFusedResidual, element * bytes, name, residual});
      continue;
    }
    const int64_t first = static_cast<int64_t>(operand) * all + column;
    arguments.push_back({Source::kPacked, 1, first * static_cast<int64_t>(sizeof(float)), name, desc});
  }
}

PackedBlob pack_columns(const Problem& p, int64_t columns, bool by_row) {
  const Encoding x = input_encoding(*p.attrs, 0, p.inputs[0].dtype);
  const Encoding r = p.has_input(kFusedResidual)
                         ? input_encoding(*p.attrs, kFusedResidual, p.inputs[kFusedResidual].dtype)
                         : Encoding{};
  const float scale = x.scale * input_encoding(*p.attrs, 1, p.inputs[1].dtype).scale * p.attrs->get_float("alpha", 1);
  const auto* w = p.constants[1].as<int8_t>();
  const int64_t k = p.constants[1].num_elements() / columns;
  PackedBlob blob(static_cast<size_t>(kNumColumnRows * columns) * sizeof(float));
  for (int64_t c = 0; c < columns; ++c) {
    int64_t sum = 0;
    for (int64_t i = 0; i < k; ++i) sum += by_row ? w[i * columns + c] : w[c * k + i];
    const float own = p.has_input(kFusedWeightScales) ? p.constants[kFusedWeightScales].as<float>()[c] : 1.0F;
    const float bias = p.has_input(kFusedBias) ? p.constants[kFusedBias].as<float>()[c] : 0.0F;
    const float row[kNumColumnRows] = {scale * own, bias - scale * own * static_cast<float>(x.zero * sum), 1 / r.scale,
                                       r.scale, -r.scale * static_cast<float>(r.zero)};
    for (int64_t i = 0; i < kNumColumnRows; ++i) reinterpret_cast<float*>(blob.data())[i * columns + c] = row[i];
  }
  return blob;
}

std::vector<const void*> blobs_of(const Problem& p, int64_t columns, std::span<const PackedView> packed) {
  const size_t expected = is_integer_product(p) ? 2 : 1;
  check(packed.size() == expected &&
            (expected == 1 || packed[1].size() == static_cast<size_t>(kNumColumnRows * columns) * sizeof(float)),
        ErrorCode::kUnsupported, "the packed columns do not fit the step");
  std::vector<const void*> blobs;
  for (const PackedView& view : packed) blobs.push_back(view.data());
  return blobs;
}

}  // namespace burnish::onednn
