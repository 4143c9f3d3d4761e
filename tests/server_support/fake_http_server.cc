// Serves the fake over HTTP until its input ends: for clients' tests and for measuring the protocol alone. Prints its
// port.
//
//   fake_http_server [PORT [THREADS]]
#include <cstdio>
#include <cstdlib>

#include "server_http/http_server.h"
#include "server_support/fake_server.h"

int main(int argc, char** argv) {
  burnish::server::testing::FakeServer fake;
  burnish::server::HttpOptions options;
  options.port = static_cast<uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0);
  options.threads = argc > 2 ? std::atoi(argv[2]) : 0;
  burnish::server::HttpServer server(fake, options);
  server.start();
  std::printf("%d\n", server.port());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  server.stop(burnish::server::Clock::now());
}
