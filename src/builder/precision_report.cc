#include "builder/precision_report.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace burnish {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kShownBins = 64;
constexpr size_t kMostNamesShown = 12;

std::string metric_text(const PrecisionReport& r, double metric) {
  return r.is_share ? fmt::format("{:.2f} %", metric * 100) : fmt::format("{:.6g}", metric);
}

std::string line(const PrecisionReport& r, const std::string& label, const MeasuredPrecision& m) {
  const double loss = r.fp32.metric - m.metric;
  const double speed = m.us > 0 ? r.fp32.us / m.us : 0;
  return fmt::format("  {:<24}{:>12}{:>12}{:>14.3f} ms{:>9.2f}x\n", label, metric_text(r, m.metric),
                     metric_text(r, loss), m.us / 1e3, speed);
}

Json json_of(const MeasuredPrecision& m) {
  return {{"metric", m.metric}, {"predicted_ms", m.us / 1e3}};
}

/// The histogram in fewer bins, over what was seen.
Json histogram_of(const Observer& observer) {
  const Histogram& h = observer.histogram();
  const double low = observer.min();
  const double width = (double{observer.max()} - low) / kShownBins;
  std::vector<int64_t> counts(kShownBins, 0);
  if (width > 0) {
    for (int i = 0; i < Histogram::kNumBins; ++i) {
      if (h.count(i) == 0) continue;
      const auto at = static_cast<int>((h.center(i) - low) / width);
      counts[static_cast<size_t>(std::clamp(at, 0, kShownBins - 1))] += h.count(i);
    }
  }
  return {{"low", observer.min()}, {"high", observer.max()}, {"zeros", h.num_zeros()}, {"counts", counts}};
}

/// The layer's input, or what is stored alike in front of it: ranges are those of values that something computes.
std::string calibrated_value(const Graph& graph, const EncodingGroups& groups, ValueId input,
                             const RangeTable& ranges) {
  const std::string& name = graph.value(input).name;
  if (ranges.find(name) != nullptr || groups.group_of(input) == kNoValue) return name;
  for (ValueId v : groups.members(groups.group_of(input))) {
    if (ranges.find(graph.value(v).name) != nullptr) return graph.value(v).name;
  }
  return name;
}

Json json_of_layer(const PrecisionReport& r, size_t i, const std::string& input, const RangeTable& ranges,
                   const Observations& observations) {
  const Layer& layer = r.layers[i];
  Json json{{"name", layer.name},
            {"output", layer.output},
            {"op", layer.op},
            {"macs", layer.macs},
            {"precision", r.raised[i] ? (r.lowest == "int8" ? r.floats : "float32") : r.lowest}};
  if (r.raised[i]) json["reason"] = "raised to hold the accuracy budget";
  if (i < r.noises.size() && std::isfinite(r.noises[i].sqnr_db)) json["sqnr_db"] = r.noises[i].sqnr_db;
  if (i < r.noises.size()) json["added_noise"] = r.noises[i].added;
  if (const TensorRange* range = ranges.find(input)) json["input_range"] = {range->range.low, range->range.high};
  if (const auto it = observations.find(input); it != observations.end()) json["input"] = histogram_of(it->second);
  return json;
}

std::string raised_text(const PrecisionReport& r) {
  std::vector<std::string> names;
  for (size_t i = 0; i < r.layers.size(); ++i) {
    if (r.raised[i]) names.push_back(r.layers[i].name);
  }
  if (names.empty()) return {};
  const size_t more = names.size() > kMostNamesShown ? names.size() - kMostNamesShown : 0;
  names.resize(names.size() - more);
  return fmt::format("  kept in {}: {}{}\n", r.lowest == "int8" ? r.floats : "float32", fmt::join(names, ", "),
                     more > 0 ? fmt::format(" and {} more", more) : "");
}

}  // namespace

double PrecisionReport::lowered_macs() const {
  double macs = 0;
  for (size_t i = 0; i < layers.size(); ++i) macs += raised[i] ? 0 : layers[i].macs;
  return macs;
}

std::string to_table(const PrecisionReport& r) {
  const auto num_raised = std::count(r.raised.begin(), r.raised.end(), true);
  std::string text =
      fmt::format("accuracy: {} on {} samples held back ({} calibrated with), {}\n", r.metric_name, r.num_held_back,
                  r.num_calibration, r.budget < 0 ? "no budget" : fmt::format("budget {}", metric_text(r, r.budget)));
  text += fmt::format("  {:<24}{:>12}{:>12}{:>17}{:>10}\n", "", "metric", "loss", "predicted", "speed");
  text += line(r, "float32", r.fp32);
  text += line(r, r.lowest + " everywhere", r.lowered);
  text += line(r, r.holds ? "this engine" : "the most precise tried", r.final);
  text += fmt::format("  {} of {} layers in {}, {:.1f} % of all multiply-adds\n",
                      static_cast<int64_t>(r.layers.size()) - num_raised, r.layers.size(), r.lowest,
                      r.all_macs > 0 ? 100 * r.lowered_macs() / r.all_macs : 0.0);
  text += raised_text(r);
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

std::string to_json(const PrecisionReport& r, const Graph& graph, const RangeTable& ranges,
                    const Observations& observations) {
  Json json{{"metric", r.metric_name},
            {"num_calibration", r.num_calibration},
            {"num_held_back", r.num_held_back},
            {"budget", r.budget < 0 ? Json() : Json(r.budget)},
            {"holds", r.holds},
            {"precision", r.lowest},
            {"floats", r.floats},
            {"float32", json_of(r.fp32)},
            {"lowered", json_of(r.lowered)},
            {"final", json_of(r.final)},
            {"macs", r.all_macs},
            {"lowered_macs", r.lowered_macs()}};
  json["layers"] = Json::array();
  const EncodingGroups groups(graph);
  for (size_t i = 0; i < r.layers.size(); ++i) {
    const std::string input = calibrated_value(graph, groups, r.layers[i].input, ranges);
    json["layers"].push_back(json_of_layer(r, i, input, ranges, observations));
  }
  json["warnings"] = Json::array();
  for (const Warning& w : r.warnings) {
    json["warnings"].push_back(
        {{"tensor", w.tensor}, {"kind", name_of(w.kind)}, {"figure", w.figure}, {"text", w.text}});
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace burnish
