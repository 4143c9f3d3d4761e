#include "ops/signal.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "ops/elements.h"
#include "ops/infer.h"

namespace burnish {
namespace {

using Complex = std::complex<double>;

/// The sums themselves, over n points with a table of the roots of unity. The inverse is not scaled.
class Transform {
 public:
  Transform(int64_t n, bool inverse) : roots_(static_cast<size_t>(n)) {
    for (int64_t k = 0; k < n; ++k) {
      const double angle = 2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(n);
      roots_[static_cast<size_t>(k)] = std::polar(1.0, inverse ? angle : -angle);
    }
  }
  Complex bin(const std::vector<Complex>& x, int64_t k) const {
    Complex sum = 0;
    size_t at = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      sum += x[i] * roots_[at];
      at += static_cast<size_t>(k);
      if (at >= roots_.size()) at -= roots_.size();
    }
    return sum;
  }

 private:
  std::vector<Complex> roots_;
};

bool flag(const AttributeMap& attrs, std::string_view name, int64_t fallback) {
  return attrs.get_int(name, fallback) != 0;
}

/// A positive number known from a scalar input; nullopt when unknown.
std::optional<int64_t> known_scalar(const InferContext& c, int i) {
  const auto values = c.ints(i);
  if (!values) return std::nullopt;
  check(values->size() == 1, ErrorCode::kInvalidModel, "input {} must be a scalar", i);
  return values->front();
}

// --- DFT: input [..., signal, ..., 1 or 2], dft_length, axis ---------------------------------------------------------

Dim default_length(const Dim& size, bool halves) {
  return halves ? (size - Dim(1)) * Dim(2) : size;
}

void check_last_dim(const InferContext& c) {
  const Dim& last = c.shape(0).back();
  check(!last.is_constant() || last.is(1) || last.is(2), ErrorCode::kInvalidModel,
        "the last dimension must be 1 (real) or 2 (complex), not {}", to_string(last));
}

void infer_dft(InferContext& c) {
  require_real(c, 0);
  require_min_rank(c, 0, 2);
  for (int i : {1, 2}) require_index(c, i);
  const auto axis = c.has_input(2) ? known_scalar(c, 2) : std::optional<int64_t>(-2);
  if (!c.has_shape(0) || !axis) return c.set_output(0, c.dtype(0), std::nullopt);
  check_last_dim(c);
  const int a = normalize_axis(*axis, c.rank(0));
  check(a + 1 < c.rank(0), ErrorCode::kInvalidModel, "the axis must not be the last one");
  const bool inverse = flag(c.attrs(), "inverse", 0), onesided = flag(c.attrs(), "onesided", 0);
  SymShape out = c.shape(0);
  Dim& size = out[static_cast<size_t>(a)];
  Dim length = default_length(size, inverse && onesided);
  if (c.has_input(1)) {
    const auto given = c.dims(1);
    if (!given || given->size() != 1) return c.set_output(0, c.dtype(0), std::nullopt);
    length = given->front();
  }
  check(!length.is_constant() || length.value() > 0, ErrorCode::kInvalidModel, "a transform of length {}",
        to_string(length));
  size = onesided && !inverse ? floor_div(length, Dim(2)) + Dim(1) : length;
  out.back() = onesided && inverse ? 1 : 2;
  c.set_output(0, c.dtype(0), std::move(out));
}

/// How the points of a DFT stand in memory: [outer, size, inner, parts].
struct Lines {
  int64_t outer, size, inner, parts;
  int64_t offset(int64_t o, int64_t i, int64_t k) const { return ((o * size + i) * inner + k) * parts; }
};

/// One line, cut or padded to n points. Of half a spectrum the other half is the mirrored conjugate.
std::vector<Complex> read_line(const Source<double>& x, const Lines& l, int64_t o, int64_t k, int64_t n,
                               bool mirrored) {
  std::vector<Complex> line(static_cast<size_t>(n));
  const int64_t stored = mirrored ? std::min(l.size, n / 2 + 1) : std::min(l.size, n);
  for (int64_t i = 0; i < stored; ++i) {
    const int64_t at = l.offset(o, i, k);
    const Complex v(x[at], l.parts == 2 ? x[at + 1] : 0);
    line[static_cast<size_t>(i)] = v;
    if (!mirrored) continue;
    const bool own_mirror = i == 0 || 2 * i == n;
    if (own_mirror) line[static_cast<size_t>(i)] = v.real();
    if (!own_mirror) line[static_cast<size_t>(n - i)] = std::conj(v);
  }
  return line;
}

void evaluate_dft(EvalContext& c) {
  const Source<double> x(c.input(0));
  Sink<double> y(c.output(0));
  const Shape &in = x.shape(), &out = y.shape();
  const int axis = normalize_axis(c.has_input(2) ? ints_of(c.input(2))[0] : -2, in.rank());
  const bool inverse = flag(c.attrs(), "inverse", 0), onesided = flag(c.attrs(), "onesided", 0);
  const int last = in.rank() - 1;
  const Lines from{in.product(0, axis), in[axis], in.product(axis + 1, last), in[last]};
  const Lines to{from.outer, out[axis], from.inner, out[last]};
  const int64_t fallback = inverse && onesided ? 2 * (in[axis] - 1) : in[axis];
  const int64_t n = c.has_input(1) ? ints_of(c.input(1))[0] : fallback;
  const Transform transform(n, inverse);
  for (int64_t o = 0; o < from.outer; ++o)
    for (int64_t k = 0; k < from.inner; ++k) {
      const auto line = read_line(x, from, o, k, n, inverse && onesided);
      for (int64_t i = 0; i < to.size; ++i) {
        const Complex v = transform.bin(line, i) / (inverse ? static_cast<double>(n) : 1.0);
        const int64_t at = to.offset(o, i, k);
        y[at] = v.real();
        if (to.parts == 2) y[at + 1] = v.imag();
      }
    }
  y.commit();
}

// --- STFT: signal [B, L, 1 or 2], frame_step, window, frame_length ---------------------------------------------------

/// The length of a frame; nullopt when unknown.
std::optional<Dim> frame_length(const InferContext& c) {
  if (c.has_input(3)) {
    const auto given = c.dims(3);
    return given && given->size() == 1 ? std::optional<Dim>(given->front()) : std::nullopt;
  }
  if (c.has_input(2)) return c.has_shape(2) ? std::optional<Dim>(c.shape(2)[0]) : std::nullopt;
  return c.shape(0)[1];
}

void infer_stft(InferContext& c) {
  for (int i : {0, 2}) require_real(c, i);
  for (int i : {1, 3}) require_index(c, i);
  require_rank(c, 0, 3);
  require_rank(c, 2, 1);
  const auto step = known_scalar(c, 1);
  if (!c.has_shape(0) || !step) return c.set_output(0, c.dtype(0), std::nullopt);
  check_last_dim(c);
  check(*step > 0, ErrorCode::kInvalidModel, "the frame step {} is not positive", *step);
  const auto length = frame_length(c);
  if (!length) return c.set_output(0, c.dtype(0), std::nullopt);
  const Dim& size = c.shape(0)[1];
  check(!length->is_constant() || length->value() > 0, ErrorCode::kInvalidModel, "frames of length {}",
        to_string(*length));
  check(!length->is_constant() || !size.is_constant() || length->value() <= size.value(), ErrorCode::kInvalidModel,
        "frames of length {} in a signal of {}", to_string(*length), to_string(size));
  if (c.has_shape(2)) require_equal(c.shape(2)[0], *length, "the window's length");
  const Dim frames = floor_div(size - *length, Dim(*step)) + Dim(1);
  const Dim bins = flag(c.attrs(), "onesided", 1) ? floor_div(*length, Dim(2)) + Dim(1) : *length;
  c.set_output(0, c.dtype(0), SymShape{c.shape(0)[0], frames, bins, 2});
}

void evaluate_stft(EvalContext& c) {
  const Source<double> x(c.input(0));
  const Source<double> window = c.has_input(2) ? Source<double>(c.input(2)) : Source<double>();
  Sink<double> y(c.output(0));
  const int64_t step = ints_of(c.input(1))[0], size = x.shape()[1], parts = x.shape()[2];
  const int64_t fallback = window.defined() ? window.size() : size;
  const int64_t length = c.has_input(3) ? ints_of(c.input(3))[0] : fallback;
  const int64_t frames = y.shape()[1], bins = y.shape()[2];
  const Transform transform(length, false);
  std::vector<Complex> frame(static_cast<size_t>(length));
  for (int64_t i = 0; i < x.shape()[0] * frames; ++i) {
    const int64_t start = i / frames * size + i % frames * step;
    for (int64_t k = 0; k < length; ++k) {
      const int64_t at = (start + k) * parts;
      const Complex v(x[at], parts == 2 ? x[at + 1] : 0);
      frame[static_cast<size_t>(k)] = v * (window.defined() ? window[k] : 1.0);
    }
    for (int64_t k = 0; k < bins; ++k) {
      const Complex v = transform.bin(frame, k);
      y[(i * bins + k) * 2] = v.real();
      y[(i * bins + k) * 2 + 1] = v.imag();
    }
  }
  y.commit();
}

constexpr OpDescriptor kOps[] = {
    {"DFT", 1, 3, 1, 1, infer_dft, evaluate_dft},
    {"STFT", 2, 4, 1, 1, infer_stft, evaluate_stft},
};

}  // namespace

std::span<const OpDescriptor> signal_ops() {
  return kOps;
}

}  // namespace burnish
