#include "ops/random.h"

#include <array>
#include <bit>
#include <cmath>
#include <random>

#include "base/checked.h"
#include "ops/infer.h"
#include "ops/numeric.h"
#include "ops/strided.h"

namespace burnish {
namespace {

// The Mersenne Twister with the doubles that NumPy draws from it, so that seeded masks can be compared with ONNX's own
// evaluator. Seeded by the attribute, or anew at every run.
class UniformStream {
 public:
  explicit UniformStream(const AttributeMap& attrs) : engine_(seed_of(attrs)) {}

  /// In [0, 1), of 53 random bits.
  double next() {
    const uint64_t high = engine_() >> 5U;
    const uint64_t low = engine_() >> 6U;
    return static_cast<double>((high << 26U) | low) * 0x1p-53;
  }
  std::mt19937& engine() { return engine_; }

 private:
  static uint32_t seed_of(const AttributeMap& attrs) {
    const auto it = attrs.values().find("seed");
    if (it == attrs.values().end()) return std::random_device{}();
    if (const auto* seed = std::get_if<int64_t>(&it->second)) return static_cast<uint32_t>(*seed);
    const float seed = attrs.get_float("seed", 0);
    if (std::isnan(seed)) return std::random_device{}();
    // Any other float: its whole part where that is one, else its bits.
    return seed >= 0 && seed < 0x1p32F ? static_cast<uint32_t>(seed) : std::bit_cast<uint32_t>(seed);
  }

  std::mt19937 engine_;
};

template <typename Draw>
void fill(const EvalContext& c, Draw draw) {
  UniformStream stream(c.attrs());
  Sink<double> y(c.output(0));
  for (int64_t i = 0; i < y.shape().num_elements(); ++i) y[i] = draw(stream);
  y.commit();
}

// --- RandomNormal, RandomUniform
// --------------------------------------------------------------------------------------

void infer_random(InferContext& c) {
  SymShape shape;
  for (const int64_t d : c.attrs().get_ints("shape")) {
    check(d >= 0, ErrorCode::kInvalidModel, "a dimension of attribute 'shape' is negative: {}", d);
    shape.emplace_back(d);
  }
  c.set_output(0, dtype_attribute(c.attrs(), "dtype", DType::kFloat32), std::move(shape));
}

void infer_random_like(InferContext& c) {
  const DType dtype = dtype_attribute(c.attrs(), "dtype", c.dtype(0));
  c.set_output(0, dtype, c.has_shape(0) ? std::optional(c.shape(0)) : std::nullopt);
}

void evaluate_random_normal(EvalContext& c) {
  const double scale = c.attrs().get_float("scale", 1);
  check(scale >= 0, ErrorCode::kInvalidModel, "attribute scale = {} is negative", scale);
  const double mean = c.attrs().get_float("mean", 0);
  fill(c, [=, unit = std::normal_distribution<double>()](UniformStream& stream) mutable {
    return mean + scale * unit(stream.engine());
  });
}

void evaluate_random_uniform(EvalContext& c) {
  const double low = c.attrs().get_float("low", 0);
  const double high = c.attrs().get_float("high", 1);
  fill(c, [=](UniformStream& stream) { return low + (high - low) * stream.next(); });
}

// --- Bernoulli, Multinomial
// -------------------------------------------------------------------------------------------

void evaluate_bernoulli(EvalContext& c) {
  UniformStream stream(c.attrs());
  const Source<double> p(c.input(0));
  Sink<double> y(c.output(0));
  for (int64_t i = 0; i < p.size(); ++i) y[i] = stream.next() < p[i] ? 1 : 0;
  y.commit();
}

void infer_multinomial(InferContext& c) {
  require_rank(c, 0, 2);
  const int64_t n = c.attrs().get_int("sample_size", 1);
  check(n >= 0, ErrorCode::kInvalidModel, "attribute sample_size = {} is negative", n);
  const Dim batch = c.has_shape(0) ? c.shape(0)[0] : data_dim("multinomial", c);
  c.set_output(0, dtype_attribute(c.attrs(), "dtype", DType::kInt32), SymShape{batch, n});
}

// Draws from unnormalised log-probabilities.
void evaluate_multinomial(EvalContext& c) {
  UniformStream stream(c.attrs());
  const Source<double> x(c.input(0));
  const int64_t classes = x.shape()[1];
  const int64_t samples = c.output(0).shape[1];
  Sink<int64_t> y(c.output(0));
  for (int64_t b = 0; b < x.shape()[0]; ++b) {
    const double* row = x.data() + b * classes;
    double largest = classes > 0 ? row[0] : 0;
    for (int64_t k = 1; k < classes; ++k) largest = std::fmax(largest, row[k]);
    std::vector<double> weights;
    for (int64_t k = 0; k < classes; ++k) weights.push_back(std::exp(row[k] - largest));
    std::discrete_distribution<int64_t> draw(weights.begin(), weights.end());
    for (int64_t s = 0; s < samples; ++s) y[b * samples + s] = draw(stream.engine());
  }
  y.commit();
}

// --- Dropout
// ----------------------------------------------------------------------------------------------------------

void infer_dropout(InferContext& c) {
  infer_like(c);
  c.set_output(1, DType::kBool, c.has_shape(0) ? std::optional(c.shape(0)) : std::nullopt);
}

void fill_mask(const EvalContext& c, uint8_t value) {
  if (c.wants_output(1)) fill_elements(1, &value, c.output(1).data, c.output(1).num_elements());
}

void evaluate_dropout(EvalContext& c) {
  double ratio = 0.5;
  if (c.has_input(1) && c.input(1).num_elements() == 1) load_elements<double>(c.input(1), &ratio);
  const bool training = c.has_input(2) && c.input(2).num_elements() == 1 && *c.input(2).as<uint8_t>() != 0;
  if (!training || ratio == 0) {
    copy_bytes(c.input(0), c.output(0));
    return fill_mask(c, 1);
  }
  check(ratio > 0 && ratio < 1, ErrorCode::kInvalidModel, "the ratio {} is outside [0, 1)", ratio);
  UniformStream stream(c.attrs());
  const Source<double> x(c.input(0));
  Sink<double> y(c.output(0));
  uint8_t* mask = c.wants_output(1) ? c.output(1).as<uint8_t>() : nullptr;
  for (int64_t i = 0; i < x.size(); ++i) {
    const bool keep = stream.next() >= ratio;
    y[i] = keep ? x[i] / (1 - ratio) : 0;
    if (mask != nullptr) mask[i] = keep ? 1 : 0;
  }
  y.commit();
}

const std::array kRows{
    OpDescriptor{"RandomNormal", 0, 0, 1, 1, infer_random, evaluate_random_normal, kRandom},
    OpDescriptor{"RandomUniform", 0, 0, 1, 1, infer_random, evaluate_random_uniform, kRandom},
    OpDescriptor{"RandomNormalLike", 1, 1, 1, 1, infer_random_like, evaluate_random_normal, kRandom},
    OpDescriptor{"RandomUniformLike", 1, 1, 1, 1, infer_random_like, evaluate_random_uniform, kRandom},
    OpDescriptor{"Bernoulli", 1, 1, 1, 1, infer_random_like, evaluate_bernoulli, kRandom},
    OpDescriptor{"Multinomial", 1, 1, 1, 1, infer_multinomial, evaluate_multinomial, kRandom},
    OpDescriptor{"Dropout", 1, 3, 1, 2, infer_dropout, evaluate_dropout, kPlain},
};

}  // namespace

std::span<const OpDescriptor> random_ops() {
  return kRows;
}

}  // namespace burnish
