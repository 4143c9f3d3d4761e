#include "ops/recurrent.h"

#include <algorithm>
#include <cmath>

#include "ops/elements.h"
#include "ops/infer.h"

namespace burnish {
namespace {

enum class Cell { kRnn, kGru, kLstm };

constexpr int64_t num_gates(Cell cell) {
  return cell == Cell::kRnn ? 1 : cell == Cell::kGru ? 3 : 4;
}

std::span<const std::string_view> default_functions(Cell cell) {
  static constexpr std::string_view kRnn[] = {"tanh"};
  static constexpr std::string_view kGru[] = {"sigmoid", "tanh"};
  static constexpr std::string_view kLstm[] = {"sigmoid", "tanh", "tanh"};
  if (cell == Cell::kRnn) return kRnn;
  if (cell == Cell::kGru) return kGru;
  return kLstm;
}

enum class Direction { kForward, kReverse, kBoth };

Direction direction_of(const AttributeMap& attrs) {
  const std::string direction = attrs.get_string("direction", "forward");
  if (direction == "forward") return Direction::kForward;
  if (direction == "reverse") return Direction::kReverse;
  if (direction == "bidirectional") return Direction::kBoth;
  throw_error(ErrorCode::kInvalidModel, "attribute direction has the unknown value '{}'", direction);
}

bool is_batch_first(const AttributeMap& attrs) {
  const int64_t layout = attrs.get_int("layout", 0);
  check(layout == 0 || layout == 1, ErrorCode::kInvalidModel, "attribute layout = {} is neither 0 nor 1", layout);
  return layout == 1;
}

// --- inference -------------------------------------------------------------------------------------------------------
// Inputs: X [S, B, I], W [D, G·H, I], R [D, G·H, H], B [D, 2·G·H], sequence_lens [B], initial_h [D, B, H],
// initial_c [D, B, H], P [D, 3·H]. layout = 1 puts the batch first in X, the initial states and the outputs.

void require_shape(const InferContext& c, int i, const SymShape& expected) {
  if (!c.has_input(i)) return;
  require_rank(c, i, static_cast<int>(expected.size()));
  if (!c.has_shape(i)) return;
  for (size_t d = 0; d < expected.size(); ++d)
    require_equal(c.shape(i)[d], expected[d], fmt::format("dimension {} of input {}", d, i));
}

template <Cell cell>
void infer_recurrent(InferContext& c) {
  for (int i : {0, 1, 2, 3, 5, 6, 7}) {
    require_real(c, i);
    require_same_dtype(c, 0, i);
  }
  for (int i = 0; i < 3; ++i) check(c.has_input(i), ErrorCode::kInvalidModel, "input {} is missing", i);
  require_index(c, 4);
  const Dim directions(direction_of(c.attrs()) == Direction::kBoth ? 2 : 1);
  gate_functions(c.attrs(), default_functions(cell), directions.value());
  const bool batch_first = is_batch_first(c.attrs());
  infer_unknown(c, c.dtype(0));
  for (int i = 0; i < 3; ++i) require_rank(c, i, 3);
  if (!c.has_shape(0) || !c.has_shape(2)) return;
  const SymShape& x = c.shape(0);
  const Dim &length = x[batch_first ? 1 : 0], &batch = x[batch_first ? 0 : 1], &hidden = c.shape(2)[2];
  const Dim gates = hidden * Dim(num_gates(cell));
  const SymShape state = batch_first ? SymShape{batch, directions, hidden} : SymShape{directions, batch, hidden};
  require_shape(c, 1, {directions, gates, x[2]});
  require_shape(c, 2, {directions, gates, hidden});
  require_shape(c, 3, {directions, gates * Dim(2)});
  require_shape(c, 4, {batch});
  require_shape(c, 5, state);
  require_shape(c, 6, state);
  require_shape(c, 7, {directions, hidden * Dim(3)});
  c.set_output(0, c.dtype(0),
               batch_first ? SymShape{batch, length, directions, hidden} : SymShape{length, directions, batch, hidden});
  c.set_output(1, c.dtype(0), state);
  c.set_output(2, c.dtype(0), state);
}

// --- evaluation ------------------------------------------------------------------------------------------------------

using Vector = std::vector<double>;

/// Everything one direction works with. Gates stand one after the other, `hidden` entries each.
struct Layer {
  int64_t input = 0, hidden = 0;
  const double* w = nullptr;
  const double* r = nullptr;
  const double* peephole = nullptr;  ///< i, o, f; null: none.
  Vector w_bias, r_bias;
  std::span<const GateFunction> f;
  double clip = 0;  ///< 0: none.
  bool linear_before_reset = false, input_forget = false;

