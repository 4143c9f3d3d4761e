#pragma once
// The one figure that a quantised build promises: how much it loses against the original.
#include <cstdint>
#include <vector>

#include "base/shape.h"
#include "quantize/output_kind.h"

namespace burnish {

/// Loss of every output, accumulated over batches: for classes the share of rows whose top class differs, otherwise the
/// mean over rows of 1 − cosine similarity. Rows run along the first dimension; outputs of rank 0 or 1 are one row.
class Loss {
 public:
  explicit Loss(const std::vector<OutputKind>& kinds);

  /// One batch of one output; shape is that of both. Throws kInvalidArgument for an output that is not there, or
  /// classes that are not [N, C].
  void add(size_t output, const float* actual, const float* reference, const Shape& shape);
  /// Of another part of the same data. Throws kInvalidArgument unless the outputs are alike.
  void merge(const Loss& other);

  /// 0 (none) to 1, or up to 2 where directions turn round; 0 before the first row.
  double of_output(size_t output) const;
  /// Of the output that loses most: a promise is kept by all outputs or not at all.
  double value() const;
  int64_t num_rows(size_t output) const { return entries_[output].num_rows; }
  size_t num_outputs() const { return entries_.size(); }

 private:
  struct Entry {
    OutputKind kind;
    double sum = 0;
    int64_t num_rows = 0;
  };
  std::vector<Entry> entries_;
};

}  // namespace burnish
