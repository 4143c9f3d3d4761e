#pragma once
// Settings of traces and of the log.
#include "grpc_service.pb.h"
#include "server/inference_server.h"

namespace burnish::server {

Status trace_setting(InferenceServer&, const inference::TraceSettingRequest&, inference::TraceSettingResponse&);
Status log_settings(InferenceServer&, const inference::LogSettingsRequest&, inference::LogSettingsResponse&);

}  // namespace burnish::server