  double limit(double x) const { return clip > 0 ? std::clamp(x, -clip, clip) : x; }
};

/// y += M·x for `rows` rows of M from the first given.
void add_product(const double* m, int64_t first, int64_t rows, int64_t columns, const double* x, double* y) {
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t k = 0; k < columns; ++k) y[i] += m[(first + i) * columns + k] * x[k];
}

/// One step of one sequence: h and, for the LSTM, s (the cell's state) are replaced.
template <Cell cell>
void step(const Layer& l, const double* x, Vector& h, Vector& s) {
  const auto n = static_cast<size_t>(l.hidden);
  const int64_t gates = num_gates(cell) * l.hidden;
  Vector a = l.w_bias;
  add_product(l.w, 0, gates, l.input, x, a.data());
  if constexpr (cell == Cell::kGru) {
    Vector u(a.size());
    add_product(l.r, 0, 2 * l.hidden, l.hidden, h.data(), u.data());
    Vector z(n), reset(n);
    for (size_t i = 0; i < n; ++i) {
      z[i] = l.f[0](l.limit(a[i] + u[i] + l.r_bias[i]));
      reset[i] = l.f[0](l.limit(a[n + i] + u[n + i] + l.r_bias[n + i]));
    }
    Vector from = h;
    if (!l.linear_before_reset)
      for (size_t i = 0; i < n; ++i) from[i] *= reset[i];
    add_product(l.r, 2 * l.hidden, l.hidden, l.hidden, from.data(), u.data() + 2 * n);
    for (size_t i = 0; i < n; ++i) {
      const double recurrent = u[2 * n + i] + l.r_bias[2 * n + i];
      const double gate = a[2 * n + i] + (l.linear_before_reset ? reset[i] * recurrent : recurrent);
      h[i] = (1 - z[i]) * l.f[1](l.limit(gate)) + z[i] * h[i];
    }
    return;
  }
  for (size_t i = 0; i < a.size(); ++i) a[i] += l.r_bias[i];
  add_product(l.r, 0, gates, l.hidden, h.data(), a.data());
  for (size_t i = 0; i < n; ++i) {
    if constexpr (cell == Cell::kRnn) {
      h[i] = l.f[0](l.limit(a[i]));
    } else {
      const auto peep = [&](size_t gate, double state) { return l.peephole ? l.peephole[gate * n + i] * state : 0; };
      const double in = l.f[0](l.limit(a[i] + peep(0, s[i])));
      const double forget = l.input_forget ? 1 - in : l.f[0](l.limit(a[2 * n + i] + peep(2, s[i])));
      s[i] = forget * s[i] + in * l.f[1](l.limit(a[3 * n + i]));
      h[i] = l.f[0](l.limit(a[n + i] + peep(1, s[i]))) * l.f[2](s[i]);
    }
  }
}

Vector read(const EvalContext& c, int i) {
  if (!c.has_input(i)) return {};
  Vector v(static_cast<size_t>(c.input(i).num_elements()));
  load_elements<double>(c.input(i), v.data());
  return v;
}

/// Where things stand in X, the states and Y.
struct Sizes {
  int64_t length, batch, input, hidden, directions;
  bool batch_first;
  int64_t x(int64_t t, int64_t b) const { return (batch_first ? b * length + t : t * batch + b) * input; }
  int64_t state(int64_t d, int64_t b) const { return (batch_first ? b * directions + d : d * batch + b) * hidden; }
  int64_t y(int64_t t, int64_t d, int64_t b) const {
    return (batch_first ? (b * length + t) * directions + d : (t * directions + d) * batch + b) * hidden;
  }
};

Sizes sizes_of(const EvalContext& c) {
  const Shape& x = c.input(0).shape;
  const bool batch_first = is_batch_first(c.attrs());
  return {x[batch_first ? 1 : 0], x[batch_first ? 0 : 1], x[2], c.input(2).shape[2], c.input(2).shape[0], batch_first};
}

Layer layer_of(const AttributeMap& attrs, const Sizes& s, int64_t gates, int64_t d, const Vector& w, const Vector& r,
               const Vector& bias, const Vector& peephole) {
  const auto rows = static_cast<size_t>(gates * s.hidden);
  Layer l;
  l.input = s.input;
  l.hidden = s.hidden;
  l.w = w.data() + d * gates * s.hidden * s.input;
  l.r = r.data() + d * gates * s.hidden * s.hidden;
  l.w_bias.resize(rows);
  l.r_bias.resize(rows);
  if (!bias.empty()) {
    const auto from = bias.begin() + d * 2 * gates * s.hidden;
    l.w_bias.assign(from, from + gates * s.hidden);
    l.r_bias.assign(from + gates * s.hidden, from + 2 * gates * s.hidden);
  }
  if (!peephole.empty()) l.peephole = peephole.data() + d * 3 * s.hidden;
  l.clip = static_cast<double>(attrs.get_float("clip", 0));
  l.linear_before_reset = attrs.get_int("linear_before_reset", 0) != 0;
  l.input_forget = attrs.get_int("input_forget", 0) != 0;
  return l;
}

template <Cell cell>
void evaluate_recurrent(EvalContext& c) {
  const Sizes s = sizes_of(c);
  const Vector x = read(c, 0), w = read(c, 1), r = read(c, 2), bias = read(c, 3), peephole = read(c, 7);
  const std::vector<int64_t> lengths = c.has_input(4) ? ints_of(c.input(4)) : std::vector<int64_t>();
  const auto states = static_cast<size_t>(s.directions * s.batch * s.hidden);
  Vector h = read(c, 5), cell_state = read(c, 6), y(states * static_cast<size_t>(s.length));
  h.resize(states);
  cell_state.resize(states);
  const auto functions = gate_functions(c.attrs(), default_functions(cell), s.directions);
  const size_t per_direction = functions.size() / static_cast<size_t>(s.directions);
  for (int64_t d = 0; d < s.directions; ++d) {
    Layer l = layer_of(c.attrs(), s, num_gates(cell), d, w, r, bias, peephole);
    l.f = std::span(functions).subspan(static_cast<size_t>(d) * per_direction, per_direction);
    const bool reverse = d == 1 || direction_of(c.attrs()) == Direction::kReverse;
    for (int64_t b = 0; b < s.batch; ++b) {
      const int64_t length = lengths.empty() ? s.length : lengths[static_cast<size_t>(b)];
      check(length >= 0 && length <= s.length, ErrorCode::kInvalidArgument, "sequence length {} is outside [0, {}]",
            length, s.length);
      const auto at = h.begin() + s.state(d, b), cell_at = cell_state.begin() + s.state(d, b);
      Vector own_h(at, at + s.hidden), own_c(cell_at, cell_at + s.hidden);
      for (int64_t i = 0; i < length; ++i) {
        const int64_t t = reverse ? length - 1 - i : i;
        step<cell>(l, x.data() + s.x(t, b), own_h, own_c);
        std::copy(own_h.begin(), own_h.end(), y.begin() + s.y(t, d, b));
      }
      std::copy(own_h.begin(), own_h.end(), at);
      std::copy(own_c.begin(), own_c.end(), cell_at);
    }
  }
  const Vector* outputs[] = {&y, &h, &cell_state};
  for (int i = 0; i < 3; ++i)
    if (c.wants_output(i)) store_elements<double>(outputs[i]->data(), c.output(i));
}

constexpr OpDescriptor kOps[] = {
    {"RNN", 3, 6, 0, 2, infer_recurrent<Cell::kRnn>, evaluate_recurrent<Cell::kRnn>},
    {"GRU", 3, 6, 0, 2, infer_recurrent<Cell::kGru>, evaluate_recurrent<Cell::kGru>},
    {"LSTM", 3, 8, 0, 3, infer_recurrent<Cell::kLstm>, evaluate_recurrent<Cell::kLstm>},
};

}  // namespace

std::span<const OpDescriptor> recurrent_ops() {
  return kOps;
}

}  // namespace burnish
