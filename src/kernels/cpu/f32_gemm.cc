#include <algorithm>

#include "base/checked.h"
#include "kernels/cpu/f32_gemm_functions.h"
#include "kernels/cpu/tactics.h"
#include "ops/fused.h"

namespace burnish {
namespace {

constexpr int kBias = 2;
constexpr int kResidual = 3;

/// What a problem of any of the three operators comes down to.
struct GemmForm {
  int64_t m = 0, k = 0, n = 0;  // of one batch; all batches in m when the weights are shared
  bool trans_b = false;
  float alpha = 1;
  float bias_scale = 1;
  bool shared_b = false;  // one right-hand side for all batches
  int residual = 0;       // input that is added element by element; 0: none
  bool residual_after = false;
  int bias = 0;  // input that is added per column; 0: none
};

int64_t dim_from_back(const TensorDesc& desc, int i) {
  return desc.shape[desc.shape.rank() - 1 - i];
}

/// Gemm's C, of any shape that broadcasts to [M, N]: per column or per element. False for a column vector.
bool read_gemm_addend(const Problem& problem, GemmForm& form) {
  form.bias_scale = problem.attrs->get_float("beta", 1);
  if (!problem.has_input(kBias)) return true;
  const Shape& shape = problem.inputs[kBias].shape;
  const int64_t elements = shape.num_elements();
  const bool one_row = shape.rank() <= 1 || shape[0] == 1;
  if (one_row && (elements == form.n || elements == 1)) {
    form.bias = kBias;
    return true;
  }
  if (form.bias_scale != 1 || shape.rank() != 2 || elements != form.m * form.n) return false;
  form.residual = kBias;
  return true;
}

bool read_fused_addends(const Problem& problem, GemmForm& form) {
  if (problem.has_input(kBias)) form.bias = kBias;
  const Residual residual = residual_of(*problem.attrs);
  if (!problem.has_input(kResidual) || residual == Residual::kNone) return true;
  form.residual = kResidual;
  form.residual_after = residual == Residual::kAfter;
  return true;
}

/// False when the problem is none of ours.
bool read_form(const Problem& problem, GemmForm& form) {
  const AttributeMap& attrs = *problem.attrs;
  const TensorDesc& a = problem.inputs[0];
  const TensorDesc& b = problem.inputs[1];
  if (a.shape.rank() < 2 || b.shape.rank() < 2 || attrs.get_int("transA", 0) != 0) return false;
  form.trans_b = attrs.get_int("transB", 0) != 0;
  form.alpha = attrs.get_float("alpha", 1);
  form.k = a.shape.back();
  form.n = dim_from_back(b, form.trans_b ? 1 : 0);
  form.shared_b = b.shape.product(0, b.shape.rank() - 2) == 1 && a.shape.rank() >= b.shape.rank();
  form.m = form.shared_b ? a.shape.product(0, a.shape.rank() - 1) : dim_from_back(a, 1);
  return problem.op == "Gemm" ? read_gemm_addend(problem, form) : read_fused_addends(problem, form);
}

bool packs_weights(const Problem& problem, const GemmForm& form) {
  return form.shared_b && is_constant_input(problem, 1);
}
bool packs_bias(const Problem& problem, const GemmForm& form) {
  return form.bias != 0 && is_constant_input(problem, form.bias);
}

/// Offsets of A's and B's matrices for every batch, in elements.
struct BatchOffsets {
  std::vector<int64_t> a, b;
};

int64_t broadcast_offset(const TensorDesc& desc, const Shape& batch, int64_t index) {
  const int rank = desc.shape.rank() - 2;
  int64_t offset = 0;
  int64_t stride = desc.shape[rank] * desc.ld();
  for (int i = 1; i <= batch.rank(); ++i) {
    const int64_t dim = batch[batch.rank() - i];
    if (i <= rank) {
      const int64_t own = desc.shape[rank - i];
      if (own != 1) offset += index % dim * stride;
      stride *= own;
    }
    index /= dim;
  }
  return offset;
}

BatchOffsets batch_offsets(const Problem& problem) {
  const Shape& y = problem.outputs[0].shape;
  const Shape batch(y.dims().first(static_cast<size_t>(y.rank() - 2)));
  BatchOffsets offsets;
  for (int64_t i = 0; i < batch.num_elements(); ++i) {
    offsets.a.push_back(broadcast_offset(problem.inputs[0], batch, i));
    offsets.b.push_back(broadcast_offset(problem.inputs[1], batch, i));
  }
  return offsets;
}

class GemmKernel : public Kernel {
 public:
  GemmKernel(const Problem& problem, const GemmForm& form, int tile_panels, std::span<const PackedView> packed,
             const Target& target)
      : form_(form), functions_(*f32_gemm_functions(target.isa)), l2_bytes_(target.l2_bytes) {
    size_t next = 0;
    if (packs_weights(problem, form)) weights_ = packed_at(packed, next++, packed_floats(form.k, form.n));
    if (packs_bias(problem, form)) bias_ = packed_at(packed, next, round_up(form.n, kPanelColumns));
    product_.tile_panels = tile_panels;
    product_.a_row = problem.inputs[0].ld();
    product_.rows = form.m;
    product_.tap_k = form.k;
    product_.b_panel = form.k * kPanelColumns;
    product_.columns = form.n;
    product_.c_row = problem.outputs[0].ld();
    b_row_ = form.trans_b ? 1 : problem.inputs[1].ld();
    b_column_ = form.trans_b ? problem.inputs[1].ld() : 1;
    if (form.residual != 0) residual_row_ = problem.inputs[static_cast<size_t>(form.residual)].ld();
    if (problem.op == kFusedMatMul) product_.epilogue = f32_epilogue_of(*problem.attrs);
    product_.epilogue.residual_row = residual_row_;
    product_.epilogue.residual_after = form.residual_after;
    one_bias_ = form.bias != 0 && problem.inputs[static_cast<size_t>(form.bias)].shape.num_elements() == 1;
    if (form.shared_b) {
      offsets_.a = offsets_.b = {0};
    } else {
      offsets_ = batch_offsets(problem);
    }
  }

