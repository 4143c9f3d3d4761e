// The hand-written writer of ModelInferResponse, read back by protobuf.
#include "server_grpc/infer_response.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "grpc_service.pb.h"

namespace burnish::server {
namespace {

OutputTensor output(const std::string& name, size_t bytes, char fill) {
  auto owner = std::make_shared<std::string>(bytes, fill);
  OutputTensor tensor;
  tensor.name = name;
  tensor.dtype = DataType::kUInt8;
  tensor.shape = {1, static_cast<int64_t>(bytes)};
  tensor.data = {reinterpret_cast<const std::byte*>(owner->data()), owner->size(), owner};
  return tensor;
}

InferResponse response_of(std::vector<OutputTensor> outputs) {
  InferResponse response;
  response.model = "m";
  response.version = "3";
  response.id = "id-1";
  response.outputs = std::move(outputs);
  return response;
}

inference::ModelInferResponse read(const wire::Message& message) {
  inference::ModelInferResponse response;
  EXPECT_EQ(message.flatten().size(), message.size());
  EXPECT_TRUE(response.ParseFromString(message.flatten()));
  return response;
}

TEST(InferResponse, OutputsInOrderSmallAndLarge) {
  const InferResponse response =
      response_of({output("a", 3, 'a'), output("big", 100000, 'b'), output("c", 0, ' '), output("big too", 5000, 'd')});
  const wire::Message message = encode_infer_response(response);
  EXPECT_EQ(message.splices().size(), 2) << "large ones are not copied";
  const inference::ModelInferResponse got = read(message);
  EXPECT_EQ(got.model_name(), "m");
  EXPECT_EQ(got.model_version(), "3");
  EXPECT_EQ(got.id(), "id-1");
  EXPECT_TRUE(got.parameters().empty());
  ASSERT_EQ(got.outputs_size(), 4);
  ASSERT_EQ(got.raw_output_contents_size(), 4);
  for (int i = 0; i < 4; ++i) {
    const OutputTensor& sent = response.outputs[i];
    EXPECT_EQ(got.outputs(i).name(), sent.name);
    EXPECT_EQ(got.outputs(i).datatype(), "UINT8");
    EXPECT_EQ(std::vector<int64_t>(got.outputs(i).shape().begin(), got.outputs(i).shape().end()), sent.shape);
    EXPECT_EQ(got.raw_output_contents(i), std::string(reinterpret_cast<const char*>(sent.data.data), sent.data.size));
  }
}

TEST(InferResponse, ClassesAreTextsWithLengths) {
  OutputTensor classes;
  classes.name = "scores";
  classes.shape = {2};
  classes.classes = {"0.9:3:cat", "0.1:1"};
  const inference::ModelInferResponse got = read(encode_infer_response(response_of({classes})));
  EXPECT_EQ(got.outputs(0).datatype(), "BYTES");
  EXPECT_EQ(got.raw_output_contents(0),
            std::string("\x09\0\0\0", 4) + "0.9:3:cat" + std::string("\x05\0\0\0", 4) + "0.1:1");
}

TEST(InferResponse, SharedOutputsKeepTheirPlace) {
  OutputTensor shared = output("shared", 0, ' ');
  shared.shared_bytes = 64;
  const inference::ModelInferResponse got = read(encode_infer_response(response_of({shared, output("own", 2, 'x')})));
  ASSERT_EQ(got.raw_output_contents_size(), 2);
  EXPECT_EQ(got.raw_output_contents(0), "");
  EXPECT_EQ(got.raw_output_contents(1), "xx");
  EXPECT_EQ(got.outputs(0).parameters().at("shared_memory_byte_size").int64_param(), 64);
}

TEST(InferResponse, StreamsWrapAnswersAndErrors) {
  inference::ModelStreamInferResponse got;
  const wire::Message message = encode_stream_response(response_of({output("big", 100000, 'b')}), true);
  ASSERT_TRUE(got.ParseFromString(message.flatten()));
  EXPECT_EQ(got.error_message(), "");
  EXPECT_EQ(got.infer_response().raw_output_contents(0).size(), 100000);
  EXPECT_TRUE(got.infer_response().parameters().at("triton_final_response").bool_param());

  InferResponse failed = response_of({});
  failed.status = {StatusCode::kResourceExhausted, "the queue is full"};
  ASSERT_TRUE(got.ParseFromString(encode_stream_response(failed, false).flatten()));
  EXPECT_EQ(got.error_message(), "the queue is full");
  EXPECT_EQ(got.infer_response().id(), "id-1");
}

}  // namespace
}  // namespace burnish::server
