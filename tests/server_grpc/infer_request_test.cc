// The hand-written reader of ModelInferRequest against messages that protobuf wrote.
#include "server_grpc/infer_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/error.h"
#include "requests.h"
#include "server_support/fake_server.h"

namespace burnish::server {
namespace {

using inference::ModelInferRequest;

Bytes bytes_of(std::string text) {
  auto owner = std::make_shared<std::string>(std::move(text));
  return {reinterpret_cast<const std::byte*>(owner->data()), owner->size(), owner};
}

DecodedRequest decode(const ModelInferRequest& message) {
  DecodedRequest decoded;
  decode_infer_request(bytes_of(message.SerializeAsString()), decoded);
  return decoded;
}

/// What the reader says of a message that it refuses.
std::string refusal_of(std::string bytes) {
  DecodedRequest decoded;
  try {
    decode_infer_request(bytes_of(std::move(bytes)), decoded);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInvalidArgument);
    return e.what();
  }
  return "accepted";
}
std::string refusal_of(const ModelInferRequest& message) {
  return refusal_of(message.SerializeAsString());
}

template <typename T>
std::vector<T> elements(const InputTensor& input) {
  std::vector<T> values(input.data.size / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), input.data.data, input.data.size);
  return values;
}

TEST(InferRequest, RawInputsPointIntoTheMessage) {
  ModelInferRequest message = testing::infer_request("identity", {1, 2, 3}, "id-7");
  message.set_model_version("4");
  const Bytes bytes = bytes_of(message.SerializeAsString());
  DecodedRequest decoded;
  decode_infer_request(bytes, decoded);
  const InferRequest& request = decoded.request;
  EXPECT_EQ(request.model, "identity");
  EXPECT_EQ(request.version, "4");
  EXPECT_EQ(request.id, "id-7");
  ASSERT_EQ(request.inputs.size(), 1);
  const InputTensor& input = request.inputs[0];
  EXPECT_EQ(input.name, "INPUT0");
  EXPECT_EQ(input.dtype, DataType::kFloat32);
  EXPECT_EQ(input.shape, (std::vector<int64_t>{1, 3}));
  EXPECT_EQ(elements<float>(input), (std::vector<float>{1, 2, 3}));
  EXPECT_GE(input.data.data, bytes.data);
  EXPECT_LE(input.data.data + input.data.size, bytes.data + bytes.size);
  EXPECT_EQ(input.data.owner, bytes.owner);
}

TEST(InferRequest, ParametersSetWhatTheyName) {
  ModelInferRequest message = testing::infer_request("m", {1});
  auto& parameters = *message.mutable_parameters();
  parameters["sequence_id"].set_int64_param(42);
  parameters["sequence_start"].set_bool_param(true);
  parameters["sequence_end"].set_bool_param(true);
  parameters["priority"].set_uint64_param(3);
  parameters["timeout"].set_int64_param(5000);
  parameters["triton_enable_empty_final_response"].set_bool_param(true);
  parameters["something of the client's own"].set_double_param(0.5);
  const DecodedRequest decoded = decode(message);
  EXPECT_EQ(decoded.request.sequence.id, "42");
  EXPECT_TRUE(decoded.request.sequence.start);
  EXPECT_TRUE(decoded.request.sequence.end);
  EXPECT_EQ(decoded.request.priority, 3);
  EXPECT_EQ(decoded.request.timeout_us, 5000);
  EXPECT_TRUE(decoded.final_response);
}

TEST(InferRequest, SequencesAreNumbersOrText) {
  ModelInferRequest message = testing::infer_request("m", {1});
  (*message.mutable_parameters())["sequence_id"].set_string_param("talk-1");
  EXPECT_EQ(decode(message).request.sequence.id, "talk-1");
  (*message.mutable_parameters())["sequence_id"].set_uint64_param(0);
  EXPECT_EQ(decode(message).request.sequence.id, "") << "number 0 is none";
}

TEST(InferRequest, OutputsTellClassesAndSharedMemory) {
  ModelInferRequest message = testing::infer_request("m", {1});
  message.add_outputs()->set_name("plain");
  auto& classes = *message.add_outputs();
  classes.set_name("classes");
  (*classes.mutable_parameters())["classification"].set_int64_param(5);
  auto& shared = *message.add_outputs();
  shared.set_name("shared");
  (*shared.mutable_parameters())["shared_memory_region"].set_string_param("out");
  (*shared.mutable_parameters())["shared_memory_offset"].set_int64_param(8);
  (*shared.mutable_parameters())["shared_memory_byte_size"].set_int64_param(64);
  const DecodedRequest decoded = decode(message);
  ASSERT_EQ(decoded.request.outputs.size(), 3);
  EXPECT_EQ(decoded.request.outputs[0].num_classes, 0);
  EXPECT_EQ(decoded.request.outputs[1].num_classes, 5);
  ASSERT_EQ(decoded.shared_outputs.size(), 1);
  EXPECT_EQ(decoded.shared_outputs[0].index, 2);
  EXPECT_EQ(decoded.shared_outputs[0].region, "out");
  EXPECT_EQ(decoded.shared_outputs[0].offset, 8);
  EXPECT_EQ(decoded.shared_outputs[0].byte_size, 64);
}

