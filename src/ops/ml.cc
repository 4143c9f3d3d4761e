#include "ops/ml.h"

#include <array>
#include <cmath>
#include <unordered_map>

#include "ops/infer.h"
#include "ops/numeric.h"
#include "ops/strided.h"

namespace burnish {
namespace {

// --- Binarizer
// --------------------------------------------------------------------------------------------------------

void infer_binarizer(InferContext& c) {
  infer_like(c);
}

void evaluate_binarizer(EvalContext& c) {
  const double threshold = c.attrs().get_float("threshold", 0);
  const Source<double> x(c.input(0));
  Sink<double> y(c.output(0));
  for (int64_t i = 0; i < x.size(); ++i) y[i] = x[i] > threshold ? 1 : 0;
  y.commit();
}

// --- ArrayFeatureExtractor
// --------------------------------------------------------------------------------------------

void infer_extractor(InferContext& c) {
  require_min_rank(c, 0, 1);
  if (!c.has_shape(0) || !c.has_shape(1)) return infer_unknown(c, c.dtype(0));
  SymShape shape = c.shape(0);
  if (shape.size() == 1) shape.insert(shape.begin(), Dim(1));
  shape.back() = num_elements(c.shape(1));
  c.set_output(0, c.dtype(0), std::move(shape));
}

void evaluate_extractor(EvalContext& c) {
  const TensorView& x = c.input(0);
  const auto columns = ints_of(c.input(1));
  const int64_t width = x.shape.back();
  for (const int64_t j : columns)
    check(j >= 0 && j < width, ErrorCode::kInvalidArgument, "column {} is outside [0, {})", j, width);
  const TensorView y = c.output(0);
  const int64_t rows = width == 0 ? 0 : x.num_elements() / width;
  int64_t to = 0;
  for (int64_t r = 0; r < rows; ++r)
    for (const int64_t j : columns) std::memcpy(element_at(y, to++), element_at(x, r * width + j), size_of(x.dtype));
}

// --- LabelEncoder
// -----------------------------------------------------------------------------------------------------

// Keys or values of numbers, from whichever attribute holds them.
Tensor numbers_of(const AttributeMap& attrs, const std::string& prefix) {
  if (attrs.has(prefix + "_tensor")) return attrs.get_tensor(prefix + "_tensor");
  if (attrs.has(prefix + "_int64s")) return Tensor::from_ints(attrs.get_ints(prefix + "_int64s"));
  if (attrs.has(prefix + "_floats")) return Tensor::from_floats(attrs.get_floats(prefix + "_floats"));
  throw_error(ErrorCode::kUnsupported, "labels of strings are not supported");
}

double default_of(const AttributeMap& attrs, DType dtype) {
  if (const Tensor t = attrs.get_tensor("default_tensor"); t.defined()) {
    check(t.num_elements() == 1, ErrorCode::kInvalidModel, "attribute 'default_tensor' must be one number");
    double value = 0;
    load_elements<double>(t.view(), &value);
    return value;
  }
  if (!is_floating(dtype)) return static_cast<double>(attrs.get_int("default_int64", -1));
  return attrs.get_float("default_float", 0);
}

void infer_label_encoder(InferContext& c) {
  const Tensor keys = numbers_of(c.attrs(), "keys");
  const Tensor values = numbers_of(c.attrs(), "values");
  check(keys.num_elements() == values.num_elements(), ErrorCode::kInvalidModel, "{} keys for {} values",
        keys.num_elements(), values.num_elements());
  c.set_output(0, values.dtype(), c.has_shape(0) ? std::optional(c.shape(0)) : std::nullopt);
}

void evaluate_label_encoder(EvalContext& c) {
  const Tensor key_tensor = numbers_of(c.attrs(), "keys");
  const Tensor value_tensor = numbers_of(c.attrs(), "values");
  const Source<double> keys(key_tensor.view());
  const Source<double> values(value_tensor.view());
  std::unordered_map<double, double> map;
  std::optional<double> value_of_nan;  // NaN is a key too, though it equals nothing
  for (int64_t i = 0; i < keys.size(); ++i) {
    if (std::isnan(keys[i])) value_of_nan = values[i];
    map.insert_or_assign(keys[i], values[i]);
  }
  const double fallback = default_of(c.attrs(), value_tensor.dtype());
  const Source<double> x(c.input(0));
  Sink<double> y(c.output(0));
  for (int64_t i = 0; i < x.size(); ++i) {
    const auto it = map.find(x[i]);
    y[i] = std::isnan(x[i]) ? value_of_nan.value_or(fallback) : it != map.end() ? it->second : fallback;
  }
  y.commit();
}

const std::array kRows{
    OpDescriptor{"Binarizer", 1, 1, 1, 1, infer_binarizer, evaluate_binarizer, kElementwise},
    OpDescriptor{"ArrayFeatureExtractor", 2, 2, 1, 1, infer_extractor, evaluate_extractor},
    OpDescriptor{"LabelEncoder", 1, 1, 1, 1, infer_label_encoder, evaluate_label_encoder, kElementwise},
};

}  // namespace

std::span<const OpDescriptor> ml_ops() {
  return kRows;
}

}  // namespace burnish
