#include "builder/profiles.h"

#include <algorithm>

namespace burnish {
namespace {

struct Extent {
  int64_t min = 0, opt = 0, max = 0;
  bool operator==(const Extent&) const = default;
};
using Extents = std::map<std::string, Extent>;  ///< By symbol.

Extent extent_at(const Profile::Range& range, size_t i) {
  return {range.min[i], range.opt[i], range.max[i]};
}

std::string to_string(const Extent& e) {
  return fmt::format("{}:{}:{}", e.min, e.opt, e.max);
}

std::string join_shape(const std::vector<int64_t>& dims) {
  return dims.empty() ? "scalar" : fmt::format("{}", fmt::join(dims, "x"));
}

std::vector<std::string> input_names(const Graph& graph) {
  std::vector<std::string> names;
  for (const ValueId id : graph.inputs()) names.push_back(graph.value(id).name);
  return names;
}

void check_names(const Graph& graph, const Profile& wanted) {
  const auto known = input_names(graph);
  for (const auto& [name, range] : wanted.inputs) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    throw Error(ErrorCode::kInvalidArgument, fmt::format("profile: the model has no input '{}'", name))
        .with_hint(fmt::format("its inputs are: {}", fmt::join(known, ", ")));
  }
}

const SymShape& shape_of(const Value& input) {
  check(input.type.shape.has_value(), ErrorCode::kUnsupported, "input '{}' has no known rank", input.name);
  return *input.type.shape;
}

void check_range(const Value& input, const Profile::Range& range) {
  const SymShape& shape = shape_of(input);
  const size_t rank = shape.size();
  check(range.min.size() == rank && range.opt.size() == rank && range.max.size() == rank, ErrorCode::kInvalidArgument,
        "profile: input '{}' is {} in the model, which has {} dimensions; the profile gives {}:{}:{}", input.name,
        to_string(shape), rank, join_shape(range.min), join_shape(range.opt), join_shape(range.max));
  for (size_t i = 0; i < rank; ++i) {
    const Extent e = extent_at(range, i);
    check(0 <= e.min && e.min <= e.opt && e.opt <= e.max, ErrorCode::kInvalidArgument,
          "profile: dimension {} of input '{}' is {}, but min ≤ opt ≤ max must hold", i, input.name, to_string(e));
    check(!shape[i].is_constant() || (shape[i].is(e.min) && shape[i].is(e.max)), ErrorCode::kInvalidArgument,
          "profile: dimension {} of input '{}' is always {} in the model, but {} in the profile", i, input.name,
          to_string(shape[i]), to_string(e));
  }
}

/// What the given ranges say about each symbol.
Extents collect_extents(const Graph& graph, const Profile& wanted) {
  Extents extents;
  for (const ValueId id : graph.inputs()) {
    const Value& input = graph.value(id);
    const auto range = wanted.inputs.find(input.name);
    if (range == wanted.inputs.end()) continue;
    check_range(input, range->second);
    for (size_t i = 0; i < input.type.shape->size(); ++i) {
      const Dim& dim = (*input.type.shape)[i];
      if (dim.is_constant()) continue;
      const Extent e = extent_at(range->second, i);
      const auto [known, is_new] = extents.emplace(to_string(dim), e);
      check(is_new || known->second == e, ErrorCode::kInvalidArgument,
            "profile: the dimension '{}' is {} in input '{}', but {} in another input; it is the same in both",
            to_string(dim), to_string(e), input.name, to_string(known->second));
    }
  }
  return extents;
}

enum class Meaning { kBatch, kSequence, kOther };

bool contains_any(std::string name, std::initializer_list<std::string_view> parts) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::any_of(parts.begin(), parts.end(), [&](std::string_view p) { return name.find(p) != std::string::npos; });
}

Meaning meaning_of(const Value& input, size_t i) {
  const SymShape& shape = *input.type.shape;
  const std::string name = to_string(shape[i]);
  if (contains_any(name, {"batch"})) return Meaning::kBatch;
  if (contains_any(name, {"seq", "tokens"})) return Meaning::kSequence;
  const bool is_text = shape.size() == 2 && is_integer(input.type.dtype);
  if (is_text && i == 1) return Meaning::kSequence;
  return i == 0 ? Meaning::kBatch : Meaning::kOther;
}

/// Symbols of the inputs with what they mean. A symbol that stands in several places means what the first clear one
/// says.
std::map<std::string, Meaning> meanings_of(const Graph& graph) {
  std::map<std::string, Meaning> meanings;
  for (const ValueId id : graph.inputs()) {
    const Value& input = graph.value(id);
    for (size_t i = 0; i < shape_of(input).size(); ++i) {
      const Dim& dim = (*input.type.shape)[i];
      if (dim.is_constant()) continue;
      Meaning& known = meanings.emplace(to_string(dim), Meaning::kOther).first->second;
      if (known == Meaning::kOther) known = meaning_of(input, i);
    }
  }
  return meanings;
}

int64_t example_extent(Meaning meaning, const char* which) {
  const bool is_max = std::string_view(which) == "max";
  switch (meaning) {
    case Meaning::kBatch:
      return is_max ? 32 : 1;
    case Meaning::kSequence:
      return std::string_view(which) == "min" ? 1 : is_max ? 512 : 128;
    default:
      return 224;
  }
}

