// Clients that send too much, too slowly, or go away.
#include <gmock/gmock.h>

#include <thread>

#include "base/error.h"
#include "server_http/server_case.h"

namespace burnish::server::testing {
namespace {

using ::testing::HasSubstr;

constexpr std::chrono::milliseconds kShort{100};

class LimitsTest : public ServerCase {
 protected:
  static std::string infer_head(size_t body_bytes, const std::string& fields = "") {
    return "POST /v2/models/identity/infer HTTP/1.1\r\nHost: t\r\n" + fields +
           "Content-Length: " + std::to_string(body_bytes) + "\r\n\r\n";
  }
  static bool holds_within(const std::function<bool()>& condition) {
    for (int i = 0; i < 2000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
};

TEST_F(LimitsTest, BodiesThatAreTooLongAreRefusedBeforeTheyAreRead) {
  options.max_body_bytes = 1000;
  start();
  HttpClient client(http->port());
  client.send(infer_head(1001));
  HttpAnswer answer = client.receive();
  EXPECT_EQ(answer.status, 413);
  EXPECT_THAT(answer.body, HasSubstr("Content-Length"));
  EXPECT_EQ(answer.field("Connection"), "close");

  HttpClient chunked(http->port());
  chunked.send("POST /v2/models/identity/infer HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n");
  chunked.send(std::string(1001, ' '));
  answer = chunked.receive();
  EXPECT_EQ(answer.status, 413);
  EXPECT_THAT(answer.body, HasSubstr("body"));
}

TEST_F(LimitsTest, TheAnswerArrivesThoughTheClientStillSends) {
  options.max_body_bytes = 1000;
  start();
  HttpClient client(http->port());
  client.send(infer_head(1 << 20) + std::string(1 << 20, 'x'));
  EXPECT_EQ(client.receive().status, 413);
}

TEST_F(LimitsTest, LongHeadersAndJson) {
  options.max_header_bytes = 2000;
  options.max_json_bytes = 100;
  start();
  HttpClient client(http->port());
  client.send("GET /v2 HTTP/1.1\r\nX: " + std::string(3000, 'x'));
  HttpAnswer answer = client.receive();
  EXPECT_EQ(answer.status, 431);
  EXPECT_THAT(answer.body, HasSubstr("header"));
  HttpClient other(http->port());
  answer = other.post("/v2/models/identity/infer", "{" + std::string(100, ' ') + "}");
  EXPECT_EQ(answer.status, 413);
  EXPECT_THAT(answer.body, HasSubstr("JSON"));
}

TEST_F(LimitsTest, AllBodiesTogetherHaveALimit) {
  options.max_inflight_bytes = 5000;
  start();
  EXPECT_TRUE(holds_within([&] {
    HttpClient holder(http->port()), client(http->port());
    holder.send(infer_head(4000) + "{");
    client.send(infer_head(4000) + "{");
    client.end_sending();
    return client.receive().status == 429;  // the holder's body is taken first or, another time, refused itself
  }));
  EXPECT_TRUE(holds_within([&] {
    return HttpClient(http->port()).post("/v2/models/identity/infer", std::string(4000, ' ')).status == 400;
  }));
}

TEST_F(LimitsTest, ConnectionsHaveALimit) {
  options.max_connections = 2;
  start();
  auto first = std::make_unique<HttpClient>(http->port());
  HttpClient second(http->port());
  EXPECT_EQ(first->get("/v2/health/live").status, 200);
  EXPECT_EQ(second.get("/v2/health/live").status, 200);
  {
    HttpClient third(http->port());
    EXPECT_EQ(third.receive().status, 503);
  }
  first.reset();
  EXPECT_TRUE(holds_within([&] { return HttpClient(http->port()).get("/v2/health/live").status == 200; }));
}

TEST_F(LimitsTest, IdleConnectionsAreClosed) {
  options.idle_timeout = kShort;
  start();
  HttpClient client(http->port());
  EXPECT_EQ(client.get("/v2/health/live").status, 200);
  EXPECT_TRUE(client.is_ended());
}

TEST_F(LimitsTest, SlowHeadersAndBodiesAreAnsweredAndClosed) {
  options.read_timeout = kShort;
  start();
  for (const std::string& text : {std::string("GET /v2 HT"), infer_head(1000) + "{"}) {
    HttpClient client(http->port());
    client.send(text);
    const HttpAnswer answer = client.receive();
    EXPECT_EQ(answer.status, 408);
    EXPECT_EQ(answer.field("Connection"), "close");
  }
}

TEST_F(LimitsTest, ClientsThatDoNotTakeTheirAnswerAreClosed) {
  options.write_timeout = kShort;
  options.min_bytes_per_second = 1 << 30;
  start();
  HttpClient client(http->port());
  const Inference inference =
      binary_inference(std::vector<float>(8 << 20), R"(,"parameters":{"binary_data_output":true})");
  client.send(HttpClient::post_text("/v2/models/identity/infer", inference.body, inference.fields));
  EXPECT_TRUE(holds_within([&] { return http->num_connections() == 0; }));
}

TEST_F(LimitsTest, ClientsThatVanishLeaveNothingBehind) {
  start();
  for (int i = 0; i < 50; ++i) {
    HttpClient client(http->port());
    client.send(infer_head(100000) + std::string(static_cast<size_t>(i) * 1000, ' '));
  }
  EXPECT_TRUE(holds_within([&] { return http->num_connections() == 0; }));
}

TEST_F(LimitsTest, WhoHasGoneIsNotWaitedFor) {
  fake.delay = std::chrono::milliseconds(200);
  start();
  {
    HttpClient client(http->port());
    const Inference inference = binary_inference({1, 2});
    client.send(HttpClient::post_text("/v2/models/delayed/infer", inference.body, inference.fields));
    EXPECT_TRUE(holds_within([&] { return fake.num_requests() == 1; }));
  }
  EXPECT_TRUE(holds_within([&] { return fake.num_cancelled == 1; }));
}

TEST_F(LimitsTest, StoppingLetsRequestsEnd) {
  fake.delay = std::chrono::milliseconds(200);
  start();
  HttpClient client(http->port()), idle(http->port());
  const Inference inference = binary_inference({1, 2});
  client.send(HttpClient::post_text("/v2/models/delayed/infer", inference.body, inference.fields));
  EXPECT_TRUE(holds_within([&] { return fake.num_requests() == 1; }));
  stop();
  const HttpAnswer answer = client.receive();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.field("Connection"), "close");
  EXPECT_TRUE(idle.is_ended());
}

TEST_F(LimitsTest, StoppingAtOnceLeavesLateAnswersWithNobody) {
  fake.delay = std::chrono::milliseconds(200);
  start();
  HttpClient client(http->port());
  const Inference inference = binary_inference({1, 2});
  client.send(HttpClient::post_text("/v2/models/delayed/infer", inference.body, inference.fields));
  EXPECT_TRUE(holds_within([&] { return fake.num_requests() == 1; }));
  http->stop(Clock::now());
  http.reset();
  EXPECT_EQ(client.receive().status, 0);
}

TEST_F(LimitsTest, APortThatIsTakenIsSaid) {
  start();
  HttpOptions same;
  same.port = http->port();
  HttpServer second(fake, same);
  EXPECT_THAT([&] { second.start(); },
              ::testing::ThrowsMessage<Error>(HasSubstr("127.0.0.1:" + std::to_string(same.port))));
}

}  // namespace
}  // namespace burnish::server::testing
