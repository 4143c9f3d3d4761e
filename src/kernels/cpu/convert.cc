// cpu.convert: the same numbers in another encoding: QuantizeLinear and DequantizeLinear with one scale or one for each
// index of an axis, Cast between floats, and Pointwise steps that only encode anew.
#include <algorithm>
#include <array>

#include "kernels/cpu/parallel.h"
#include "kernels/cpu/problem_util.h"
#include "kernels/cpu/tactics.h"
#include "kernels/cpu/tensor_format.h"
#include "ops/fused.h"

namespace burnish {
namespace {

/// Elements that a thread converts at once, of one run.
constexpr int64_t kBlock = 4096;

/// One entry of encodings for all elements, or one for each index of `axis`.
struct Conversion {
  std::vector<Format> from, to;
  int axis = -1;
};

bool is_quantizing(const Problem& p) {
  return p.op == "QuantizeLinear";
}

/// Whether the constant zero point, where there is one, has the integers' type, and the scale is FLOAT: a type that
/// ratios are rounded to otherwise.
bool scales_fit(const Problem& p, DType integers) {
  const auto& scale = p.constants[1];
  if (scale.dtype() != DType::kFloat32 || scale.shape().rank() > 1 || scale.num_elements() == 0) return false;
  if (p.attrs->has("precision")) return false;
  if (!p.has_input(2)) return true;
  const auto& zero = p.constants[2];
  return zero.dtype() == integers && zero.num_elements() == scale.num_elements();
}

Encoding scale_entry(const Problem& p, DType dtype, int64_t i) {
  Encoding e{dtype, p.constants[1].as<float>()[i], 0};
  if (!p.has_input(2)) return e;
  const Tensor& zero = p.constants[2];
  e.zero = dtype == DType::kUInt8 ? zero.as<uint8_t>()[i] : zero.as<int8_t>()[i];
  return e;
}

/// QuantizeLinear and DequantizeLinear. The last axis is left to others: its runs are single elements.
std::optional<Conversion> scaled(const Problem& p) {
  const DType integers = is_quantizing(p) ? p.outputs[0].dtype : p.inputs[0].dtype;
  const DType floats = is_quantizing(p) ? p.inputs[0].dtype : p.outputs[0].dtype;
  if (!Encoding{integers}.is_integer() || floats != DType::kFloat32 || !scales_fit(p, integers)) return std::nullopt;
  const int rank = p.inputs[0].shape.rank();
  const int64_t n = p.constants[1].num_elements(), axis = p.attrs->get_int("axis", 1);
  if (n > 1 && (axis < -rank || axis == -1 || axis >= rank - 1)) return std::nullopt;
  std::vector<Format> entries;
  for (int64_t i = 0; i < n; ++i) {
    const Encoding e = scale_entry(p, integers, i);
    if (!is_storable(e)) return std::nullopt;
    entries.push_back(format_of(e));
  }
  const std::vector<Format> plain(entries.size());
  const int at = n > 1 ? normalize_axis(axis, rank) : -1;
  return is_quantizing(p) ? Conversion{plain, entries, at} : Conversion{entries, plain, at};
}

/// Casts to floats; integers of eight bits stand for themselves.
std::optional<Conversion> cast(const Problem& p) {
  const Encoding from{p.inputs[0].dtype}, to{p.outputs[0].dtype};
  if (!is_encodable(from.dtype) || !is_encodable(to.dtype) || to.is_integer()) return std::nullopt;
  return Conversion{{format_of(from)}, {format_of(to)}, -1};
}

/// A chain of one instruction that changes nothing.
std::optional<Conversion> requantised(const Problem& p) {
  if (p.inputs.size() != 1 || p.attrs->get_strings("program") != std::vector<std::string>{"none i0"}) {
    return std::nullopt;
  }
  if (!is_storable_input(p, 0) || !is_storable(output_encoding(*p.attrs))) return std::nullopt;
  return Conversion{{input_format(p, 0)}, {format_of(output_encoding(*p.attrs))}, -1};
}

std::optional<Conversion> conversion_of(const Problem& p) {
  if (p.op == "Cast") return cast(p);
  return p.op == kPointwise ? requantised(p) : scaled(p);
}

class ConvertKernel : public Kernel {
 public:
  ConvertKernel(const Problem& p, Conversion conversion, const Target& target)
      : conversion_(std::move(conversion)), convert_(convert_kernels(target).convert) {
    const TensorDesc &x = p.inputs[0], &y = p.outputs[0];
    const bool dense = x.dense() && y.dense();
    const int rank = x.shape.rank(), inner = conversion_.axis + 1;
    const int first = dense ? inner : rank - 1;  // dimension of a run; rows that stand apart are runs of their own
    runs_ = x.shape.product(0, first);
    length_ = x.shape.product(first, rank);
    x_step_ = dense ? length_ : x.ld();
    y_step_ = dense ? length_ : y.ld();
    runs_per_entry_ = std::max<int64_t>(1, x.shape.product(inner, first));
  }

  void run(const KernelArgs& args) const override {
    const int64_t blocks = (length_ + kBlock - 1) / kBlock;
    const int64_t x_bytes = size_of(conversion_.from[0].storage), y_bytes = size_of(conversion_.to[0].storage);
    const int64_t cost = std::min(kBlock, length_) * (x_bytes + y_bytes);
    parallel_ranges(*args.pool, runs_ * blocks, cost, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t r = i / blocks, at = i % blocks * kBlock;
        const size_t entry = static_cast<size_t>(r / runs_per_entry_) % conversion_.from.size();
        convert_(static_cast<const char*>(args.inputs[0]) + (r * x_step_ + at) * x_bytes, conversion_.from[entry],
                 static_cast<char*>(args.outputs[0]) + (r * y_step_ + at) * y_bytes, conversion_.to[entry],
                 std::min(kBlock, length_ - at));
      }
    });
  }

 private:
  Conversion conversion_;
  void (*convert_)(const void*, const Format&, void*, const Format&, int64_t);
  int64_t runs_ = 0, length_ = 0, x_step_ = 0, y_step_ = 0, runs_per_entry_ = 1;
};

class ConvertTactic : public Tactic {
 public:
  std::string_view name() const override { return "cpu.convert"; }
  std::vector<std::string_view> ops() const override {
    return {"QuantizeLinear", "DequantizeLinear", "Cast", kPointwise};
  }

  bool supports(const Problem& p, const Target& target) const override {
    return target.isa >= Isa::kAvx2 && p.outputs.size() == 1 && conversion_of(p).has_value();
  }

  std::unique_ptr<Kernel> prepare(const Problem& p, const std::string&, std::span<const PackedView>,
                                  const Target& target) const override {
    auto conversion = conversion_of(p);
    check(conversion.has_value(), ErrorCode::kUnsupported, "cpu.convert cannot run this {}", p.op);
    return std::make_unique<ConvertKernel>(p, std::move(*conversion), target);
  }

  bool accepts_strided_input(const Problem&, int input) const override { return input == 0; }
  bool accepts_strided_output(const Problem&, int) const override { return true; }
  bool may_run_in_place(const Problem& p, int input) const override {
    return input == 0 && size_of(p.inputs[0].dtype) == size_of(p.outputs[0].dtype);
  }
};

}  // namespace

const Tactic& convert_tactic() {
  static const ConvertTactic tactic;
  return tactic;
}

}  // namespace burnish
