// Everything that an inference request can ask for.
#include <gmock/gmock.h>
#include <zlib.h>

#include "base/float_types.h"
#include "server_http/server_case.h"

namespace burnish::server::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class InferenceTest : public ServerCase {
 protected:
  void SetUp() override {
    start();
    client = std::make_unique<HttpClient>(http->port());
  }
  HttpAnswer infer(const std::string& body, const std::string& fields = "") {
    return client->post("/v2/models/identity/infer", body, fields);
  }
  HttpAnswer infer(const Inference& inference, const std::string& fields = "") {
    return infer(inference.body, inference.fields + fields);
  }
  // The numbers of one JSON input, as the answer has them.
  std::string echo(const std::string& datatype, const std::string& numbers, int count) {
    const HttpAnswer answer = infer(R"({"inputs":[{"data":[)" + numbers + R"(],"shape":[)" + std::to_string(count) +
                                    R"(],"name":"INPUT0","datatype":")" + datatype + R"("}]})");
    EXPECT_EQ(answer.status, 200) << answer.body;
    const size_t at = answer.body.find("\"data\":[") + 8;
    return answer.body.substr(at, answer.body.find(']', at) - at);
  }

  std::unique_ptr<HttpClient> client;
};

std::string compressed(const std::string& text, int window_bits) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string inflated(const std::string& text, size_t size) {
  std::string out(size, '\0');
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 32), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(stream.total_out, size);
  inflateEnd(&stream);
  return out;
}

TEST_F(InferenceTest, NumbersOfAllTypesSurvive) {
  EXPECT_EQ(echo("FP32", "0.1,-1e-45,3.4028235e38,16777217", 4), "0.1,-1e-45,3.4028235e+38,16777216");
  EXPECT_EQ(echo("FP64", "0.1,1e308,-0.0", 3), "0.1,1e+308,-0");
  EXPECT_EQ(echo("FP16", "0.5,65504", 2), "0.5,65504");
  EXPECT_EQ(echo("BF16", "0.5,256", 2), "0.5,256");
  EXPECT_EQ(echo("INT64", "-9223372036854775808,9223372036854775807", 2), "-9223372036854775808,9223372036854775807");
  EXPECT_EQ(echo("UINT64", "18446744073709551615", 1), "18446744073709551615");
  EXPECT_EQ(echo("INT8", "-128,127", 2), "-128,127");
  EXPECT_EQ(echo("UINT8", "255", 1), "255");
  EXPECT_EQ(echo("INT16", "-32768", 1), "-32768");
  EXPECT_EQ(echo("UINT16", "65535", 1), "65535");
  EXPECT_EQ(echo("INT32", "-2147483648", 1), "-2147483648");
  EXPECT_EQ(echo("UINT32", "4294967295", 1), "4294967295");
  EXPECT_EQ(echo("BOOL", "true,false,1", 3), "true,false,true");
}

TEST_F(InferenceTest, WhatJsonHasNoWordForIsWrittenAsTritonDoes) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const HttpAnswer answer = infer(binary_inference({std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity}));
  EXPECT_THAT(answer.body, HasSubstr("[NaN,Infinity,-Infinity]"));
}

TEST_F(InferenceTest, OutputsChooseTheirForm) {
  const std::string inputs =
      R"({"inputs":[{"name":"INPUT0","shape":[1],"datatype":"FP32","data":[1]},{"name":"INPUT1","shape":[1],"datatype":"FP32","data":[2]}])";
  const HttpAnswer mixed =
      infer(inputs + R"(,"outputs":[{"name":"OUTPUT1","parameters":{"binary_data":false}},{"name":"OUTPUT0"}],)"
                     R"("parameters":{"binary_data_output":true}})");
  EXPECT_EQ(mixed.binary(), bytes_of({1}));
  EXPECT_THAT(mixed.json(), HasSubstr(R"("data":[2])"));
  const HttpAnswer one = infer(inputs + R"(,"outputs":[{"name":"OUTPUT1"}]})");
  EXPECT_THAT(one.body, HasSubstr(R"("outputs":[{"name":"OUTPUT1","datatype":"FP32","shape":[1],"data":[2]}])"));
}

TEST_F(InferenceTest, Classification) {
  const auto ask = [&](const char* binary) {
    return infer(binary_inference({0.5, 2, 1},
                                  std::string(R"(,"outputs":[{"name":"OUTPUT0","parameters":{"classification":2,)") +
                                      R"("binary_data":)" + binary + "}}]"));
  };
  EXPECT_THAT(ask("false").body, HasSubstr(R"("datatype":"BYTES","shape":[2],"data":["2.000000:1","1.000000:2"])"));
  const std::string one("\x0a\0\0\0", 4);
  EXPECT_EQ(ask("true").binary(), one + "2.000000:1" + one + "1.000000:2");
}

