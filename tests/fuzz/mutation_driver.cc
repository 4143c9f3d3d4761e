// Feeds a fuzz target the files of a corpus folder, then seeded mutations of them: flipped bits, overwritten,
// inserted and removed spans, truncations, splices. For compilers without libFuzzer.
//
//   <fuzzer> [--runs N] [--seed S] CORPUS_FOLDER
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using Bytes = std::vector<uint8_t>;
using Random = std::mt19937_64;

size_t below(Random& random, size_t n) {
  return n == 0 ? 0 : random() % n;
}

void mutate_once(Bytes& b, const Bytes& other, Random& random) {
  static constexpr uint8_t kEdges[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
  const size_t at = below(random, b.size());
  const size_t n = std::min(1 + below(random, 8), b.size() - at);
  const auto position = b.begin() + static_cast<ptrdiff_t>(at);
  switch (random() % 6) {
    case 0:
      if (!b.empty()) b[at] ^= static_cast<uint8_t>(1U << (random() % 8));
      break;
    case 1:
      std::fill_n(position, n, kEdges[random() % std::size(kEdges)]);
      break;
    case 2:
      b.erase(position, position + static_cast<ptrdiff_t>(n));
      break;
    case 3:
      b.insert(position, n, static_cast<uint8_t>(random()));
      break;
    case 4:
      b.resize(at);
      break;
    default: {
      const size_t from = below(random, other.size());
      const size_t m = std::min({below(random, 64), other.size() - from, b.size() - at});
      std::copy_n(other.begin() + static_cast<ptrdiff_t>(from), m, position);
    }
  }
}

std::vector<Bytes> read_corpus(const std::string& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<Bytes> corpus;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return corpus;
}

}  // namespace

int main(int argc, char** argv) {
  long runs = 1000;
  unsigned long seed = 1;
  std::string folder;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    if (arg == "--runs" && i + 1 < argc) {
      runs = std::atol(argv[++i]);
    } else if (arg == "--seed" && i + 1 < argc) {
      seed = std::strtoul(argv[++i], nullptr, 10);
    } else {
      folder = arg;
    }
  }
  std::vector<Bytes> corpus = read_corpus(folder);
  if (corpus.empty()) {
    std::fprintf(stderr, "no corpus in '%s'\n", folder.c_str());
    return 2;
  }
  for (const Bytes& b : corpus) LLVMFuzzerTestOneInput(b.data(), b.size());
  Random random(seed);
  for (long run = 0; run < runs; ++run) {
    Bytes b = corpus[below(random, corpus.size())];
    const Bytes& other = corpus[below(random, corpus.size())];
    for (size_t i = 1 + below(random, 4); i > 0; --i) mutate_once(b, other, random);
    LLVMFuzzerTestOneInput(b.data(), b.size());
  }
  std::printf("%zu corpus files and %ld mutations\n", corpus.size(), runs);
  return 0;
}