std::vector<int64_t> example_shape(const Value& input, const std::map<std::string, Meaning>& meanings,
                                   const char* which) {
  std::vector<int64_t> dims;
  for (const Dim& dim : *input.type.shape) {
    dims.push_back(dim.is_constant() ? dim.value() : example_extent(meanings.at(to_string(dim)), which));
  }
  return dims;
}

[[noreturn]] void refuse_free(const std::vector<std::string>& free, const Profile& example) {
  std::string option;
  for (const auto& [name, range] : example.inputs) {
    option += fmt::format("{}{}={}:{}:{}", option.empty() ? "" : ",", name, join_shape(range.min),
                          join_shape(range.opt), join_shape(range.max));
  }
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("the model leaves dimensions free for which there is no sensible "
                          "default: {}",
                          fmt::join(free, "; ")))
      .with_hint(fmt::format("say what shapes to build for, for example --profile \"{}\"", option));
}

}  // namespace

OptimizationProfile resolve_profile(const Graph& graph, const Profile& wanted) {
  check_names(graph, wanted);
  const Extents extents = collect_extents(graph, wanted);
  OptimizationProfile profile;
  for (const ValueId id : graph.inputs()) {
    const Value& input = graph.value(id);
    ProfileShapes shapes;
    for (size_t i = 0; i < shape_of(input).size(); ++i) {
      const Dim& dim = (*input.type.shape)[i];
      const auto known = extents.find(to_string(dim));
      check(dim.is_constant() || known != extents.end(), ErrorCode::kInvalidArgument,
            "profile: nothing is said of dimension {} ('{}') of input '{}' {}", i, to_string(dim), input.name,
            to_string(*input.type.shape));
      const Extent e = dim.is_constant() ? Extent{dim.value(), dim.value(), dim.value()} : known->second;
      shapes.min.push_back(e.min);
      shapes.opt.push_back(e.opt);
      shapes.max.push_back(e.max);
    }
    profile.inputs.emplace(input.name, shapes);
  }
  return profile;
}

Profile default_profile(const Graph& graph) {
  const auto meanings = meanings_of(graph);
  Profile profile;
  std::vector<std::string> free;
  for (const ValueId id : graph.inputs()) {
    const Value& input = graph.value(id);
    if (to_concrete(shape_of(input))) continue;
    profile.inputs[input.name] = {example_shape(input, meanings, "min"), example_shape(input, meanings, "opt"),
                                  example_shape(input, meanings, "max")};
    std::vector<std::string> names;
    for (const Dim& dim : *input.type.shape) {
      if (!dim.is_constant() && meanings.at(to_string(dim)) == Meaning::kOther) names.push_back(to_string(dim));
    }
    if (!names.empty()) {
      free.push_back(
          fmt::format("{} of input '{}' {}", fmt::join(names, ", "), input.name, to_string(*input.type.shape)));
    }
  }
  if (!free.empty()) refuse_free(free, profile);
  return profile;
}

std::vector<std::string> free_dimensions(const Graph& graph) {
  std::vector<std::string> names;
  for (const auto& [name, meaning] : meanings_of(graph)) names.push_back(name);
  return names;
}

std::vector<std::string> batch_dimensions(const Graph& graph) {
  std::vector<std::string> names;
  for (const auto& [name, meaning] : meanings_of(graph)) {
    if (meaning == Meaning::kBatch) names.push_back(name);
  }
  return names;
}

std::vector<OptimizationProfile> resolve_profiles(const Graph& graph, const std::vector<Profile>& wanted,
                                                  const Reporter& reporter) {
  std::vector<OptimizationProfile> profiles;
  for (const Profile& profile : wanted) profiles.push_back(resolve_profile(graph, profile));
  if (!profiles.empty()) return profiles;
  const Profile made = default_profile(graph);
  profiles.push_back(resolve_profile(graph, made));
  if (!made.inputs.empty()) {
    reporter.log(LogLevel::kInfo,
                 fmt::format("no profile given; building for --profile \"{}\"", to_string(profiles[0])));
  }
  return profiles;
}

std::string to_string(const OptimizationProfile& profile) {
  std::string text;
  const auto join = [](const Shape& shape) { return join_shape({shape.begin(), shape.end()}); };
  for (const auto& [name, shapes] : profile.inputs) {
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", name, join(shapes.min));
    if (!(shapes.min == shapes.max)) text += fmt::format(":{}:{}", join(shapes.opt), join(shapes.max));
  }
  return text;
}

void specialize(Graph& graph, const OptimizationProfile& profile) {
  bool changed = false;
  for (const ValueId id : graph.inputs()) {
    Value& input = graph.value(id);
    const ProfileShapes& shapes = profile.inputs.at(input.name);
    for (int i = 0; i < shapes.min.rank(); ++i) {
      Dim& dim = (*input.type.shape)[static_cast<size_t>(i)];
      if (dim.is_constant() || shapes.min[i] != shapes.max[i]) continue;
      dim = Dim(shapes.min[i]);
      changed = true;
    }
  }
  if (changed) graph.infer();
}

}  // namespace burnish
