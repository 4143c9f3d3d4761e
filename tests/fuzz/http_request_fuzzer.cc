// A connection's bytes: the same requests however they are cut into pieces, each routed, within the limits.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "server_http/request_reader.h"
#include "server_http/router.h"

namespace {

using namespace burnish::server::http;  // NOLINT
using Progress = RequestReader::Progress;

constexpr size_t kMaxHeader = 1024, kMaxBody = 4096;

using Requests = std::vector<std::string>;

void require(bool condition) {
  if (!condition) std::abort();
}

void note(RequestReader& reader, Requests& seen) {
  const RequestHead& head = reader.head();
  const std::shared_ptr<Body> body = reader.take_body();
  require(!body || body->size() <= kMaxBody);
  Route found;
  const RouteResult result = route(head.method, head.target, found);
  require(result.status == 200 || !result.message.empty());
  require(found.model.find('/') == std::string::npos);
  std::string text = head.method_name + " " + head.target + " " + std::to_string(result.status);
  if (body) text.append(reinterpret_cast<const char*>(body->data()), body->size());
  seen.push_back(std::move(text));
}

Progress advance(RequestReader& reader, Progress progress, Requests& seen) {
  while (progress == Progress::kHead || progress == Progress::kComplete) {
    if (progress == Progress::kHead) {
      progress = reader.accept_body();
    } else {
      note(reader, seen);
      progress = reader.next();
    }
  }
  return progress;
}

Requests read_in_pieces(const uint8_t* data, size_t size, size_t piece) {
  const auto budget = std::make_shared<MemoryBudget>(4 * kMaxBody);
  Requests seen;
  {
    RequestReader reader({kMaxHeader, kMaxBody}, budget);
    for (size_t at = 0; at < size;) {
      const std::span<std::byte> room = reader.prepare();
      require(!room.empty());
      const size_t n = std::min({room.size(), piece, size - at});
      std::memcpy(room.data(), data + at, n);
      at += n;
      if (advance(reader, reader.commit(n), seen) != Progress::kBad) continue;
      require(!reader.error().message.empty() && reader.error_status() >= 400 && reader.error_status() < 500);
      break;
    }
  }
  require(budget->used() == 0);
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Requests whole = read_in_pieces(data, size, size);
  const Requests pieces = read_in_pieces(data, size, 7);
  require(whole == pieces);
  return 0;
}
