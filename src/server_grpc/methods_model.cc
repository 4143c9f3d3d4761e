#include "server_grpc/methods_model.h"

#include <google/protobuf/util/json_util.h>

namespace burnish::server {
namespace {

void copy(const DurationStatistics& from, inference::StatisticDuration& to) {
  to.set_count(from.count);
  to.set_ns(from.ns);
}

void copy(const ModelStatistics& from, inference::InferStatistics& to) {
  copy(from.success, *to.mutable_success());
  copy(from.fail, *to.mutable_fail());
  copy(from.queue, *to.mutable_queue());
  copy(from.compute_input, *to.mutable_compute_input());
  copy(from.compute_infer, *to.mutable_compute_infer());
  copy(from.compute_output, *to.mutable_compute_output());
  copy(from.cache_hit, *to.mutable_cache_hit());
  copy(from.cache_miss, *to.mutable_cache_miss());
}

void copy(const ModelStatistics& from, inference::ModelStatistics& to) {
  to.set_name(from.name);
  to.set_version(from.version);
  to.set_last_inference(from.last_inference_ms);
  to.set_inference_count(from.inference_count);
  to.set_execution_count(from.execution_count);
  copy(from, *to.mutable_inference_stats());
  for (const BatchStatistics& batch : from.batches) {
    inference::InferBatchStatistics& added = *to.add_batch_stats();
    added.set_batch_size(batch.batch_size);
    copy(batch.input, *added.mutable_compute_input());
    copy(batch.infer, *added.mutable_compute_infer());
    copy(batch.output, *added.mutable_compute_output());
  }
}

void copy(const TensorMetadata& from, inference::ModelMetadataResponse::TensorMetadata& to) {
  to.set_name(from.name);
  to.set_datatype(from.datatype);
  to.mutable_shape()->Assign(from.shape.begin(), from.shape.end());
}

}  // namespace

Status server_live(InferenceServer& server, const inference::ServerLiveRequest&,
                   inference::ServerLiveResponse& response) {
  response.set_live(server.is_live());
  return {};
}

Status server_ready(InferenceServer& server, const inference::ServerReadyRequest&,
                    inference::ServerReadyResponse& response) {
  response.set_ready(server.is_ready());
  return {};
}

Status model_ready(InferenceServer& server, const inference::ModelReadyRequest& request,
                   inference::ModelReadyResponse& response) {
  Status status = server.model_ready(request.name(), request.version());
  response.set_ready(status.ok());
  const bool answered = status.code == StatusCode::kNotFound || status.code == StatusCode::kUnavailable;
  return answered ? Status{} : status;
}

Status server_metadata(InferenceServer& server, const inference::ServerMetadataRequest&,
                       inference::ServerMetadataResponse& response) {
  const ServerMetadata metadata = server.metadata();
  response.set_name(metadata.name);
  response.set_version(metadata.version);
  for (const std::string& extension : metadata.extensions) response.add_extensions(extension);
  return {};
}

Status model_metadata(InferenceServer& server, const inference::ModelMetadataRequest& request,
                      inference::ModelMetadataResponse& response) {
  ModelMetadata metadata;
  Status status = server.model_metadata(request.name(), request.version(), metadata);
  response.set_name(metadata.name);
  response.set_platform(metadata.platform);
  for (const std::string& version : metadata.versions) response.add_versions(version);
  for (const TensorMetadata& input : metadata.inputs) copy(input, *response.add_inputs());
  for (const TensorMetadata& output : metadata.outputs) copy(output, *response.add_outputs());
  return status;
}

Status model_config(InferenceServer& server, const inference::ModelConfigRequest& request,
                    inference::ModelConfigResponse& response) {
  std::string json;
  Status status = server.model_config(request.name(), request.version(), json);
  if (!status.ok()) return status;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;  // the JSON may say more than the protocol knows
  const auto parsed = google::protobuf::util::JsonStringToMessage(json, response.mutable_config(), options);
  if (parsed.ok()) return {};
  return {StatusCode::kInternal, "the configuration of model '" + request.name() +
                                     "' does not fit the protocol: " + std::string(parsed.message())};
}

Status model_statistics(InferenceServer& server, const inference::ModelStatisticsRequest& request,
                        inference::ModelStatisticsResponse& response) {
  std::vector<ModelStatistics> statistics;
  Status status = server.statistics(request.name(), request.version(), statistics);
  for (const ModelStatistics& model : statistics) copy(model, *response.add_model_stats());
  return status;
}

}  // namespace burnish::server