  size_t scratch_bytes() const override {
    const int64_t bias = form_.bias != 0 && bias_ == nullptr ? round_up(form_.n, kPanelColumns) : 0;
    return static_cast<size_t>(bias + (weights_ == nullptr ? packed_floats(form_.k, form_.n) : 0)) * sizeof(float);
  }

  void run(const KernelArgs& args) const override {
    auto* scratch = static_cast<float*>(args.scratch);
    F32Product product = product_;
    product.epilogue.bias = bias_;
    if (form_.bias != 0 && bias_ == nullptr) {
      copy_bias(static_cast<const float*>(args.inputs[static_cast<size_t>(form_.bias)]), scratch);
      product.epilogue.bias = scratch;
      scratch += round_up(form_.n, kPanelColumns);
    }
    for (size_t i = 0; i < offsets_.a.size(); ++i) run_batch(args, i, product, scratch);
  }

 private:
  void run_batch(const KernelArgs& args, size_t i, F32Product product, float* packed) const {
    const auto first_row = static_cast<int64_t>(i) * form_.m;
    if (weights_ == nullptr && (i == 0 || offsets_.b[i] != offsets_.b[i - 1])) pack_b(args, offsets_.b[i], packed);
    product.a = static_cast<const float*>(args.inputs[0]) + offsets_.a[i];
    product.b = weights_ != nullptr ? weights_ : packed;
    product.c = static_cast<float*>(args.outputs[0]) + first_row * product.c_row;
    if (form_.residual != 0) {
      const auto* residual = static_cast<const float*>(args.inputs[static_cast<size_t>(form_.residual)]);
      product.epilogue.residual = residual + first_row * residual_row_;
    }
    run_split_product(functions_, product, *args.pool, l2_bytes_);
  }

  void copy_bias(const float* bias, float* padded) const {
    const int64_t step = one_bias_ ? 0 : 1;
    for (int64_t i = 0; i < form_.n; ++i) padded[i] = form_.bias_scale * bias[i * step];
    std::fill(padded + form_.n, padded + round_up(form_.n, kPanelColumns), 0.0F);
  }

