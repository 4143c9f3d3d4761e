#include "ops/window.h"

#include <array>
#include <cmath>
#include <numbers>

#include "ops/infer.h"
#include "ops/numeric.h"

namespace burnish {
namespace {

int64_t count_at(const TensorView& view, int i) {
  const auto values = ints_of(view);
  check(values.size() == 1 && values[0] >= 0, ErrorCode::kInvalidModel, "input {} must be one number, not negative", i);
  return values[0];
}

// Stored as a cast would store it: integers truncate.
void store_truncated(std::vector<double>& values, const TensorView& to) {
  if (!is_floating(to.dtype))
    for (double& v : values) v = std::trunc(v);
  store_elements<double>(values.data(), to);
}

// --- windows
// ----------------------------------------------------------------------------------------------------------

void infer_window(InferContext& c) {
  const auto size = c.dims(0);
  check(!size || size->size() == 1, ErrorCode::kInvalidModel, "input 0 must be one number");
  const Dim n = size ? (*size)[0] : data_dim("window", c);
  check(!n.is_constant() || n.value() >= 0, ErrorCode::kInvalidModel, "a window of {} elements", to_string(n));
  c.set_output(0, dtype_attribute(c.attrs(), "output_datatype", DType::kFloat32), SymShape{n});
}

// The sum of weights[k]·cos(2πk·i/n), n one less for a symmetric window.
void evaluate_cosine_window(EvalContext& c, std::span<const double> weights) {
  const int64_t size = count_at(c.input(0), 0);
  const bool periodic = c.attrs().get_int("periodic", 1) != 0;
  const DType dtype = dtype_attribute(c.attrs(), "output_datatype", DType::kFloat32);
  const TensorView y = c.allocate(0, dtype, Shape{size});
  // A single element stands at the window's start, whatever its period.
  const double period = std::max<double>(1, static_cast<double>(periodic ? size : size - 1));
  std::vector<double> values;
  for (int64_t i = 0; i < size; ++i) {
    double sum = 0;
    for (size_t k = 0; k < weights.size(); ++k)
      sum += weights[k] * std::cos(2 * std::numbers::pi * static_cast<double>(k) * static_cast<double>(i) / period);
    values.push_back(sum);
  }
  store_truncated(values, y);
}

void evaluate_hann(EvalContext& c) {
  evaluate_cosine_window(c, std::array{0.5, -0.5});
}
void evaluate_hamming(EvalContext& c) {
  evaluate_cosine_window(c, std::array{25.0 / 46, -21.0 / 46});
}
void evaluate_blackman(EvalContext& c) {
  evaluate_cosine_window(c, std::array{0.42, -0.5, 0.08});
}

// --- MelWeightMatrix
// --------------------------------------------------------------------------------------------------

void infer_mel(InferContext& c) {
  const DType dtype = dtype_attribute(c.attrs(), "output_datatype", DType::kFloat32);
  const auto bins = c.dims(0);
  const auto length = c.dims(1);
  if (!bins || !length || bins->size() != 1 || length->size() != 1) {
    return c.set_output(0, dtype, SymShape{data_dim("mel_rows", c), data_dim("mel_columns", c)});
  }
  c.set_output(0, dtype, SymShape{floor_div((*length)[0], 2) + Dim(1), (*bins)[0]});
}

double real_at(const TensorView& view, int i) {
  check(view.num_elements() == 1, ErrorCode::kInvalidModel, "input {} must be one number", i);
  double value = 0;
  load_elements<double>(view, &value);
  return value;
}

// The spectrogram bins of the triangles' corners, equally spaced on the mel scale.
std::vector<int64_t> mel_corners(const EvalContext& c, int64_t num_bins, int64_t dft_length) {
  const double sample_rate = real_at(c.input(2), 2);
  const auto to_mel = [](double hertz) { return 2595 * std::log1p(hertz / 700) / std::numbers::ln10; };
  const double low = to_mel(real_at(c.input(3), 3));
  const double step = (to_mel(real_at(c.input(4), 4)) - low) / static_cast<double>(num_bins + 2);
  std::vector<int64_t> corners;
  for (int64_t i = 0; i < num_bins + 2; ++i) {
    const double hertz = 700 * std::expm1((low + static_cast<double>(i) * step) / 2595 * std::numbers::ln10);
    const double bin = std::floor(static_cast<double>(dft_length + 1) * hertz / sample_rate);
    check(bin >= 0 && bin <= static_cast<double>(dft_length / 2), ErrorCode::kInvalidArgument,
          "the frequency {} Hz lies outside the spectrogram", hertz);
    corners.push_back(static_cast<int64_t>(bin));
  }
  return corners;
}

void evaluate_mel(EvalContext& c) {
  const int64_t num_bins = count_at(c.input(0), 0);
  const int64_t dft_length = count_at(c.input(1), 1);
  const auto corner = mel_corners(c, num_bins, dft_length);
  const DType dtype = dtype_attribute(c.attrs(), "output_datatype", DType::kFloat32);
  const TensorView y = c.allocate(0, dtype, Shape{dft_length / 2 + 1, num_bins});
  std::vector<double> values(static_cast<size_t>(y.num_elements()), 0.0);
  for (int64_t i = 0; i < num_bins; ++i) {
    const auto at = [&](int64_t row) -> double& { return values[static_cast<size_t>(row * num_bins + i)]; };
    const int64_t left = corner[static_cast<size_t>(i)];
    const int64_t centre = corner[static_cast<size_t>(i + 1)];
    const int64_t right = corner[static_cast<size_t>(i + 2)];
    if (left == centre) at(centre) = 1;
    for (int64_t j = left; centre > left && j <= centre; ++j)
      at(j) = static_cast<double>(j - left) / static_cast<double>(centre - left);
    for (int64_t j = centre; j < right; ++j)
      at(j) = static_cast<double>(right - j) / static_cast<double>(right - centre);
  }
  store_truncated(values, y);
}

const std::array kRows{
    OpDescriptor{"HannWindow", 1, 1, 1, 1, infer_window, evaluate_hann},
    OpDescriptor{"HammingWindow", 1, 1, 1, 1, infer_window, evaluate_hamming},
    OpDescriptor{"BlackmanWindow", 1, 1, 1, 1, infer_window, evaluate_blackman},
    OpDescriptor{"MelWeightMatrix", 5, 5, 1, 1, infer_mel, evaluate_mel},
};

}  // namespace

std::span<const OpDescriptor> window_ops() {
  return kRows;
}

}  // namespace burnish
