#include "kernels/cpu/product_epilogue.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "ops/fused.h"

namespace burnish {
namespace {

bool is_fused(const Problem& problem) {
  return problem.op == kFusedConv || problem.op == kFusedMatMul;
}

bool has_scales(const Problem& problem) {
  return is_fused(problem) && problem.has_input(kFusedWeightScales);
}

bool has_multiplier(const Problem& problem, const ProductType& type, const EpilogueForm& form) {
  return type.integers() || has_scales(problem) || (form.alpha != 1 && type.x != DType::kFloat32);
}

bool packs_bias(const Problem& problem, const EpilogueForm& form) {
  return form.bias != 0 && is_constant_input(problem, form.bias);
}

Encoding encoding_of(const Problem& problem, int input) {
  return input_encoding(*problem.attrs, input, problem.inputs[static_cast<size_t>(input)].dtype);
}

Activation activation_or_none(const Problem& problem) {
  return is_fused(problem) ? activation_of(*problem.attrs) : Activation{};
}

/// Epilogue::folded
bool folds(const Problem& problem, const ProductType& type, const EpilogueForm& form) {
  const Activation activation = activation_or_none(problem);
  const bool clamps = activation.kind == ActivationKind::kNone || activation.kind == ActivationKind::kRelu ||
                      activation.kind == ActivationKind::kClip;
  const bool residual_fits =
      form.residual == 0 || (!form.residual_after && encoding_of(problem, form.residual).is_integer());
  return type.integers() && clamps && residual_fits && output_encoding(*problem.attrs).is_integer();
}

/// The three arrays of the blob, each padded to whole panels.
struct ColumnArrays {
  bool multiplier, bias, offsets;
  int64_t padded;

  ColumnArrays(const Problem& problem, const ProductType& type, const EpilogueForm& form)
      : multiplier(has_multiplier(problem, type, form)),
        bias(type.integers() || packs_bias(problem, form)),
        offsets(type.integers()),
        padded(form.padded_columns()) {}
  int64_t floats() const { return (multiplier + bias + offsets) * padded; }
};

/// What the folded terms share: 1/scale of Y, and what the residual's zero point comes to.
struct Folding {
  float factor = 1;
  float shift = 0;
};

Folding folding_of(const Problem& problem, const ProductType& type, const EpilogueForm& form) {
  if (!folds(problem, type, form)) return {};
  Folding folding{1 / output_encoding(*problem.attrs).scale, 0};
  if (form.residual != 0) {
    const Encoding residual = encoding_of(problem, form.residual);
    folding.shift = -residual.scale * folding.factor * static_cast<float>(residual.zero);
  }
  return folding;
}

void set_clamp(Epilogue& e, const Encoding& y, const Activation& activation) {
  const IntegerRange range = integer_range(y.dtype);
  IntegerRange clamp = range;
  if (activation.kind == ActivationKind::kRelu) clamp.low = quantize(0, y);
  if (activation.kind == ActivationKind::kClip) clamp = {quantize(activation.alpha, y), quantize(activation.beta, y)};
  e.low = static_cast<uint8_t>(clamp.low - range.low);
  e.high = static_cast<uint8_t>(clamp.high - range.low);
}

}  // namespace

Stored stored_of(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return Stored::kFloat;
    case DType::kBFloat16:
      return Stored::kBFloat16;
    case DType::kFloat16:
      return Stored::kHalf;
    case DType::kUInt8:
      return Stored::kUInt8;
    case DType::kInt8:
      return Stored::kInt8;
    default:
      throw_error(ErrorCode::kUnsupported, "no kernel stores {}", name_of(dtype));
  }
}

bool takes_operands(const Problem& problem, const ProductType& type, const EpilogueForm& form) {
  if (problem.inputs[0].dtype != type.x || problem.inputs[1].dtype != type.w) return false;
  if (!is_encodable(problem.outputs[0].dtype)) return false;
  if (form.bias != 0 && problem.inputs[static_cast<size_t>(form.bias)].dtype != DType::kFloat32) return false;
  if (form.residual != 0 && !is_encodable(problem.inputs[static_cast<size_t>(form.residual)].dtype)) return false;
  if (has_scales(problem)) {
    const TensorDesc& scales = problem.inputs[kFusedWeightScales];
    if (!is_constant_input(problem, kFusedWeightScales) || scales.dtype != DType::kFloat32 ||
        scales.shape.num_elements() != form.columns * form.blocks) {
      return false;
    }
  }
  return !type.integers() || (is_fused(problem) && is_constant_input(problem, 1) && encoding_of(problem, 1).zero == 0 &&
                              (form.bias == 0 || is_constant_input(problem, form.bias)));
}

bool packs_columns(const Problem& problem, const ProductType& type, const EpilogueForm& form) {
  return ColumnArrays(problem, type, form).floats() > 0;
}

