#include "server_http/infer_decoder.h"

#include "base/checked.h"
#include "server_http/json_reader.h"
#include "server_http/json_tensor.h"

namespace burnish::server::http {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr size_t kMaxTensors = 4096, kMaxRank = 64;
// A parser that has grown beyond this gives its memory back.
constexpr size_t kKeptJsonBytes = size_t{1} << 20;

// A status of the server's on its way through functions that throw.
struct StatusError {
  Status status;
};

// The place of a tensor's bytes as its parameters tell it.
struct Place {
  std::optional<uint64_t> binary_size, shared_size;
  std::string_view region;
  uint64_t offset = 0;
};

// True when it was one of the parameters that inputs and outputs share.
bool read_place(std::string_view key, element value, const FieldPath& path, Place& place) {
  if (key == "shared_memory_region") {
    place.region = read_string(value, path);
  } else if (key == "shared_memory_byte_size") {
    place.shared_size = read_unsigned(value, path);
  } else if (key == "shared_memory_offset") {
    place.offset = read_unsigned(value, path);
  } else {
    return false;
  }
  return true;
}

void read_shape(element value, const FieldPath& path, std::vector<int64_t>& shape) {
  for (const element dim : read_array(value, path)) {
    int64_t extent = 0;
    if (dim.get(extent) || extent < 0) path.fail("its elements must be integers of at least 0");
    if (shape.size() == kMaxRank) path.fail("has too many dimensions");
    shape.push_back(extent);
  }
}

DataType read_datatype(element value, const FieldPath& path) {
  const std::string_view name = read_string(value, path);
  DataType dtype{};
  if (name == "BYTES") path.fail("'BYTES' is not supported: engines take numbers");
  if (!parse_kserve_name(name, dtype)) path.fail(fmt::format("'{}' is none of KServe's datatypes", name));
  return dtype;
}

}  // namespace

struct InferDecoder::Parser {
  simdjson::dom::parser parser;
};

// One request while it is read. Functions throw Error or StatusError.
class InferDecoder::Request {
 public:
  Request(InferDecoder& decoder, const std::shared_ptr<Body>& body, size_t json_length, InferRequest& request,
          bool& binary_by_default)
      : decoder_(decoder),
        body_(body),
        json_length_(json_length),
        next_binary_(json_length),
        request_(request),
        binary_by_default_(binary_by_default) {}

  void read(element root) {
    bool has_inputs = false;
    for (const auto [key, value] : read_object(root, {})) {
      const FieldPath path{{}, 0, key};
      if (key == "id") {
        request_.id = read_string(value, path);
      } else if (key == "parameters") {
        read_parameters(read_object(value, path));
      } else if (key == "inputs") {
        has_inputs = true;
        for (const element input : read_array(value, path)) read_input(input);
      } else if (key == "outputs") {
        for (const element output : read_array(value, path)) read_output(output);
      }
    }
    if (!has_inputs) FieldPath{{}, 0, "inputs"}.fail("missing");
    if (next_binary_ < body_->size()) {
      FieldPath{{}, 0, "body"}.fail(
          fmt::format("{} bytes more than the inputs' binary_data_size add up to", body_->size() - next_binary_));
    }
    // "outputs" may stand before "parameters".
    for (size_t i = 0; i < request_.outputs.size(); ++i) {
      if (!binary_was_said_[i]) request_.outputs[i].binary = binary_by_default_;
    }
    if (!request_.outputs.empty()) binary_by_default_ = false;
  }

 private:
  void read_parameters(object parameters) {
    for (const auto [key, value] : parameters) {
      const FieldPath path{{}, 0, "parameters", key};
      if (key == "sequence_id") {
        uint64_t number = 0;
        request_.sequence.id = value.get(number) ? std::string(read_string(value, path)) : std::to_string(number);
      } else if (key == "sequence_start") {
        request_.sequence.start = read_bool(value, path);
      } else if (key == "sequence_end") {
        request_.sequence.end = read_bool(value, path);
      } else if (key == "priority") {
        request_.priority = read_unsigned(value, path);
      } else if (key == "timeout") {
        request_.timeout_us = read_unsigned(value, path);
      } else if (key == "binary_data_output") {
        binary_by_default_ = read_bool(value, path);
      }
    }
    if (request_.sequence.id == "0") request_.sequence.id.clear();  // Triton's word for none
  }

  struct Fields {
    std::optional<element> name, datatype, shape, data, parameters;
  };

