#include "builder/observed_shapes.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "base/error.h"

namespace burnish {
namespace {

using Json = nlohmann::json;
using Counts = ObservedShapes::Counts;

/// Sums of as many counts as a file can hold stay exact.
constexpr int64_t kMostExecutions = int64_t{1} << 40;
constexpr int64_t kLargestExtent = int64_t{1} << 31;

constexpr std::string_view kForm =
    R"(write {"batches": {"1": 120, "4": 5000}}, or save what /v2/models/MODEL/stats of a server answers)";

[[noreturn]] void refuse(const std::string& file, const std::string& reason) {
  throw Error(ErrorCode::kInvalidArgument, fmt::format("traffic '{}': {}", file, reason)).with_hint(std::string(kForm));
}

std::optional<int64_t> whole_number(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// As a number, or as protobuf's JSON writes 64 bits: in a string.
int64_t whole_number(const Json& json, int64_t least, int64_t most, const std::string& what, const std::string& file) {
  std::optional<int64_t> value;
  if (json.is_number_integer() && !(json.is_number_unsigned() && json.get<uint64_t>() > INT64_MAX))
    value = json.get<int64_t>();
  if (json.is_string()) value = whole_number(json.get_ref<const std::string&>());
  if (!value || *value < least || *value > most) {
    // Cut where it is plain ASCII, so that no character is.
    refuse(file,
           fmt::format("{} is {:.40}, not a whole number from {} to {}", what, json.dump(-1, ' ', true), least, most));
  }
  return *value;
}

void add(Counts& counts, int64_t extent, int64_t executions) {
  if (executions > 0) counts[extent] += executions;
}

Counts counts_of(const Json& json, const std::string& what, const std::string& file) {
  if (!json.is_object()) refuse(file, fmt::format("{} is no object of executions by extent", what));
  Counts counts;
  for (const auto& [key, value] : json.items()) {
    const int64_t extent = whole_number(Json(key), 1, kLargestExtent, fmt::format("a size in {}", what), file);
    add(counts, extent, whole_number(value, 0, kMostExecutions, fmt::format("{}, '{}',", what, key), file));
  }
  if (counts.empty()) refuse(file, fmt::format("{} counts no execution at all", what));
  return counts;
}

ObservedShapes from_counts(const Json& json, const std::string& file) {
  ObservedShapes observed{file, {}, {}};
  for (const auto& [key, value] : json.items()) {
    if (key == "batches") {
      observed.batches = counts_of(value, "'batches'", file);
    } else if (key == "dimensions" && value.is_object()) {
      for (const auto& [name, counts] : value.items()) {
        observed.dimensions[name] = counts_of(counts, fmt::format("dimension '{}'", name), file);
      }
    } else {
      refuse(file, fmt::format("'{}' is neither 'batches' nor an object 'dimensions'", key));
    }
  }
  if (observed.batches.empty() && observed.dimensions.empty()) refuse(file, "it counts nothing");
  return observed;
}

/// Versions of one model are added up.
ObservedShapes from_statistics(const Json& models, const std::string& file) {
  ObservedShapes observed{file, {}, {}};
  std::set<std::string> names;
  for (const Json& model : models) {
    names.insert(model.at("name").get<std::string>());
    for (const Json& batch : model.value("batch_stats", Json::array())) {
      const int64_t size = whole_number(batch.at("batch_size"), 1, kLargestExtent, "a batch_size", file);
      add(observed.batches, size,
          whole_number(batch.at("compute_infer").at("count"), 0, kMostExecutions,
                       fmt::format("compute_infer.count of batch_size {}", size), file));
    }
  }
  if (names.size() > 1) {
    refuse(file,
           fmt::format("it holds the statistics of {} models ({}); keep one", names.size(), fmt::join(names, ", ")));
  }
  if (observed.batches.empty()) refuse(file, "its batch_stats count no execution at all");
  return observed;
}

}  // namespace

ObservedShapes parse_observed_shapes(std::string_view text, const std::string& file) {
  try {
    const Json json = Json::parse(text);
    if (!json.is_object()) refuse(file, "it is no JSON object");
    return json.contains("model_stats") ? from_statistics(json["model_stats"], file) : from_counts(json, file);
  } catch (const Json::exception& error) {
    refuse(file, fmt::format("it cannot be read: {}", error.what()));
  }
}

}  // namespace burnish
