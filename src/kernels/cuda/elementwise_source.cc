#include "kernels/cuda/elementwise_source.h"

#include <algorithm>
#include <array>

#include "kernels/cuda/generated.h"
#include "kernels/cuda/prelude.h"
#include "kernels/cuda/storage_source.h"
#include "ops/fused.h"

namespace burnish::cuda {
namespace {

/// What programs of elementwise steps add to the prelude. Numbers are computed with as float, or as 64-bit integers,
/// which wrap, and are stored with their low bits.
constexpr std::string_view kFunctions = R"cuda(
template <typename T> struct Storage {
  static __device__ __forceinline__ int64 number(T x) { return x; }
  static __device__ __forceinline__ T stored(int64 x) { return T(x); }
  // Towards zero, saturating at 64 bits, NaN as 0.
  static __device__ __forceinline__ T stored(float x) { return T(__float2ll_rz(x != x ? 0.f : x)); }
};
template <> struct Storage<uint64> {
  static __device__ __forceinline__ uint64 number(uint64 x) { return x; }
  static __device__ __forceinline__ uint64 stored(uint64 x) { return x; }
  static __device__ __forceinline__ uint64 stored(int64 x) { return uint64(x); }
  static __device__ __forceinline__ uint64 stored(float x) { return x > 0.f ? __float2ull_rz(x) : 0; }
};
template <typename T> struct FloatStorage {
  static __device__ __forceinline__ float number(T x) { return to_float(x); }
  static __device__ __forceinline__ T stored(float x) { return from_float<T>(x); }
  static __device__ __forceinline__ T stored(int64 x) { return from_float<T>(float(x)); }
  static __device__ __forceinline__ T stored(uint64 x) { return from_float<T>(float(x)); }
};
template <> struct Storage<float> : FloatStorage<float> {};
template <> struct Storage<f16> : FloatStorage<f16> {};
template <> struct Storage<bf16> : FloatStorage<bf16> {};

// NaN in either operand wins.
__device__ __forceinline__ float fn_min(float a, float b) { return a != a || a < b ? a : b; }
__device__ __forceinline__ float fn_max(float a, float b) { return a != a || a > b ? a : b; }
__device__ __forceinline__ int64 fn_min(int64 a, int64 b) { return a < b ? a : b; }
__device__ __forceinline__ int64 fn_max(int64 a, int64 b) { return a > b ? a : b; }
// Division by zero gives 0, the lowest number divided by -1 wraps.
__device__ __forceinline__ float fn_div(float a, float b) { return a / b; }
__device__ __forceinline__ int64 fn_div(int64 a, int64 b) {
  return b == 0 ? 0 : b == -1 ? int64(0 - uint64(a)) : a / b;
}
// The remainder with the divisor's sign.
__device__ __forceinline__ int64 fn_mod(int64 a, int64 b) {
  if (b == 0 || b == -1) return 0;
  const int64 r = a % b;
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
__device__ __forceinline__ float fn_abs(float x) { return fabsf(x); }
__device__ __forceinline__ int64 fn_abs(int64 x) { return x < 0 ? -x : x; }
__device__ __forceinline__ float fn_sign(float x) { return x > 0.f ? 1.f : x < 0.f ? -1.f : x; }
__device__ __forceinline__ int64 fn_sign(int64 x) { return (x > 0) - (x < 0); }
__device__ __forceinline__ float fn_pow(float x, float e) { return e == 2.f ? x * x : powf(x, e); }
__device__ __forceinline__ float fn_prelu(float x, float slope) { return x < 0.f ? x * slope : x; }
)cuda";

/// An expression by the name of a function or operator; operands are $0, $1, $2.
struct Rule {
  std::string_view name;
  std::string_view expression;
};

constexpr std::array kChainRules = {
    Rule{"add", "$0 + $1"},
    Rule{"sub", "$0 - $1"},
    Rule{"mul", "$0 * $1"},
    Rule{"div", "$0 / $1"},
    Rule{"pow", "fn_pow($0, $1)"},
    Rule{"min", "fn_min($0, $1)"},
    Rule{"max", "fn_max($0, $1)"},
    Rule{"neg", "-$0"},
    Rule{"abs", "fabsf($0)"},
    Rule{"sqrt", "sqrtf($0)"},
    Rule{"exp", "expf($0)"},
    Rule{"log", "logf($0)"},
    Rule{"reciprocal", "1.f / $0"},
    Rule{"floor", "floorf($0)"},
    Rule{"ceil", "ceilf($0)"},
    Rule{"round", "rintf($0)"},
    Rule{"erf", "erff($0)"},
    Rule{"none", "$0"},
    Rule{"relu", "fn_relu($0)"},
    Rule{"clip", "fn_clip($0, $1, $2)"},
    Rule{"leaky_relu", "fn_leaky_relu($0, $1)"},
    Rule{"sigmoid", "fn_sigmoid($0)"},
    Rule{"tanh", "fn_tanh($0)"},
    Rule{"silu", "fn_silu($0)"},
    Rule{"gelu", "fn_gelu($0)"},
    Rule{"gelu_tanh", "fn_gelu_tanh($0)"},
    Rule{"hardswish", "fn_hardswish($0)"},
    Rule{"hardsigmoid", "fn_hardsigmoid($0, $1, $2)"},
};

enum class Numbers { kFloats, kIntegers, kBoth };

/// ONNX operators whose output has the inputs' type. Those of two operands are folded from the left over more.
struct NumberRule {
  std::string_view op;
  Numbers numbers;
  std::string_view expression;
};

constexpr std::array kNumberRules = {
    NumberRule{"Add", Numbers::kBoth, "$0 + $1"},
    NumberRule{"Sub", Numbers::kBoth, "$0 - $1"},
    NumberRule{"Mul", Numbers::kBoth, "$0 * $1"},
    NumberRule{"Div", Numbers::kBoth, "fn_div($0, $1)"},
    NumberRule{"Mod", Numbers::kIntegers, "fn_mod($0, $1)"},
    NumberRule{"Sum", Numbers::kFloats, "$0 + $1"},
    NumberRule{"Min", Numbers::kBoth, "fn_min($0, $1)"},
    NumberRule{"Max", Numbers::kBoth, "fn_max($0, $1)"},
    NumberRule{"Pow", Numbers::kFloats, "fn_pow($0, $1)"},
    NumberRule{"PRelu", Numbers::kFloats, "fn_prelu($0, $1)"},
    NumberRule{"Neg", Numbers::kBoth, "-$0"},
    NumberRule{"Abs", Numbers::kBoth, "fn_abs($0)"},
    NumberRule{"Sign", Numbers::kBoth, "fn_sign($0)"},
    NumberRule{"Sqrt", Numbers::kFloats, "sqrtf($0)"},
    NumberRule{"Exp", Numbers::kFloats, "expf($0)"},
    NumberRule{"Log", Numbers::kFloats, "logf($0)"},
    NumberRule{"Reciprocal", Numbers::kFloats, "1.f / $0"},
    NumberRule{"Floor", Numbers::kFloats, "floorf($0)"},
    NumberRule{"Ceil", Numbers::kFloats, "ceilf($0)"},
    NumberRule{"Round", Numbers::kFloats, "rintf($0)"},
    NumberRule{"Erf", Numbers::kFloats, "erff($0)"},
    NumberRule{"Sin", Numbers::kFloats, "sinf($0)"},
    NumberRule{"Cos", Numbers::kFloats, "cosf($0)"},
    NumberRule{"Relu", Numbers::kFloats, "fn_relu($0)"},
    NumberRule{"Sigmoid", Numbers::kFloats, "fn_sigmoid($0)"},
    NumberRule{"Tanh", Numbers::kFloats, "fn_tanh($0)"},
    NumberRule{"HardSwish", Numbers::kFloats, "fn_hardswish($0)"},
};

/// Operators with a Boolean result: comparisons of numbers, logic of Booleans.
constexpr std::array kComparisons = {Rule{"Equal", "$0 == $1"}, Rule{"Less", "$0 < $1"},
                                     Rule{"LessOrEqual", "$0 <= $1"}, Rule{"Greater", "$0 > $1"},
                                     Rule{"GreaterOrEqual", "$0 >= $1"}};
constexpr std::array kLogic = {Rule{"And", "$0 && $1"}, Rule{"Or", "$0 || $1"}, Rule{"Xor", "($0 != 0) != ($1 != 0)"},
                               Rule{"Not", "!$0"}};
/// Operators that are written out below.
constexpr std::array<std::string_view, 9> kSpecialOps = {
    "LeakyRelu", "HardSigmoid", "Gelu", "Swish", "Clip", "Where", "Cast", "QuantizeLinear", "DequantizeLinear"};

template <typename Table>
const auto* find_rule(const Table& table, std::string_view name) {
  const auto at = std::find_if(table.begin(), table.end(), [&](const auto& rule) {
    if constexpr (requires { rule.op; })
      return rule.op == name;
    else
      return rule.name == name;
  });
  return at == table.end() ? nullptr : &*at;
}

std::string substituted(std::string_view expression, const std::vector<std::string>& operands) {
  std::string text;
  for (size_t i = 0; i < expression.size(); ++i) {
    if (expression[i] != '$') {
      text += expression[i];
      continue;
    }
    text += operands.at(static_cast<size_t>(expression[++i] - '0'));
  }
  return text;
}

/// Integers whose arithmetic in 64 signed bits has the right low bits.
bool is_whole(DType t) {
  return is_integer(t) && size_of(t) >= 1 && t != DType::kUInt64 && t != DType::kInt4 && t != DType::kUInt4 &&
         t != DType::kInt2 && t != DType::kUInt2;
}
bool is_known(DType t) {
  return is_real(t) || is_whole(t) || t == DType::kUInt64 || t == DType::kBool;
}
/// "number(x1)" of input 1.
std::string number(const Problem& p, size_t i) {
  return fmt::format("Storage<{}>::number(x{})", type_name(p.inputs[i].dtype), i);
}
std::string stored(DType type, std::string_view value) {
  return fmt::format("  return Storage<{}>::stored({});\n", type_name(type), value);
}

std::optional<std::string> chain_body(const Problem& p) {
  std::string body;
  for (size_t i = 0; i < p.inputs.size(); ++i) {
    if (!p.inputs[i].present() || !is_encodable(p.inputs[i].dtype)) return std::nullopt;
    if (!is_storable(input_encoding(*p.attrs, static_cast<int>(i), p.inputs[i].dtype))) return std::nullopt;
    body += fmt::format("  const float i{0} = decode_{0}(x{0});\n", i);
  }
  if (!is_storable(output_encoding(*p.attrs))) return std::nullopt;
  size_t k = 0;
  for (const PointwiseInstruction& in : parse_pointwise(*p.attrs, static_cast<int>(p.inputs.size()))) {
    const Rule* rule = find_rule(kChainRules, in.fn);
    if (rule == nullptr) return std::nullopt;
    std::vector<std::string> operands;
    for (const PointwiseOperand& o : in.operands) {
      const bool is_input = o.kind == PointwiseOperand::Kind::kInput;
      operands.push_back(o.kind == PointwiseOperand::Kind::kLiteral
                             ? literal_of(o.literal)
                             : fmt::format("{}{}", is_input ? 'i' : 't', o.index));
    }
    body += fmt::format("  const float t{} = {};\n", k++, substituted(rule->expression, operands));
  }
  return body + fmt::format("  return encode(t{});\n", k - 1);
}

/// All present inputs have the output's type.
bool is_of_one_type(const Problem& p) {
  return std::all_of(p.inputs.begin(), p.inputs.end(),
                     [&](const TensorDesc& d) { return !d.present() || d.dtype == p.outputs[0].dtype; });
}

std::optional<std::string> number_body(const Problem& p, const NumberRule& rule) {
  const DType type = p.outputs[0].dtype;
  const bool fits =
      (is_real(type) && rule.numbers != Numbers::kIntegers) || (is_whole(type) && rule.numbers != Numbers::kFloats);
  if (!fits || !is_of_one_type(p)) return std::nullopt;
  if (rule.op == "Mod" && p.attrs->get_int("fmod", 0) != 0) return std::nullopt;
  const std::string_view word = is_real(type) ? "float" : "int64";
  const bool is_unary = rule.expression.find("$1") == std::string_view::npos;
  std::string body = fmt::format("  {} y = {};\n", word, number(p, 0));
  if (is_unary) body += fmt::format("  y = {};\n", substituted(rule.expression, {"y"}));
  for (size_t i = 1; i < p.inputs.size(); ++i) {
    body += fmt::format("  y = {};\n", substituted(rule.expression, {"y", number(p, i)}));
  }
  return body + stored(type, "y");
}

std::optional<std::string> boolean_body(const Problem& p, const Rule& rule) {
  const DType type = p.inputs[0].dtype;
  const bool is_logic = find_rule(kLogic, rule.name) != nullptr;
  const bool fits = is_logic ? type == DType::kBool : is_known(type);
  if (!fits || p.outputs[0].dtype != DType::kBool) return std::nullopt;
  std::vector<std::string> operands;
  for (size_t i = 0; i < p.inputs.size(); ++i) operands.push_back(number(p, i));
  return fmt::format("  return {} ? 1 : 0;\n", substituted(rule.expression, operands));
}

/// One input with attributes, computed as float.
std::optional<std::string> activation_body(const Problem& p) {
  const DType type = p.outputs[0].dtype;
  if (!is_real(type) || !is_of_one_type(p)) return std::nullopt;
  const std::string x = number(p, 0);
  const auto attribute = [&](const char* name, float fallback) {
    return literal_of(p.attrs->get_float(name, fallback));
  };
  if (p.op == "LeakyRelu") return stored(type, fmt::format("fn_leaky_relu({}, {})", x, attribute("alpha", 0.01F)));
  if (p.op == "HardSigmoid") {
    return stored(type,
                  fmt::format("fn_hardsigmoid({}, {}, {})", x, attribute("alpha", 0.2F), attribute("beta", 0.5F)));
  }
  if (p.op == "Gelu") {
    const bool is_tanh = p.attrs->get_string("approximate", "none") == "tanh";
    return stored(type, fmt::format("{}({})", is_tanh ? "fn_gelu_tanh" : "fn_gelu", x));
  }
  return stored(type, fmt::format("{0} * fn_sigmoid({0} * {1})", x, attribute("alpha", 1)));  // Swish
}

std::optional<std::string> clip_body(const Problem& p) {
  const DType type = p.outputs[0].dtype;
  if ((!is_real(type) && !is_whole(type)) || !is_of_one_type(p)) return std::nullopt;
  std::string y = number(p, 0);
  if (p.has_input(1)) y = fmt::format("fn_max({}, {})", y, number(p, 1));
  if (p.has_input(2)) y = fmt::format("fn_min({}, {})", y, number(p, 2));
  return stored(type, y);
}

std::optional<std::string> cast_body(const Problem& p) {
  const DType from = p.inputs[0].dtype, to = p.outputs[0].dtype;
  if (from == to) return is_known(to) ? std::optional<std::string>("  return x0;\n") : std::nullopt;
  if (!is_known(from) || !is_known(to)) return std::nullopt;
  if (to == DType::kBool) return fmt::format("  return {} != 0 ? 1 : 0;\n", number(p, 0));
  if (from == DType::kUInt64 && !is_real(to)) return "  return x0;\n";
  return stored(to, number(p, 0));
}

std::optional<std::string> where_body(const Problem& p) {
  const DType type = p.outputs[0].dtype;
  const bool fits = p.inputs.size() == 3 && p.inputs[0].dtype == DType::kBool && p.inputs[1].dtype == type &&
                    p.inputs[2].dtype == type;
  return fits ? std::optional<std::string>("  return x0 != 0 ? x1 : x2;\n") : std::nullopt;
}

/// Scale and zero point are inputs like others, spread over X by the caller.
std::optional<std::string> quantize_body(const Problem& p) {
  const DType scale = p.inputs[1].dtype, to = p.outputs[0].dtype;
  if (!is_real(p.inputs[0].dtype) || !is_real(scale) || !Encoding{to}.is_integer() || p.attrs->has("precision")) {
    return std::nullopt;
  }
  std::string ratio = fmt::format("{} / {}", number(p, 0), number(p, 1));
  if (scale != DType::kFloat32) ratio = fmt::format("to_float(from_float<{}>({}))", type_name(scale), ratio);
  return fmt::format("  return quantized<{}>({}, {});\n", type_name(to), ratio, p.has_input(2) ? "float(x2)" : "0.f");
}

std::optional<std::string> dequantize_body(const Problem& p) {
  const DType from = p.inputs[0].dtype;
  if (!is_whole(from) || !is_real(p.inputs[1].dtype) || !is_real(p.outputs[0].dtype)) return std::nullopt;
  const std::string zero = p.has_input(2) ? number(p, 2) : "0";
  return stored(p.outputs[0].dtype, fmt::format("float({} - {}) * {}", number(p, 0), zero, number(p, 1)));
}

std::optional<std::string> body_of(const Problem& p) {
  if (p.op == kPointwise) return chain_body(p);
  if (const NumberRule* rule = find_rule(kNumberRules, p.op)) return number_body(p, *rule);
  if (const Rule* rule = find_rule(kComparisons, p.op)) return boolean_body(p, *rule);
  if (const Rule* rule = find_rule(kLogic, p.op)) return boolean_body(p, *rule);
  if (p.op == "Where") return where_body(p);
  if (p.op == "Cast") return cast_body(p);
  if (p.op == "Clip") return clip_body(p);
  if (p.op == "QuantizeLinear") return quantize_body(p);
  if (p.op == "DequantizeLinear") return dequantize_body(p);
  const bool is_special = std::find(kSpecialOps.begin(), kSpecialOps.end(), p.op) != kSpecialOps.end();
  return is_special ? activation_body(p) : std::nullopt;
}

/// Whether programs can name the type.
bool is_nameable(DType t) {
  return is_known(t) || t == DType::kFloat64;
}

/// What a chain's body calls.
std::string chain_conversions(const Problem& p) {
  std::string text;
  for (size_t i = 0; i < p.inputs.size(); ++i) {
    const Encoding e = input_encoding(*p.attrs, static_cast<int>(i), p.inputs[i].dtype);
    text += decode_source(fmt::format("decode_{}", i), e);
  }
  return text + encode_source("encode", output_encoding(*p.attrs));
}

}  // namespace

std::optional<ElementwiseSource> elementwise_source(const Problem& p) {
  const bool first_there = p.has_input(0) && p.outputs.size() == 1 && is_nameable(p.outputs[0].dtype);
  const bool nameable = std::all_of(p.inputs.begin(), p.inputs.end(),
                                    [](const TensorDesc& d) { return !d.present() || is_nameable(d.dtype); });
  if (!first_there || !nameable) return std::nullopt;
  auto body = body_of(p);
  if (!body) return std::nullopt;
  const DType result = p.outputs[0].dtype;
  if (result == DType::kFloat16 || result == DType::kBFloat16) body = with_fast_activations(*body);
  ElementwiseSource s;
  s.output_type = type_name(p.outputs[0].dtype);
  std::string parameters;
  for (size_t i = 0; i < p.inputs.size(); ++i) {
    s.input_types.emplace_back(p.inputs[i].present() ? type_name(p.inputs[i].dtype) : "");
    if (!s.input_types.back().empty()) {
      parameters += fmt::format("{}{} x{}", parameters.empty() ? "" : ", ", s.input_types.back(), i);
    }
  }
  s.source = fmt::format("{}{}{}\n__device__ __forceinline__ {} element({}) {{\n{}}}\n", quantized_source(), kFunctions,
                         p.op == kPointwise ? chain_conversions(p) : "", s.output_type, parameters, *body);
  return s;
}

std::vector<std::string_view> elementwise_ops() {
  std::vector<std::string_view> names = {kPointwise};
  for (const NumberRule& rule : kNumberRules) names.push_back(rule.op);
  for (const Rule& rule : kComparisons) names.push_back(rule.name);
  for (const Rule& rule : kLogic) names.push_back(rule.name);
  names.insert(names.end(), kSpecialOps.begin(), kSpecialOps.end());
  return names;
}

}  // namespace burnish::cuda
