#pragma once
// GPU tactics against the reference. On a machine with a GPU every configuration runs; elsewhere, where NVRTC is, the
// programs are compiled and the test is skipped; without NVRTC it is skipped at once.
#include "kernels/problem_set.h"

namespace burnish::testing {

/// free_dims: by input, then by output (TensorDesc::free_dims); missing entries: 0.
struct CudaOptions {
  CheckOptions check = {};
  std::vector<uint32_t> free_inputs = {}, free_outputs = {};
  /// Elements by which the pointers are moved off their alignment, where the tactic may be given such memory: inputs of
  /// the model are the caller's.
  int misalign = 0;
};

/// Fails the running test where a configuration's result differs from the reference, where it writes outside its
/// outputs, or where no configuration can be prepared. Runs in place and with the strides of the case where the tactic
/// says it can.
void expect_gpu_matches(std::string_view tactic, const ProblemCase& problem_case, const CudaOptions& options = {});

}  // namespace burnish::testing
