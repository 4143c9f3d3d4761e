#include "cli/accuracy_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "cli/json.h"

namespace burnish::cli {
namespace {

constexpr std::string_view kKey = "accuracy.report";
/// Far more than a build writes; a picture needs no more.
constexpr size_t kMostBins = 4096;

std::optional<double> number_at(const Json& json, const char* key) {
  const auto it = json.find(key);
  if (it == json.end() || !it->is_number()) return std::nullopt;
  return it->get<double>();
}

std::string text_at(const Json& json, const char* key) {
  const auto it = json.find(key);
  return it != json.end() && it->is_string() ? it->get<std::string>() : std::string();
}

AccuracyLine line_at(const Json& json, const char* key) {
  const Json& line = json.at(key);
  return {line.at("metric").get<double>(), line.at("predicted_ms").get<double>()};
}

/// nullopt for one that shows nothing: no width, or numbers beyond all sense.
std::optional<InputHistogram> histogram_of(const Json& json) {
  InputHistogram h{json.at("low").get<double>(), json.at("high").get<double>(), json.at("zeros").get<double>(),
                   json.at("counts").get<std::vector<double>>()};
  check(h.counts.size() <= kMostBins && h.zeros >= 0, ErrorCode::kCorrupt, "a histogram of {} bins", h.counts.size());
  for (const double n : h.counts) check(n >= 0, ErrorCode::kCorrupt, "a histogram with a bin of {}", n);
  const bool shows = !h.counts.empty() && h.low < h.high && std::isfinite(h.high - h.low);
  return shows ? std::optional(std::move(h)) : std::nullopt;
}

AccuracyLayer layer_of(const Json& json) {
  AccuracyLayer layer;
  layer.name = json.at("name").get<std::string>();
  layer.output = json.at("output").get<std::string>();
  layer.op = text_at(json, "op");
  layer.precision = json.at("precision").get<std::string>();
  layer.reason = text_at(json, "reason");
  layer.macs = json.at("macs").get<double>();
  layer.sqnr_db = number_at(json, "sqnr_db");
  layer.added_noise = number_at(json, "added_noise");
  if (json.contains("input_range")) layer.range = json.at("input_range").get<std::pair<double, double>>();
  if (json.contains("input")) layer.input = histogram_of(json.at("input"));
  return layer;
}

AccuracyReport report_of(const Json& json) {
  AccuracyReport r;
  r.metric = json.at("metric").get<std::string>();
  r.precision = json.at("precision").get<std::string>();
  r.floats = json.at("floats").get<std::string>();
  r.num_calibration = json.at("num_calibration").get<double>();
  r.num_held_back = json.at("num_held_back").get<double>();
  r.budget = number_at(json, "budget");
  r.float32 = line_at(json, "float32");
  r.lowered = line_at(json, "lowered");
  r.final = line_at(json, "final");
  r.macs = json.at("macs").get<double>();
  r.lowered_macs = json.at("lowered_macs").get<double>();
  for (const Json& layer : json.at("layers")) r.layers.push_back(layer_of(layer));
  for (const Json& warning : json.at("warnings")) r.warnings.push_back(warning.at("text").get<std::string>());
  return r;
}

/// What a user's own command prints may be anything; all other metrics are shares of 1.
bool is_share(const AccuracyReport& r) {
  return !r.metric.starts_with("metric of ");
}

}  // namespace

double InputHistogram::num_elements() const {
  return std::accumulate(counts.begin(), counts.end(), zeros);
}

size_t AccuracyReport::num_lowered() const {
  return static_cast<size_t>(std::ranges::count_if(layers, [](const AccuracyLayer& l) { return !l.is_raised(); }));
}

std::vector<size_t> AccuracyReport::by_noise() const {
  std::vector<size_t> order(layers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t a, size_t b) {
    return layers[a].added_noise.value_or(-1) > layers[b].added_noise.value_or(-1);
  });
  return order;
}

std::optional<AccuracyReport> stored_report(const EngineData& engine) {
  const auto it = engine.metadata.find(std::string(kKey));
  if (it == engine.metadata.end() || it->second.empty()) return std::nullopt;
  try {
    AccuracyReport report = report_of(Json::parse(it->second));
    report.json = it->second;
    return report;
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::kCorrupt, fmt::format("the engine's accuracy report cannot be read: {}", error.what()))
        .with_hint("build the engine again");
  } catch (Error& error) {
    error.add_frame("accuracy report");
    throw;
  }
}

std::string metric_text(const AccuracyReport& r, double metric) {
  if (!is_share(r)) return fmt::format("{:.6g}", metric);
  const bool shows = std::abs(metric) >= 0.5e-4;  // less would print as "-0.00 %"
  return fmt::format("{:.2f} %", shows ? metric * 100 : 0.0);
}

std::string speed_text(const AccuracyReport& r, const AccuracyLine& line) {
  if (!(line.predicted_ms > 0) || !(r.float32.predicted_ms > 0)) return "";
  return fmt::format("{:.2f}x", r.float32.predicted_ms / line.predicted_ms);
}

std::string sqnr_text(const AccuracyLayer& layer) {
  if (layer.sqnr_db) return fmt::format("{:.1f}", *layer.sqnr_db);
  return layer.is_exact() ? "exact" : "";
}

std::string range_text(const AccuracyLayer& layer) {
  return layer.range ? fmt::format("{:.3g} … {:.3g}", layer.range->first, layer.range->second) : "";
}

std::string measured_text(const AccuracyReport& r) {
  std::string text = fmt::format("{} on {:.0f} samples held back", r.metric, r.num_held_back);
  if (r.num_calibration > 0) text += fmt::format(", calibrated with {:.0f}", r.num_calibration);
  text += r.budget ? fmt::format("; budget {}", metric_text(r, *r.budget)) : "; no budget was set";
  if (r.metric.starts_with("top-1") && r.num_held_back > 0) {
    const double weight = 1 / r.num_held_back;
    text += fmt::format("; one sample counts for {}", metric_text(r, weight));
    if (r.budget && weight > *r.budget) text += ", more than the budget: more samples would tell more";
  }
  return text;
}

std::string coverage_text(const AccuracyReport& r) {
  return fmt::format("{} of {} layers in {}, {:.1f} % of all multiply-adds", r.num_lowered(), r.layers.size(),
                     r.precision, r.macs > 0 ? 100 * r.lowered_macs / r.macs : 0.0);
}

}  // namespace burnish::cli
