#pragma once
// Problems for tactics: random tensors, and one function that holds a tactic against the reference evaluation of its
// operator over instruction sets, thread counts and configurations, with rows apart and in place where it says it can.
#include <cstdint>
#include <string>
#include <vector>

#include "base/tensor.h"
#include "kernels/tactic.h"
#include "kernels/target.h"
#include "ops/attributes.h"
#include "ops/encoding.h"

namespace burnish::testing {

/// Seeded elements of any dtype: floats uniform in [low, high), integers rounded from the same range, booleans fair.
Tensor random_tensor(DType dtype, const Shape& shape, uint64_t seed, float low = -2, float high = 2);
inline Tensor random_floats(const Shape& shape, uint64_t seed, float low = -2, float high = 2) {
  return random_tensor(DType::kFloat32, shape, seed, low, high);
}

/// Stored numbers that stand for these floats.
Tensor encoded(const Tensor& floats, const Encoding& encoding);

/// One step with its data.
struct ProblemCase {
  std::string op = {};
  AttributeMap attrs = {};
  std::vector<Tensor> inputs = {};          ///< Undefined: absent.
  std::vector<bool> constant = {};          ///< Missing entries: not constant.
  std::vector<int64_t> input_strides = {};  ///< Elements between rows; 0 or missing: dense.
  std::vector<int64_t> output_strides = {};
  int num_outputs = 1;
};

struct CheckOptions {
  std::vector<int> threads = {1, 3};
  std::vector<Isa> isas = {};  ///< Empty: every one of testable_isas().
  /// Largest difference allowed of floats, relative to the largest finite magnitude of the reference.
  double tolerance = 2e-6;
  /// Neighbouring numbers by which a narrow float or an integer may be off; 0: equal bytes.
  int steps = 0;
  std::vector<std::string> configs = {};  ///< Empty: every candidate.
};

/// The reference's outputs.
std::vector<Tensor> reference_of(const ProblemCase& problem_case);
/// The problem as the compiler poses it at build time, all constants at hand.
Problem make_problem(const ProblemCase& problem_case, const std::vector<Tensor>& outputs);
/// This machine with its ISA lowered to at most `isa`.
Target target_with(Isa isa, int num_threads);
/// The instruction sets with kernels of their own that this machine has.
std::vector<Isa> testable_isas();

/// Fails the running test where the tensors differ by more than the options allow.
void expect_equal(const Tensor& actual, const Tensor& expected, const CheckOptions& options);

/// Fails the running test where the tactic's result differs from the reference, where it writes outside its outputs,
/// or where no configuration can be prepared.
void expect_matches_reference(const Tactic& tactic, const ProblemCase& problem_case, const CheckOptions& options = {});
/// As above for the tactic of this name, which must exist.
void expect_matches_reference(std::string_view tactic, const ProblemCase& problem_case,
                              const CheckOptions& options = {});

/// A tactic made ready for repeated runs over the case's data: what benchmarks time.
class PreparedCase {
 public:
  PreparedCase(const Tactic& tactic, const ProblemCase& problem_case, const std::vector<Tensor>& outputs,
               const std::string& config, Isa isa, int num_threads);
  /// Copies the inputs afresh and runs. in_place ≥ 0: output 0 shares the memory of that input.
  void run_once(int in_place = -1);
  /// Runs over what lies there.
  void run() { kernel_->run({input_pointers_, output_pointers_, scratch_.get(), &pool_}); }
  /// Output i without the gaps between rows; fails the test when gaps or the bytes behind were written.
  Tensor output(int i) const;

 private:
  struct Buffer {
    TensorDesc desc;
    size_t bytes = 0;
    std::shared_ptr<void> memory;
  };
  static Buffer make_buffer(const TensorDesc& desc);
  void fill_input(size_t i);
  const ProblemCase& case_;
  Problem problem_;
  std::vector<PackedBlob> packed_;
  std::vector<std::shared_ptr<void>> packed_memory_;
  std::vector<PackedView> packed_views_;
  std::vector<Buffer> inputs_, outputs_;
  std::vector<const void*> input_pointers_;
  std::vector<void*> output_pointers_;
  std::unique_ptr<Kernel> kernel_;
  std::shared_ptr<void> scratch_;
  ThreadPool pool_;
};

}  // namespace burnish::testing
