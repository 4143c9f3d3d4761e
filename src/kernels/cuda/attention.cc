// cuda.attention: FusedAttention as one kernel. On tensor cores where operands are FLOAT16 or BFLOAT16 with heads of at
// most 128 columns, else in FP32.
#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/cuda/attention_source.h"
#include "kernels/cuda/generated.h"
#include "kernels/cuda/tactics.h"
#include "kernels/cuda/tensor_core.h"
#include "ops/fused.h"

namespace burnish::cuda {
namespace {

constexpr int kMask = 3;
constexpr int64_t kMostMmaColumns = 128, kMostColumns = 512;
constexpr int64_t kFmaRows = 16;

/// What a problem comes down to. Sizes in elements.
struct Form {
  DType type = DType::kUndefined, y_type = DType::kUndefined;
  int64_t batch = 0, queries = 0, keys = 0, heads = 1;
  int64_t qk = 0, v = 0;               ///< Columns of a head.
  std::array<int, 3> inputs = {};      ///< Of q, k, v.
  std::array<int64_t, 3> column = {};  ///< Where the first head begins in them.
  bool keys_are_free = false;
};

Form form_of(const Problem& p) {
  const TensorDesc &q = p.inputs[0], &y = p.outputs[0];
  Form f{.type = q.dtype, .y_type = y.dtype, .batch = q.shape[0], .queries = q.shape[1]};
  f.heads = p.attrs->get_int("num_heads", 1);
  f.v = y.shape[2] / f.heads;
  const bool packed = p.attrs->get_int("packed_qkv", 0) != 0;
  f.qk = packed ? f.v : q.shape[2] / f.heads;
  if (packed) {
    f.column = {0, f.heads * f.qk, 2 * f.heads * f.qk};
  } else {
    f.inputs = {0, 1, 2};
  }
  const TensorDesc& k = p.inputs[static_cast<size_t>(f.inputs[1])];
  f.keys = k.shape[1];
  f.keys_are_free = k.is_free(1);
  return f;
}

bool uses_mma(const Form& f, int sm) {
  const bool multiplies = f.type == DType::kBFloat16 ? sm >= 80 : f.type == DType::kFloat16;
  return multiplies && f.qk <= kMostMmaColumns && f.v <= kMostMmaColumns;
}

int64_t padded(int64_t columns) {
  return ceil_div(columns, 16) * 16;
}

/// A configuration of the kernel on tensor cores, as attention_source.h names its parts.
struct Tiles {
  int rows = 64, keys = 64, split = 1;
  int blocks = 0;  ///< That registers are to leave room for on a multiprocessor; 0: the compiler's choice.

