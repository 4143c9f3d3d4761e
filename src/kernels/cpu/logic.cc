// cpu.logic: choices, comparisons and logic over broadcast inputs, and conversions between plain number types.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <type_traits>

#include "kernels/cpu/broadcast_loop.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/problem_util.h"
#include "kernels/cpu/tactics.h"

namespace burnish {
namespace {

/// A run of n output elements; each input's elements are step (0 or 1) apart.
struct Run {
  const void* in[3];
  int64_t step[3];
  void* out;
  int64_t n;

  template <typename T>
  const T& at(int input, int64_t i) const {
    return static_cast<const T*>(in[input])[i * step[input]];
  }
};

using RunFn = void (*)(const Run&);

template <typename T>
void choose(const Run& r) {
  for (int64_t i = 0; i < r.n; ++i) {
    static_cast<T*>(r.out)[i] = r.at<uint8_t>(0, i) != 0 ? r.at<T>(1, i) : r.at<T>(2, i);
  }
}

template <typename T, typename F>
void compare(const Run& r) {
  for (int64_t i = 0; i < r.n; ++i) static_cast<uint8_t*>(r.out)[i] = F{}(r.at<T>(0, i), r.at<T>(1, i)) ? 1 : 0;
}

void invert(const Run& r) {
  for (int64_t i = 0; i < r.n; ++i) static_cast<uint8_t*>(r.out)[i] = r.at<uint8_t>(0, i) == 0 ? 1 : 0;
}

/// Towards zero, saturating at 64 bits, NaN as 0; narrower integers keep the low bits. As Cast's reference does.
int64_t truncate(double x) {
  if (std::isnan(x)) return 0;
  if (x >= 0x1p63) return std::numeric_limits<int64_t>::max();
  if (x <= -0x1p63) return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(x);
}

template <typename From, typename To>
void convert(const Run& r) {
  for (int64_t i = 0; i < r.n; ++i) {
    const From x = r.at<From>(0, i);
    if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
      static_cast<To*>(r.out)[i] = static_cast<To>(truncate(static_cast<double>(x)));
    } else {
      static_cast<To*>(r.out)[i] = static_cast<To>(x);
    }
  }
}

template <typename From>
void convert_to_bool(const Run& r) {
  for (int64_t i = 0; i < r.n; ++i) static_cast<uint8_t*>(r.out)[i] = r.at<From>(0, i) != From{0} ? 1 : 0;
}

template <typename From>
RunFn conversion_from(DType to) {
  switch (to) {
    case DType::kFloat32:
      return convert<From, float>;
    case DType::kFloat64:
      return convert<From, double>;
    case DType::kInt64:
      return convert<From, int64_t>;
    case DType::kInt32:
      return convert<From, int32_t>;
    case DType::kInt8:
      return convert<From, int8_t>;
    case DType::kUInt8:
      return convert<From, uint8_t>;
    case DType::kBool:
      return convert_to_bool<From>;
    default:
      return nullptr;
  }
}

RunFn conversion(DType from, DType to) {
  switch (from) {
    case DType::kFloat32:
      return conversion_from<float>(to);
    case DType::kFloat64:
      return conversion_from<double>(to);
    case DType::kInt64:
      return conversion_from<int64_t>(to);
    case DType::kInt32:
      return conversion_from<int32_t>(to);
    case DType::kInt8:
      return conversion_from<int8_t>(to);
    case DType::kUInt8:
    case DType::kBool:
      return conversion_from<uint8_t>(to);
    default:
      return nullptr;
  }
}

template <typename T>
RunFn comparison_of(std::string_view op) {
  if (op == "Equal") return compare<T, std::equal_to<T>>;
  if (op == "Less") return compare<T, std::less<T>>;
  if (op == "LessOrEqual") return compare<T, std::less_equal<T>>;
  if (op == "Greater") return compare<T, std::greater<T>>;
  if (op == "GreaterOrEqual") return compare<T, std::greater_equal<T>>;
  return nullptr;
}

RunFn comparison(std::string_view op, DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return comparison_of<float>(op);
    case DType::kInt64:
      return comparison_of<int64_t>(op);
    case DType::kInt32:
      return comparison_of<int32_t>(op);
    case DType::kBool:
      return op == "Equal" ? compare<uint8_t, std::equal_to<uint8_t>> : nullptr;
    default:
      return nullptr;
  }
}

