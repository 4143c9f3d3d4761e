#include "server_http/endpoints.h"

#include "server_http/base64.h"
#include "server_http/json_reader.h"
#include "server_http/json_writer.h"
#include "server_http/live_page.h"
#include "server_http/settings_json.h"

namespace burnish::server::http {
namespace {

using simdjson::dom::element;

constexpr size_t kMaxBodyBytes = size_t{1} << 20;

// What an endpoint's function is given.
struct Question {
  InferenceServer& server;
  const Route& route;
  Method method;
  element json;  // of the body; an empty object when there is none
};

Response json_response(std::string text) {
  Response response;
  response.text = std::move(text);
  return response;
}

Response empty_response(int status) {
  Response response;
  response.status = status;
  return response;
}

Response status_response(const Status& status) {
  return status.ok() ? empty_response(200) : error_response(status);
}

Response server_live(const Question& q) {
  return empty_response(q.server.is_live() ? 200 : 503);
}
Response server_ready(const Question& q) {
  return empty_response(q.server.is_ready() ? 200 : 503);
}
Response model_ready(const Question& q) {
  return status_response(q.server.model_ready(q.route.model, q.route.version));
}

Response server_metadata(const Question& q) {
  const ServerMetadata metadata = q.server.metadata();
  std::string text;
  JsonWriter json(text);
  json.begin_object().field("name", metadata.name).field("version", metadata.version);
  json.key("extensions").strings(metadata.extensions).end_object();
  return json_response(std::move(text));
}

void write_tensors(JsonWriter& json, std::string_view key, const std::vector<TensorMetadata>& tensors) {
  json.key(key).begin_array();
  for (const TensorMetadata& tensor : tensors) {
    json.begin_object().field("name", tensor.name).field("datatype", tensor.datatype);
    json.key("shape").numbers(tensor.shape).end_object();
  }
  json.end_array();
}

Response model_metadata(const Question& q) {
  ModelMetadata metadata;
  if (const Status s = q.server.model_metadata(q.route.model, q.route.version, metadata); !s.ok())
    return error_response(s);
  std::string text;
  JsonWriter json(text);
  json.begin_object().field("name", metadata.name).key("versions").strings(metadata.versions);
  json.field("platform", metadata.platform);
  write_tensors(json, "inputs", metadata.inputs);
  write_tensors(json, "outputs", metadata.outputs);
  json.end_object();
  return json_response(std::move(text));
}

Response model_config(const Question& q) {
  std::string text;
  const Status status = q.server.model_config(q.route.model, q.route.version, text);
  return status.ok() ? json_response(std::move(text)) : error_response(status);
}

void write_duration(JsonWriter& json, std::string_view key, const DurationStatistics& d) {
  json.key(key).begin_object().field("count", d.count).field("ns", d.ns).end_object();
}

void write_statistics(JsonWriter& json, const ModelStatistics& s) {
  json.begin_object().field("name", s.name).field("version", s.version);
  json.field("last_inference", s.last_inference_ms).field("inference_count", s.inference_count);
  json.field("execution_count", s.execution_count).key("inference_stats").begin_object();
  write_duration(json, "success", s.success);
  write_duration(json, "fail", s.fail);
  write_duration(json, "queue", s.queue);
  write_duration(json, "compute_input", s.compute_input);
  write_duration(json, "compute_infer", s.compute_infer);
  write_duration(json, "compute_output", s.compute_output);
  write_duration(json, "cache_hit", s.cache_hit);
  write_duration(json, "cache_miss", s.cache_miss);
  json.end_object().key("batch_stats").begin_array();
  for (const BatchStatistics& batch : s.batches) {
    json.begin_object().field("batch_size", batch.batch_size);
    write_duration(json, "compute_input", batch.input);
    write_duration(json, "compute_infer", batch.infer);
    write_duration(json, "compute_output", batch.output);
    write_duration(json, "busy", batch.busy);
    json.end_object();
  }
  json.end_array().end_object();
}

Response model_statistics(const Question& q) {
  std::vector<ModelStatistics> statistics;
  if (const Status s = q.server.statistics(q.route.model, q.route.version, statistics); !s.ok())
    return error_response(s);
  std::string text;
  JsonWriter json(text);
  json.begin_object().key("model_stats").begin_array();
  for (const ModelStatistics& s : statistics) write_statistics(json, s);
  json.end_array().end_object();
  return json_response(std::move(text));
}

Response repository_index(const Question& q) {
  element ready;
  const bool only_ready = !q.json["ready"].get(ready) && read_bool(ready, {{}, 0, "ready"});
  std::string text;
  JsonWriter json(text);
  json.begin_array();
  for (const IndexEntry& entry : q.server.repository_index(only_ready)) {
    json.begin_object().field("name", entry.name).field("version", entry.version);
    json.field("state", entry.state).field("reason", entry.reason).end_object();
  }
  json.end_array();
  return json_response(std::move(text));
}

Response repository_load(const Question& q) {
  std::string_view config;
  element parameters;
  if (!q.json["parameters"].get(parameters)) {
    for (const auto [key, value] : read_object(parameters, {{}, 0, "parameters"})) {
      const FieldPath path{{}, 0, "parameters", key};
      if (key == "config") config = read_string(value, path);
      if (key.starts_with("file:")) {
        return error_response(
            {StatusCode::kUnsupported, path.text() + ": files cannot be sent; put them into the repository"});
      }
    }
  }
  return status_response(q.server.load_model(q.route.model, config));
}

Response repository_unload(const Question& q) {
  element dependents;
  const bool with_dependents = !q.json.at_pointer("/parameters/unload_dependents").get(dependents) &&
                               read_bool(dependents, {{}, 0, "parameters", "unload_dependents"});
  return status_response(q.server.unload_model(q.route.model, with_dependents));
}

Response trace_setting(const Question& q) {
  Settings now;
  const Settings change = q.method == Method::kPost ? read_settings(q.json) : Settings();
  const Status status = q.server.trace_settings(q.route.model, change, now);
  return status.ok() ? json_response(settings_json(now, false)) : error_response(status);
}

Response log_setting(const Question& q) {
  Settings now;
  const Status status = q.server.log_settings(q.method == Method::kPost ? read_settings(q.json) : Settings(), now);
  return status.ok() ? json_response(settings_json(now, true)) : error_response(status);
}

Response shared_memory_status(const Question& q) {
  std::vector<SharedMemoryRegion> regions;
  if (const Status s = q.server.shared_memory_status(q.route.region, regions); !s.ok()) return error_response(s);
  std::string text;
  JsonWriter json(text);
  json.begin_array();
  for (const SharedMemoryRegion& region : regions) {
    json.begin_object().field("name", region.name).field("key", region.key);
    json.field("offset", region.offset).field("byte_size", region.byte_size).end_object();
  }
  json.end_array();
  return json_response(std::move(text));
}

element required(const Question& q, const char* name) {
  element value;
  if (q.json[name].get(value)) FieldPath{{}, 0, name}.fail("missing");
  return value;
}

Response shared_memory_register(const Question& q) {
  SharedMemoryRegion region;
  region.name = q.route.region;
  region.key = read_string(required(q, "key"), {{}, 0, "key"});
  region.byte_size = read_unsigned(required(q, "byte_size"), {{}, 0, "byte_size"});
  element offset;
  if (!q.json["offset"].get(offset)) region.offset = read_unsigned(offset, {{}, 0, "offset"});
  return status_response(q.server.register_shared_memory(region));
}

Response shared_memory_unregister(const Question& q) {
  return status_response(q.server.unregister_shared_memory(q.route.region));
}

Response cuda_shared_memory_status(const Question& q) {
  std::vector<CudaMemoryRegion> regions;
  if (const Status s = q.server.cuda_memory_status(q.route.region, regions); !s.ok()) return error_response(s);
  std::string text;
  JsonWriter json(text);
  json.begin_array();
  for (const CudaMemoryRegion& region : regions) {
    json.begin_object().field("name", region.name).field("device_id", static_cast<uint64_t>(region.device));
    json.field("byte_size", region.byte_size).end_object();
  }
  json.end_array();
  return json_response(std::move(text));
}

Response cuda_shared_memory_register(const Question& q) {
  constexpr size_t kMostDevices = 1 << 16;
  CudaMemoryRegion region;
  region.name = q.route.region;
  const FieldPath handle{{}, 0, "raw_handle", "b64"}, device{{}, 0, "device_id"};
  element b64;
  if (read_object(required(q, "raw_handle"), {{}, 0, "raw_handle"})["b64"].get(b64)) handle.fail("missing");
  const std::optional<std::string> decoded = decode_base64(read_string(b64, handle));
  if (!decoded) handle.fail("is not base64");
  region.handle = *decoded;
  const uint64_t number = read_unsigned(required(q, "device_id"), device);
  if (number > kMostDevices) device.fail("is no GPU's number");
  region.device = static_cast<int64_t>(number);
  region.byte_size = read_unsigned(required(q, "byte_size"), {{}, 0, "byte_size"});
  return status_response(q.server.register_cuda_memory(region));
}

Response cuda_shared_memory_unregister(const Question& q) {
  return status_response(q.server.unregister_cuda_memory(q.route.region));
}

Response metrics(const Question& q) {
  Response response = json_response(q.server.metrics());
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  return response;
}

Response live_state(const Question& q) {
  Response response = json_response(q.server.live_state());
  response.extra_fields = "Cache-Control: no-store\r\n";
  return response;
}

Response live_page(const Question&) {
  Response response = json_response(std::string(live_page_html()));
  response.content_type = "text/html; charset=utf-8";
  response.extra_fields =
      "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
      "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
      "X-Content-Type-Options: nosniff\r\n";
  return response;
}

using Function = Response (*)(const Question&);

Function function_of(Endpoint endpoint) {
  switch (endpoint) {
    case Endpoint::kServerLive:
      return server_live;
    case Endpoint::kServerReady:
      return server_ready;
    case Endpoint::kServerMetadata:
      return server_metadata;
    case Endpoint::kModelMetadata:
      return model_metadata;
    case Endpoint::kModelReady:
      return model_ready;
    case Endpoint::kModelConfig:
      return model_config;
    case Endpoint::kModelStatistics:
      return model_statistics;
    case Endpoint::kRepositoryIndex:
      return repository_index;
    case Endpoint::kRepositoryLoad:
      return repository_load;
    case Endpoint::kRepositoryUnload:
      return repository_unload;
    case Endpoint::kTraceSetting:
      return trace_setting;
    case Endpoint::kLogSetting:
      return log_setting;
    case Endpoint::kSharedMemoryStatus:
      return shared_memory_status;
    case Endpoint::kSharedMemoryRegister:
      return shared_memory_register;
    case Endpoint::kSharedMemoryUnregister:
      return shared_memory_unregister;
    case Endpoint::kCudaSharedMemoryStatus:
      return cuda_shared_memory_status;
    case Endpoint::kCudaSharedMemoryRegister:
      return cuda_shared_memory_register;
    case Endpoint::kCudaSharedMemoryUnregister:
      return cuda_shared_memory_unregister;
    case Endpoint::kMetrics:
      return metrics;
    case Endpoint::kLiveState:
      return live_state;
    case Endpoint::kLivePage:
      return live_page;
    case Endpoint::kInfer:
      break;
  }
  return nullptr;
}

}  // namespace

bool may_take_long(Endpoint endpoint) {
  return endpoint == Endpoint::kRepositoryLoad || endpoint == Endpoint::kRepositoryUnload;
}

Response answer(InferenceServer& server, const Route& route, Method method, const Body* body) {
  try {
    simdjson::dom::parser parser;
    if (body && body->size() > kMaxBodyBytes) {
      return error_response(413, fmt::format("body: longer than the {} bytes that this endpoint takes", kMaxBodyBytes));
    }
    const bool has_body = method == Method::kPost && body && body->size() > 0;
    const std::string_view text =
        has_body ? std::string_view(reinterpret_cast<const char*>(body->data()), body->size()) : "{}";
    element json;
    if (const auto problem = parser.parse(text.data(), text.size(), !has_body).get(json)) {
      FieldPath{{}, 0, "body"}.fail(fmt::format("not JSON: {}", simdjson::error_message(problem)));
    }
    read_object(json, {{}, 0, "body"});
    return function_of(route.endpoint)(Question{server, route, method, json});
  } catch (const Error& e) {
    return error_response(400, e.message());
  } catch (const std::exception& e) {
    return error_response(500, e.what());
  }
}

}  // namespace burnish::server::http
