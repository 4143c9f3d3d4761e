#include "server_grpc/infer_request.h"

#include "base/error.h"
#include "server_grpc/infer_contents.h"
#include "server_grpc/infer_parameter.h"
#include "server_grpc/wire.h"

namespace burnish::server {
namespace {

using wire::Field;
using wire::Reader;

// A few bytes of a message make an entry here of a hundred: so many are enough for any model.
constexpr size_t kMaxTensors = 4096;
constexpr size_t kMaxRank = 64;
constexpr uint64_t kMaxClasses = 1 << 20;

/// What is known of an input before all of the message is read.
struct PendingInput {
  std::vector<std::string_view> contents;  ///< InferTensorContents, to be merged.
  std::string_view region;                 ///< Not empty: it lies in shared memory.
  uint64_t offset = 0, byte_size = 0;
};

template <typename T>
T& append(std::vector<T>& list, std::string_view what) {
  check(list.size() < kMaxTensors, ErrorCode::kInvalidArgument, "more than {} {}", kMaxTensors, what);
  return list.emplace_back();
}

/// True when the parameter is one of those that say where in shared memory a tensor is.
bool shared_memory_parameter(const InferParameter& parameter, PendingInput& place) {
  if (parameter.name == "shared_memory_region") {
    place.region = parameter.as_text();
  } else if (parameter.name == "shared_memory_offset") {
    place.offset = parameter.as_count();
  } else if (parameter.name == "shared_memory_byte_size") {
    place.byte_size = parameter.as_count();
  } else {
    return false;
  }
  return true;
}

SharedReference reference_to(const PendingInput& place, size_t index) {
  return {index, std::string(place.region), place.offset, place.byte_size};
}

class Decoder {
 public:
  Decoder(const Bytes& message, DecodedRequest& out) : message_(message), out_(out), request_(out.request) {}

  void decode() {
    Field field;
    for (Reader reader({reinterpret_cast<const char*>(message_.data), message_.size}); reader.next(field);) {
      decode_field(field);
    }
    bind_inputs();
  }

 private:
  void decode_field(const Field& field) {
    switch (field.number) {
      case 1:
        request_.model = wire::text_of(field, "model_name");
        break;
      case 2:
        request_.version = wire::text_of(field, "model_version");
        break;
      case 3:
        request_.id = wire::text_of(field, "id");
        break;
      case 4:
        decode_parameter(decode_infer_parameter(wire::bytes_of(field, "parameters")));
        break;
      case 5:
        with_frame([&] { return fmt::format("inputs[{}]", request_.inputs.size() - 1); },
                   [&] { decode_input(wire::bytes_of(field, "inputs")); });
        break;
      case 6:
        with_frame([&] { return fmt::format("outputs[{}]", request_.outputs.size() - 1); },
                   [&] { decode_output(wire::bytes_of(field, "outputs")); });
        break;
      case 7:
        append(raw_, "raw_input_contents") = wire::bytes_of(field, "raw_input_contents");
        break;
      default:  // of a later version of the protocol
        break;
    }
  }

  void decode_parameter(const InferParameter& parameter) {
    if (parameter.name == "sequence_id") {
      decode_sequence_id(parameter);
    } else if (parameter.name == "sequence_start") {
      request_.sequence.start = parameter.as_bool();
    } else if (parameter.name == "sequence_end") {
      request_.sequence.end = parameter.as_bool();
    } else if (parameter.name == "priority") {
      request_.priority = parameter.as_count();
    } else if (parameter.name == "timeout") {
      request_.timeout_us = parameter.as_count();
    } else if (parameter.name == "triton_enable_empty_final_response") {
      out_.final_response = parameter.as_bool();
    }
  }

  void decode_sequence_id(const InferParameter& parameter) {
    if (const auto* text = std::get_if<std::string_view>(&parameter.value)) {
      request_.sequence.id = *text;
    } else if (const uint64_t number = parameter.as_count(); number != 0) {
      request_.sequence.id = std::to_string(number);
    }
  }