/// A request of one input with these typed contents.
ModelInferRequest typed(const std::string& datatype, const std::function<void(inference::InferTensorContents&)>& fill) {
  ModelInferRequest message;
  auto& input = *message.add_inputs();
  input.set_name("x");
  input.set_datatype(datatype);
  input.add_shape(2);
  fill(*input.mutable_contents());
  return message;
}

template <typename T>
void expect_contents(const std::string& datatype, const std::vector<T>& expected,
                     const std::function<void(inference::InferTensorContents&, T)>& add) {
  const DecodedRequest decoded = decode(typed(datatype, [&](auto& contents) {
    for (const T value : expected) add(contents, value);
  }));
  EXPECT_EQ(elements<T>(decoded.request.inputs[0]), expected) << datatype;
}

TEST(InferRequest, TypedContentsOfEveryDatatype) {
  using Contents = inference::InferTensorContents;
  expect_contents<uint8_t>("BOOL", {1, 0}, [](Contents& c, uint8_t v) { c.add_bool_contents(v); });
  expect_contents<int8_t>("INT8", {-128, 127}, [](Contents& c, int8_t v) { c.add_int_contents(v); });
  expect_contents<int16_t>("INT16", {-32768, 5}, [](Contents& c, int16_t v) { c.add_int_contents(v); });
  expect_contents<int32_t>("INT32", {-7, 1 << 30}, [](Contents& c, int32_t v) { c.add_int_contents(v); });
  expect_contents<int64_t>("INT64", {-7, int64_t{1} << 60}, [](Contents& c, int64_t v) { c.add_int64_contents(v); });
  expect_contents<uint8_t>("UINT8", {0, 255}, [](Contents& c, uint8_t v) { c.add_uint_contents(v); });
  expect_contents<uint16_t>("UINT16", {0, 65535}, [](Contents& c, uint16_t v) { c.add_uint_contents(v); });
  expect_contents<uint32_t>("UINT32", {0, ~0u}, [](Contents& c, uint32_t v) { c.add_uint_contents(v); });
  expect_contents<uint64_t>("UINT64", {0, ~uint64_t{0}}, [](Contents& c, uint64_t v) { c.add_uint64_contents(v); });
  expect_contents<float>("FP32", {-0.5F, 1e30F}, [](Contents& c, float v) { c.add_fp32_contents(v); });
  expect_contents<double>("FP64", {-0.5, 1e300}, [](Contents& c, double v) { c.add_fp64_contents(v); });
}

TEST(InferRequest, RefusalsNameTheCulprit) {
  const auto add = [](int v) { return [v](inference::InferTensorContents& c) { c.add_int_contents(v); }; };
  EXPECT_THAT(refusal_of(typed("FP32", add(1))),
              ::testing::HasSubstr("input 'x': datatype FP32 belongs into fp32_con"));
  EXPECT_THAT(refusal_of(typed("INT8", add(300))), ::testing::HasSubstr("int_contents: 300 is out of the datatype's"));
  EXPECT_THAT(refusal_of(typed("FP16", add(1))), ::testing::HasSubstr("send it in raw_input_contents"));
  EXPECT_THAT(refusal_of(typed("BYTES", add(1))), ::testing::HasSubstr("inputs[0]: input 'x': datatype 'BYTES'"));

  ModelInferRequest message = typed("INT32", add(1));
  message.add_raw_input_contents("1234");
  EXPECT_THAT(refusal_of(message), ::testing::HasSubstr("cannot be used together"));
  message = testing::infer_request("m", {1});
  message.add_raw_input_contents("1234");
  EXPECT_THAT(refusal_of(message), ::testing::HasSubstr("has 2 entries for 1 inputs"));
  message = testing::infer_request("m", {1});
  *message.add_inputs() = message.inputs(0);
  message.mutable_inputs(1)->set_name("second");
  EXPECT_THAT(refusal_of(message), ::testing::HasSubstr("input 'second': raw_input_contents has no entry"));
  message = testing::infer_request("m", {1});
  (*message.mutable_parameters())["timeout"].set_int64_param(-1);
  EXPECT_THAT(refusal_of(message), ::testing::HasSubstr("parameter 'timeout' must be an integer that is not negative"));
  (*message.mutable_parameters())["timeout"].set_string_param("soon");
  EXPECT_THAT(refusal_of(message), ::testing::HasSubstr("parameter 'timeout' must be an integer"));
}

