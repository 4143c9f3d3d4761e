#pragma once
// Rows that are worked on by groups of threads: what normalization and softmax have in common.
#include <string>
#include <string_view>
#include <vector>

#include "kernels/cuda/generated.h"
#include "kernels/cuda/storage_source.h"

namespace burnish::cuda {

/// Rows of `length` elements, …_step elements from one to the next.
struct Rows {
  int64_t count = 0, length = 0, x_step = 0, y_step = 0;
};

/// How a program of rows is laid out. A group of threads holds a row in registers where it is no longer than
/// threads·floats; longer rows are read again from memory.
struct RowForm {
  int threads = 32;  ///< Of a row, a power of two. More than a warp: the block's.
  int floats = 32;   ///< A thread's, a multiple of `group`.
  int group = 1;     ///< Elements that are loaded at once: 16 bytes of X.

  int rows_per_block() const;
  int block() const { return threads * rows_per_block(); }
  int64_t capacity() const { return int64_t{threads} * floats; }
};

/// length: -1 where it is free.
RowForm row_form(const std::string& config, DType x, int64_t length);
/// Configurations for row_form(), the best guess first.
std::vector<std::string> row_candidates(const Problem& problem, const Target& target, int64_t count, int64_t length);
/// -1 where one of X's dims from `axis` on is free, else their product.
int64_t fixed_length(const Problem& problem, int axis);

/// Constants of the form, x_t, y_t, decode(), encode(), group_sum(), group_max(), RowPart and what they need.
std::string rows_source(const RowForm& form, const Encoding& x, const Encoding& y);

/// The functions "<name>_row_<group>", "<name>_row_1" and "<name>_long" of a program, and which of them a launch wants.
class RowFunctions {
 public:
  RowFunctions(const Device& device, PackedView cubin, const std::string& name, const RowForm& form);
  /// grouped: all pointers and steps fit `group` elements.
  void launch(const Rows& rows, bool grouped, Parameters& parameters, void* stream) const;

 private:
  RowForm form_;
  Function grouped_, single_, long_;
};

}  // namespace burnish::cuda
