#include "ops/loss.h"

#include <array>
#include <cmath>
#include <optional>

#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/numeric.h"

namespace burnish {
namespace {

constexpr std::array<std::string_view, 3> kReductions{"none", "sum", "mean"};

// scores [N, C, d…], labels [N, d…], weights [C] -> [N, d…], or a scalar when reduced.
void infer_loss(InferContext& c) {
  require_real(c, 0);
  require_index(c, 1);
  require_same_dtype(c, 0, 2);
  require_min_rank(c, 0, 2);
  const std::string reduction = c.attrs().get_string("reduction", "mean");
  require_choice("reduction", reduction, kReductions);
  if (c.has_shape(0) && c.has_shape(1)) {
    check(c.rank(1) == c.rank(0) - 1, ErrorCode::kInvalidModel, "labels {} do not fit scores {}", to_string(c.shape(1)),
          to_string(c.shape(0)));
    for (int i = 0; i < c.rank(1); ++i)
      require_equal(c.shape(1)[static_cast<size_t>(i)], c.shape(0)[static_cast<size_t>(i == 0 ? 0 : i + 1)],
                    "labels against scores");
  }
  const auto shape = c.has_shape(1) ? std::optional(c.shape(1)) : std::nullopt;
  c.set_output(0, c.dtype(0), reduction == "none" ? shape : std::optional(SymShape{}));
}

void infer_cross_entropy(InferContext& c) {
  infer_loss(c);
  infer_like(c, 1, 0);
}

std::vector<double> log_softmax(const Source<double>& x) {
  const Lanes lanes(x.shape(), 1);
  std::vector<double> y(static_cast<size_t>(x.size()));
  if (lanes.length == 0) return y;
  lanes.for_each([&](int64_t first) {
    double largest = x[first];
    for (int64_t i = 1; i < lanes.length; ++i) largest = std::fmax(largest, x[first + i * lanes.inner]);
    double sum = 0;
    for (int64_t i = 0; i < lanes.length; ++i) sum += std::exp(x[first + i * lanes.inner] - largest);
    for (int64_t i = 0; i < lanes.length; ++i)
      y[static_cast<size_t>(first + i * lanes.inner)] = x[first + i * lanes.inner] - largest - std::log(sum);
  });
  return y;
}

// Minus the labelled log-probability, weighted; labels equal to ignore_index cost nothing.
void reduce_loss(const EvalContext& c, const Shape& shape, const double* log_p) {
  const Lanes lanes(shape, 1);
  const auto labels = ints_of(c.input(1));
  const auto weights = c.has_input(2) ? std::optional<Source<double>>(std::in_place, c.input(2)) : std::nullopt;
  check(!weights || weights->size() == lanes.length, ErrorCode::kInvalidModel, "{} weights for {} classes",
        weights ? weights->size() : 0, lanes.length);
  const bool ignores = c.attrs().has("ignore_index");
  const int64_t ignored = c.attrs().get_int("ignore_index", 0);
  std::vector<double> losses(labels.size(), 0.0);
  double sum = 0;
  double total_weight = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (ignores && labels[i] == ignored) continue;
    const int64_t label = labels[i] < 0 ? labels[i] + lanes.length : labels[i];
    check(label >= 0 && label < lanes.length, ErrorCode::kInvalidArgument, "label {} is outside [0, {})", labels[i],
          lanes.length);
    const auto at = static_cast<int64_t>(i);
    const double weight = weights ? (*weights)[label] : 1;
    losses[i] = -weight * log_p[(at / lanes.inner * lanes.length + label) * lanes.inner + at % lanes.inner];
    sum += losses[i];
    total_weight += weight;
  }
  const std::string reduction = c.attrs().get_string("reduction", "mean");
  if (reduction == "none") return store_elements<double>(losses.data(), c.output(0));
  if (reduction == "mean") sum /= total_weight;
  store_elements<double>(&sum, c.output(0));
}

void evaluate_nll(EvalContext& c) {
  const Source<double> x(c.input(0));
  reduce_loss(c, x.shape(), x.data());
}

void evaluate_cross_entropy(EvalContext& c) {
  const Source<double> x(c.input(0));
  const std::vector<double> log_p = log_softmax(x);
  reduce_loss(c, x.shape(), log_p.data());
  if (c.wants_output(1)) store_elements<double>(log_p.data(), c.output(1));
}

const std::array kRows{
    OpDescriptor{"NegativeLogLikelihoodLoss", 2, 3, 1, 1, infer_loss, evaluate_nll},
    OpDescriptor{"SoftmaxCrossEntropyLoss", 2, 3, 1, 2, infer_cross_entropy, evaluate_cross_entropy},
};

}  // namespace

std::span<const OpDescriptor> loss_ops() {
  return kRows;
}

}  // namespace burnish
