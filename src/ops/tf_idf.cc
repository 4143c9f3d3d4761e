#include <algorithm>
#include <map>

#include "ops/elements.h"
#include "ops/indexing.h"
#include "ops/infer.h"

namespace burnish {
namespace {

constexpr int64_t kMaxOutput = int64_t{1} << 31;

/// TfIdfVectorizer's attributes: where each known n-gram is counted.
struct NGrams {
  std::map<std::vector<int64_t>, int64_t> column;
  int64_t output_size = 0, shortest = 1, longest = 1, max_skip = 0;
};

int64_t output_size_of(const AttributeMap& attrs) {
  check(!attrs.has("pool_strings") || attrs.get_strings("pool_strings").empty(), ErrorCode::kUnsupported,
        "n-grams of strings are not supported");
  int64_t size = 0;
  for (int64_t i : attrs.get_ints("ngram_indexes")) {
    check(i >= 0 && i < kMaxOutput, ErrorCode::kInvalidModel, "attribute ngram_indexes has the entry {}", i);
    size = std::max(size, i + 1);
  }
  return size;
}

NGrams ngrams_of(const AttributeMap& attrs) {
  NGrams n;
  n.output_size = output_size_of(attrs);
  n.shortest = attrs.get_int("min_gram_length", 1);
  n.longest = attrs.get_int("max_gram_length", 1);
  n.max_skip = attrs.get_int("max_skip_count", 0);
  check(n.shortest >= 1 && n.longest >= n.shortest && n.max_skip >= 0, ErrorCode::kInvalidModel,
        "n-grams of lengths {} to {} with up to {} skips", n.shortest, n.longest, n.max_skip);
  const auto pool = attrs.get_ints("pool_int64s");
  const auto starts = attrs.get_ints("ngram_counts");
  const auto columns = attrs.get_ints("ngram_indexes");
  size_t gram = 0;
  for (size_t k = 0; k < starts.size(); ++k) {
    const auto size = static_cast<int64_t>(k) + 1;
    const auto total = static_cast<int64_t>(pool.size());
    const int64_t begin = starts[k], end = k + 1 < starts.size() ? starts[k + 1] : total;
    check(begin >= 0 && begin <= end && end <= total, ErrorCode::kInvalidModel,
          "attribute ngram_counts does not divide the pool");
    for (int64_t at = begin; at + size <= end; at += size, ++gram) {
      check(gram < columns.size(), ErrorCode::kInvalidModel, "attribute ngram_indexes is too short");
      if (size >= n.shortest && size <= n.longest)
        n.column[{pool.begin() + at, pool.begin() + at + size}] = columns[gram];
    }
  }
  return n;
}

/// Counts the n-grams of one row whose neighbours stand `distance` apart.
void count_ngrams(const NGrams& n, std::span<const int64_t> row, int64_t distance, int64_t shortest,
                  std::vector<double>& counts) {
  const auto length = static_cast<int64_t>(row.size());
  for (int64_t start = 0; start < length; ++start) {
    std::vector<int64_t> gram;
    for (int64_t at = start; at < length && static_cast<int64_t>(gram.size()) < n.longest; at += distance) {
      gram.push_back(row[static_cast<size_t>(at)]);
      if (static_cast<int64_t>(gram.size()) < shortest) continue;
      if (const auto it = n.column.find(gram); it != n.column.end()) ++counts[static_cast<size_t>(it->second)];
    }
  }
}

}  // namespace

void infer_tf_idf(InferContext& c) {
  constexpr std::string_view kModes[] = {"TF", "IDF", "TFIDF"};
  require_choice("mode", c.attrs().get_string("mode", ""), kModes);
  require_index(c, 0);
  const int64_t size = ngrams_of(c.attrs()).output_size;
  const auto weights = c.attrs().get_floats("weights");
  check(weights.empty() || weights.size() == c.attrs().get_ints("ngram_indexes").size(), ErrorCode::kInvalidModel,
        "attribute weights has {} entries", weights.size());
  if (!c.has_shape(0)) return c.set_output(0, DType::kFloat32, std::nullopt);
  check(c.rank(0) <= 2, ErrorCode::kInvalidModel, "the input must have one or two dimensions");
  c.set_output(0, DType::kFloat32, c.rank(0) == 2 ? SymShape{c.shape(0)[0], size} : SymShape{size});
}

void evaluate_tf_idf(EvalContext& c) {
  const NGrams n = ngrams_of(c.attrs());
  const std::vector<int64_t> x = ints_of(c.input(0));
  const auto indexes = c.attrs().get_ints("ngram_indexes");
  const auto given = c.attrs().get_floats("weights");
  std::vector<double> weights(static_cast<size_t>(n.output_size), 1.0);
  for (size_t i = 0; i < given.size(); ++i) weights[static_cast<size_t>(indexes[i])] = static_cast<double>(given[i]);
  const std::string mode = c.attrs().get_string("mode", "");
  const TensorView out = c.output(0);
  const int64_t rows = out.shape.rank() == 2 ? out.shape[0] : 1;
  const auto length = rows == 0 ? 0 : static_cast<int64_t>(x.size()) / rows;
  for (int64_t r = 0; r < rows; ++r) {
    std::vector<double> counts(static_cast<size_t>(n.output_size));
    const std::span<const int64_t> row(x.data() + r * length, static_cast<size_t>(length));
    int64_t shortest = n.shortest;
    for (int64_t distance = 1; distance <= std::min(n.max_skip, length) + 1 && shortest <= n.longest; ++distance) {
      count_ngrams(n, row, distance, shortest, counts);
      // Skips do not change what single elements there are.
      if (shortest == 1) shortest = 2;
    }
    for (int64_t i = 0; i < n.output_size; ++i) {
      const double count = counts[static_cast<size_t>(i)], weight = weights[static_cast<size_t>(i)];
      const double value = mode == "TF" ? count : mode == "IDF" ? (count > 0 ? weight : 0) : count * weight;
      out.as<float>()[r * n.output_size + i] = static_cast<float>(value);
    }
  }
}

}  // namespace burnish
