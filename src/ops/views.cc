#include "ops/views.h"

#include <charconv>
#include <set>

#include "base/error.h"

namespace burnish {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    if (end > 0) parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

int64_t number(std::string_view text, std::string_view step) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  check(error == std::errc() && end == text.data() + text.size() && value >= 0, ErrorCode::kInvalidModel,
        "'{}' is no view: '{}' is no number", step, text);
  return value;
}

ViewStep parse_step(std::string_view text) {
  const auto words = split(text, ' ');
  check(words.size() > 1, ErrorCode::kInvalidModel, "'{}' is no view", text);
  std::vector<int64_t> numbers;
  for (size_t i = 1; i < words.size(); ++i) numbers.push_back(number(words[i], text));
  if (words[0] == "perm") return {std::move(numbers)};
  check(words[0] == "slice" && numbers.size() == 3 && numbers[0] < 64, ErrorCode::kInvalidModel, "'{}' is no view",
        text);
  return {{}, static_cast<int>(numbers[0]), numbers[1], numbers[2]};
}

void check_perm(const std::vector<int64_t>& perm, int rank) {
  const std::set<int64_t> distinct(perm.begin(), perm.end());
  check(static_cast<int>(perm.size()) == rank && distinct.size() == perm.size() && *distinct.rbegin() < rank,
        ErrorCode::kInvalidModel, "a view permutes {} dimensions of {}", perm.size(), rank);
}

template <typename T>
std::vector<T> permuted(const std::vector<T>& values, const std::vector<int64_t>& perm) {
  std::vector<T> result;
  for (const int64_t i : perm) result.push_back(values[static_cast<size_t>(i)]);
  return result;
}

}  // namespace

std::vector<ViewStep> parse_view(std::string_view text) {
  std::vector<ViewStep> steps;
  for (const std::string_view step : split(text, ';')) steps.push_back(parse_step(step));
  return steps;
}

std::string to_string(const ViewStep& step) {
  if (!step.perm.empty()) return fmt::format("perm {}", fmt::join(step.perm, " "));
  return fmt::format("slice {} {} {}", step.axis, step.start, step.length);
}

bool has_views(const AttributeMap& attrs) {
  return attrs.has("views");
}

std::vector<std::string> views_of(const AttributeMap& attrs, int num_inputs) {
  if (!has_views(attrs)) return std::vector<std::string>(static_cast<size_t>(num_inputs));
  std::vector<std::string> views = attrs.get_strings("views");
  check(static_cast<int>(views.size()) == num_inputs, ErrorCode::kInvalidModel, "{} views of {} inputs", views.size(),
        num_inputs);
  return views;
}

SymShape viewed_shape(const SymShape& shape, std::string_view view) {
  SymShape dims = shape;
  for (const ViewStep& step : parse_view(view)) {
    const auto rank = static_cast<int>(dims.size());
    if (!step.perm.empty()) {
      check_perm(step.perm, rank);
      dims = permuted(dims, step.perm);
      continue;
    }
    check(step.axis < rank, ErrorCode::kInvalidModel, "a view slices axis {} of {} dimensions", step.axis, rank);
    Dim& dim = dims[static_cast<size_t>(step.axis)];
    check(!dim.is_constant() || (step.start <= dim.value() && step.length <= dim.value() - step.start),
          ErrorCode::kInvalidModel, "a view of {} elements from {} on lies outside of its axis", step.length,
          step.start);
    dim = Dim(step.length);
  }
  return dims;
}

StridedView strided_view(const Shape& shape, std::string_view view) {
  std::vector<int64_t> dims(shape.begin(), shape.end());
  std::vector<int64_t> strides(dims.size(), 1);
  for (size_t i = dims.size(); i-- > 1;) strides[i - 1] = strides[i] * dims[i];
  int64_t offset = 0;
  for (const ViewStep& step : parse_view(view)) {
    if (!step.perm.empty()) {
      check_perm(step.perm, static_cast<int>(dims.size()));
      dims = permuted(dims, step.perm);
      strides = permuted(strides, step.perm);
      continue;
    }
    const auto axis = static_cast<size_t>(step.axis);
    check(axis < dims.size() && step.start <= dims[axis] && step.length <= dims[axis] - step.start,
          ErrorCode::kInvalidModel, "a view of {} elements from {} on lies outside of axis {} of {}", step.length,
          step.start, step.axis, to_string(shape));
    offset += step.start * strides[axis];
    dims[axis] = step.length;
  }
  return {Shape(dims), std::move(strides), offset};
}

}  // namespace burnish