PackedBlob pack_columns(const Problem& problem, const ProductType& type, const EpilogueForm& form,
                        std::span<const int32_t> weight_sums) {
  const ColumnArrays arrays(problem, type, form);
  const Folding folding = folding_of(problem, type, form);
  const Encoding x = encoding_of(problem, 0);
  const float scale = (type.integers() ? x.scale * encoding_of(problem, 1).scale : 1.0F) *
                      (type.x == DType::kFloat32 ? 1.0F : form.alpha);
  const float* scales = has_scales(problem) ? problem.constants[kFusedWeightScales].as<float>() : nullptr;
  const Tensor& bias = packs_bias(problem, form) ? problem.constants[static_cast<size_t>(form.bias)] : Tensor{};
  const int64_t bias_step = bias.defined() && bias.num_elements() == 1 ? 0 : 1;
  PackedBlob blob = make_float_blob(arrays.floats());
  for (int64_t i = 0; i < form.columns * form.blocks; ++i) {
    float* to = floats_of(blob) + i / form.columns * form.block_columns() + i % form.columns;
    if (arrays.multiplier) {
      *to = scale * (scales != nullptr ? scales[i] : 1.0F) * folding.factor;
      to += arrays.padded;
    }
    if (arrays.bias) {
      const float own = bias.defined() ? form.bias_scale * bias.as<float>()[i * bias_step] : 0.0F;
      *to = own * folding.factor + folding.shift;
      to += arrays.padded;
    }
    if (arrays.offsets) {
      const int32_t offset = -x.zero * weight_sums[static_cast<size_t>(i)];
      std::memcpy(to, &offset, sizeof(offset));
    }
  }
  return blob;
}

bool packs_epilogue_input(const Problem& problem, const EpilogueForm& form, int input) {
  if (input == kFusedWeightScales && has_scales(problem)) return is_constant_input(problem, input);
  return input != 0 && input == form.bias && packs_bias(problem, form);
}

bool may_overwrite_residual(const Problem& problem, const EpilogueForm& form, int input) {
  return input != 0 && input == form.residual && !form.residual_after &&
         problem.inputs[static_cast<size_t>(input)].dtype == problem.outputs[0].dtype;
}

ProductEpilogue::ProductEpilogue(const Problem& problem, const ProductType& type, const EpilogueForm& form,
                                 std::span<const PackedView> packed, size_t blob)
    : form_(form) {
  const Activation activation = activation_or_none(problem);
  const Encoding y = output_encoding(*problem.attrs);
  Epilogue& e = epilogue_;
  e.activation = static_cast<int>(activation.kind);
  e.alpha = activation.alpha;
  e.beta = activation.beta;
  e.stored = stored_of(problem.outputs[0].dtype);
  e.inverse_scale = 1 / y.scale;
  e.zero = y.zero;
  e.residual_after = form.residual_after;
  e.folded = folds(problem, type, form);
  if (e.folded) set_clamp(e, y, activation);
  if (form.residual != 0) {
    const TensorDesc& residual = problem.inputs[static_cast<size_t>(form.residual)];
    const Encoding r = encoding_of(problem, form.residual);
    e.residual_stored = stored_of(residual.dtype);
    e.residual_row = residual.ld() * stored_bytes(e.residual_stored);
    e.residual_scale = e.folded ? r.scale * e.inverse_scale : r.scale;
    e.residual_zero = r.zero;
  }
  find_columns(problem, type, packed, blob);
}

void ProductEpilogue::find_columns(const Problem& problem, const ProductType& type, std::span<const PackedView> packed,
                                   size_t blob) {
  const ColumnArrays arrays(problem, type, form_);
  if (arrays.floats() > 0) {
    const float* columns = packed_at(packed, blob, arrays.floats());
    if (arrays.multiplier) epilogue_.multiplier = std::exchange(columns, columns + arrays.padded);
    if (arrays.bias) epilogue_.bias = std::exchange(columns, columns + arrays.padded);
    if (arrays.offsets) epilogue_.offsets = reinterpret_cast<const int32_t*>(columns);
  }
  if (form_.bias == 0 || arrays.bias) return;
  one_bias_ = problem.inputs[static_cast<size_t>(form_.bias)].shape.num_elements() == 1;
  scratch_floats_ = arrays.padded;
}

Epilogue ProductEpilogue::epilogue(const KernelArgs& args, float* scratch) const {
  Epilogue e = epilogue_;
  if (scratch_floats_ > 0) {
    copy_bias(static_cast<const float*>(args.inputs[static_cast<size_t>(form_.bias)]), scratch);
    e.bias = scratch;
  }
  if (form_.residual != 0) e.residual = static_cast<const char*>(args.inputs[static_cast<size_t>(form_.residual)]);
  return e;
}

void ProductEpilogue::copy_bias(const float* bias, float* padded) const {
  const int64_t step = one_bias_ ? 0 : 1;
  std::fill_n(padded, scratch_floats_, 0.0F);
  for (int64_t i = 0; i < form_.columns * form_.blocks; ++i) {
    padded[i / form_.columns * form_.block_columns() + i % form_.columns] = form_.bias_scale * bias[i * step];
  }
}

}  // namespace burnish