  void decode_input(std::string_view message) {
    InputTensor& input = append(request_.inputs, "inputs");
    PendingInput& pending = pending_.emplace_back();
    std::string_view datatype;
    Field field;
    for (Reader reader(message); reader.next(field);) {
      if (field.number == 1) input.name = wire::text_of(field, "name");
      if (field.number == 2) datatype = wire::text_of(field, "datatype");
      if (field.number == 3) decode_shape(field, input.shape);
      if (field.number == 4)
        shared_memory_parameter(decode_infer_parameter(wire::bytes_of(field, "parameters")), pending);
      if (field.number == 5) append(pending.contents, "contents") = wire::bytes_of(field, "contents");
    }
    check(parse_kserve_name(datatype, input.dtype), ErrorCode::kInvalidArgument,
          "input '{}': datatype '{}' is not one that engines take; FP32, FP16, BF16, INT64, … are", input.name,
          datatype);
  }

  void decode_shape(const Field& field, std::vector<int64_t>& shape) {
    wire::each_varint(field, "shape", [&](uint64_t d) {
      check(shape.size() < kMaxRank, ErrorCode::kInvalidArgument, "more than {} dimensions", kMaxRank);
      shape.push_back(static_cast<int64_t>(d));
    });
  }

  void decode_output(std::string_view message) {
    RequestedOutput& output = append(request_.outputs, "outputs");
    PendingInput place;
    Field field;
    for (Reader reader(message); reader.next(field);) {
      if (field.number == 1) output.name = wire::text_of(field, "name");
      if (field.number != 2) continue;
      const InferParameter parameter = decode_infer_parameter(wire::bytes_of(field, "parameters"));
      if (shared_memory_parameter(parameter, place) || parameter.name != "classification") continue;
      const uint64_t classes = parameter.as_count();
      check(classes <= kMaxClasses, ErrorCode::kInvalidArgument, "parameter 'classification': {} are more than {}",
            classes, kMaxClasses);
      output.num_classes = static_cast<uint32_t>(classes);
    }
    if (!place.region.empty()) out_.shared_outputs.push_back(reference_to(place, request_.outputs.size() - 1));
  }

  void bind_inputs() {
    size_t next_raw = 0;
    for (size_t i = 0; i < request_.inputs.size(); ++i) {
      with_frame([&] { return fmt::format("input '{}'", request_.inputs[i].name); }, [&] { bind_input(i, next_raw); });
    }
    check(next_raw == raw_.size(), ErrorCode::kInvalidArgument,
          "raw_input_contents has {} entries for {} inputs that are not in shared memory", raw_.size(), next_raw);
  }

  void bind_input(size_t index, size_t& next_raw) {
    const PendingInput& pending = pending_[index];
    if (!pending.region.empty()) {
      out_.shared_inputs.push_back(reference_to(pending, index));
    } else if (raw_.empty()) {
      bind_contents(pending, request_.inputs[index]);
    } else {
      check(pending.contents.empty(), ErrorCode::kInvalidArgument,
            "contents and raw_input_contents cannot be used together");
      check(next_raw < raw_.size(), ErrorCode::kInvalidArgument, "raw_input_contents has no entry for it, only {}",
            raw_.size());
      const std::string_view raw = raw_[next_raw++];
      request_.inputs[index].data = {reinterpret_cast<const std::byte*>(raw.data()), raw.size(), message_.owner};
    }
  }

  void bind_contents(const PendingInput& pending, InputTensor& input) {
    auto elements = std::make_shared<std::vector<std::byte>>();
    for (const std::string_view contents : pending.contents) decode_infer_contents(contents, input.dtype, *elements);
    input.data = {elements->data(), elements->size(), elements};
  }

  const Bytes& message_;
  DecodedRequest& out_;
  InferRequest& request_;
  std::vector<PendingInput> pending_;  // one an input
  std::vector<std::string_view> raw_;
};

}  // namespace

void decode_infer_request(const Bytes& message, DecodedRequest& out) {
  with_frame([] { return "ModelInferRequest"; }, [&] { Decoder(message, out).decode(); });
}

Status bind_shared_memory(const InferenceServer& server, DecodedRequest& decoded) {
  for (const SharedReference& from : decoded.shared_inputs) {
    SharedBytes memory;
    Status status = server.shared_memory(from.region, from.offset, from.byte_size, memory);
    if (!status.ok()) return status;
    decoded.request.inputs[from.index].data = {memory.data, from.byte_size, std::move(memory.owner),
                                               /*is_shared=*/true, memory.gpu};
  }
  for (const SharedReference& to : decoded.shared_outputs) {
    RequestedOutput& output = decoded.request.outputs[to.index];
    Status status = server.shared_memory(to.region, to.offset, to.byte_size, output.target);
    if (!status.ok()) return status;
    output.capacity = to.byte_size;
  }
  return {};
}

}  // namespace burnish::server
