// Classifies Fashion-MNIST images with an engine and prints accuracy, latency and throughput as one line of JSON.
//
//   classify_fashion ENGINE IMAGES.u8 LABELS.u8 [MAX_IMAGES]
//
// IMAGES.u8 holds 28·28 bytes an image, LABELS.u8 one byte each (scripts/demo.sh makes them from the data in
// examples/fashion).
#include <burnish/engine.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace {

constexpr int64_t kPixels = 28 * 28;
constexpr int64_t kClasses = 10;
constexpr int64_t kBatch = 64;

std::vector<char> read(const char* path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(std::string("cannot open ") + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<float> normalized(const std::vector<char>& pixels) {
  std::vector<float> out(pixels.size());
  std::transform(pixels.begin(), pixels.end(), out.begin(),
                 [](char p) { return (static_cast<float>(static_cast<unsigned char>(p)) / 255.0F - 0.286F) / 0.353F; });
  return out;
}

double run(burnish::ExecutionContext& context, const float* images, int64_t batch) {
  context.set_input_shape("image", std::vector<int64_t>{batch, 1, 28, 28});
  context.set_input("image", images);
  const auto start = std::chrono::steady_clock::now();
  context.execute();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

int64_t num_right(const burnish::ExecutionContext& context, const char* labels, int64_t batch) {
  const auto* logits = static_cast<const float*>(context.output("logits"));
  int64_t right = 0;
  for (int64_t i = 0; i < batch; ++i, logits += kClasses)
    right += std::max_element(logits, logits + kClasses) - logits == labels[i] ? 1 : 0;
  return right;
}

double median_latency_ms(burnish::ExecutionContext& context, const std::vector<float>& images, int64_t count) {
  std::vector<double> seconds;
  for (int64_t i = 0; i < std::min<int64_t>(count, 300); ++i)
    seconds.push_back(run(context, &images[static_cast<size_t>(i * kPixels)], 1));
  std::nth_element(seconds.begin(), seconds.begin() + static_cast<ptrdiff_t>(seconds.size() / 2), seconds.end());
  return seconds[seconds.size() / 2] * 1e3;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 4) throw std::runtime_error("usage: classify_fashion ENGINE IMAGES.u8 LABELS.u8 [MAX_IMAGES]");
  const std::vector<float> images = normalized(read(argv[2]));
  const std::vector<char> labels = read(argv[3]);
  const int64_t count =
      std::min<int64_t>(static_cast<int64_t>(labels.size()), argc > 4 ? std::atoll(argv[4]) : INT64_MAX);
  if (count < 1 || static_cast<int64_t>(images.size()) < count * kPixels) throw std::runtime_error("too few images");

  burnish::ExecutionContext context = burnish::Engine::load(argv[1]).create_context();
  const double latency_ms = median_latency_ms(context, images, count);
  int64_t right = 0;
  double seconds = 0;
  for (int64_t at = 0; at < count; at += kBatch) {
    const int64_t batch = std::min(kBatch, count - at);
    seconds += run(context, &images[static_cast<size_t>(at * kPixels)], batch);
    right += num_right(context, &labels[static_cast<size_t>(at)], batch);
  }
  const auto n = static_cast<double>(count);
  std::printf("{\"images\": %lld, \"top1_percent\": %.2f, \"latency_ms\": %.4f, \"images_per_second\": %.1f}\n",
              static_cast<long long>(count), 100.0 * static_cast<double>(right) / n, latency_ms, n / seconds);
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "error: %s\n", e.what());
  return 1;
}
