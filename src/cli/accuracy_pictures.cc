#include "cli/accuracy_pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/html.h"
#include "cli/svg.h"

namespace burnish::cli {
namespace {

using svg::Axis;
using svg::line;
using svg::rect;
using svg::side_text;
using svg::text;

// --- SQNR of all layers ----------------------------------------------------------------------------------------------
constexpr double kNoiseHeight = 250, kNoiseTop = 14, kNoiseBottom = 204, kNoiseLeft = 48;
constexpr double kWidePicture = 860;
constexpr double kDecibelStep = 10;

Axis decibel_axis(const AccuracyReport& r) {
  double low = 0, high = kDecibelStep;
  for (const AccuracyLayer& layer : r.layers) {
    if (!layer.sqnr_db) continue;
    // Beyond these nothing differs visibly.
    low = std::min(low, std::max(*layer.sqnr_db, -50.0));
    high = std::max(high, std::min(*layer.sqnr_db, 150.0));
  }
  return {kDecibelStep * std::floor(low / kDecibelStep), kDecibelStep * std::ceil(high / kDecibelStep), kNoiseBottom,
          kNoiseTop};
}

std::string noise_bar(const AccuracyReport& r, size_t i, double x, double width, const Axis& y) {
  const AccuracyLayer& layer = r.layers[i];
  const double zero = y.at(0), top = y.at(layer.is_exact() ? y.high : layer.sqnr_db.value_or(0));
  const std::string_view css = layer.is_exact() ? "exact" : layer.is_raised() ? "raised" : "lowered";
  const std::string sqnr = layer.sqnr_db ? sqnr_text(layer) + " dB" : layer.is_exact() ? "exact" : "not measured";
  std::string svg = fmt::format(R"(<a href="#layer{}"><title>{}. {}: {}, {}</title>)", i, i + 1, escaped(layer.name),
                                escaped(layer.precision), sqnr);
  svg += rect("catch", x, kNoiseTop, width, kNoiseBottom - kNoiseTop);  // the whole column can be tapped
  svg += rect(css, x + 0.1 * width, std::min(zero, top), 0.8 * width, std::abs(zero - top));
  if (layer.is_raised()) {
    const double middle = x + width / 2, tip = std::min(zero, top) - 2, half = std::min(0.4 * width, 5.0);
    svg += fmt::format(R"(<path class="raised" d="M{:.1f} {:.1f}l{:.1f} -7h{:.1f}z"/>)", middle, tip, -half, 2 * half);
  }
  return svg + "</a>";
}

std::string noise_axes(size_t num_layers, double width, double bar, const Axis& y) {
  std::string svg;
  const auto num_steps = std::lround((y.high - y.low) / kDecibelStep);
  for (long i = 0; i <= num_steps; ++i) {
    const double db = y.low + static_cast<double>(i) * kDecibelStep;
    svg += line(db == 0 ? "axis" : "grid", kNoiseLeft, y.at(db), width, y.at(db));
    svg += text(kNoiseLeft - 6, y.at(db) + 4, "end", fmt::format("{:.0f}", db));
  }
  svg += side_text(13, (kNoiseTop + kNoiseBottom) / 2, "SQNR in dB");
  const size_t step = bar >= 18 ? 1 : bar >= 12 ? 5 : 10;
  for (size_t i = 0; i < num_layers; ++i) {
    if (i > 0 && (i + 1) % step != 0) continue;
    svg += text(kNoiseLeft + (static_cast<double>(i) + 0.5) * bar, kNoiseBottom + 16, "middle", std::to_string(i + 1));
  }
  return svg + text(kNoiseLeft, kNoiseBottom + 36, "start", "layer, in order of execution");
}

// --- a layer's input -------------------------------------------------------------------------------------------------
constexpr double kInputWidth = 290, kInputHeight = 128, kInputTop = 8, kInputBottom = 88, kInputLeft = 44;
/// Below the axis' one element, so that a single one shows.
constexpr double kLeastCount = 0.5;

Axis value_axis(const InputHistogram& h, const AccuracyLayer& layer) {
  Axis x{h.low, h.high, kInputLeft, kInputWidth - 6};
  const auto widen = [&](double low, double high) {
    x.low = std::min(x.low, low);
    x.high = std::max(x.high, high);
  };
  // A range much wider than what was seen would leave nothing to see.
  const double seen = h.high - h.low;
  if (layer.range) widen(std::max(layer.range->first, h.low - seen), std::min(layer.range->second, h.high + seen));
  if (h.zeros > 0 && std::max(std::abs(h.low), std::abs(h.high)) < 4 * seen) widen(0, 0);
  return x;
}

double most_elements(const InputHistogram& h) {
  return std::max(*std::ranges::max_element(h.counts), h.zeros);
}

Axis count_axis(const InputHistogram& h) {
  return {std::log10(kLeastCount), std::log10(std::max(most_elements(h), 10.0)), kInputBottom, kInputTop};
}

std::string count_labels(const Axis& y) {
  std::string svg;
  const int highest = static_cast<int>(y.high), step = std::max(1, (highest + 1) / 3);
  for (int power = 0; power <= highest; power += step) {
    svg += line("grid", kInputLeft, y.at(power), kInputWidth - 6, y.at(power));
    svg +=
        fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="end">10<tspan class="power" dy="-4">{}</tspan></text>)",
                    kInputLeft - 4, y.at(power) + 4, power);
  }
  return svg + side_text(10, (kInputTop + kInputBottom) / 2, "elements");
}

