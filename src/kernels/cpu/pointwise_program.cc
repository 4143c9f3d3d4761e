#include "kernels/cpu/pointwise_program.h"

#include <algorithm>
#include <array>

#include "kernels/cpu/tensor_format.h"
#include "ops/fused.h"

namespace burnish {
namespace {

/// More instructions, inputs and literals than any real chain has; the interpreter's tables are sized by it.
constexpr int kMaxValues = 192;

/// An operand while the program grows: results and literals are numbered apart.
struct Operand {
  enum class Kind { kInput, kLiteral, kResult } kind;
  int index;
};

struct Instruction {
  PointwiseFn fn;
  Operand a, b;
  float alpha = 0, beta = 0;
};

class ProgramBuilder {
 public:
  explicit ProgramBuilder(int num_inputs) { program_.num_inputs = num_inputs; }

  static Operand input(int i) { return {Operand::Kind::kInput, i}; }
  Operand literal(float value) {
    program_.literals.push_back(value);
    return {Operand::Kind::kLiteral, static_cast<int>(program_.literals.size()) - 1};
  }
  Operand add(PointwiseFn fn, Operand a, Operand b, float alpha = 0, float beta = 0) {
    instructions_.push_back({fn, a, b, alpha, beta});
    return {Operand::Kind::kResult, static_cast<int>(instructions_.size()) - 1};
  }
  Operand add(PointwiseFn fn, Operand a) { return add(fn, a, a); }

  std::optional<PointwiseProgram> finish() {
    const int total = program_.first_result() + static_cast<int>(instructions_.size());
    if (instructions_.empty() || total > kMaxValues) return std::nullopt;
    for (size_t i = 0; i < instructions_.size(); ++i) {
      const Instruction& in = instructions_[i];
      program_.ops.push_back({in.fn, number(in.a), number(in.b),
                              static_cast<uint16_t>(program_.first_result() + static_cast<int>(i)), in.alpha, in.beta});
    }
    assign_buffers();
    return program_;
  }

 private:
  uint16_t number(Operand operand) const {
    int base = 0;
    if (operand.kind == Operand::Kind::kLiteral) base = program_.num_inputs;
    if (operand.kind == Operand::Kind::kResult) base = program_.first_result();
    return static_cast<uint16_t>(base + operand.index);
  }

  /// A result's buffer is free again behind its last reader. The last instruction writes to the output instead.
  void assign_buffers() {
    const int n = static_cast<int>(program_.ops.size()), first = program_.first_result();
    std::vector<int> last_use(static_cast<size_t>(n), -1);
    for (int i = 0; i < n; ++i) {
      for (const int v : {program_.ops[static_cast<size_t>(i)].a, program_.ops[static_cast<size_t>(i)].b}) {
        if (v >= first) last_use[static_cast<size_t>(v - first)] = i;
      }
    }
    std::vector<int> busy_until;
    program_.buffers.assign(static_cast<size_t>(n), -1);
    for (int i = 0; i + 1 < n; ++i) {
      const auto free = std::find_if(busy_until.begin(), busy_until.end(), [i](int until) { return until < i; });
      program_.buffers[static_cast<size_t>(i)] = static_cast<int>(free - busy_until.begin());
      const int until = std::max(i, last_use[static_cast<size_t>(i)]);
      if (free == busy_until.end()) {
        busy_until.push_back(until);
      } else {
        *free = until;
      }
    }
    program_.num_buffers = static_cast<int>(busy_until.size());
  }

