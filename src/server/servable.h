#pragma once
// One version of a model as the repository sees it: an engine with its scheduler, or a pipeline of such.
#include <functional>
#include <memory>
#include <string>

#include "server/request.h"
#include "server/statistics.h"

namespace burnish::server {

struct ModelConfig;

/// Thread-safe. ModelVersion describes the functions.
class Servable {
 public:
  virtual ~Servable() = default;
  virtual void submit(InferRequest request, ResponseCallback done) = 0;
  virtual bool drain(Clock::time_point deadline) = 0;
  virtual const ModelConfig& config() const = 0;
  virtual const std::string& version() const = 0;
  virtual ModelMetadata metadata() const = 0;
  virtual ModelStatistics statistics() const = 0;
  virtual VersionState state() const = 0;
};

/// A ready version of a model, by name and number; -1: the newest. Null when there is none.
using FindServable = std::function<std::shared_ptr<Servable>(const std::string& model, int64_t version)>;

}  // namespace burnish::server
