#pragma once
// Runs samples through an engine in memory, in batches as its profile wants them.
#include <burnish/engine.h>

#include <functional>
#include <span>

#include "builder/samples.h"
#include "engine/engine_data.h"
#include "kernels/target.h"

namespace burnish {

class SampleRunner {
 public:
  /// On the machine's part that the engine was built for, with its first profile. Throws like Engine's constructor.
  SampleRunner(EngineData data, const Target& target);
  ~SampleRunner();

  /// What one batch gave. Views are valid during the call only.
  struct Batch {
    std::span<const int64_t> indices;                  ///< Samples of this batch.
    const std::map<std::string, TensorView>& outputs;  ///< Of as many samples, by the outputs' names.
  };
  /// Calls visit for every batch, in order. The last batch may be filled up with the first samples where the profile
  /// has no smaller one; outputs whose first dimension counts samples are then cut, others cannot be.
  void run(const Samples& samples, std::span<const int64_t> indices, const std::function<void(const Batch&)>& visit);

 private:
  void execute(const Samples& samples, const std::vector<int64_t>& indices);
  size_t value_of_output(const std::string& name) const;

  Engine engine_;
  ExecutionContext context_;
  int64_t min_batch_ = 1, batch_ = 1;
  std::map<std::string, Tensor> bound_;  // inputs of the last execution, kept alive
};

}  // namespace burnish
