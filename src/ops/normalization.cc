#include "ops/normalization.h"

#include <algorithm>
#include <cmath>

#include "ops/elements.h"
#include "ops/infer.h"
#include "ops/walk.h"

namespace burnish {
namespace {

// --- per-channel normalisations --------------------------------------------------------------------------------------

/// X [N, C, …] with per-channel vectors in inputs [1, last].
void check_channels(InferContext& c, int last) {
  for (int i = 0; i <= last; ++i) require_real(c, i);
  require_min_rank(c, 0, 2);
  for (int i = 1; i <= last; ++i) {
    require_rank(c, i, 1);
    if (c.has_shape(0) && c.has_shape(i)) require_equal(c.shape(i)[0], c.shape(0)[1], "one entry for each channel");
  }
  infer_like(c);
}

void infer_batch_norm(InferContext& c) {
  check_channels(c, 4);
  for (int i : {1, 2})
    c.set_output(i, c.dtype(i + 2), c.has_shape(i + 2) ? std::optional(c.shape(i + 2)) : std::nullopt);
  check(c.num_outputs() == 1 || c.attrs().get_int("training_mode", 0) != 0, ErrorCode::kInvalidModel,
        "running statistics exist in training mode only");
}

/// y = (x − mean)·scale/√(variance + ε) + bias, one plane of a channel.
template <typename T>
void normalize_plane(const T* x, int64_t n, const Moments& m, double epsilon, double scale, double bias, T* y) {
  const double factor = scale / std::sqrt(m.variance + epsilon);
  for (int64_t i = 0; i < n; ++i) y[i] = static_cast<T>((static_cast<double>(x[i]) - m.mean) * factor + bias);
}

/// Mean and variance of a channel over batch and space.
template <typename T>
Moments channel_moments(const T* x, int64_t batch, int64_t channels, int64_t pixels, int64_t channel) {
  std::vector<T> all;
  for (int64_t n = 0; n < batch; ++n) {
    const T* plane = x + (n * channels + channel) * pixels;
    all.insert(all.end(), plane, plane + pixels);
  }
  return moments_of(all.data(), static_cast<int64_t>(all.size()));
}

template <typename T>
void run_batch_norm(EvalContext& c) {
  const Source<T> x(c.input(0)), scale(c.input(1)), bias(c.input(2)), mean(c.input(3)), variance(c.input(4));
  Sink<T> y(c.output(0));
  const Shape& s = x.shape();
  const int64_t pixels = s.product(2, s.rank());
  const double epsilon = c.attrs().get_float("epsilon", 1e-5F);
  const double momentum = c.attrs().get_float("momentum", 0.9F);
  const bool training = c.attrs().get_int("training_mode", 0) != 0;
  std::vector<double> running_mean, running_variance;
  for (int64_t channel = 0; channel < s[1]; ++channel) {
    const Moments stored{static_cast<double>(mean[channel]), static_cast<double>(variance[channel])};
    const Moments m = training ? channel_moments(x.data(), s[0], s[1], pixels, channel) : stored;
    running_mean.push_back(stored.mean * momentum + m.mean * (1 - momentum));
    running_variance.push_back(stored.variance * momentum + m.variance * (1 - momentum));
    for (int64_t n = 0; n < s[0]; ++n) {
      const int64_t at = (n * s[1] + channel) * pixels;
      normalize_plane<T>(x.data() + at, pixels, m, epsilon, scale[channel], bias[channel], y.data() + at);
    }
  }
  y.commit();
  if (c.wants_output(1)) store_elements<double>(running_mean.data(), c.output(1));
  if (c.wants_output(2)) store_elements<double>(running_variance.data(), c.output(2));
}

void evaluate_batch_norm(EvalContext& c) {
  with_real(c.input(0).dtype, [&](auto tag) { run_batch_norm<decltype(tag)>(c); });
}

int64_t num_groups_of(const AttributeMap& attrs) {
  const int64_t groups = attrs.get_int("num_groups", 0);
  check(groups > 0, ErrorCode::kInvalidModel, "attribute num_groups = {} must be positive", groups);
  return groups;
}

void infer_group_norm(InferContext& c) {
  check_channels(c, 2);
  const int64_t groups = num_groups_of(c.attrs());
  if (!c.has_shape(0) || !c.shape(0)[1].is_constant()) return;
  check(c.shape(0)[1].value() % groups == 0, ErrorCode::kInvalidModel, "{} channels are no multiple of {} groups",
        c.shape(0)[1].value(), groups);
}

void infer_instance_norm(InferContext& c) {
  check_channels(c, 2);
}

/// Every group of channels of every image by itself.
template <typename T>
void run_group_norm(EvalContext& c, int64_t groups) {
  const Source<T> x(c.input(0)), scale(c.input(1)), bias(c.input(2));
  Sink<T> y(c.output(0));
  const Shape& s = x.shape();
  const int64_t pixels = s.product(2, s.rank());
  const int64_t members = groups == 0 ? 0 : s[1] / groups;
  const double epsilon = c.attrs().get_float("epsilon", 1e-5F);
  for (int64_t i = 0; i < s[0] * groups; ++i) {
    const Moments m = moments_of(x.data() + i * members * pixels, members * pixels);
    for (int64_t k = 0; k < members; ++k) {
      const int64_t channel = i % groups * members + k;
      const int64_t at = (i * members + k) * pixels;
      normalize_plane<T>(x.data() + at, pixels, m, epsilon, scale[channel], bias[channel], y.data() + at);
    }
  }
  y.commit();
}

void evaluate_group_norm(EvalContext& c) {
  with_real(c.input(0).dtype, [&](auto tag) { run_group_norm<decltype(tag)>(c, num_groups_of(c.attrs())); });
}

void evaluate_instance_norm(EvalContext& c) {
  with_real(c.input(0).dtype, [&](auto tag) { run_group_norm<decltype(tag)>(c, c.input(0).shape[1]); });
}

// --- LRN -------------------------------------------------------------------------------------------------------------

void infer_lrn(InferContext& c) {
  require_real(c, 0);
  require_min_rank(c, 0, 2);
  const int64_t size = c.attrs().get_int("size", 0);
  check(size > 0 && size <= INT32_MAX, ErrorCode::kInvalidModel, "attribute size = {} must be positive", size);
  infer_like(c);
}

template <typename T>
void run_lrn(EvalContext& c) {
  const Source<T> x(c.input(0));
  Sink<T> y(c.output(0));
  const int64_t size = c.attrs().get_int("size", 1);
  const double alpha = c.attrs().get_float("alpha", 1e-4F), beta = c.attrs().get_float("beta", 0.75F);
  const double bias = c.attrs().get_float("bias", 1);
  const int64_t channels = x.shape()[1], pixels = x.shape().product(2, x.shape().rank());
  for (int64_t i = 0; i < x.size(); ++i) {
    const int64_t channel = i / pixels % channels;
    const int64_t first = std::max<int64_t>(0, channel - (size - 1) / 2);
    const int64_t last = std::min(channels - 1, channel + size / 2);
    double squares = 0;
    for (int64_t k = first; k <= last; ++k) {
      const double v = x[i + (k - channel) * pixels];
      squares += v * v;
    }
    y[i] = static_cast<T>(x[i] / std::pow(bias + alpha / static_cast<double>(size) * squares, beta));
  }
  y.commit();
}

void evaluate_lrn(EvalContext& c) {
  with_real(c.input(0).dtype, [&](auto tag) { run_lrn<decltype(tag)>(c); });
}

// --- MeanVarianceNormalization ---------------------------------------------------------------------------------------

std::vector<int> mvn_axes(const AttributeMap& attrs, int rank) {
  return normalize_axes(attrs.get_ints("axes", {0, 2, 3}), rank);
}

void infer_mvn(InferContext& c) {
  require_real(c, 0);
  if (c.has_shape(0)) mvn_axes(c.attrs(), c.rank(0));
  infer_like(c);
}

template <typename T>
void run_mvn(EvalContext& c) {
  const Source<T> x(c.input(0));
  Sink<T> y(c.output(0));
  Shape kept = x.shape();
  for (int a : mvn_axes(c.attrs(), kept.rank())) kept[a] = 1;
  const int64_t groups = kept.num_elements();
  std::vector<double> sum(static_cast<size_t>(groups)), squares(static_cast<size_t>(groups));
  const double count = static_cast<double>(x.size()) / static_cast<double>(std::max<int64_t>(groups, 1));
  const auto for_all = [&](auto&& f) {
    Walk walk(x.shape(), {broadcast_strides(x.shape(), kept)});
    for (int64_t i = 0; i < x.size(); ++i, walk.next()) f(i, static_cast<size_t>(walk.offset(0)));
  };
  for_all([&](int64_t i, size_t g) { sum[g] += x[i] / count; });
  for_all([&](int64_t i, size_t g) { squares[g] += (x[i] - sum[g]) * (x[i] - sum[g]) / count; });
  for_all([&](int64_t i, size_t g) { y[i] = static_cast<T>((x[i] - sum[g]) / (std::sqrt(squares[g]) + 1e-9)); });
  y.commit();
}

void evaluate_mvn(EvalContext& c) {
  with_real(c.input(0).dtype, [&](auto tag) { run_mvn<decltype(tag)>(c); });
}

constexpr OpDescriptor kOps[] = {
    {"BatchNormalization", 5, 5, 1, 3, infer_batch_norm, evaluate_batch_norm},
    {"InstanceNormalization", 3, 3, 1, 1, infer_instance_norm, evaluate_instance_norm},
    {"GroupNormalization", 3, 3, 1, 1, infer_group_norm, evaluate_group_norm},
    {"LayerNormalization", 2, 3, 1, 3, infer_layer_norm, evaluate_layer_norm},
    {"RMSNormalization", 2, 2, 1, 1, infer_rms_norm, evaluate_rms_norm},
    {"LRN", 1, 1, 1, 1, infer_lrn, evaluate_lrn},
    {"MeanVarianceNormalization", 1, 1, 1, 1, infer_mvn, evaluate_mvn},
};

}  // namespace

std::span<const OpDescriptor> normalization_ops() {
  return kOps;
}

}  // namespace burnish
