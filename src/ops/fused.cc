#include "ops/fused.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace burnish {

Residual residual_of(const AttributeMap& attrs) {
  const std::string residual = attrs.get_string("residual", "");
  if (residual.empty()) return Residual::kNone;
  if (residual == "before") return Residual::kBefore;
  if (residual == "after") return Residual::kAfter;
  throw_error(ErrorCode::kInvalidModel, "attribute residual has the unknown value '{}'", residual);
}

bool is_conv_op(std::string_view op) {
  return op == kFusedConv || op == kJoinedConv;
}

bool is_product_op(std::string_view op) {
  return is_conv_op(op) || op == kFusedMatMul || op == kJoinedMatMul;
}

bool is_nhwc(const AttributeMap& attrs, std::string_view attribute) {
  const std::string layout = attrs.get_string(attribute, "NCHW");
  check(layout == "NCHW" || layout == "NHWC", ErrorCode::kInvalidModel, "attribute {} has the unknown value '{}'",
        attribute, layout);
  return layout == "NHWC";
}

namespace {

// Keeps products of two entries within 64 bits.
constexpr int64_t kMaxExtent = std::numeric_limits<int32_t>::max();

std::vector<int64_t> positive_ints(const AttributeMap& attrs, std::string_view name, size_t n, int64_t fallback,
                                   int64_t lowest) {
  std::vector<int64_t> values = attrs.get_ints(name, std::vector<int64_t>(n, fallback));
  if (values.empty()) values.assign(n, fallback);
  check(values.size() == n, ErrorCode::kInvalidModel, "attribute {} has {} entries, not {}", name, values.size(), n);
  for (int64_t v : values)
    check(v >= lowest && v <= kMaxExtent, ErrorCode::kInvalidModel, "attribute {} has the entry {}", name, v);
  return values;
}

}  // namespace

ConvGeometry conv_geometry_of(const AttributeMap& attrs, std::span<const int64_t> weight_spatial) {
  ConvGeometry g;
  g.kernel = attrs.get_ints("kernel_shape", {weight_spatial.begin(), weight_spatial.end()});
  if (g.kernel.empty()) g.kernel.assign(weight_spatial.begin(), weight_spatial.end());
  check(!g.kernel.empty(), ErrorCode::kInvalidModel, "attribute kernel_shape is missing");
  check(weight_spatial.empty() || std::vector<int64_t>(weight_spatial.begin(), weight_spatial.end()) == g.kernel,
        ErrorCode::kInvalidModel, "attribute kernel_shape disagrees with the weight");
  for (int64_t k : g.kernel)
    check(k > 0 && k <= kMaxExtent, ErrorCode::kInvalidModel, "the kernel has a size of {}", k);
  const size_t n = g.kernel.size();
  g.strides = positive_ints(attrs, "strides", n, 1, 1);
  g.dilations = positive_ints(attrs, "dilations", n, 1, 1);
  g.pads = positive_ints(attrs, "pads", 2 * n, 0, 0);
  g.group = attrs.get_int("group", 1);
  check(g.group > 0 && g.group <= kMaxExtent, ErrorCode::kInvalidModel, "attribute group = {} must be positive",
        g.group);
  return g;
}

// --- Pointwise programs ----------------------------------------------------------------------------------------------

namespace {

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    if (end > 0) words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

/// Operands that a function takes, literals of its activation included; -1 for an unknown function.
int arity_of(std::string_view fn) {
  for (std::string_view f : {"add", "sub", "mul", "div", "pow", "min", "max"})
    if (fn == f) return 2;
  for (std::string_view f : {"neg", "abs", "sqrt", "exp", "log", "reciprocal", "floor", "ceil", "round", "erf"})
    if (fn == f) return 1;
  switch (parse_activation(fn)) {
    case ActivationKind::kClip:
    case ActivationKind::kHardSigmoid:
      return 3;
    case ActivationKind::kLeakyRelu:
      return 2;
    default:
      return 1;
  }
}

template <typename T>
bool parse_number(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

PointwiseOperand parse_operand(std::string_view word, int num_inputs, int num_results, std::string_view instruction) {
  PointwiseOperand operand{PointwiseOperand::Kind::kLiteral};
  bool ok = word.size() > 1;
  if (ok && word[0] == '#') {
    ok = parse_number(word.substr(1), operand.literal);
  } else if (ok && (word[0] == 'i' || word[0] == 't')) {
    operand.kind = word[0] == 'i' ? PointwiseOperand::Kind::kInput : PointwiseOperand::Kind::kResult;
    ok = parse_number(word.substr(1), operand.index) && operand.index >= 0 &&
         operand.index < (word[0] == 'i' ? num_inputs : num_results);
  } else {
    ok = false;
  }
  check(ok, ErrorCode::kInvalidModel, "'{}' is no operand in the pointwise instruction '{}'", word, instruction);
  return operand;
}

}  // namespace

std::vector<PointwiseInstruction> parse_pointwise(const AttributeMap& attrs, int num_inputs) {
  std::vector<PointwiseInstruction> program;
  for (const std::string& text : attrs.get_strings("program")) {
    const auto words = words_of(text);
    check(!words.empty(), ErrorCode::kInvalidModel, "a pointwise instruction is empty");
    PointwiseInstruction instruction{std::string(words[0]), {}};
    const int arity =
        with_frame([&] { return "pointwise instruction '" + text + "'"; }, [&] { return arity_of(instruction.fn); });
    check(static_cast<int>(words.size()) == arity + 1, ErrorCode::kInvalidModel,
          "the pointwise instruction '{}' needs {} operands", text, arity);
    for (size_t i = 1; i < words.size(); ++i)
      instruction.operands.push_back(parse_operand(words[i], num_inputs, static_cast<int>(program.size()), text));
    const bool has_parameters = arity == 3 || instruction.fn == name_of(ActivationKind::kLeakyRelu);
    for (size_t i = 1; has_parameters && i < instruction.operands.size(); ++i)
      check(instruction.operands[i].kind == PointwiseOperand::Kind::kLiteral, ErrorCode::kInvalidModel,
            "the parameters of the pointwise instruction '{}' must be literals", text);
    program.push_back(std::move(instruction));
  }
  check(!program.empty(), ErrorCode::kInvalidModel, "attribute program is empty");
  return program;
}

}  // namespace burnish