  void pack_b(const KernelArgs& args, int64_t offset, float* packed) const {
    const float* b = static_cast<const float*>(args.inputs[1]) + offset;
    const int64_t num_panels = (form_.n + kPanelColumns - 1) / kPanelColumns;
    args.pool->for_ranges(num_panels, [&](int64_t begin, int64_t end) {
      const int64_t column = begin * kPanelColumns;
      functions_.pack(b + column * b_column_, b_row_, b_column_, form_.k,
                      std::min(form_.n, end * kPanelColumns) - column, form_.alpha, packed + column * form_.k);
    });
  }

  GemmForm form_;
  const F32GemmFunctions& functions_;
  int64_t l2_bytes_;
  const float* weights_ = nullptr;
  const float* bias_ = nullptr;
  F32Product product_;
  int64_t b_row_ = 0, b_column_ = 0, residual_row_ = 0;
  bool one_bias_ = false;
  BatchOffsets offsets_;
};

class GemmTactic : public Tactic {
 public:
  std::string_view name() const override { return "cpu.f32_gemm"; }
  std::vector<std::string_view> ops() const override { return {kFusedMatMul, "MatMul", "Gemm"}; }

  bool supports(const Problem& problem, const Target& target) const override {
    const auto is_float = [](const TensorDesc& d) { return !d.present() || d.dtype == DType::kFloat32; };
    GemmForm form;
    return f32_gemm_functions(target.isa) != nullptr &&
           std::all_of(problem.inputs.begin(), problem.inputs.end(), is_float) && is_float(problem.outputs[0]) &&
           (problem.op != kFusedMatMul || !problem.has_input(kFusedWeightScales)) && read_form(problem, form);
  }

  std::vector<std::string> candidates(const Problem&, const Target& target) const override {
    return tile_candidates(target, 3);
  }

  bool packs_input(const Problem& problem, int input) const override {
    GemmForm form;
    if (!read_form(problem, form)) return false;
    return (input == 1 && packs_weights(problem, form)) ||
           (input != 0 && input == form.bias && packs_bias(problem, form));
  }

  std::vector<PackedBlob> pack(const Problem& problem, const std::string&) const override {
    GemmForm form;
    read_form(problem, form);
    std::vector<PackedBlob> blobs;
    if (packs_weights(problem, form)) {
      blobs.push_back(make_float_blob(packed_floats(form.k, form.n)));
      avx2::kF32Gemm.pack(problem.constants[1].as<float>(), form.trans_b ? 1 : form.n, form.trans_b ? form.k : 1,
                          form.k, form.n, form.alpha, floats_of(blobs.back()));
    }
    if (packs_bias(problem, form)) {
      blobs.push_back(pack_bias(problem.constants[static_cast<size_t>(form.bias)], form.n, form.bias_scale));
    }
    return blobs;
  }

  std::unique_ptr<Kernel> prepare(const Problem& problem, const std::string& config, std::span<const PackedView> packed,
                                  const Target& target) const override {
    GemmForm form;
    check(read_form(problem, form), ErrorCode::kUnsupported, "{} with these shapes is not for cpu.f32_gemm",
          problem.op);
    return std::make_unique<GemmKernel>(problem, form, tile_panels_of(config, name()), packed, target);
  }

  bool accepts_strided_input(const Problem& problem, int input) const override {
    GemmForm form;
    return input == 0 || (read_form(problem, form) && input == form.residual);
  }
  bool accepts_strided_output(const Problem&, int) const override { return true; }
  /// An element of the residual is read just before its sum is stored, if it stands before the activation.
  bool may_run_in_place(const Problem& problem, int input) const override {
    GemmForm form;
    return input > 1 && read_form(problem, form) && input == form.residual && !form.residual_after;
  }
};

}  // namespace

// Weights that are constant and shared by all batches are packed at build time; others while running.
const Tactic& f32_gemm_tactic() {
  static const GemmTactic tactic;
  return tactic;
}

}  // namespace burnish
