#pragma once
// A pipeline of models, checked once: which step makes which tensor, and who waits for it.
#include <string>
#include <vector>

#include "server/model_config.h"
#include "server/servable.h"

namespace burnish::server {

struct EnsemblePlan {
  struct Tensor {
    std::string name;
    TensorMetadata type;            ///< Of the model that makes it, else of the first that takes it.
    int producer = -1;              ///< A step; -1: the request brings it.
    std::vector<size_t> consumers;  ///< Steps; one that takes it twice stands twice.
    bool is_output = false;
  };
  /// A model's own name of a tensor.
  struct Port {
    std::string name;
    size_t tensor = 0;
  };
  struct Step {
    std::string model;
    int64_t version = -1;
    std::vector<Port> inputs, outputs;
  };
  std::vector<Tensor> tensors;
  std::vector<Step> steps;
  std::vector<size_t> inputs, outputs;  ///< Tensors of the whole.
};

/// Fills in the configuration's inputs, outputs and max_batch_size. Throws kInvalidArgument naming the step and the
/// tensor: a model that is not ready, a name that it does not have, an input without a source, a tensor made twice,
/// types that differ, a circle.
EnsemblePlan plan_ensemble(ModelConfig& config, const FindServable& find);

}  // namespace burnish::server
