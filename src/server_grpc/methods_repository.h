#pragma once
// The model repository: what is in it, loading and unloading.
#include "grpc_service.pb.h"
#include "server/inference_server.h"

namespace burnish::server {

Status repository_index(InferenceServer&, const inference::RepositoryIndexRequest&,
                        inference::RepositoryIndexResponse&);
Status load_model(InferenceServer&, const inference::RepositoryModelLoadRequest&,
                  inference::RepositoryModelLoadResponse&);
Status unload_model(InferenceServer&, const inference::RepositoryModelUnloadRequest&,
                    inference::RepositoryModelUnloadResponse&);

}  // namespace burnish::server
