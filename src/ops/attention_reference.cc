// Scaled dot-product attention, https://arxiv.org/abs/1706.03762, with grouped heads, https://arxiv.org/abs/2305.13245.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/float_types.h"
#include "ops/attention.h"
#include "ops/elements.h"

namespace burnish {
namespace {

/// Rows of one operand, [B, H, rows, size] or packed as [B, rows, H·size].
template <typename T>
struct Rows {
  Source<T> data;
  int64_t heads = 0, rows = 0, size = 0;
  bool packed = false;

  Rows(const TensorView& view, int64_t num_heads) : data(view) {
    const Shape& s = view.shape;
    packed = s.rank() == 3;
    heads = packed ? num_heads : s[1];
    rows = packed ? s[1] : s[2];
    size = packed ? s[2] / heads : s[3];
  }
  const T* row(int64_t b, int64_t h, int64_t r) const {
    return data.data() + (packed ? (b * rows + r) * heads + h : (b * heads + h) * rows + r) * size;
  }
};

/// Past rows, then the new ones, as [B, H, past + new, size].
template <typename T>
std::vector<T> join_past(const EvalContext& c, int past_input, const Rows<T>& rows, int64_t batch) {
  const Source<T> past = c.has_input(past_input) ? Source<T>(c.input(past_input)) : Source<T>();
  const int64_t past_rows = past.defined() ? past.shape()[2] : 0;
  std::vector<T> all;
  all.reserve(static_cast<size_t>(batch * rows.heads * (past_rows + rows.rows) * rows.size));
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t h = 0; h < rows.heads; ++h) {
      const T* old = past.data() + (b * rows.heads + h) * past_rows * rows.size;
      all.insert(all.end(), old, old + past_rows * rows.size);
      for (int64_t r = 0; r < rows.rows; ++r) all.insert(all.end(), rows.row(b, h, r), rows.row(b, h, r) + rows.size);
    }
  return all;
}

/// What is added to a score: the mask, the causal frontier, the window and the padding together.
template <typename T>
class Bias {
 public:
  Bias(const EvalContext& c, int64_t queries, int64_t past) : causal_(c.attrs().get_int("is_causal", 0) != 0) {
    left_ = c.attrs().get_int("left_window_size", -1);
    right_ = c.attrs().get_int("right_window_size", -1);
    if (c.has_input(6)) {
      valid_ = ints_of(c.input(6));
      for (int64_t n : valid_)
        check(n >= 0 && n <= INT32_MAX, ErrorCode::kInvalidArgument, "nonpad_kv_seqlen has the entry {}", n);
    }
    queries_ = queries;
    past_ = past;
    if (!c.has_input(3)) return;
    mask_ = Source<T>(c.input(3));
    boolean_ = c.input(3).dtype == DType::kBool;
    const Shape& s = mask_.shape();
    mask_keys_ = s.back();
    int64_t stride = 1;
    for (int i = s.rank() - 1; i >= 0; --i) {
      strides_[4 - s.rank() + i] = s[i] == 1 && i + 1 < s.rank() ? 0 : stride;
      stride *= s[i];
    }
  }

  T operator()(int64_t b, int64_t h, int64_t i, int64_t j) const {
    constexpr T kMasked = -std::numeric_limits<T>::infinity();
    const int64_t position = i + offset(b);
    if (causal_ && j > position) return kMasked;
    if (left_ >= 0 && position - j > left_) return kMasked;
    if (right_ >= 0 && j - position > right_) return kMasked;
    if (!valid_.empty() && j >= valid_[static_cast<size_t>(b)]) return kMasked;
    if (!mask_.defined()) return 0;
    if (j >= mask_keys_) return kMasked;
    const T m = mask_[b * strides_[0] + h * strides_[1] + i * strides_[2] + j * strides_[3]];
    return boolean_ ? (m != 0 ? T{0} : kMasked) : m;
  }

 private:
  /// How many valid keys stand before the first query.
  int64_t offset(int64_t b) const { return valid_.empty() ? past_ : valid_[static_cast<size_t>(b)] - queries_; }

  Source<T> mask_;
  bool boolean_ = false, causal_ = false;
  int64_t mask_keys_ = 0, left_ = -1, right_ = -1, queries_ = 0, past_ = 0;
  int64_t strides_[4] = {};
  std::vector<int64_t> valid_;
};

/// ONNX defines the operator by a graph whose every result has the inputs' type: narrow types are rounded after every
/// stage.
class Rounding {
 public:
  explicit Rounding(DType dtype) : dtype_(dtype) {}
  template <typename T>
  T operator()(T x) const {
    if (dtype_ == DType::kFloat16) return static_cast<T>(static_cast<float>(Half(static_cast<float>(x))));
    if (dtype_ == DType::kBFloat16) return static_cast<T>(static_cast<float>(BFloat16(static_cast<float>(x))));
    return x;
  }

  /// Of partial sums: half sums are kept in single precision.
  template <typename T>
  T partial(T x) const {
    return dtype_ == DType::kFloat16 ? x : (*this)(x);
  }

