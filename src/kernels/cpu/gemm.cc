// cpu.f32_gemm, cpu.u8_gemm, cpu.bf16_gemm, cpu.f16_gemm: matrix products.
#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "kernels/cpu/gemm_form.h"
#include "kernels/cpu/tactics.h"
#include "ops/fused.h"

namespace burnish {
namespace {

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
  GemmKernel(const Problem& problem, const ProductType& type, const GemmForm& form, int tile_panels,
             std::span<const PackedView> packed, const Target& target)
      : type_(type), form_(form), functions_(*gemm_functions(type, target.isa)), l2_bytes_(target.l2_bytes) {
    const int64_t steps = type.steps(form.k);
    size_t next = 0;
    if (packs_gemm_weights(problem, form)) weights_ = packed_bytes_at(packed, next++, type.packed_bytes(steps, form.n));
    epilogue_ = ProductEpilogue(problem, type, form.epilogue, packed, next);
    copies_a_ = functions_.widen != nullptr || form.k % type.step != 0;
    a_row_ = problem.inputs[0].ld() * type.x_bytes;
    product_.tile_panels = tile_panels;
    product_.a_row = copies_a_ ? steps * kStepBytes : a_row_;
    product_.rows = form.m;
    product_.tap_steps = steps;
    product_.b_panel = type.panel_bytes(steps);
    product_.columns = form.n;
    product_.c_row = problem.outputs[0].ld() * static_cast<int64_t>(size_of(problem.outputs[0].dtype));
    b_row_ = form.trans_b ? 1 : problem.inputs[1].ld();
    b_column_ = form.trans_b ? problem.inputs[1].ld() : 1;
    if (form.shared_b) {
      offsets_.a = offsets_.b = {0};
    } else {
      offsets_ = batch_offsets(problem);
    }
  }

  size_t scratch_bytes() const override { return static_cast<size_t>(bias_bytes() + weights_bytes() + a_bytes()); }

  void run(const KernelArgs& args) const override {
    auto* scratch = static_cast<char*>(args.scratch);
    Product product = product_;
    product.epilogue = epilogue_.epilogue(args, static_cast<float*>(args.scratch));
    for (size_t i = 0; i < offsets_.a.size(); ++i) {
      run_batch(args, i, product, scratch + bias_bytes(), scratch + bias_bytes() + weights_bytes());
    }
  }

 private:
  int64_t bias_bytes() const { return epilogue_.scratch_floats() * static_cast<int64_t>(sizeof(float)); }
  int64_t weights_bytes() const {
    return weights_ != nullptr ? 0 : round_up(type_.packed_bytes(product_.tap_steps, form_.n), kAlignment);
  }
  int64_t a_bytes() const { return copies_a_ ? form_.m * product_.a_row : 0; }

  void run_batch(const KernelArgs& args, size_t i, Product product, char* packed, char* copy) const {
    const auto first_row = static_cast<int64_t>(i) * form_.m;
    if (weights_ == nullptr && (i == 0 || offsets_.b[i] != offsets_.b[i - 1])) pack_b(args, offsets_.b[i], packed);
    product.a = static_cast<const char*>(args.inputs[0]) + offsets_.a[i] * type_.x_bytes;
    if (copies_a_) {
      copy_a(product.a, *args.pool, copy);
      product.a = copy;
    }
    product.b = weights_ != nullptr ? weights_ : packed;
    product.c = static_cast<char*>(args.outputs[0]) + first_row * product.c_row;
    if (product.epilogue.residual != nullptr) product.epilogue.residual += first_row * product.epilogue.residual_row;
    run_split_product(functions_, product, *args.pool, l2_bytes_);
  }

  /// Rows of whole steps, zeros behind K.
  void copy_a(const char* a, ThreadPool& pool, char* copy) const {
    const int64_t bytes = form_.k * type_.a_bytes;
    pool.for_ranges(form_.m, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        char* to = copy + i * product_.a_row;
        if (functions_.widen != nullptr) {
          functions_.widen(a + i * a_row_, form_.k, to);
        } else {
          std::memcpy(to, a + i * a_row_, static_cast<size_t>(bytes));
        }
        std::memset(to + bytes, 0, static_cast<size_t>(product_.a_row - bytes));
      }
    });
  }

  void pack_b(const KernelArgs& args, int64_t offset, char* packed) const {
    const auto* b = static_cast<const char*>(args.inputs[1]) + offset * type_.w_bytes;
    const int64_t num_panels = (form_.n + kPanelColumns - 1) / kPanelColumns;
    args.pool->for_ranges(num_panels, [&](int64_t begin, int64_t end) {
      const int64_t column = begin * kPanelColumns;
      functions_.pack(b + column * b_column_ * type_.w_bytes, b_row_, b_column_, form_.k,
                      std::min(form_.n, end * kPanelColumns) - column, form_.epilogue.alpha,
                      packed + begin * product_.b_panel);
    });
  }

  const ProductType& type_;
  GemmForm form_;
  const GemmFunctions& functions_;
  int64_t l2_bytes_;
  const char* weights_ = nullptr;
  ProductEpilogue epilogue_;
  Product product_;
  bool copies_a_ = false;
  int64_t a_row_ = 0;
  int64_t b_row_ = 0, b_column_ = 0;  // in elements
  BatchOffsets offsets_;
};

