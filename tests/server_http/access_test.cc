// Who may ask for what, and where.
#include <gmock/gmock.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <filesystem>

#include "base/error.h"
#include "server_http/server_case.h"

namespace burnish::server::testing {
namespace {

using ::testing::HasSubstr;

class AccessTest : public ServerCase {};

TEST_F(AccessTest, TokensAreAskedFor) {
  options.tokens = {"first", "second"};
  options.management_tokens = {"root"};
  start();
  HttpClient client(http->port());
  const auto status = [&](const char* target, const char* token) {
    return client.get(target, token ? "Authorization: " + std::string(token) + "\r\n" : "").status;
  };
  EXPECT_EQ(status("/v2/health/ready", nullptr), 200);
  EXPECT_EQ(status("/v2", nullptr), 401);
  EXPECT_EQ(status("/v2", "Bearer firs"), 401);
  EXPECT_EQ(status("/v2", "Bearer firstfirst"), 401);
  EXPECT_EQ(status("/v2", "Basic first"), 401);
  EXPECT_EQ(status("/v2", "bearer second"), 200);
  EXPECT_EQ(status("/metrics", "Bearer first"), 401);
  EXPECT_EQ(status("/metrics", "Bearer root"), 200);
  EXPECT_EQ(status("/v2/live_state", nullptr), 401);
  EXPECT_EQ(status("/", nullptr), 200);
  EXPECT_EQ(client.get("/v2").field("WWW-Authenticate"), "Bearer");
}

TEST_F(AccessTest, ManagementAtItsOwnPort) {
  options.management_port = 0;
  start();
  HttpClient client(http->port()), manager(http->management_port());
  for (const char* target : {"/metrics", "/v2/live_state", "/", "/v2/logging", "/v2/trace/setting"}) {
    EXPECT_EQ(client.get(target).status, 404) << target;
    EXPECT_EQ(manager.get(target).status, 200) << target;
  }
  EXPECT_EQ(client.post("/v2/repository/models/identity/load", "{}").status, 404);
  EXPECT_EQ(manager.post("/v2/repository/models/identity/load", "{}").status, 200);
  EXPECT_EQ(client.get("/v2").status, 200);
}

TEST_F(AccessTest, PagesFromElsewhereMayNotManage) {
  start();
  HttpClient client(http->port());
  EXPECT_EQ(client.post("/v2/repository/index", "", "Origin: http://evil.example\r\n").status, 403);
  EXPECT_EQ(
      client.post("/v2/repository/index", "", fmt::format("Origin: http://127.0.0.1:{}\r\n", http->port())).status,
      200);
}

TEST_F(AccessTest, NamesThatAreNoNames) {
  start();
  HttpClient client(http->port());
  for (const char* name : {"..", "%2e%2e", "a%2fb", "a%00b", "%zz", "a%5cb"}) {
    const HttpAnswer answer = client.get("/v2/models/" + std::string(name) + "/ready");
    EXPECT_EQ(answer.status, 400) << name;
    EXPECT_THAT(answer.body, HasSubstr("model name"));
  }
  EXPECT_EQ(client.get("/v2/models/identity/versions/x/ready").status, 400);
  EXPECT_EQ(client.get("/../../etc/passwd").status, 404);
  EXPECT_EQ(client.get("/v2/models/%69dentity/ready").status, 200);
}

// A certificate of our own in files.
class Certificate {
 public:
  Certificate() : key_(EVP_RSA_gen(2048)), certificate_(X509_new()) {
    X509_gmtime_adj(X509_getm_notBefore(certificate_), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate_), 3600);
    X509_set_pubkey(certificate_, key_);
    X509_sign(certificate_, key_, EVP_sha256());
    FILE* file = fopen(key_file.c_str(), "w");
    PEM_write_PrivateKey(file, key_, nullptr, nullptr, 0, nullptr, nullptr);
    fclose(file);
    file = fopen(certificate_file.c_str(), "w");
    PEM_write_X509(file, certificate_);
    fclose(file);
  }
  ~Certificate() {
    std::filesystem::remove(key_file);
    std::filesystem::remove(certificate_file);
    X509_free(certificate_);
    EVP_PKEY_free(key_);
  }
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;

  const std::string key_file = ::testing::TempDir() + "http_test_key.pem";
  const std::string certificate_file = ::testing::TempDir() + "http_test_certificate.pem";

 private:
  EVP_PKEY* key_;
  X509* certificate_;
};

// The answer to `request` over TLS, until the server ends the connection.
std::string ask_over_tls(uint16_t port, const std::string& request) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  BIO* bio = BIO_new_ssl_connect(context);
  BIO_set_conn_hostname(bio, ("127.0.0.1:" + std::to_string(port)).c_str());
  BIO_write(bio, request.data(), static_cast<int>(request.size()));
  std::string answer;
  char bytes[4096];
  for (int n = 0; (n = BIO_read(bio, bytes, sizeof bytes)) > 0;) answer.append(bytes, static_cast<size_t>(n));
  BIO_free_all(bio);
  SSL_CTX_free(context);
  return answer;
}

TEST_F(AccessTest, Tls) {
  const Certificate certificate;
  options.tls_certificate_file = certificate.certificate_file;
  options.tls_key_file = certificate.key_file;
  start();
  const Inference inference =
      binary_inference(std::vector<float>(100000, 3.0F), R"(,"parameters":{"binary_data_output":true})");
  const std::string request = HttpClient::post_text("/v2/models/delayed/infer", inference.body, inference.fields);
  const std::string last = "GET /v2/health/live HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";
  const std::string answer = ask_over_tls(http->port(), request + last);
  EXPECT_THAT(answer.substr(0, 15), "HTTP/1.1 200 OK");
  EXPECT_THAT(answer, HasSubstr(bytes_of(std::vector<float>(100000, 3.0F)) + "HTTP/1.1 200 OK"));
  HttpClient plain(http->port());
  plain.send("GET /v2 HTTP/1.1\r\n\r\n");
  while (plain.receive().status != 0) {
  }
}

TEST_F(AccessTest, CertificatesThatCannotBeUsed) {
  options.tls_certificate_file = "/absent.pem";
  EXPECT_THAT([&] { HttpServer(fake, options); }, ::testing::ThrowsMessage<Error>(HasSubstr("both")));
  options.tls_key_file = "/absent.pem";
  EXPECT_THAT([&] { HttpServer(fake, options); }, ::testing::ThrowsMessage<Error>(HasSubstr("/absent.pem")));
  options = {};
  options.address = "localhost:80";
  EXPECT_THAT([&] { HttpServer(fake, options); }, ::testing::ThrowsMessage<Error>(HasSubstr("localhost:80")));
}

}  // namespace
}  // namespace burnish::server::testing