 private:
  DType dtype_;
};

/// Softmax in place; all zeros when every key is masked.
template <typename T>
void softmax(std::vector<T>& row, bool masked, const Rounding& round) {
  const T top = row.empty() ? 0 : *std::max_element(row.begin(), row.end());
  if (masked || top == -std::numeric_limits<T>::infinity()) return std::fill(row.begin(), row.end(), T{});
  T sum = 0;
  for (T& x : row) sum = round.partial(sum + (x = round(std::exp(round(x - top)))));
  for (T& x : row) x = round(x / round(sum));
}

/// One evaluation: everything that does not change from query to query.
template <typename T>
class Reference {
 public:
  Reference(EvalContext& c, bool wide_softmax)
      : c_(c),
        q_(c.input(0), c.attrs().get_int("q_num_heads", 1)),
        k_(c.input(1), c.attrs().get_int("kv_num_heads", 1)),
        v_(c.input(2), c.attrs().get_int("kv_num_heads", 1)),
        batch_(q_.data.shape()[0]),
        past_(c.has_input(4) ? c.input(4).shape[2] : 0),
        num_keys_(past_ + k_.rows),
        keys_(join_past(c, 4, k_, batch_)),
        values_(join_past(c, 5, v_, batch_)),
        bias_(c, q_.rows, past_),
        round_(c.input(0).dtype),
        softmax_round_(wide_softmax ? DType::kFloat32 : c.input(0).dtype),
        cap_(static_cast<T>(c.attrs().get_float("softcap", 0))),
        exposed_stage_(c.wants_output(3) ? c.attrs().get_int("qk_matmul_output_mode", 0) : -1),
        row_(static_cast<size_t>(num_keys_)) {
    const double given = static_cast<double>(c.attrs().get_float("scale", 0));
    const double scale = c.attrs().has("scale") ? given : 1 / std::sqrt(static_cast<double>(q_.size));
    // Q and K are both scaled, by the root: their product may overflow narrow types.
    scale_ = round_(static_cast<T>(std::sqrt(scale)));
  }

  void run() {
    Sink<T> y(c_.output(0));
    for (int64_t n = 0; n < batch_ * q_.heads * q_.rows; ++n) {
      const int64_t b = n / q_.rows / q_.heads, h = n / q_.rows % q_.heads, i = n % q_.rows;
      weigh(b, h, i);
      contract(key_head(b, h), y.data() + (q_.packed ? (b * q_.rows + i) * q_.heads + h : n) * v_.size);
    }
    y.commit();
    if (c_.wants_output(1)) store_elements<T>(keys_.data(), c_.output(1));
    if (c_.wants_output(2)) store_elements<T>(values_.data(), c_.output(2));
    if (c_.wants_output(3)) store_elements<T>(exposed_.data(), c_.output(3));
  }

 private:
  int64_t key_head(int64_t b, int64_t h) const { return b * k_.heads + h / (q_.heads / k_.heads); }

  /// The row after this stage is what output 3 shows, if it was asked for.
  void expose(int64_t stage) {
    if (exposed_stage_ == stage) exposed_.insert(exposed_.end(), row_.begin(), row_.end());
  }

  /// row_ = the weight of every key for query i.
  void weigh(int64_t b, int64_t h, int64_t i) {
    score(q_.row(b, h, i), key_head(b, h));
    expose(0);
    if (cap_ > 0)
      for (T& x : row_) x = round_(round_(std::tanh(round_(x / cap_))) * cap_);
    expose(1);
    const bool masked = add_bias(b, h, i);
    expose(2);
    softmax(row_, masked, softmax_round_);
    for (T& x : row_) x = round_(x);
    expose(3);
  }

  void score(const T* query, int64_t head) {
    for (int64_t j = 0; j < num_keys_; ++j) {
      const T* key = keys_.data() + (head * num_keys_ + j) * k_.size;
      T sum = 0;
      for (int64_t d = 0; d < q_.size; ++d) sum += round_(query[d] * scale_) * round_(key[d] * scale_);
      row_[static_cast<size_t>(j)] = round_(sum);
    }
  }

  /// True when every key is masked.
  bool add_bias(int64_t b, int64_t h, int64_t i) {
    bool masked = true;
    for (int64_t j = 0; j < num_keys_; ++j) {
      const T add = bias_(b, h, i, j);
      masked = masked && add == -std::numeric_limits<T>::infinity();
      row_[static_cast<size_t>(j)] = round_(row_[static_cast<size_t>(j)] + add);
    }
    return masked;
  }

  /// out = Σ weight·value.
  void contract(int64_t head, T* out) const {
    std::fill_n(out, v_.size, T{});
    for (int64_t j = 0; j < num_keys_; ++j) {
      const T* value = values_.data() + (head * num_keys_ + j) * v_.size;
      for (int64_t d = 0; d < v_.size; ++d) out[d] += row_[static_cast<size_t>(j)] * value[d];
    }
  }

  EvalContext& c_;
  Rows<T> q_, k_, v_;
  int64_t batch_, past_, num_keys_;
  std::vector<T> keys_, values_;
  Bias<T> bias_;
  Rounding round_, softmax_round_;
  T cap_, scale_ = 1;
  int64_t exposed_stage_;
  std::vector<T> row_, exposed_;
};

}  // namespace

void evaluate_attention(EvalContext& c) {
  // A softmax in another type than the inputs' is one in single precision at least.
  const bool wide_softmax = c.attrs().has("softmax_precision");
  with_real(c.input(0).dtype, [&](auto tag) { Reference<decltype(tag)>(c, wide_softmax).run(); });
}

void evaluate_flex_attention(EvalContext& c) {
  with_real(c.input(0).dtype, [&](auto tag) { Reference<decltype(tag)>(c, true).run(); });
}

}  // namespace burnish
