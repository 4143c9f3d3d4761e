#include "server/classification.h"

#include <algorithm>
#include <numeric>

#include "base/file.h"
#include "ops/elements.h"
#include "runtime/engine_impl.h"

namespace burnish::server {
namespace {

// Sorts NaN behind everything, so that the order is a strict one.
template <typename T>
bool is_better(const std::vector<T>& scores, size_t a, size_t b) {
  const bool a_is_number = scores[a] == scores[a], b_is_number = scores[b] == scores[b];
  if (a_is_number != b_is_number) return a_is_number;
  if (!a_is_number || scores[a] == scores[b]) return a < b;
  return scores[a] > scores[b];
}

std::string text_of(double score) {
  return fmt::format("{:.6f}", score);
}
std::string text_of(int64_t score) {
  return std::to_string(score);
}
std::string text_of(uint64_t score) {
  return std::to_string(score);
}

template <typename T>
std::vector<std::string> best_of(const TensorView& view, uint32_t count, const std::vector<std::string>& labels) {
  std::vector<T> scores(static_cast<size_t>(view.num_elements()));
  load_elements<T>(view, scores.data());
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto end = order.begin() + static_cast<std::ptrdiff_t>(std::min<size_t>(count, order.size()));
  std::partial_sort(order.begin(), end, order.end(), [&](size_t a, size_t b) { return is_better(scores, a, b); });
  std::vector<std::string> classes;
  for (auto i = order.begin(); i != end; ++i) {
    classes.push_back(text_of(scores[*i]) + ":" + std::to_string(*i));
    if (*i < labels.size() && !labels[*i].empty()) classes.back() += ":" + labels[*i];
  }
  return classes;
}

}  // namespace

std::vector<std::string> read_labels(const std::string& path) {
  const std::string text = read_file(path);
  std::vector<std::string> labels;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    labels.push_back(std::move(line));
    begin = end + 1;
  }
  return labels;
}

std::vector<std::string> classify(DataType dtype, const void* data, size_t num_elements, uint32_t count,
                                  const std::vector<std::string>& labels) {
  const DType type = dtype_of(dtype);
  const TensorView view{type, Shape{static_cast<int64_t>(num_elements)}, const_cast<void*>(data)};
  if (is_floating(type)) return best_of<double>(view, count, labels);
  if (type == DType::kUInt64) return best_of<uint64_t>(view, count, labels);
  return best_of<int64_t>(view, count, labels);
}

}  // namespace burnish::server
