#include "server_http/compression.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>

namespace burnish::server::http {
namespace {

constexpr int kEitherForm = 32, kGzipForm = 16;  // added to inflateInit2's and deflateInit2's window bits
constexpr size_t kMinBytes = 512;
constexpr size_t kMaxStep = size_t{1} << 30;  // zlib counts in 32 bits

// Ends the stream whatever happens.
struct Inflater {
  Inflater() { ready = inflateInit2(&stream, MAX_WBITS + kEitherForm) == Z_OK; }
  ~Inflater() { inflateEnd(&stream); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  z_stream stream{};
  bool ready = false;
};
struct Deflater {
  explicit Deflater(Coding coding) {
    const int bits = MAX_WBITS + (coding == Coding::kGzip ? kGzipForm : 0);
    ready = deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, bits, MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK;
  }
  ~Deflater() { deflateEnd(&stream); }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;
  z_stream stream{};
  bool ready = false;
};

Bytef* zlib_pointer(const std::byte* data) {
  // zlib's fields are not const, but its input stays as it is.
  return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(data));  // NOLINT
}

// A larger body with the same beginning; null when it may not grow.
std::shared_ptr<Body> grown(const std::shared_ptr<Body>& body, const std::shared_ptr<MemoryBudget>& budget,
                            size_t max_bytes, size_t aligned_at) {
  std::shared_ptr<Body> larger = Body::create(budget, std::min(max_bytes, body->capacity() * 2), aligned_at);
  if (!larger) return nullptr;
  std::memcpy(larger->data(), body->data(), body->size());
  larger->set_size(body->size());
  return larger;
}

Status memory_is_full() {
  return {StatusCode::kResourceExhausted, "body: the bodies of all requests in flight fill their memory; try again"};
}

}  // namespace

Status inflate_body(std::shared_ptr<Body>& body, const std::shared_ptr<MemoryBudget>& budget, size_t max_bytes,
                    size_t aligned_at) {
  Inflater inflater;
  if (!inflater.ready) return {StatusCode::kInternal, "zlib cannot start: out of memory"};
  z_stream& stream = inflater.stream;
  stream.next_in = zlib_pointer(body->data());
  stream.avail_in = static_cast<uInt>(std::min(body->size(), kMaxStep));
  std::shared_ptr<Body> out =
      Body::create(budget, std::min(max_bytes, std::max(4 * body->size(), kMinBytes)), aligned_at);
  if (!out) return memory_is_full();
  int result = Z_OK;
  while (result == Z_OK) {
    if (out->size() == out->capacity()) {
      if (out->size() == max_bytes) {
        return {StatusCode::kTooLarge, fmt::format("body: longer than {} bytes when decompressed", max_bytes)};
      }
      if (!(out = grown(out, budget, max_bytes, aligned_at))) return memory_is_full();
    }
    const size_t room = std::min(out->capacity() - out->size(), kMaxStep);
    stream.next_out = zlib_pointer(out->data() + out->size());
    stream.avail_out = static_cast<uInt>(room);
    result = inflate(&stream, Z_NO_FLUSH);
    out->set_size(out->size() + room - stream.avail_out);
  }
  if (result != Z_STREAM_END || stream.avail_in > 0) {
    return {StatusCode::kInvalidArgument, "Content-Encoding: the body is damaged, or neither gzip nor deflate"};
  }
  body = std::move(out);
  return {};
}

void deflate_response(Response& response, Coding coding) {
  const size_t bytes = response.body_bytes();
  if (coding == Coding::kIdentity || coding == Coding::kUnknown || bytes < kMinBytes || bytes > kMaxStep) return;
  Deflater deflater(coding);
  if (!deflater.ready) return;
  z_stream& stream = deflater.stream;
  std::string out(deflateBound(&stream, bytes), '\0');
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const auto add = [&](const std::byte* data, size_t size, int flush) {
    stream.next_in = zlib_pointer(data);
    stream.avail_in = static_cast<uInt>(size);
    return deflate(&stream, flush);
  };
  add(reinterpret_cast<const std::byte*>(response.text.data()), response.text.size(), Z_NO_FLUSH);
  for (const Bytes& tensor : response.tensors) add(tensor.data, tensor.size, Z_NO_FLUSH);
  if (add(nullptr, 0, Z_FINISH) != Z_STREAM_END) return;
  out.resize(out.size() - stream.avail_out);
  response.text = std::move(out);
  response.tensors.clear();
  response.coding = coding;
}

}  // namespace burnish::server::http
