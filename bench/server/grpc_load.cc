// Loads a server of KServe's protocol over gRPC and tells what it did.
//
//   bench_grpc_load [--target localhost:8001] --model NAME [--shape INPUT:1,16]… [--concurrency 64] [--channels 1]
//                   [--seconds 5] [--token TOKEN]
//
// Every one of --concurrency callers sends its next request when it has its answer. Inputs are what the model's
// metadata says, free dimensions being 1 unless a --shape tells them; their bytes are zero. Half a second of warm-up is
// not counted. Prints one line of JSON: inferences a second, latency quantiles in microseconds, errors by their words.
#include <fmt/format.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <latch>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "grpc_service.pb.h"
#include "server/inference_server.h"

namespace {

using namespace std::chrono_literals;
using burnish::server::Clock;
using grpc::ByteBuffer;
using Stub = grpc::TemplatedGenericStub<ByteBuffer, ByteBuffer>;

constexpr const char* kService = "/inference.GRPCInferenceService/";

struct Options {
  std::string target = "localhost:8001", model, token;
  std::map<std::string, std::vector<int64_t>> shapes;
  int concurrency = 64, channels = 1;
  double seconds = 5;
};

std::vector<int64_t> parse_shape(const std::string& text) {
  std::vector<int64_t> shape;
  for (size_t at = 0; at < text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    shape.push_back(std::stoll(text.substr(at, comma - at)));
    at = comma + 1;
  }
  return shape;
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i], value = argv[i + 1];
    if (name == "--target") {
      options.target = value;
    } else if (name == "--model") {
      options.model = value;
    } else if (name == "--token") {
      options.token = value;
    } else if (name == "--shape") {
      const size_t colon = value.rfind(':');
      options.shapes[value.substr(0, colon)] = parse_shape(value.substr(colon + 1));
    } else if (name == "--concurrency") {
      options.concurrency = std::stoi(value);
    } else if (name == "--channels") {
      options.channels = std::stoi(value);
    } else if (name == "--seconds") {
      options.seconds = std::stod(value);
    } else {
      throw std::runtime_error("unknown option '" + name + "'; the head of bench/server/grpc_load.cc lists them");
    }
  }
  if (options.model.empty()) throw std::runtime_error("--model is missing");
  return options;
}

std::unique_ptr<grpc::ClientContext> make_context(const Options& options) {
  auto context = std::make_unique<grpc::ClientContext>();
  if (!options.token.empty()) context->AddMetadata("authorization", "Bearer " + options.token);
  return context;
}

ByteBuffer to_buffer(const google::protobuf::MessageLite& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return {&slice, 1};
}

/// One call that is waited for.
grpc::Status call(const Options& options, Stub& stub, const std::string& method, const ByteBuffer& request,
                  ByteBuffer& response) {
  const auto context = make_context(options);
  grpc::Status status;
  std::latch done(1);
  stub.UnaryCall(context.get(), kService + method, {}, &request, &response, [&](grpc::Status s) {
    status = std::move(s);
    done.count_down();
  });
  done.wait();
  return status;
}

inference::ModelMetadataResponse metadata_of(const Options& options, Stub& stub) {
  inference::ModelMetadataRequest request;
  request.set_name(options.model);
  ByteBuffer answer;
  const grpc::Status status = call(options, stub, "ModelMetadata", to_buffer(request), answer);
  if (!status.ok()) throw std::runtime_error(options.target + ": " + status.error_message());
  grpc::Slice slice;
  inference::ModelMetadataResponse metadata;
  if (!answer.DumpToSingleSlice(&slice).ok() ||
      !metadata.ParseFromArray(slice.begin(), static_cast<int>(slice.size()))) {
    throw std::runtime_error(options.target + " does not speak KServe's protocol");
  }
  return metadata;
}

