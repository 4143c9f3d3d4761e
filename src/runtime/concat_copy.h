#pragma once
// A concat of which some inputs are written where they belong by the steps before it: only the others are copied.
#include <optional>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/tactic.h"
#include "runtime/memory_layout.h"

namespace burnish {

class ConcatCopy {
 public:
  /// nullopt when no input of the step lies in its output already.
  static std::optional<ConcatCopy> find(const Plan& plan, const PlanStep& step, const Problem& problem,
                                        const MemoryLayout& layout);
  void run(const KernelArgs& args) const;

 private:
  struct Rows {
    size_t input = 0;
    int64_t num_rows = 0;
    int64_t row_bytes = 0;
    int64_t source_stride_bytes = 0;
    int64_t target_offset_bytes = 0;
    int64_t target_stride_bytes = 0;
  };
  std::vector<Rows> copies_;
};

}  // namespace burnish