/// All bars as one shape.
std::string bars(const InputHistogram& h, const Axis& x, const Axis& y) {
  std::string path;
  for (size_t i = 0; i < h.counts.size(); ++i) {
    if (h.counts[i] < 1) continue;
    const double left = x.at(h.low + static_cast<double>(i) * h.bin_width());
    const double width = x.at(h.low + static_cast<double>(i + 1) * h.bin_width()) - left;
    path += fmt::format("M{:.1f} {:.1f}V{:.1f}h{:.2f}V{:.1f}z", left, kInputBottom, y.at(std::log10(h.counts[i])),
                        width, kInputBottom);
  }
  return fmt::format(R"(<path class="bars" d="{}"/>)", path);
}

std::string zero_bar(const InputHistogram& h, const Axis& x, const Axis& y) {
  if (h.zeros < 1 || x.low > 0 || x.high < 0) return "";
  const double top = y.at(std::log10(h.zeros));
  return rect("zeros", std::clamp(x.at(0) - 1.5, x.from, x.to - 3), top, 3, kInputBottom - top);
}

/// What lies outside the range is shaded, its ends are lines.
std::string range_marks(const AccuracyLayer& layer, const Axis& x) {
  if (!layer.range) return "";
  const double height = kInputBottom - kInputTop, low = x.at(layer.range->first), high = x.at(layer.range->second);
  std::string svg = rect("outside", x.from, kInputTop, low - x.from, height);
  svg += rect("outside", high, kInputTop, x.to - high, height);
  if (layer.range->first >= x.low) svg += line("edge", low, kInputTop, low, kInputBottom);
  if (layer.range->second <= x.high) svg += line("edge", high, kInputTop, high, kInputBottom);
  return svg;
}

std::string value_labels(const Axis& x) {
  std::string svg = line("axis", x.from, kInputBottom, x.to, kInputBottom);
  svg += text(x.from, kInputBottom + 15, "start", fmt::format("{:.3g}", x.low));
  svg += text(x.to, kInputBottom + 15, "end", fmt::format("{:.3g}", x.high));
  return svg + text((x.from + x.to) / 2, kInputBottom + 31, "middle", "value of the input's elements");
}

}  // namespace

std::string noise_picture(const AccuracyReport& r) {
  const auto n = static_cast<double>(r.layers.size());
  const double bar = std::clamp((kWidePicture - kNoiseLeft) / std::max(n, 1.0), 9.0, 26.0);
  const double width = std::max(kNoiseLeft + n * bar, 260.0);
  const Axis y = decibel_axis(r);
  std::string svg = fmt::format(
      R"(<svg class="noise" width="{0:.0f}" height="{1:.0f}" viewBox="0 0 {0:.0f} {1:.0f}" role="img" aria-label="SQNR in dB of every layer">)",
      width, kNoiseHeight);
  svg += noise_axes(r.layers.size(), width, bar, y);
  for (size_t i = 0; i < r.layers.size(); ++i) {
    svg += noise_bar(r, i, kNoiseLeft + static_cast<double>(i) * bar, bar, y);
  }
  return svg + "</svg>";
}

std::string input_picture(const AccuracyLayer& layer) {
  if (!layer.input) return "";
  const Axis x = value_axis(*layer.input, layer), y = count_axis(*layer.input);
  return fmt::format(
             R"(<svg class="input" viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="histogram of the layer's input">)",
             kInputWidth, kInputHeight) +
         count_labels(y) + bars(*layer.input, x, y) + zero_bar(*layer.input, x, y) + range_marks(layer, x) +
         value_labels(x) + "</svg>";
}

double clipped_share(const AccuracyLayer& layer) {
  const InputHistogram& h = *layer.input;
  double outside = 0;
  for (size_t i = 0; i < h.counts.size(); ++i) {
    const double center = h.low + (static_cast<double>(i) + 0.5) * h.bin_width();
    if (center < layer.range->first || center > layer.range->second) outside += h.counts[i];
  }
  const double all = h.num_elements();
  return all > 0 ? outside / all : 0;
}

}  // namespace burnish::cli
