#pragma once
// Health, metadata, configuration and statistics of the server and its models.
#include "grpc_service.pb.h"
#include "server/inference_server.h"

namespace burnish::server {

Status server_live(InferenceServer&, const inference::ServerLiveRequest&, inference::ServerLiveResponse&);
Status server_ready(InferenceServer&, const inference::ServerReadyRequest&, inference::ServerReadyResponse&);
/// Not ready, rather than an error, for models and versions that do not exist.
Status model_ready(InferenceServer&, const inference::ModelReadyRequest&, inference::ModelReadyResponse&);
Status server_metadata(InferenceServer&, const inference::ServerMetadataRequest&, inference::ServerMetadataResponse&);
Status model_metadata(InferenceServer&, const inference::ModelMetadataRequest&, inference::ModelMetadataResponse&);
Status model_config(InferenceServer&, const inference::ModelConfigRequest&, inference::ModelConfigResponse&);
Status model_statistics(InferenceServer&, const inference::ModelStatisticsRequest&,
                        inference::ModelStatisticsResponse&);

}  // namespace burnish::server
