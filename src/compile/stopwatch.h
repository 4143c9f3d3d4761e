#pragma once
// Timing one problem's candidates against each other on real buffers.
#include <memory>
#include <optional>
#include <vector>

#include "compile/tuner.h"

namespace burnish {

/// Input and output buffers of one problem, filled with harmless seeded data.
class ProblemBuffers {
 public:
  explicit ProblemBuffers(const Problem& problem);
  std::span<const Tensor> inputs() const { return inputs_; }
  std::span<const Tensor> outputs() const { return outputs_; }

 private:
  std::vector<Tensor> inputs_, outputs_;
};

/// A candidate made ready to run.
class Contestant {
 public:
  /// Packs and prepares. Throws what the tactic throws.
  Contestant(const Candidate& candidate, const Problem& problem, const ProblemBuffers& buffers, const Target& target);
  /// Microseconds of one run, averaged over `repeats`.
  double run(ThreadPool& pool, int repeats) const;

 private:
  std::vector<std::shared_ptr<void>> packed_;
  std::unique_ptr<Kernel> kernel_;
  std::vector<const void*> inputs_;
  std::vector<void*> outputs_;
  std::shared_ptr<void> scratch_;
};

/// Microseconds of every contestant (empty slots are skipped and stay 0). Rounds go round robin, with the caches
/// swept in between; contestants that are clearly beaten drop out early with the time they reached.
std::vector<double> race(std::span<const std::unique_ptr<Contestant>> contestants, const TuningEffort& effort,
                         ThreadPool& pool, const Target& target);

}  // namespace burnish