  static Fields fields_of(element value, const FieldPath& path) {
    Fields fields;
    for (const auto [key, field] : read_object(value, path)) {
      if (key == "name") fields.name = field;
      if (key == "datatype") fields.datatype = field;
      if (key == "shape") fields.shape = field;
      if (key == "data") fields.data = field;
      if (key == "parameters") fields.parameters = field;
    }
    return fields;
  }

  static element required(const std::optional<element>& field, const FieldPath& path) {
    if (!field) path.fail("missing");
    return *field;
  }

  void read_input(element value) {
    const size_t i = request_.inputs.size();
    if (i == kMaxTensors) FieldPath{{}, 0, "inputs"}.fail("too many");
    InputTensor& input = request_.inputs.emplace_back();
    const auto at = [i](std::string_view field) { return FieldPath{"inputs", i, field}; };
    const Fields fields = fields_of(value, at({}));
    input.name = read_string(required(fields.name, at("name")), at("name"));
    input.dtype = read_datatype(required(fields.datatype, at("datatype")), at("datatype"));
    read_shape(required(fields.shape, at("shape")), at("shape"), input.shape);
    Place place;
    if (fields.parameters) read_input_parameters(read_object(*fields.parameters, at("parameters")), i, place);
    if (int{fields.data.has_value()} + int{place.binary_size.has_value()} + int{!place.region.empty()} != 1) {
      at({}).fail(fmt::format("'{}' must have one of data, binary_data_size and shared_memory_region", input.name));
    }
    input.data = fields.data         ? json_data(*fields.data, input, at("data"))
                 : place.binary_size ? binary_data(*place.binary_size, {"inputs", i, "parameters", "binary_data_size"})
                                     : shared_data(place, {"inputs", i, "parameters", "shared_memory_byte_size"});
  }

  void read_input_parameters(object parameters, size_t index, Place& place) {
    for (const auto [key, value] : parameters) {
      const FieldPath path{"inputs", index, "parameters", key};
      if (!read_place(key, value, path, place) && key == "binary_data_size")
        place.binary_size = read_unsigned(value, path);
    }
  }

  Bytes json_data(element data, const InputTensor& input, const FieldPath& path) {
    const simdjson::dom::array array = read_array(data, path);
    int64_t count = 1;
    for (const int64_t extent : input.shape) count = checked_mul(count, extent);
    // Every element takes two characters at least: no memory is given for what cannot be there.
    if (static_cast<uint64_t>(count) > json_length_)
      path.fail(fmt::format("has fewer elements than the shape, which has {}", count));
    const size_t bytes = static_cast<size_t>(count) * element_bytes(input.dtype);
    const std::shared_ptr<Body> memory = Body::create(decoder_.budget_, bytes, 0);
    if (!memory)
      throw StatusError{{StatusCode::kResourceExhausted, path.text() + ": the memory for bodies is full; try again"}};
    read_json_tensor(array, input.dtype, static_cast<size_t>(count), memory->data(), path);
    return {memory->data(), bytes, memory};
  }

  Bytes binary_data(uint64_t size, const FieldPath& path) {
    if (size > body_->size() - next_binary_) {
      path.fail(fmt::format("is {}, but only {} bytes are left behind the JSON (Inference-Header-Content-Length: {})",
                            size, body_->size() - next_binary_, json_length_));
    }
    const std::byte* data = body_->data() + next_binary_;
    next_binary_ += size;
    return {data, size, body_};
  }

  Bytes shared_data(const Place& place, const FieldPath& path) {
    SharedBytes memory;
    if (!place.shared_size) path.fail("missing");
    const Status status = decoder_.server_.shared_memory(place.region, place.offset, *place.shared_size, memory);
    if (!status.ok()) throw StatusError{status};
    return {memory.data, *place.shared_size, std::move(memory.owner), /*is_shared=*/true, memory.gpu};
  }

  void read_output(element value) {
    const size_t i = request_.outputs.size();
    if (i == kMaxTensors) FieldPath{{}, 0, "outputs"}.fail("too many");
    RequestedOutput& output = request_.outputs.emplace_back();
    binary_was_said_.push_back(false);
    const auto at = [i](std::string_view field) { return FieldPath{"outputs", i, field}; };
    const Fields fields = fields_of(value, at({}));
    output.name = read_string(required(fields.name, at("name")), at("name"));
    Place place;
    if (fields.parameters) read_output_parameters(read_object(*fields.parameters, at("parameters")), i, output, place);
    if (!place.region.empty()) share_output(place, i, output);
  }

