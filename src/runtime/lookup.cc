#include "runtime/lookup.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"

namespace burnish {
namespace {

// Levenshtein's distance.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substitution = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitution});
    }
  }
  return row[b.size()];
}

[[noreturn]] void throw_unknown(const std::vector<Binding>& bindings, std::string_view name, std::string_view kind) {
  Error error(ErrorCode::kInvalidArgument, fmt::format("the engine has no {} '{}'", kind, name.substr(0, 200)));
  if (bindings.empty()) throw error;
  const Binding* nearest = nullptr;
  size_t best = name.size() / 2 + 1;
  std::string known;
  for (const Binding& b : bindings) {
    known += (known.empty() ? "'" : ", '") + b.name + "'";
    const size_t distance = name.size() < 200 ? edit_distance(name, b.name) : best;
    if (distance < best) {
      best = distance;
      nearest = &b;
    }
  }
  const std::string guess = nearest != nullptr ? fmt::format("did you mean '{}'? ", nearest->name) : "";
  throw error.with_hint(fmt::format("{}known {}s: {}", guess, kind, known));
}

}  // namespace

size_t index_of(const std::vector<Binding>& bindings, std::string_view name, std::string_view kind) {
  for (size_t i = 0; i < bindings.size(); ++i) {
    if (bindings[i].name == name) return i;
  }
  throw_unknown(bindings, name, kind);
}

}  // namespace burnish