TEST(InferRequest, MalformedBytesNameTheField) {
  const std::string good = testing::infer_request("m", {1, 2}).SerializeAsString();
  EXPECT_EQ(refusal_of(good), "accepted");
  EXPECT_THAT(refusal_of(good.substr(0, good.size() - 1)), ::testing::HasSubstr("field 7"));
  EXPECT_THAT(refusal_of(std::string("\x0a\x01\xff")), ::testing::HasSubstr("'model_name' is not UTF-8"));
  EXPECT_THAT(refusal_of(std::string("\x08\x01")), ::testing::HasSubstr("'model_name' (number 1) has wire type 0"));
  EXPECT_THAT(refusal_of(std::string("\x0b")), ::testing::HasSubstr("wire type 3"));
  EXPECT_THAT(refusal_of(std::string(11, '\xff')), ::testing::HasSubstr("more than 10 bytes"));
}

TEST(InferRequest, CountsAreBounded) {
  std::string inputs;
  for (int i = 0; i < 5000; ++i) inputs += std::string("\x32\x00", 2);  // empty outputs
  EXPECT_THAT(refusal_of(inputs), ::testing::HasSubstr("more than 4096 outputs"));
  ModelInferRequest message = testing::infer_request("m", {1});
  for (int i = 0; i < 100; ++i) message.mutable_inputs(0)->add_shape(1);
  EXPECT_THAT(refusal_of(message), ::testing::HasSubstr("more than 64 dimensions"));
}

/// Whatever is done to a message: it is read as protobuf reads it, or refused.
TEST(InferRequest, MutationsAreReadOrRefused) {
  google::protobuf::SetLogHandler(nullptr);
  std::mt19937 random(7);
  ModelInferRequest message = testing::infer_request("model", {1, 2, 3, 4}, "id");
  (*message.mutable_parameters())["priority"].set_uint64_param(2);
  (*message.add_outputs()->mutable_parameters())["classification"].set_int64_param(2);
  const std::string good = message.SerializeAsString();
  size_t accepted = 0, refused = 0, stricter = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string bad = good;
    for (unsigned n = random() % 3 + 1; n > 0; --n) bad[random() % bad.size()] = static_cast<char>(random());
    if (random() % 4 == 0) bad.resize(random() % bad.size());
    DecodedRequest decoded;
    try {
      decode_infer_request(bytes_of(bad), decoded);
    } catch (const Error& e) {
      ASSERT_EQ(e.code(), ErrorCode::kInvalidArgument) << e.what();
      ++refused;
      continue;
    }
    ++accepted;
    ModelInferRequest read;
    if (!read.ParseFromString(bad)) {  // unknown fields in map entries, which protobuf says to ignore
      ++stricter;
      continue;
    }
    ASSERT_EQ(decoded.request.model, read.model_name());
    ASSERT_EQ(decoded.request.id, read.id());
    ASSERT_EQ(decoded.request.inputs.size(), static_cast<size_t>(read.inputs_size()));
    for (int k = 0; k < read.inputs_size(); ++k) ASSERT_EQ(decoded.request.inputs[k].name, read.inputs(k).name());
  }
  EXPECT_GT(accepted, 1000);
  EXPECT_LT(stricter, accepted / 50);
  EXPECT_GT(refused, 1000);
}

TEST(InferRequest, SharedMemoryIsBoundToItsRegion) {
  testing::FakeServer server;
  ASSERT_TRUE(server.register_shared_memory({"in", "/in", 0, 64}).ok());
  ModelInferRequest message;
  auto& input = *message.add_inputs();
  input.set_name("INPUT0");
  input.set_datatype("FP32");
  (*input.mutable_parameters())["shared_memory_region"].set_string_param("in");
  (*input.mutable_parameters())["shared_memory_offset"].set_int64_param(16);
  (*input.mutable_parameters())["shared_memory_byte_size"].set_int64_param(48);
  DecodedRequest decoded = decode(message);
  ASSERT_TRUE(bind_shared_memory(server, decoded).ok());
  EXPECT_EQ(decoded.request.inputs[0].data.size, 48);
  EXPECT_TRUE(decoded.request.inputs[0].data.owner);
  EXPECT_TRUE(decoded.request.inputs[0].data.is_shared);
  (*message.mutable_inputs(0)->mutable_parameters())["shared_memory_offset"].set_int64_param(17);
  decoded = decode(message);
  EXPECT_THAT(bind_shared_memory(server, decoded).message, ::testing::HasSubstr("'in'"));
}

}  // namespace
}  // namespace burnish::server