  void read_output_parameters(object parameters, size_t index, RequestedOutput& output, Place& place) {
    for (const auto [key, value] : parameters) {
      const FieldPath path{"outputs", index, "parameters", key};
      if (read_place(key, value, path, place)) continue;
      if (key == "binary_data") {
        output.binary = read_bool(value, path);
        binary_was_said_[index] = true;
      } else if (key == "classification") {
        const uint64_t count = read_unsigned(value, path);
        if (count > UINT32_MAX) path.fail("too large");
        output.num_classes = static_cast<uint32_t>(count);
      }
    }
  }

  void share_output(const Place& place, size_t index, RequestedOutput& output) {
    const FieldPath path{"outputs", index, "parameters", "shared_memory_byte_size"};
    if (!place.shared_size) path.fail("missing");
    if (output.num_classes > 0) path.fail("classification cannot be written to shared memory");
    const Status status = decoder_.server_.shared_memory(place.region, place.offset, *place.shared_size, output.target);
    if (!status.ok()) throw StatusError{status};
    output.capacity = *place.shared_size;
  }

  InferDecoder& decoder_;
  const std::shared_ptr<Body>& body_;
  const size_t json_length_;
  size_t next_binary_;
  InferRequest& request_;
  bool& binary_by_default_;
  std::vector<bool> binary_was_said_;
};

InferDecoder::InferDecoder(const InferenceServer& server, std::shared_ptr<MemoryBudget> budget, size_t max_json_bytes)
    : server_(server),
      budget_(std::move(budget)),
      max_json_bytes_(max_json_bytes),
      parser_(std::make_unique<Parser>()) {}

InferDecoder::~InferDecoder() = default;

Status InferDecoder::decode(const std::shared_ptr<Body>& body, std::optional<uint64_t> json_length,
                            InferRequest& request, bool& binary_by_default) {
  if (!body) return {StatusCode::kInvalidArgument, "body: empty; an inference request is a JSON object"};
  if (json_length == 0) return decode_raw(body, request, binary_by_default);
  const uint64_t length = json_length.value_or(body->size());
  if (length > body->size()) {
    return {StatusCode::kInvalidArgument,
            fmt::format("Inference-Header-Content-Length: is {}, but the body has {} bytes", length, body->size())};
  }
  if (length > max_json_bytes_) {
    return {StatusCode::kTooLarge,
            fmt::format("body: its JSON has {} bytes, and {} are allowed; send tensors as binary data", length,
                        max_json_bytes_)};
  }
  Status status;
  try {
    element root;
    const auto* text = reinterpret_cast<const char*>(body->data());
    const auto problem = parser_->parser.parse(text, length, false).get(root);
    if (problem) FieldPath{{}, 0, "body"}.fail(fmt::format("not JSON: {}", simdjson::error_message(problem)));
    Request(*this, body, length, request, binary_by_default).read(root);
  } catch (const Error& e) {
    status = {StatusCode::kInvalidArgument, e.message()};
  } catch (const StatusError& e) {
    status = e.status;
  }
  if (parser_->parser.capacity() > kKeptJsonBytes) parser_ = std::make_unique<Parser>();
  request.cancelled = std::shared_ptr<const std::atomic<bool>>(body, &body->cancelled);
  return status;
}

// Triton's "raw binary request": the model has one input, whose free dimension, if there is one, follows from the size.
Status InferDecoder::decode_raw(const std::shared_ptr<Body>& body, InferRequest& request, bool& binary_by_default) {
  ModelMetadata model;
  if (Status status = server_.model_metadata(request.model, request.version, model); !status.ok()) return status;
  const auto refuse = [&](std::string_view reason) {
    return Status{StatusCode::kInvalidArgument, fmt::format("Inference-Header-Content-Length: 0, but {}", reason)};
  };
  if (model.inputs.size() != 1) return refuse("the model has more than one input");
  const TensorMetadata& metadata = model.inputs.front();
  InputTensor input{metadata.name, {}, metadata.shape, {body->data(), body->size(), body}};
  if (!parse_kserve_name(metadata.datatype, input.dtype)) return refuse("the model's input is not of numbers");
  int64_t known = static_cast<int64_t>(element_bytes(input.dtype));
  int64_t* free = nullptr;
  for (int64_t& extent : input.shape) {
    if (extent < 0 && free) return refuse("the shape of the model's input cannot be told from the body's size");
    if (extent < 0) {
      free = &extent;
    } else if (__builtin_mul_overflow(known, extent, &known)) {
      return refuse("the model's input is too large");
    }
  }
  if (free) *free = known == 0 ? 0 : static_cast<int64_t>(body->size()) / known;
  request.inputs.push_back(std::move(input));
  request.cancelled = std::shared_ptr<const std::atomic<bool>>(body, &body->cancelled);
  binary_by_default = true;
  return {};
}

}  // namespace burnish::server::http
