#include "cli/accuracy_text.h"

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/step_table.h"

namespace burnish::cli {
namespace {

void print_line(const AccuracyReport& r, const std::string& label, const AccuracyLine& line) {
  fmt::print("  {:<24}{:>12}{:>12}{:>14.3f} ms{:>10}\n", printable(label), metric_text(r, line.metric),
             metric_text(r, r.loss_of(line)), line.predicted_ms, speed_text(r, line));
}

void print_layer(const AccuracyReport& r, const AccuracyLayer& layer) {
  const std::string noise = layer.added_noise ? fmt::format("{:.2e}", *layer.added_noise) : "";
  fmt::print("  {:<44} {:<10}{:>8.2f} %{:>10}{:>12}  {:<22}{}\n", printable(shorten(layer.name, 44)),
             printable(shorten(layer.precision, 10)), 100 * r.share_of(layer), sqnr_text(layer), noise,
             range_text(layer), printable(layer.reason));
}

}  // namespace

void print_accuracy(const AccuracyReport& r) {
  fmt::print("accuracy: {}\n", printable(measured_text(r)));
  fmt::print("  {:<24}{:>12}{:>12}{:>17}{:>10}\n", "", "metric", "loss", "predicted", "speed");
  print_line(r, "float32", r.float32);
  print_line(r, r.precision + " everywhere", r.lowered);
  print_line(r, "this engine", r.final);
  fmt::print("  {}\n", printable(coverage_text(r)));
  fmt::print("\n  {:<44} {:<10}{:>10}{:>10}{:>12}  {:<22}{}\n", "layer, by the noise it adds", "precision", "mult-adds",
             "SQNR, dB", "noise added", "input range", "why not " + printable(r.precision));
  for (const size_t i : r.by_noise()) print_layer(r, r.layers[i]);
  if (!r.warnings.empty()) fmt::print("\ncalibration data is not representative:\n");
  for (const std::string& warning : r.warnings) fmt::print("  {}\n", printable(warning));
}

}  // namespace burnish::cli