  explicit Tiles(const std::string& config)
      : rows(int_of(config, "rows", 64)),
        keys(int_of(config, "keys", 64)),
        split(int_of(config, "split", 1)),
        blocks(int_of(config, "blocks", 0)) {}
  Tiles(int r, int k, int s, int b) : rows(r), keys(k), split(s), blocks(b) {}
  int warps() const { return rows / 16 * split; }
  int stages(const Form& f) const { return !f.keys_are_free && f.keys <= keys ? 1 : 2; }
  size_t shared_bytes(const Form& f) const {
    const int64_t tiles = stages(f) * keys * ((padded(f.qk) + padded(f.v) + 16) * 2 + 4);  // keys, values, mask
    const int64_t slots = warps() * (padded(f.v) / 2 + 4) * 32 * 4;
    return static_cast<size_t>(std::max(tiles, slots));
  }
  std::string config(const std::string& arch) const {
    const std::string text = fmt::format("{} rows={} keys={} split={}", arch, rows, keys, split);
    return blocks == 0 ? text : fmt::format("{} blocks={}", text, blocks);
  }
};

bool is_mma(const std::string& config) {
  return !text_of(config, "rows").empty();
}

bool has_rows_of_its_own(const TensorDesc& mask) {
  const int i = mask.shape.rank() - 2;
  return i >= 0 && (mask.shape[i] != 1 || mask.is_free(i));
}

bool has_wide_entry(const Form& f) {
  return f.qk % 8 == 0 && f.v % 8 == 0;
}

std::string constants_of(const Problem& p, const Form& f) {
  const bool masked = p.has_input(kMask);
  const int mask = !masked ? 0 : p.inputs[kMask].dtype == DType::kFloat32 ? 1 : 2;
  return fmt::format(
      "using T = {};\nusing Y = {};\nconstexpr int kHeads = {}, kQk = {}, kV = {}, kMask = {}, kFixedKeys = {};\n"
      "constexpr float kScale = {:a}f;\nconstexpr bool kMaskedRowsZero = {}, kMaskPerRow = {};\n",
      type_name(f.type), type_name(f.y_type), f.heads, f.qk, f.v, mask, f.keys_are_free ? 0 : f.keys,
      p.attrs->get_float("scale", 1), p.attrs->get_int("masked_rows_zero", 0) != 0,
      masked && has_rows_of_its_own(p.inputs[kMask]));
}

/// As the source declares it.
struct Arguments {
  const void *q = nullptr, *k = nullptr, *v = nullptr, *mask = nullptr;
  void* y = nullptr;
  int64_t q_row = 0, k_row = 0, v_row = 0, y_row = 0;
  std::array<int64_t, 4> mask_strides = {};
  int queries = 0, keys = 0, blocks = 0;
};

std::array<int64_t, 4> mask_strides_of(const TensorDesc& mask) {
  std::array<int64_t, 4> strides = {};
  int64_t stride = 1;
  auto at = strides.rbegin();
  for (int i = mask.shape.rank() - 1; i >= 0; --i, ++at) {
    *at = mask.shape[i] == 1 ? 0 : stride;
    stride *= mask.shape[i];
  }
  return strides;
}

class AttentionKernel : public Kernel {
 public:
  AttentionKernel(const Problem& p, const std::string& config, PackedView cubin, const Target& target)
      : form_(form_of(p)) {
    const Device& device = device_of(target);
    if (is_mma(config)) {
      const Tiles tiles(config);
      shape_.block_x = tiles.warps() * 32;
      shape_.shared_bytes = tiles.shared_bytes(form_);
      narrow_ = Function(device, cubin, "attention_narrow", shape_.shared_bytes);
      if (has_wide_entry(form_)) wide_ = Function(device, cubin, "attention_wide", shape_.shared_bytes);
      set_arguments(p, tiles.rows);
    } else {
      shape_.block_x = 128;
      narrow_ = Function(device, cubin, "attention_fma");
      set_arguments(p, kFmaRows);
    }
    may_be_wide_ = is_mma(config) && has_wide_entry(form_) && rows_are_aligned();
  }

  void run(const KernelArgs& args) const override {
    if (shape_.grid_x == 0) return;
    Arguments a = arguments_;
    a.q = operand(args, 0);
    a.k = operand(args, 1);
    a.v = operand(args, 2);
    a.mask = args.inputs.size() > kMask ? args.inputs[kMask] : nullptr;
    a.y = args.outputs[0];
    const auto bits = [](const void* p) { return reinterpret_cast<uintptr_t>(p); };
    const bool wide = may_be_wide_ && (bits(a.q) | bits(a.k) | bits(a.v) | bits(a.y)) % 16 == 0;
    Parameters parameters;
    parameters.add(a);
    (wide ? wide_ : narrow_).launch(shape_, parameters, args.stream);
  }

 private:
  void set_arguments(const Problem& p, int64_t rows) {
    const auto row = [&](size_t i) { return p.inputs[static_cast<size_t>(form_.inputs[i])].ld(); };
    arguments_.q_row = row(0);
    arguments_.k_row = row(1);
    arguments_.v_row = row(2);
    arguments_.y_row = p.outputs[0].ld();
    if (p.has_input(kMask)) arguments_.mask_strides = mask_strides_of(p.inputs[kMask]);
    const int64_t blocks = ceil_div(form_.queries, rows), grid = blocks * form_.heads * form_.batch;
    check(std::max({form_.queries, form_.keys, grid}) <= INT32_MAX, ErrorCode::kUnsupported,
          "{} queries, {} keys in {} heads are too many for cuda.attention", form_.queries, form_.keys,
          form_.heads * form_.batch);
    arguments_.queries = static_cast<int>(form_.queries);
    arguments_.keys = static_cast<int>(form_.keys);
    arguments_.blocks = static_cast<int>(blocks);
    shape_.grid_x = grid;
  }

  bool rows_are_aligned() const {
    const Arguments& a = arguments_;
    const auto y_unit = static_cast<int64_t>(16 / size_of(form_.y_type));
    return a.q_row % 8 == 0 && a.k_row % 8 == 0 && a.v_row % 8 == 0 && a.y_row % y_unit == 0;
  }

