#include "cost/measurements.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "cost/units.h"

namespace burnish::cost {
namespace {

using Json = nlohmann::json;

constexpr double kLargestBatch = 1 << 20;
constexpr double kMostLanes = 1024;

double number(const Json& json, const char* key, const std::string& name) {
  check(json.contains(key) && json[key].is_number(), ErrorCode::kInvalidArgument,
        "'{}' has no number '{}'; give what `burnish bench --json` or `bench/peers.py --json` wrote", name, key);
  return json[key].get<double>();
}

int whole(double value, double most, std::string_view what, const std::string& name) {
  check(value >= 1 && value <= most && std::abs(value - std::round(value)) < 1e-3, ErrorCode::kInvalidArgument,
        "'{}': {} is {}; a whole number from 1 to {} was expected", name, what, value, most);
  return static_cast<int>(std::round(value));
}

double positive_ms(double ms, const std::string& name) {
  check(std::isfinite(ms) && ms > 0, ErrorCode::kInvalidArgument, "'{}': median_ms is {}; a time is positive", name,
        ms);
  return ms / 1e3;
}

Measurement from_bench(const Json& json, const std::string& name) {
  const double executions = number(json, "executions_per_s", name);
  check(executions > 0, ErrorCode::kInvalidArgument, "'{}': executions_per_s is {}; nothing was measured", name,
        executions);
  return {whole(number(json, "items_per_s", name) / executions, kLargestBatch, "the batch size", name),
          positive_ms(number(json, "median_ms", name), name),
          whole(number(json, "contexts", name), kMostLanes, "contexts", name), name};
}

/// Adds the row's times to found where `selection` names them; what there is to select is added to choices.
void add_row(const Json& row, const std::string& selection, const std::string& name, std::vector<Measurement>& found,
             std::set<std::string>& choices) {
  const std::string model = row.value("model", "");
  const Json columns = row.value("columns", Json::object());
  for (const auto& [column, figures] : columns.items()) {
    const std::string choice = fmt::format("{}/{}", model, column);
    choices.insert(choice);
    if (choice != selection) continue;
    found.push_back({whole(number(row, "batch", name), kLargestBatch, "the batch size", name),
                     positive_ms(number(figures, "median_ms", name), name), 1, fmt::format("{}#{}", name, choice)});
  }
}

std::vector<Measurement> from_peers(const Json& rows, const std::string& name, const std::string& selection) {
  std::vector<Measurement> found;
  std::set<std::string> choices;
  for (const Json& row : rows) add_row(row, selection, name, found, choices);
  check(!found.empty(), ErrorCode::kInvalidArgument,
        "'{}' is of bench/peers.py and holds several models and columns; append which: {}#MODEL/COLUMN, of {}", name,
        name, fmt::join(choices, "; "));
  return found;
}

}  // namespace

Measurement typed_measurement(std::string_view text) {
  int batch = 0;
  const size_t colon = text.find(':');
  const auto [end, error] = std::from_chars(text.data(), text.data() + std::min(colon, text.size()), batch);
  check(colon != std::string_view::npos && error == std::errc() && end == text.data() + colon && batch >= 1 &&
            batch <= kLargestBatch,
        ErrorCode::kInvalidArgument,
        "measurement '{}': write BATCH:TIME, such as 8:55ms, or the name of a JSON file of `burnish bench`", text);
  return {batch, parse_seconds(text.substr(colon + 1), "time of a batch"), 1, "typed in"};
}

std::vector<Measurement> read_measurements(std::string_view text, const std::string& name,
                                           const std::string& selection) {
  const Json json = Json::parse(text, nullptr, false);
  check(json.is_object(), ErrorCode::kInvalidArgument,
        "'{}' is no JSON object; give what `burnish bench --json` or `bench/peers.py --json` wrote", name);
  try {
    if (json.contains("rows")) return from_peers(json["rows"], name, selection);
    return {from_bench(json, name)};
  } catch (const Json::exception& error) {
    throw_error(ErrorCode::kInvalidArgument, "'{}' is not of `burnish bench` or `bench/peers.py`: {}", name,
                error.what());
  }
}

Instance instance_of(const std::vector<Measurement>& measurements) {
  std::map<int, double> points;
  for (const Measurement& m : measurements) {
    check(points.emplace(m.batch, m.seconds).second, ErrorCode::kInvalidArgument,
          "batch {} is given twice (again by '{}'); give one time for each size", m.batch, m.origin);
    check(m.lanes == measurements.front().lanes, ErrorCode::kInvalidArgument,
          "'{}' was measured with {} contexts, '{}' with {}; measure all with the same --contexts", m.origin, m.lanes,
          measurements.front().origin, measurements.front().lanes);
  }
  return {LatencyCurve(std::move(points)), measurements.empty() ? 1 : measurements.front().lanes};
}

}  // namespace burnish::cost
