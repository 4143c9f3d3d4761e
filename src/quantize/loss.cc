#include "quantize/loss.h"

#include <algorithm>

#include "base/error.h"
#include "quantize/metrics.h"

namespace burnish {

Loss::Loss(const std::vector<OutputKind>& kinds) {
  for (const OutputKind kind : kinds) entries_.push_back({kind});
}

void Loss::add(size_t output, const float* actual, const float* reference, const Shape& shape) {
  check(output < entries_.size(), ErrorCode::kInvalidArgument, "there is no output {}, only {}", output,
        entries_.size());
  Entry& entry = entries_[output];
  check(entry.kind != OutputKind::kClasses || shape.rank() == 2, ErrorCode::kInvalidArgument,
        "output {} is {}: classes are [N, C]", output, to_string(shape));
  const int64_t num_elements = shape.num_elements();
  if (num_elements == 0) return;
  const int64_t num_rows = shape.rank() >= 2 ? shape[0] : 1;
  const auto width = static_cast<size_t>(num_elements / num_rows);
  for (int64_t r = 0; r < num_rows; ++r) {
    const std::span<const float> a(actual + static_cast<size_t>(r) * width, width);
    const std::span<const float> b(reference + static_cast<size_t>(r) * width, width);
    const double gain = entry.kind == OutputKind::kClasses ? (top1(a) == top1(b) ? 1 : 0) : cosine_similarity(a, b);
    entry.sum += 1 - gain;
  }
  entry.num_rows += num_rows;
}

void Loss::merge(const Loss& other) {
  check(entries_.size() == other.entries_.size(), ErrorCode::kInvalidArgument,
        "losses of {} and of {} outputs cannot be merged", entries_.size(), other.entries_.size());
  for (size_t i = 0; i < entries_.size(); ++i) {
    check(entries_[i].kind == other.entries_[i].kind, ErrorCode::kInvalidArgument, "output {} is {} here and {} there",
          i, name_of(entries_[i].kind), name_of(other.entries_[i].kind));
    entries_[i].sum += other.entries_[i].sum;
    entries_[i].num_rows += other.entries_[i].num_rows;
  }
}

double Loss::of_output(size_t output) const {
  const Entry& entry = entries_[output];
  return entry.num_rows > 0 ? entry.sum / static_cast<double>(entry.num_rows) : 0;
}

double Loss::value() const {
  double worst = 0;
  for (size_t i = 0; i < entries_.size(); ++i) worst = std::max(worst, of_output(i));
  return worst;
}

}  // namespace burnish
