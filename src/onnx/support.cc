#include "onnx/support.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/error.h"
#include "onnx-ml.pb.h"
#include "onnx/importer.h"
#include "onnx/tensors.h"
#include "onnx/upgrade.h"
#include "ops/op.h"

namespace burnish {
namespace {

using std::string_view_literals::operator""sv;

/// Operators of ours that no file may name.
constexpr std::array kOurs = {"FusedAttention"sv, "FusedConv"sv,    "FusedMatMul"sv,
                              "JoinedConv"sv,     "JoinedMatMul"sv, "Pointwise"sv};
constexpr std::array kMl = {"ArrayFeatureExtractor"sv, "Binarizer"sv,
                            "FeatureVectorizer"sv,     "Imputer"sv,
                            "LabelEncoder"sv,          "LinearClassifier"sv,
                            "LinearRegressor"sv,       "Normalizer"sv,
                            "OneHotEncoder"sv,         "SVMClassifier"sv,
                            "SVMRegressor"sv,          "Scaler"sv,
                            "TreeEnsemble"sv,          "TreeEnsembleClassifier"sv,
                            "TreeEnsembleRegressor"sv};
/// Operators that mean since the given opset below kOldestOpset what they mean today (or in opset kOldestOpset).
struct Unchanged {
  std::string_view op;
  int64_t since;
};
constexpr Unchanged kUnchanged[] = {{"Abs", 6},
                                    {"Ceil", 6},
                                    {"Constant", 1},
                                    {"Conv", 1},
                                    {"Elu", 6},
                                    {"Exp", 6},
                                    {"Flatten", 1},
                                    {"Floor", 6},
                                    {"GlobalAveragePool", 1},
                                    {"GlobalMaxPool", 1},
                                    {"HardSigmoid", 6},
                                    {"Identity", 1},
                                    {"InstanceNormalization", 6},
                                    {"LeakyRelu", 6},
                                    {"Log", 6},
                                    {"Neg", 6},
                                    {"Not", 1},
                                    {"Reciprocal", 6},
                                    {"ReduceLogSum", 1},
                                    {"ReduceLogSumExp", 1},
                                    {"ReduceMax", 1},
                                    {"ReduceMean", 1},
                                    {"ReduceMin", 1},
                                    {"ReduceSum", 1},
                                    {"Relu", 6},
                                    {"Reshape", 5},
                                    {"Selu", 6},
                                    {"Shape", 1},
                                    {"Sigmoid", 6},
                                    {"Size", 1},
                                    {"Softmax", 1},
                                    {"Softplus", 1},
                                    {"Softsign", 1},
                                    {"Sqrt", 6},
                                    {"Tanh", 6},
                                    {"Transpose", 1}};
/// Operators that the importer itself takes apart.
constexpr std::array kByImporter = {"Constant"sv, "If"sv, "Loop"sv, "Scan"sv};
constexpr std::array kStrings = {"RegexFullMatch"sv, "StringConcat"sv, "StringNormalizer"sv, "StringSplit"sv};

template <size_t N>
bool contains(const std::array<std::string_view, N>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

bool is_about_sequences(std::string_view op) {
  return op.starts_with("Sequence") || op.starts_with("Optional") || op.ends_with("Sequence");
}

UnsupportedReason reason_in_default_domain(const std::string& op) {
  if (contains(kStrings, op)) return {"strings are not supported", "Do the text processing before the model"};
  if (is_about_sequences(op) && op != "ReverseSequence") {
    return {"sequences and optionals are not supported", "Export the model with plain tensors"};
  }
  return {"there is no such operator here", "Express it with others, or as a function in the model"};
}

}  // namespace

int64_t newest_opset(const std::string& domain) {
  if (domain.empty()) return kNewestOpset;
  if (domain == "ai.onnx.ml") return kNewestMlOpset;
  return domain == kPreviewDomain ? 1 : 0;
}

std::optional<UnsupportedReason> unsupported_reason(const std::string& domain, const std::string& op) {
  const bool is_default = domain.empty();
  if (is_default && contains(kByImporter, op)) return std::nullopt;
  if (domain == kPreviewDomain && op == "FlexAttention") return std::nullopt;
  if (is_default || domain == "ai.onnx.ml") {
    const bool known = find_op(newest_name(domain, op)) != nullptr && !contains(kOurs, op);
    if (known && contains(kMl, op) != is_default) return std::nullopt;
    if (is_default) return reason_in_default_domain(op);
    return UnsupportedReason{"there is no such operator here", "Do this step outside of the model"};
  }
  if (domain.find("training") != std::string::npos) {
    return UnsupportedReason{"operators for training are not supported", "Export the model for inference"};
  }
  return UnsupportedReason{fmt::format("the domain '{}' is not known here", domain),
                           "Export the model with ONNX's own operators, or define the operator as a function in it"};
}

bool is_unchanged(const std::string& op, int64_t version) {
  return std::any_of(std::begin(kUnchanged), std::end(kUnchanged),
                     [&](const Unchanged& row) { return row.op == op && row.since <= version; });
}

Tensor constant_of(const std::string& attribute, const onnx::AttributeProto& proto, ExternalData* external) {
  using Proto = onnx::AttributeProto;
  const auto expect = [&](Proto::AttributeType type) {
    check(proto.type() == type, ErrorCode::kInvalidModel, "the attribute '{}' has the type {}", attribute,
          Proto::AttributeType_Name(proto.type()));
  };
  if (attribute == "value") return expect(Proto::TENSOR), to_tensor(proto.t(), external);
  if (attribute == "sparse_value")
    return expect(Proto::SPARSE_TENSOR), to_dense_tensor(proto.sparse_tensor(), external);
  if (attribute == "value_int") return expect(Proto::INT), Tensor::scalar<int64_t>(DType::kInt64, proto.i());
  if (attribute == "value_float") return expect(Proto::FLOAT), Tensor::scalar<float>(DType::kFloat32, proto.f());
  if (attribute == "value_ints") {
    expect(Proto::INTS);
    return Tensor::from_ints(std::vector<int64_t>(proto.ints().begin(), proto.ints().end()));
  }
  if (attribute == "value_floats") {
    expect(Proto::FLOATS);
    return Tensor::from_floats(std::vector<float>(proto.floats().begin(), proto.floats().end()));
  }
  const bool strings = attribute == "value_string" || attribute == "value_strings";
  check(!strings, ErrorCode::kUnsupported, "strings are not supported");
  throw_error(ErrorCode::kInvalidModel, "a Constant has no attribute '{}'", attribute);
}

}  // namespace burnish