TEST_F(InferenceTest, SharedMemoryBothWays) {
  fake.register_shared_memory({"r", "/r", 0, 64});
  SharedBytes region;
  ASSERT_TRUE(fake.shared_memory("r", 0, 64, region).ok());
  std::byte* memory = region.data;
  const std::vector<float> values = {1, 2, 3, 4};
  std::memcpy(memory + 8, values.data(), 16);
  const HttpAnswer answer = infer(
      R"({"inputs":[{"name":"INPUT0","shape":[4],"datatype":"FP32","parameters":{"shared_memory_region":"r",)"
      R"("shared_memory_byte_size":16,"shared_memory_offset":8}}],"outputs":[{"name":"OUTPUT0","parameters":)"
      R"({"shared_memory_region":"r","shared_memory_byte_size":20,"shared_memory_offset":32,"binary_data":false}}]})");
  EXPECT_THAT(answer.body, HasSubstr(R"({"name":"OUTPUT0","datatype":"FP32","shape":[4]})"));
  EXPECT_EQ(std::memcmp(memory + 32, values.data(), 16), 0);
  EXPECT_TRUE(fake.last_request().inputs.at(0).data.is_shared);
  const HttpAnswer outside =
      infer(R"({"inputs":[{"name":"INPUT0","shape":[4],"datatype":"FP32","parameters":{"shared_memory_region":"r",)"
            R"("shared_memory_byte_size":16,"shared_memory_offset":60}}]})");
  EXPECT_EQ(outside.status, 400);
  EXPECT_THAT(outside.body, HasSubstr("'r'"));
}

TEST_F(InferenceTest, ParametersReachTheServer) {
  infer(R"({"id":"x","inputs":[{"name":"INPUT0","shape":[0],"datatype":"FP32","data":[]}],"parameters":{"priority":2,)"
        R"("timeout":1500,"sequence_id":42,"sequence_start":true,"sequence_end":false,"custom":[1]}})");
  const InferRequest request = fake.last_request();
  EXPECT_EQ(request.id, "x");
  EXPECT_EQ(request.priority, 2U);
  EXPECT_EQ(request.timeout_us, 1500U);
  EXPECT_EQ(request.sequence.id, "42");
  EXPECT_TRUE(request.sequence.start);
  EXPECT_FALSE(request.sequence.end);
  EXPECT_TRUE(request.cancelled);
}

TEST_F(InferenceTest, RawBinaryRequests) {
  const std::string bytes = bytes_of(std::vector<float>(48, 2.0F));
  const HttpAnswer answer = infer(bytes, "Inference-Header-Content-Length: 0\r\n");
  EXPECT_EQ(answer.binary(), bytes);
  EXPECT_THAT(fake.last_request().inputs.at(0).shape, ElementsAre(3, 16));
}

TEST_F(InferenceTest, CompressionBothWays) {
  const std::vector<float> values(4096, 1.5F);
  const Inference inference = binary_inference(values, R"(,"parameters":{"binary_data_output":true})");
  for (const auto& [name, bits] : {std::pair("gzip", 15 + 16), std::pair("deflate", 15)}) {
    const std::string sent = std::string("Content-Encoding: ") + name + "\r\n";
    HttpAnswer answer = infer(compressed(inference.body, bits), inference.fields + sent);
    EXPECT_EQ(answer.binary(), bytes_of(values)) << name;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(fake.last_request().inputs.at(0).data.data) % 64, 0U);

    answer = infer(inference, std::string("Accept-Encoding: ") + name + "\r\n");
    EXPECT_EQ(answer.field("Content-Encoding"), name);
    const size_t json = std::stoul(std::string(answer.field("Inference-Header-Content-Length")));
    EXPECT_EQ(inflated(answer.body, json + values.size() * 4).substr(json), bytes_of(values)) << name;
  }
  EXPECT_EQ(infer(inference, "Accept-Encoding: gzip, deflate\r\n").field("Content-Encoding"), "");
  EXPECT_EQ(infer(inference, "Accept-Encoding: gzip;q=0\r\n").field("Content-Encoding"), "");
}

TEST_F(InferenceTest, BombsAreStopped) {
  stop();
  options.max_body_bytes = 10000;
  start();
  HttpClient again(http->port());
  const std::string bomb = compressed(std::string(1 << 20, ' '), 15 + 16);
  const HttpAnswer answer = again.post("/v2/models/identity/infer", bomb, "Content-Encoding: gzip\r\n");
  EXPECT_EQ(answer.status, 413);
  EXPECT_THAT(answer.body, HasSubstr("decompressed"));
}

TEST_F(InferenceTest, NamesAreEscaped) {
  const HttpAnswer answer =
      infer(R"({"id":"\"\\\n\u00e9\u0001","inputs":[{"name":"INPUT\"","shape":[1],"datatype":"INT32","data":[1]}]})");
  EXPECT_THAT(answer.body, HasSubstr(R"({"id":"\"\\\né\u0001",)"));
  EXPECT_THAT(answer.body, HasSubstr(R"("name":"OUTPUT\"")"));
  EXPECT_THAT(client->get("/v2/models/%ff/ready").body, HasSubstr(R"(\ufffd)"));
}

}  // namespace
}  // namespace burnish::server::testing
