#include "http_client/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/error.h"
#include "http_client/http_get.h"

namespace burnish::http_client {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

/// Takes one connection, reads a request, and answers with these pieces, with pauses between them; then closes.
class Canned {
 public:
  explicit Canned(std::vector<std::string> pieces, milliseconds pause = milliseconds(0))
      : listener_(::socket(AF_INET, SOCK_STREAM, 0)), pieces_(std::move(pieces)), pause_(pause) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 8), 0);
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Canned() {
    end_ = true;
    ::shutdown(listener_, SHUT_RDWR);  // wakes an accept() to which nobody came
    thread_.join();
    ::close(listener_);
  }
  Canned(const Canned&) = delete;
  Canned& operator=(const Canned&) = delete;

  uint16_t port() const { return port_; }
  std::string url() const { return fmt::format("http://127.0.0.1:{}/metrics", port_); }
  const std::string& request() const { return request_; }

 private:
  void serve() {
    const int client = ::accept(listener_, nullptr, nullptr);
    if (client < 0) return;
    char bytes[4096];
    while (request_.find("\r\n\r\n") == std::string::npos) {
      const ssize_t n = ::recv(client, bytes, sizeof bytes, 0);
      if (n <= 0) break;
      request_.append(bytes, static_cast<size_t>(n));
    }
    for (const std::string& piece : pieces_) {
      if (end_ || ::send(client, piece.data(), piece.size(), MSG_NOSIGNAL) < 0) break;
      std::this_thread::sleep_for(pause_);
    }
    ::close(client);
  }

  int listener_;
  uint16_t port_ = 0;
  const std::vector<std::string> pieces_;
  const milliseconds pause_;
  std::string request_;
  std::atomic<bool> end_{false};
  std::thread thread_;
};

std::string refusal_of(const std::vector<std::string>& pieces, const HttpLimits& limits = {},
                       milliseconds pause = milliseconds(0)) {
  const Canned server(pieces, pause);
  try {
    http_get(server.url(), limits);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kIo);
    EXPECT_THAT(e.message(), HasSubstr(server.url()));
    return e.message();
  }
  return "";
}