RunFn logic_of(std::string_view op) {
  if (op == "And") return compare<uint8_t, std::logical_and<uint8_t>>;
  if (op == "Or") return compare<uint8_t, std::logical_or<uint8_t>>;
  if (op == "Xor") return compare<uint8_t, std::not_equal_to<uint8_t>>;
  if (op == "Not") return invert;
  return nullptr;
}

RunFn choice_of(DType dtype) {
  switch (size_of(dtype)) {
    case 1:
      return choose<uint8_t>;
    case 2:
      return choose<uint16_t>;
    case 4:
      return choose<uint32_t>;
    case 8:
      return choose<uint64_t>;
    default:
      return nullptr;
  }
}

constexpr std::array<std::string_view, 11> kOps = {"Where",          "Cast", "Equal", "Less", "LessOrEqual", "Greater",
                                                   "GreaterOrEqual", "And",  "Or",    "Xor",  "Not"};

/// nullptr where there is none for these types.
RunFn function_of(const Problem& p) {
  const size_t arity = p.op == "Where" ? 3 : p.op == "Cast" || p.op == "Not" ? 1 : 2;
  const auto present = [](const TensorDesc& d) { return d.present(); };
  if (p.inputs.size() != arity || !std::all_of(p.inputs.begin(), p.inputs.end(), present)) return nullptr;
  const DType dtype = p.inputs[0].dtype;
  if (p.op == "Cast") return conversion(dtype, p.outputs[0].dtype);
  if (p.op == "Where") return dtype == DType::kBool ? choice_of(p.outputs[0].dtype) : nullptr;
  if (const RunFn logic = logic_of(p.op)) return dtype == DType::kBool ? logic : nullptr;
  return comparison(p.op, dtype);
}

class LogicKernel : public Kernel {
 public:
  explicit LogicKernel(const Problem& p) : function_(function_of(p)), loop_(make_broadcast_loop(p)) {
    for (const TensorDesc& d : p.inputs) in_bytes_.push_back(static_cast<int64_t>(size_of(d.dtype)));
    out_bytes_ = static_cast<int64_t>(size_of(p.outputs[0].dtype));
  }

  void run(const KernelArgs& args) const override {
    const int64_t columns = loop_.dims[loop_.column()], rows = loop_.dims[loop_.row()];
    const int64_t lines = loop_.dims.product(0, loop_.column());
    const bool one_line = lines == 1;  // split it then
    const int64_t n = one_line ? columns : lines;
    parallel_ranges(*args.pool, n, 16 * (one_line ? 1 : columns), [&](int64_t begin, int64_t end) {
      if (one_line) return run_line(args, 0, 0, begin, end - begin);
      for (int64_t i = begin; i < end; ++i) run_line(args, i / rows, i % rows, 0, columns);
    });
  }

 private:
  void run_line(const KernelArgs& args, int64_t outer, int64_t row, int64_t column, int64_t n) const {
    Run r{};
    for (size_t i = 0; i < in_bytes_.size(); ++i) {
      const Shape& strides = loop_.in_strides[i];
      r.in[i] = static_cast<const char*>(args.inputs[i]) + loop_.offset(strides, outer, row, column) * in_bytes_[i];
      r.step[i] = strides[loop_.column()];
    }
    r.out = static_cast<char*>(args.outputs[0]) + loop_.offset(loop_.out_strides, outer, row, column) * out_bytes_;
    r.n = n;
    function_(r);
  }

  RunFn function_;
  BroadcastLoop loop_;
  std::vector<int64_t> in_bytes_;
  int64_t out_bytes_ = 0;
};

class LogicTactic : public Tactic {
 public:
  std::string_view name() const override { return "cpu.logic"; }
  std::vector<std::string_view> ops() const override { return {kOps.begin(), kOps.end()}; }
  bool supports(const Problem& p, const Target&) const override { return function_of(p) != nullptr; }
  std::unique_ptr<Kernel> prepare(const Problem& p, const std::string&, std::span<const PackedView>,
                                  const Target&) const override {
    return std::make_unique<LogicKernel>(p);
  }
  bool accepts_strided_input(const Problem&, int) const override { return true; }
  bool accepts_strided_output(const Problem&, int) const override { return true; }
  bool may_run_in_place(const Problem& p, int input) const override {
    const TensorDesc& d = p.inputs[static_cast<size_t>(input)];
    return d.shape == p.outputs[0].shape && size_of(d.dtype) == size_of(p.outputs[0].dtype);
  }
};

}  // namespace

const Tactic& logic_tactic() {
  static const LogicTactic tactic;
  return tactic;
}

}  // namespace burnish