  PointwiseProgram program_;
  std::vector<Instruction> instructions_;
};

struct FnName {
  std::string_view name;
  PointwiseFn fn;
};

/// Names in Pointwise programs.
constexpr std::array kFns = {
    FnName{"add", PointwiseFn::kAdd},
    FnName{"sub", PointwiseFn::kSub},
    FnName{"mul", PointwiseFn::kMul},
    FnName{"div", PointwiseFn::kDiv},
    FnName{"pow", PointwiseFn::kPow},
    FnName{"min", PointwiseFn::kMin},
    FnName{"max", PointwiseFn::kMax},
    FnName{"neg", PointwiseFn::kNeg},
    FnName{"abs", PointwiseFn::kAbs},
    FnName{"sqrt", PointwiseFn::kSqrt},
    FnName{"exp", PointwiseFn::kExp},
    FnName{"log", PointwiseFn::kLog},
    FnName{"reciprocal", PointwiseFn::kReciprocal},
    FnName{"floor", PointwiseFn::kFloor},
    FnName{"ceil", PointwiseFn::kCeil},
    FnName{"round", PointwiseFn::kRound},
    FnName{"erf", PointwiseFn::kErf},
    FnName{"relu", PointwiseFn::kRelu},
    FnName{"clip", PointwiseFn::kClip},
    FnName{"leaky_relu", PointwiseFn::kLeakyRelu},
    FnName{"sigmoid", PointwiseFn::kSigmoid},
    FnName{"tanh", PointwiseFn::kTanh},
    FnName{"silu", PointwiseFn::kSilu},
    FnName{"gelu", PointwiseFn::kGelu},
    FnName{"gelu_tanh", PointwiseFn::kGeluTanh},
    FnName{"hardswish", PointwiseFn::kHardSwish},
    FnName{"hardsigmoid", PointwiseFn::kHardSigmoid},
};

/// ONNX operators that are one function of their inputs, folded from the left when there are more than two.
constexpr std::array kPlainOps = {
    FnName{"Add", PointwiseFn::kAdd},     FnName{"Sub", PointwiseFn::kSub},
    FnName{"Mul", PointwiseFn::kMul},     FnName{"Div", PointwiseFn::kDiv},
    FnName{"Pow", PointwiseFn::kPow},     FnName{"Min", PointwiseFn::kMin},
    FnName{"Max", PointwiseFn::kMax},     FnName{"Sum", PointwiseFn::kAdd},
    FnName{"Neg", PointwiseFn::kNeg},     FnName{"Abs", PointwiseFn::kAbs},
    FnName{"Sqrt", PointwiseFn::kSqrt},   FnName{"Exp", PointwiseFn::kExp},
    FnName{"Log", PointwiseFn::kLog},     FnName{"Reciprocal", PointwiseFn::kReciprocal},
    FnName{"Floor", PointwiseFn::kFloor}, FnName{"Ceil", PointwiseFn::kCeil},
    FnName{"Round", PointwiseFn::kRound}, FnName{"Erf", PointwiseFn::kErf},
    FnName{"Relu", PointwiseFn::kRelu},   FnName{"Sigmoid", PointwiseFn::kSigmoid},
    FnName{"Tanh", PointwiseFn::kTanh},   FnName{"HardSwish", PointwiseFn::kHardSwish},
};

std::optional<PointwiseFn> find_fn(std::span<const FnName> table, std::string_view name) {
  const auto row = std::find_if(table.begin(), table.end(), [&](const FnName& r) { return r.name == name; });
  if (row == table.end()) return std::nullopt;
  return row->fn;
}

bool is_binary(PointwiseFn fn) {
  return fn <= PointwiseFn::kMax;
}

Operand operand_of(ProgramBuilder& builder, const PointwiseOperand& operand) {
  switch (operand.kind) {
    case PointwiseOperand::Kind::kInput:
      return {Operand::Kind::kInput, operand.index};
    case PointwiseOperand::Kind::kResult:
      return {Operand::Kind::kResult, operand.index};
    case PointwiseOperand::Kind::kLiteral:
      break;
  }
  return builder.literal(operand.literal);
}

std::optional<PointwiseProgram> compile_chain(const Problem& p) {
  const int num_inputs = static_cast<int>(p.inputs.size());
  ProgramBuilder builder(num_inputs);
  for (const PointwiseInstruction& in : parse_pointwise(*p.attrs, num_inputs)) {
    const auto fn = find_fn(kFns, in.fn);
    if (!fn) return std::nullopt;
    const Operand a = operand_of(builder, in.operands[0]);
    if (is_binary(*fn)) {
      builder.add(*fn, a, operand_of(builder, in.operands[1]));
      continue;
    }
    // Parameters of an activation are literals behind its operand.
    const auto parameter = [&](size_t i) { return i < in.operands.size() ? in.operands[i] : PointwiseOperand{}; };
    for (size_t i = 1; i < in.operands.size(); ++i) {
      if (in.operands[i].kind != PointwiseOperand::Kind::kLiteral) return std::nullopt;
    }
    builder.add(*fn, a, a, parameter(1).literal, parameter(2).literal);
  }
  return builder.finish();
}

/// Operators with attributes or with a meaning of their own for some inputs.
bool compile_special(const Problem& p, ProgramBuilder& builder) {
  const Operand x = ProgramBuilder::input(0);
  if (p.op == "LeakyRelu") {
    builder.add(PointwiseFn::kLeakyRelu, x, x, p.attrs->get_float("alpha", 0.01F));
  } else if (p.op == "HardSigmoid") {
    builder.add(PointwiseFn::kHardSigmoid, x, x, p.attrs->get_float("alpha", 0.2F), p.attrs->get_float("beta", 0.5F));
  } else if (p.op == "Gelu") {
    const bool is_tanh = p.attrs->get_string("approximate", "none") == "tanh";
    builder.add(is_tanh ? PointwiseFn::kGeluTanh : PointwiseFn::kGelu, x);
  } else if (p.op == "Swish") {
    const float alpha = p.attrs->get_float("alpha", 1.0F);
    if (alpha == 1) return builder.add(PointwiseFn::kSilu, x), true;
    const Operand scaled = builder.add(PointwiseFn::kMul, x, builder.literal(alpha));
    builder.add(PointwiseFn::kMul, x, builder.add(PointwiseFn::kSigmoid, scaled));
  } else if (p.op == "PRelu") {
    const Operand negative = builder.add(PointwiseFn::kMin, x, builder.literal(0));
    const Operand scaled = builder.add(PointwiseFn::kMul, negative, ProgramBuilder::input(1));
    builder.add(PointwiseFn::kAdd, builder.add(PointwiseFn::kMax, x, builder.literal(0)), scaled);
  } else if (p.op == "Clip" && (p.has_input(1) || p.has_input(2))) {
    Operand y = x;
    if (p.has_input(1)) y = builder.add(PointwiseFn::kMax, y, ProgramBuilder::input(1));
    if (p.has_input(2)) builder.add(PointwiseFn::kMin, y, ProgramBuilder::input(2));
  } else {
    return false;
  }
  return true;
}

constexpr std::array<std::string_view, 6> kSpecialOps = {"LeakyRelu", "HardSigmoid", "Gelu", "Swish", "PRelu", "Clip"};

/// Chains take any encodings, plain operators floats of one type. Clip alone has optional inputs.
bool types_fit(const Problem& p) {
  const DType out = p.outputs[0].dtype;
  const bool is_chain = p.op == kPointwise;
  if (is_chain ? !is_storable(output_encoding(*p.attrs)) : !is_encodable(out) || !is_floating(out)) return false;
  for (size_t i = 0; i < p.inputs.size(); ++i) {
    if (i > 0 && p.op == "Clip" && !p.inputs[i].present()) continue;
    if (is_chain ? !is_storable_input(p, static_cast<int>(i)) : p.inputs[i].dtype != out) return false;
  }
  return true;
}

}  // namespace

std::optional<PointwiseProgram> compile_pointwise(const Problem& p) {
  if (p.inputs.empty() || p.outputs.size() != 1 || !types_fit(p)) return std::nullopt;
  if (p.op == kPointwise) return compile_chain(p);
  const int num_inputs = static_cast<int>(p.inputs.size());
  ProgramBuilder builder(num_inputs);
  const auto fn = find_fn(kPlainOps, p.op);
  if (!fn) return compile_special(p, builder) ? builder.finish() : std::nullopt;
  if (!is_binary(*fn)) return builder.add(*fn, ProgramBuilder::input(0)), builder.finish();
  Operand result = ProgramBuilder::input(0);
  for (int i = 1; i < num_inputs; ++i) result = builder.add(*fn, result, ProgramBuilder::input(i));
  return builder.finish();
}

std::vector<std::string_view> pointwise_ops() {
  std::vector<std::string_view> names = {kPointwise};
  for (const FnName& row : kPlainOps) names.push_back(row.name);
  names.insert(names.end(), kSpecialOps.begin(), kSpecialOps.end());
  return names;
}

}  // namespace burnish