TEST(HttpClient, AnswersOfAllKindsAreTaken) {
  for (const std::string text :
       {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-Y: z\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Y: z\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nx-y: z\r\n\r\nbody"}) {
    const Canned server({text});
    const HttpAnswer answer = http_get(server.url());
    EXPECT_EQ(answer.status, 200) << text;
    EXPECT_EQ(answer.body, "body") << text;
    EXPECT_EQ(answer.field("x-Y"), "z") << text;
    EXPECT_EQ(answer.field("X"), "") << text;
    EXPECT_THAT(server.request(), HasSubstr(fmt::format("\r\nHost: 127.0.0.1:{}\r\n", server.port())));
  }
}

TEST(HttpClient, KServesJsonAndTensorsAreToldApart) {
  const HttpAnswer answer{200, "Inference-Header-Content-Length: 2\r\n", "{}\x01\x02"};
  EXPECT_EQ(answer.json(), "{}");
  EXPECT_EQ(answer.binary(), "\x01\x02");
  EXPECT_EQ((HttpAnswer{200, "", "{}"}.binary()), "");
}

TEST(HttpClient, WrongAnswersAreNamed) {
  EXPECT_THAT(refusal_of({"\x01\x02\x12\x04"}), HasSubstr("does not answer in HTTP"));
  EXPECT_THAT(refusal_of({"HTTP/1.1 2"}), HasSubstr("does not answer in HTTP"));
  EXPECT_THAT(refusal_of({}), HasSubstr("ends the connection"));
  EXPECT_THAT(refusal_of({"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort"}), HasSubstr("broke off after 5 of 99"));
  EXPECT_THAT(refusal_of({"HTTP/1.1 200 OK\r\nX: " + std::string(1 << 20, 'x')}), HasSubstr("header limit"));
}

TEST(HttpClient, AnswersAreBounded) {
  const HttpLimits limits{milliseconds(10'000), 100};
  for (const std::string head : {"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"}) {
    EXPECT_THAT(refusal_of({head + std::string(101, 'x')}, limits), HasSubstr("more than 100 bytes")) << head;
    const Canned server({"HTTP/1.1 200 OK\r\n\r\n" + std::string(100, 'x')});
    EXPECT_EQ(http_get(server.url(), limits).body.size(), 100U);
  }
}

TEST(HttpClient, NoMemoryIsTakenForWhatIsTooLong) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: ";
  EXPECT_THAT(refusal_of({head + "1000000000000000\r\n\r\nx"}), HasSubstr("more than"));
  EXPECT_THAT(refusal_of({head + "-1\r\n\r\nx"}), HasSubstr("does not answer in HTTP"));
}

// The time is the whole exchange's: a server that sends a little now and then does not prolong it.
TEST(HttpClient, WhoeverIsSlowIsLeft) {
  const std::vector<std::string> drops(1000, "x");
  std::vector<std::string> pieces = {"HTTP/1.1 200 OK\r\n\r\n"};
  pieces.insert(pieces.end(), drops.begin(), drops.end());
  EXPECT_THAT(refusal_of(pieces, {milliseconds(200), 1 << 20}, milliseconds(20)), HasSubstr("did not answer in time"));
}

TEST(HttpClient, NoServerIsSaid) {
  auto gone = std::make_unique<Canned>(std::vector<std::string>{});
  const std::string url = gone->url();
  gone.reset();
  EXPECT_THAT([&] { http_get(url); },
              ThrowsMessage<Error>(AllOf(HasSubstr(url), HasSubstr("is the server running, and the port right"))));
}

TEST(HttpClient, AConnectionThatEndsHasNoAnswer) {
  const Canned server({"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"});
  HttpClient client("127.0.0.1", server.port());
  EXPECT_EQ(client.get("/").body, "x");
  EXPECT_TRUE(client.is_ended());
  EXPECT_EQ(client.get("/").status, 0);
}

TEST(HttpLoop, NoClientKeepsAnotherWaiting) {
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n";
  const Canned slow({answer, "slow"}, milliseconds(200)), quick({answer + "fast"});
  HttpLoop loop;
  HttpClient first(loop, "127.0.0.1", slow.port()), second(loop, "127.0.0.1", quick.port());
  const std::string request = get_text("/", "test");
  std::vector<std::string> answers;
  for (HttpClient* client : {&first, &second}) {
    client->start(request, [&](const HttpAnswer& a) { answers.push_back(a.body); });
  }
  for (int i = 0; i < 1000 && answers.size() < 2; ++i) {
    loop.run_until(std::chrono::steady_clock::now() + milliseconds(10));
    loop.poll();
  }
  EXPECT_THAT(answers, ::testing::ElementsAre("fast", "slow"));
}

TEST(HttpLoop, WhatClientsMeetComesOut) {
  const Canned server({});
  HttpLoop loop;
  HttpClient client(loop, "127.0.0.1", server.port());
  const std::string request = get_text("/", "test");
  client.start(request, [](const HttpAnswer&) { FAIL() << "no answer was sent"; });
  EXPECT_THAT([&] { loop.run_until(std::chrono::steady_clock::now() + std::chrono::seconds(10)); },
              ThrowsMessage<Error>(HasSubstr(fmt::format("'127.0.0.1:{}'", server.port()))));
}

TEST(HttpGet, Urls) {
  EXPECT_TRUE(is_url("http://localhost/metrics"));
  EXPECT_FALSE(is_url("metrics.prom"));
  EXPECT_EQ(sibling_url("http://[::1]:8000/metrics", "/v2"), "http://[::1]:8000/v2");
  EXPECT_EQ(sibling_url("http://host", "/v2"), "http://host/v2");
  for (const char* url : {"http://", "http://:80/x", "http://host:/x", "http://host:x/", "http://host:70000/",
                          "http://[::1/", "http://[::1]80/", "http://user@host/", "http://host/a b", "ftp://host/"}) {
    EXPECT_THAT([&] { http_get(url); }, ThrowsMessage<Error>(HasSubstr("is no URL"))) << url;
  }
  EXPECT_THAT([] { http_get("https://host/"); }, ThrowsMessage<Error>(HasSubstr("only http://")));
}

}  // namespace
}  // namespace burnish::http_client