ByteBuffer make_request(const Options& options, const inference::ModelMetadataResponse& metadata) {
  inference::ModelInferRequest request;
  request.set_model_name(options.model);
  for (const auto& tensor : metadata.inputs()) {
    auto& input = *request.add_inputs();
    input.set_name(tensor.name());
    input.set_datatype(tensor.datatype());
    std::vector<int64_t> shape(tensor.shape().begin(), tensor.shape().end());
    for (int64_t& d : shape) d = std::max<int64_t>(d, 1);
    if (const auto told = options.shapes.find(tensor.name()); told != options.shapes.end()) shape = told->second;
    burnish::DataType dtype{};
    if (!burnish::server::parse_kserve_name(tensor.datatype(), dtype)) {
      throw std::runtime_error("input '" + tensor.name() + "' has datatype " + tensor.datatype());
    }
    size_t bytes = burnish::server::element_bytes(dtype);
    for (const int64_t d : shape) bytes *= static_cast<size_t>(d);
    input.mutable_shape()->Assign(shape.begin(), shape.end());
    request.add_raw_input_contents(std::string(bytes, '\0'));
  }
  return to_buffer(request);
}

struct Phase {
  std::atomic<bool> counting = false, stopping = false;
};

/// One caller: sends, waits for the answer, sends again.
class Caller {
 public:
  Caller(const Options& options, Stub& stub, const ByteBuffer& request, const Phase& phase, std::latch& done)
      : options_(options), stub_(stub), request_(request), phase_(phase), done_(done) {
    latencies_us.reserve(1 << 16);
  }

  void send() {
    context_ = make_context(options_);
    response_.Clear();
    sent_ = Clock::now();
    stub_.UnaryCall(context_.get(), method_, {}, &request_, &response_, [this](grpc::Status s) { receive(s); });
  }

  std::vector<float> latencies_us;
  std::map<std::string, size_t> errors;

 private:
  void receive(const grpc::Status& status) {
    if (phase_.counting) {
      latencies_us.push_back(std::chrono::duration<float, std::micro>(Clock::now() - sent_).count());
      if (!status.ok()) ++errors[status.error_message()];
    }
    if (phase_.stopping) return done_.count_down();
    send();
  }

  const Options& options_;
  Stub& stub_;
  const ByteBuffer& request_;
  const Phase& phase_;
  std::latch& done_;
  const std::string method_ = std::string(kService) + "ModelInfer";
  std::unique_ptr<grpc::ClientContext> context_;
  ByteBuffer response_;
  Clock::time_point sent_;
};

/// What they saw together, in `seconds`.
nlohmann::json summary(const std::vector<std::unique_ptr<Caller>>& callers, double seconds) {
  std::vector<float> latencies;
  std::map<std::string, size_t> errors;
  for (const auto& caller : callers) {
    latencies.insert(latencies.end(), caller->latencies_us.begin(), caller->latencies_us.end());
    for (const auto& [words, count] : caller->errors) errors[words] += count;
  }
  std::sort(latencies.begin(), latencies.end());
  const auto quantile = [&](double q) {
    return latencies.empty() ? 0.0F : latencies[static_cast<size_t>(q * static_cast<double>(latencies.size() - 1))];
  };
  return {{"requests_per_second", static_cast<double>(latencies.size()) / seconds},
          {"p50_us", quantile(0.5)},
          {"p90_us", quantile(0.9)},
          {"p99_us", quantile(0.99)},
          {"errors", errors}};
}

void run(const Options& options) {
  std::vector<std::unique_ptr<Stub>> stubs;
  for (int i = 0; i < options.channels; ++i) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own
    arguments.SetMaxReceiveMessageSize(-1);
    stubs.push_back(std::make_unique<Stub>(
        grpc::CreateCustomChannel(options.target, grpc::InsecureChannelCredentials(), arguments)));
  }
  const ByteBuffer request = make_request(options, metadata_of(options, *stubs[0]));
  Phase phase;
  std::latch done(options.concurrency);
  std::vector<std::unique_ptr<Caller>> callers;
  for (int i = 0; i < options.concurrency; ++i) {
    Stub& stub = *stubs[static_cast<size_t>(i % options.channels)];
    callers.push_back(std::make_unique<Caller>(options, stub, request, phase, done));
    callers.back()->send();
  }
  std::this_thread::sleep_for(500ms);
  const auto begin = Clock::now();
  phase.counting = true;
  std::this_thread::sleep_for(std::chrono::duration<double>(options.seconds));
  phase.counting = false;
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  phase.stopping = true;
  done.wait();
  fmt::print("{}\n", summary(callers, seconds).dump());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(parse(argc, argv));
  } catch (const std::exception& e) {
    fmt::print(stderr, "bench_grpc_load: {}\n", e.what());
    return 1;
  }
  return 0;
}
