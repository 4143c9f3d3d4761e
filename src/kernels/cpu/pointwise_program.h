#pragma once
// Elementwise steps as programs for the block interpreter: Pointwise chains as they are, plain ONNX operators as
// programs of one or two instructions.
#include <optional>
#include <vector>

#include "kernels/cpu/simd/pointwise.h"
#include "kernels/tactic.h"

namespace burnish {

/// Value numbers: inputs first, then literals, then the result of each instruction. The last result is the output.
struct PointwiseProgram {
  std::vector<PointwiseOp> ops;
  std::vector<float> literals;
  int num_inputs = 0;
  /// Per instruction: which block buffer holds its result. Buffers are reused when nobody reads them any more.
  std::vector<int> buffers;
  int num_buffers = 0;

  int num_values() const { return first_result() + static_cast<int>(ops.size()); }
  int first_result() const { return num_inputs + static_cast<int>(literals.size()); }
};

/// nullopt when the problem is no elementwise step that the interpreter knows.
std::optional<PointwiseProgram> compile_pointwise(const Problem& problem);
/// The operators compile_pointwise() may accept.
std::vector<std::string_view> pointwise_ops();

}  // namespace burnish
