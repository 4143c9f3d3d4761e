// Who may ask for what: tokens, management's own address, TLS.
#include "base/error.h"
#include "base/file.h"
#include "server_grpc/server_case.h"
#include "server_support/certificate.h"

namespace burnish::server {
namespace {

using testing::Client;
using testing::infer_request;
using testing::Served;

::grpc::Status call_with(Client& client, const std::string& method, const std::string& authorization) {
  inference::ServerLiveRequest request, response;  // empty: reads any answer
  return client.call(method, request, response, [&](::grpc::ClientContext& context) {
    if (!authorization.empty()) context.AddMetadata("authorization", authorization);
  });
}

TEST(GrpcServer, TokensAreAskedForExceptByHealth) {
  GrpcOptions options;
  options.tokens = {"secret", "another"};
  options.management_tokens = {"boss"};
  Served served(options);
  Client client(served.grpc.port());
  const auto code = [&](const char* method, const char* authorization) {
    return call_with(client, method, authorization).error_code();
  };
  EXPECT_EQ(code("ServerMetadata", ""), ::grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(code("ServerMetadata", "Bearer wrong"), ::grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(code("ServerMetadata", "Bearer secre"), ::grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(code("ServerMetadata", "Bearer secretsecret"), ::grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(code("ServerMetadata", "secret"), ::grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(code("ServerMetadata", "Bearer another"), ::grpc::StatusCode::OK);
  EXPECT_EQ(code("RepositoryIndex", "Bearer secret"), ::grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(code("RepositoryIndex", "Bearer boss"), ::grpc::StatusCode::OK);
  EXPECT_EQ(code("ModelInfer", ""), ::grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(code("ServerReady", ""), ::grpc::StatusCode::OK);
  EXPECT_EQ(code("/grpc.health.v1.Health/Check", ""), ::grpc::StatusCode::OK);
  ::grpc::ClientContext context;
  const auto stream = client.stream(context);
  EXPECT_EQ(stream->Finish().error_code(), ::grpc::StatusCode::UNAUTHENTICATED);
  const std::string prefix = "grpc POST /inference.GRPCInferenceService/";
  EXPECT_THAT(served.fake.access_log(),
              ::testing::IsSupersetOf(
                  {prefix + "ServerMetadata   16", prefix + "ModelInfer   16", prefix + "ModelStreamInfer   16"}));
}

TEST(GrpcServer, ManagementHasAnAddressOfItsOwn) {
  GrpcOptions options;
  options.management_port = 0;
  Served served(options);
  Client users(served.grpc.port()), managers(served.grpc.management_port());
  EXPECT_NE(served.grpc.port(), served.grpc.management_port());
  for (const char* method : {"RepositoryModelLoad", "RepositoryModelUnload", "TraceSetting", "LogSettings"}) {
    EXPECT_EQ(call_with(users, method, "").error_code(), ::grpc::StatusCode::PERMISSION_DENIED) << method;
    EXPECT_NE(call_with(managers, method, "").error_code(), ::grpc::StatusCode::PERMISSION_DENIED) << method;
  }
  EXPECT_TRUE(call_with(users, "ServerMetadata", "").ok());
}

std::shared_ptr<::grpc::ChannelCredentials> trusting(const testing::Certificate& server,
                                                     const testing::Certificate* own = nullptr) {
  ::grpc::SslCredentialsOptions options;
  options.pem_root_certs = server.pem();
  if (own) {
    options.pem_cert_chain = own->pem();
    options.pem_private_key = read_file(own->key_file());
  }
  return ::grpc::SslCredentials(options);
}

TEST(GrpcServer, TlsForThoseWhoTrustTheCertificate) {
  const testing::Certificate certificate("server"), another("another");
  GrpcOptions options;
  options.tls_certificate_file = certificate.certificate_file();
  options.tls_key_file = certificate.key_file();
  Served served(options);
  inference::ModelInferResponse response;
  const auto ask = [&](const std::shared_ptr<::grpc::ChannelCredentials>& credentials) {
    return Client(served.grpc.port(), credentials).call("ModelInfer", infer_request("identity", {1}), response);
  };
  EXPECT_TRUE(ask(trusting(certificate)).ok());
  EXPECT_EQ(ask(trusting(another)).error_code(), ::grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ask(::grpc::InsecureChannelCredentials()).error_code(), ::grpc::StatusCode::UNAVAILABLE);
}

TEST(GrpcServer, TlsWithCertificatesOfClients) {
  const testing::Certificate certificate("server"), friendly("friendly"), stranger("stranger");
  GrpcOptions options;
  options.tls_certificate_file = certificate.certificate_file();
  options.tls_key_file = certificate.key_file();
  options.tls_client_ca_file = friendly.certificate_file();
  Served served(options);
  inference::ModelInferResponse response;
  const auto ask = [&](const testing::Certificate* own) {
    return Client(served.grpc.port(), trusting(certificate, own))
        .call("ModelInfer", infer_request("identity", {1}), response);
  };
  EXPECT_TRUE(ask(&friendly).ok());
  EXPECT_FALSE(ask(&stranger).ok());
  EXPECT_FALSE(ask(nullptr).ok());
}

TEST(GrpcServer, TlsOptionsMustFit) {
  testing::FakeServer fake;
  GrpcOptions options;
  options.port = 0;
  options.tls_certificate_file = "/nowhere/certificate.pem";
  EXPECT_THROW(GrpcServer(fake, options).start(), Error);
  options.tls_key_file = "/nowhere/key.pem";
  EXPECT_THROW(GrpcServer(fake, options).start(), Error);
}

}  // namespace
}  // namespace burnish::server