  const void* operand(const KernelArgs& args, size_t i) const {
    const auto* data = static_cast<const char*>(args.inputs[static_cast<size_t>(form_.inputs[i])]);
    return data + form_.column[i] * static_cast<int64_t>(size_of(form_.type));
  }

  Form form_;
  Function narrow_, wide_;
  LaunchShape shape_;
  Arguments arguments_;
  bool may_be_wide_ = false;
};

class AttentionTactic : public GeneratedTactic {
 public:
  std::string_view name() const override { return "cuda.attention"; }
  std::vector<std::string_view> ops() const override { return {kFusedAttention}; }

  bool supports(const Problem& p, const Target&) const override {
    if (!is_real(p.outputs[0].dtype) || !p.has_input(0) || !std::isfinite(p.attrs->get_float("scale", 1))) return false;
    const Form f = form_of(p);
    for (const int i : f.inputs) {
      if (!p.has_input(i) || p.inputs[static_cast<size_t>(i)].dtype != f.type) return false;
    }
    const bool mask_fits = !p.has_input(kMask) || (p.inputs[kMask].dense() && p.inputs[kMask].shape.rank() <= 4);
    return is_real(f.type) && f.qk > 0 && f.v > 0 && f.qk <= kMostColumns && f.v <= kMostColumns && mask_fits;
  }

  /// Large tiles read keys less often; small ones, and warps that share their queries, fill a GPU that has little to
  /// do.
  std::vector<std::string> candidates(const Problem& p, const Target& target) const override {
    const Form f = form_of(p);
    if (!uses_mma(f, target.sm)) return {target.arch()};
    static constexpr std::array<std::array<int, 4>, 12> kTiles = {{{64, 64, 1, 0},
                                                                   {128, 64, 1, 0},
                                                                   {64, 128, 1, 0},
                                                                   {64, 128, 1, 5},
                                                                   {128, 128, 1, 0},
                                                                   {64, 32, 1, 0},
                                                                   {64, 64, 2, 0},
                                                                   {32, 64, 1, 0},
                                                                   {32, 64, 2, 0},
                                                                   {32, 128, 4, 0},
                                                                   {16, 64, 2, 0},
                                                                   {16, 128, 4, 0}}};
    std::vector<std::string> configs;
    for (const auto& [rows, keys, split, blocks] : kTiles) {
      const Tiles tiles(rows, keys, split, blocks);
      const bool fits = tiles.shared_bytes(f) <= static_cast<size_t>(target.shared_bytes);
      const bool large_enough = (rows == 16 || rows < 2 * f.queries) && (keys <= 64 || keys < 2 * f.keys);
      const bool spares = blocks == 0 || (tiles.stages(f) == 1 && f.qk <= 64 && f.v <= 64);  // without spilling much
      const bool useful = large_enough && spares;
      if (fits && (useful || configs.empty())) configs.push_back(tiles.config(target.arch()));
    }
    if (f.batch * f.heads * ceil_div(f.queries, 64) < target.num_sms) std::reverse(configs.begin(), configs.end());
    return configs;
  }

  std::unique_ptr<Kernel> prepare(const Problem& p, const std::string& config, std::span<const PackedView> packed,
                                  const Target& target) const override {
    return std::make_unique<AttentionKernel>(p, config, packed_at(packed, 0), target);
  }

  bool accepts_strided_input(const Problem&, int input) const override { return input < kMask; }
  bool accepts_strided_output(const Problem&, int) const override { return true; }

 protected:
  Program program(const Problem& p, const std::string& config) const override {
    const Form f = form_of(p);
    std::string source = constants_of(p, f);
    if (!is_mma(config)) return {std::string(name()), source.append(attention_common()).append(attention_fma())};
    const Tiles t(config);
    source += fmt::format("constexpr int kRows = {}, kKeys = {}, kSplit = {}, kStages = {};\n", t.rows, t.keys, t.split,
                          t.stages(f));
    source.append(tensor_core_source()).append(attention_common()).append(attention_mma());
    if (has_wide_entry(f)) {
      const std::string bounds = t.blocks == 0 ? "kThreads" : fmt::format("kThreads, {}", t.blocks);
      source += fmt::format(
          "extern \"C\" __global__ void __launch_bounds__({}) attention_wide(const Arguments a) {{ run<8>(a); }}",
          bounds);
    }
    return {std::string(name()), source};
  }
};

}  // namespace

const Tactic& attention_tactic() {
  static const AttentionTactic tactic;
  return tactic;
}

}  // namespace burnish::cuda