std::vector<int32_t> column_sums(const GemmForm& form, const Tensor& weights) {
  std::vector<int32_t> sums(static_cast<size_t>(form.n));
  const auto* w = weights.as<int8_t>();
  for (int64_t i = 0; i < form.k * form.n; ++i) {
    sums[static_cast<size_t>(form.trans_b ? i / form.k : i % form.n)] += w[i];
  }
  return sums;
}

class GemmTactic : public Tactic {
 public:
  explicit GemmTactic(const ProductType& type) : type_(type), name_(fmt::format("cpu.{}_gemm", type.name)) {}

  std::string_view name() const override { return name_; }
  int version() const override { return 2; }
  std::vector<std::string_view> ops() const override { return {kFusedMatMul, "MatMul", "Gemm"}; }

  bool supports(const Problem& problem, const Target& target) const override {
    GemmForm form;
    return gemm_functions(type_, target.isa) != nullptr && read_gemm_form(problem, form) &&
           takes_operands(problem, type_, form.epilogue) &&
           (!type_.integers() || (form.shared_b && form.k <= kMostIntegerK));
  }

  std::vector<std::string> candidates(const Problem&, const Target& target) const override {
    return tile_candidates(type_, target, 3);
  }

  bool packs_input(const Problem& problem, int input) const override {
    GemmForm form;
    if (!read_gemm_form(problem, form)) return false;
    return (input == 1 && packs_gemm_weights(problem, form)) || packs_epilogue_input(problem, form.epilogue, input);
  }

  std::vector<PackedBlob> pack(const Problem& problem, const std::string&) const override {
    GemmForm form;
    read_gemm_form(problem, form);
    std::vector<PackedBlob> blobs;
    if (packs_gemm_weights(problem, form)) {
      blobs.emplace_back(static_cast<size_t>(type_.packed_bytes(type_.steps(form.k), form.n)));
      gemm_functions(type_, Isa::kAvx2)
          ->pack(problem.constants[1].data(), form.trans_b ? 1 : form.n, form.trans_b ? form.k : 1, form.k, form.n,
                 form.epilogue.alpha, blobs.back().data());
    }
    if (packs_columns(problem, type_, form.epilogue)) {
      const auto sums = type_.integers() ? column_sums(form, problem.constants[1]) : std::vector<int32_t>{};
      blobs.push_back(pack_columns(problem, type_, form.epilogue, sums));
    }
    return blobs;
  }

  std::unique_ptr<Kernel> prepare(const Problem& problem, const std::string& config, std::span<const PackedView> packed,
                                  const Target& target) const override {
    GemmForm form;
    check(read_gemm_form(problem, form), ErrorCode::kUnsupported, "{} with these shapes is not for {}", problem.op,
          name_);
    return std::make_unique<GemmKernel>(problem, type_, form, tile_panels_of(config, name_), packed, target);
  }

  bool accepts_strided_input(const Problem& problem, int input) const override {
    GemmForm form;
    return input == 0 || (read_gemm_form(problem, form) && input == form.epilogue.residual);
  }
  bool accepts_strided_output(const Problem&, int) const override { return true; }
  bool may_run_in_place(const Problem& problem, int input) const override {
    GemmForm form;
    return read_gemm_form(problem, form) && may_overwrite_residual(problem, form.epilogue, input);
  }

 private:
  const ProductType& type_;
  std::string name_;
};

}  // namespace

// Weights that are constant and shared by all batches are packed at build time; others while running.
const Tactic& f32_gemm_tactic() {
  static const GemmTactic tactic(kF32Product);
  return tactic;
}
const Tactic& u8_gemm_tactic() {
  static const GemmTactic tactic(kU8Product);
  return tactic;
}
const Tactic& bf16_gemm_tactic() {
  static const GemmTactic tactic(kBf16Product);
  return tactic;
}
const Tactic& f16_gemm_tactic() {
  static const GemmTactic tactic(kF16Product);
  return tactic;
}

}  // namespace burnish
