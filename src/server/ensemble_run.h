#pragma once
// One request on its way through a pipeline.
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "server/ensemble_plan.h"
#include "server/request.h"
#include "server/servable.h"

namespace burnish::server {

class EnsembleRun : public std::enable_shared_from_this<EnsembleRun> {
 public:
  /// done gets outputs, timing and status; not the names of model and version.
  EnsembleRun(std::shared_ptr<const EnsemblePlan> plan, InferRequest request, ResponseCallback done);
  /// Finds the steps' models, which serve this request to its end, checks the request and starts.
  void start(const FindServable& find);

 private:
  Status bind_models(const FindServable& find);
  Status bind_inputs();
  Status bind_outputs();
  /// Of those still to run, the steps whose inputs are all there; they count as started.
  std::vector<size_t> take_ready_steps();
  void launch(size_t step);
  InferRequest step_request(size_t step);
  RequestedOutput step_output(const EnsemblePlan::Port& port) const;
  void on_response(size_t step, InferResponse&& response);
  void store(size_t step, InferResponse& response);
  void finish(Status status);
  OutputTensor take_output(const RequestedOutput& wanted);
  const RequestedOutput* wanted_output(size_t tensor) const;

  std::shared_ptr<const EnsemblePlan> kept_plan_;  ///< Steps may end after the answer, when one has failed.
  const EnsemblePlan& plan_;
  InferRequest request_;
  ResponseCallback done_;
  std::vector<std::shared_ptr<Servable>> models_;
  std::mutex mutex_;
  std::vector<std::optional<OutputTensor>> values_;  ///< By tensor.
  std::vector<size_t> missing_;                      ///< Inputs that a step still waits for.
  std::vector<bool> started_;
  size_t unfinished_;
  bool is_finished_ = false;
  InferTiming timing_;
};

}  // namespace burnish::server
