#include "cli/cost_pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "cli/cost_style.h"
#include "cli/cost_words.h"
#include "cli/html.h"
#include "cli/svg.h"

namespace burnish::cli {
namespace {

using cost::Report;
using cost::Step;
using svg::Axis;

constexpr double kLeft = 62, kTop = 14, kRight = 14, kBottom = 44;
/// Volumes on the logarithmic picture begin so far below the first step.
constexpr double kDecades = 3;

std::string css_of(size_t variant) {
  return fmt::format("v{}", variant % kNumLineStyles);
}

std::string open_svg(std::string_view css, double width, double height, const std::string& label) {
  return fmt::format(R"(<svg xmlns="http://www.w3.org/2000/svg" class="{0}" viewBox="0 0 {1:.0f} {2:.0f}" role="img" )"
                     R"(aria-label="{3}">)",
                     css, width, height, escaped(label));
}

/// 1, 2 or 5 times a power of ten, so that about `count` of them make up the range.
double round_step(double range, int count) {
  const double raw = range / count, power = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= raw) return factor * power;
  }
  return 10 * power;
}

/// "500 k", "2.5 M".
std::string short_number(double value) {
  constexpr std::pair<double, std::string_view> kUnits[] = {{1e9, " G"}, {1e6, " M"}, {1e3, " k"}};
  for (const auto& [size, unit] : kUnits) {
    if (std::abs(value) >= size) return fmt::format("{:.4g}{}", value / size, unit);
  }
  return fmt::format("{:.3g}", value);
}

std::string named(const Report& r, std::string_view what) {
  return r.scenario.currency.empty() ? std::string(what) : fmt::format("{} in {}", what, r.scenario.currency);
}

double highest_cost(const Report& r) {
  double highest = 0;
  for (const auto& stairs : r.staircases) {
    double from = 0;
    for (const Step& step : stairs) {
      if (from < r.drawn_up_to) highest = std::max(highest, step.monthly_cost);
      from = step.up_to_requests_per_day;
    }
  }
  return highest > 0 ? highest : 1;
}

/// A grid of straight scales, with the numbers beside it.
std::string grid(const Axis& x, const Axis& y, bool is_wide) {
  std::string out;
  const double x_step = round_step(x.high, is_wide ? 8 : 4), y_step = round_step(y.high, 6);
  for (int i = 0; i * y_step <= y.high * 1.0001; ++i) {
    const double v = i * y_step;
    out += svg::line(v == 0 ? "axis" : "grid", x.from, y.at(v), x.to, y.at(v));
    out += svg::text(x.from - 6, y.at(v) + 4, "end", short_number(v));
  }
  for (int i = 0; i * x_step <= x.high * 1.0001; ++i) {
    const double v = i * x_step;
    out += svg::line("grid", x.at(v), y.from, x.at(v), y.to);
    out += svg::text(x.at(v), y.from + 16, "middle", short_number(v));
  }
  return out;
}

std::string stairs_path(const std::vector<Step>& stairs, const Axis& x, const Axis& y) {
  std::string path;
  double from = 0;
  for (const Step& step : stairs) {
    if (from >= x.high) break;
    path += path.empty() ? fmt::format("M{:.1f} {:.1f}", x.at(0), y.at(step.monthly_cost))
                         : fmt::format("V{:.1f}", y.at(step.monthly_cost));
    path += fmt::format("H{:.1f}", x.at(step.up_to_requests_per_day));
    from = step.up_to_requests_per_day;
  }
  return path;
}

double cost_at(const std::vector<Step>& stairs, double volume) {
  for (const Step& step : stairs) {
    if (step.up_to_requests_per_day > volume) return step.monthly_cost;
  }
  return stairs.empty() ? 0 : stairs.back().monthly_cost;
}

std::string break_even_mark(const Report& r, size_t variant, const Axis& x, const Axis& y) {
  const auto& from = r.break_evens[variant].always_from;
  if (variant == r.scenario.baseline || !from || *from > x.high) return "";
  return fmt::format(R"(<circle class="even {}" cx="{:.1f}" cy="{:.1f}" r="6"><title>{}</title></circle>)",
                     css_of(variant), x.at(*from), y.at(cost_at(r.staircases[variant], *from)),
                     escaped(break_even_text(r, variant)));
}

std::string asked_marks(const Report& r, const Axis& x, const Axis& y) {
  std::string out;
  for (const cost::VolumePlan& plan : r.volumes) {
    const double at = x.at(plan.requests_per_day);
    out += svg::line("asked", at, y.from, at, y.to);
  }
  return out;
}

std::string stairs_of(const Report& r, double width, double height) {
  const Axis x{0, r.drawn_up_to, kLeft, width - kRight};
  const Axis y{0, highest_cost(r) * 1.06, height - kBottom, kTop};
  std::string out = grid(x, y, width > 500) + asked_marks(r, x, y);
  for (size_t i = 0; i < r.staircases.size(); ++i) {
    out += fmt::format(R"(<path class="stairs {}" d="{}"><title>{}</title></path>)", css_of(i),
                       stairs_path(r.staircases[i], x, y), escaped(r.scenario.variants[i].name));
  }
  for (size_t i = 0; i < r.staircases.size(); ++i) out += break_even_mark(r, i, x, y);
  out += svg::text((x.from + x.to) / 2, height - 8, "middle", "requests a day");
  return out + svg::side_text(13, (y.from + y.to) / 2, named(r, "monthly cost"));
}

Axis log_axis(double low, double high, double from, double to) {
  return {std::log10(low), std::log10(high), from, to};
}

/// Along every step the cost per million falls as 1 / volume; at its end it jumps.
std::string falling_path(const std::vector<Step>& stairs, double least, double most, const Axis& x, const Axis& y) {
  const auto point = [&](double volume, double cost) {
    const double per_million = cost / (volume * cost::kDaysPerMonth / 1e6);
    return fmt::format("{:.1f} {:.1f}", x.at(std::log10(volume)), y.at(std::log10(per_million)));
  };
  std::string path;
  double from = least;
  for (const Step& step : stairs) {
    const double to = std::min(step.up_to_requests_per_day, most);
    if (to <= from || from >= most) continue;
    path += (path.empty() ? "M" : "L") + point(from, step.monthly_cost) + "L" + point(to, step.monthly_cost);
    from = to;
  }
  return path;
}

std::string log_grid(const Axis& x, const Axis& y) {
  std::string out;
  for (int power = static_cast<int>(std::ceil(y.low)); power <= y.high; ++power) {
    out += svg::line("grid", x.from, y.at(power), x.to, y.at(power));
    out += svg::text(x.from - 6, y.at(power) + 4, "end", short_number(std::pow(10, power)));
  }
  for (int power = static_cast<int>(std::ceil(x.low)); power <= x.high; ++power) {
    out += svg::line("grid", x.at(power), y.from, x.at(power), y.to);
    out += svg::text(x.at(power), y.from + 16, "middle", short_number(std::pow(10, power)));
  }
  return out + svg::line("axis", x.from, y.from, x.to, y.from);
}

/// Of all variants, at the ends of the drawn volumes: the least and the highest cost per million above zero.
std::pair<double, double> per_million_range(const Report& r, double least) {
  double low = 0, high = 0;
  for (const auto& stairs : r.staircases) {
    for (const Step& step : stairs) {
      const double end = std::min(step.up_to_requests_per_day, r.drawn_up_to);
      const double per_million = step.monthly_cost / (end * cost::kDaysPerMonth / 1e6);
      if (per_million > 0) low = low > 0 ? std::min(low, per_million) : per_million;
    }
    if (!stairs.empty()) high = std::max(high, stairs.front().monthly_cost / (least * cost::kDaysPerMonth / 1e6));
  }
  return {low > 0 ? low * 0.8 : 0.1, high > 0 ? high * 1.2 : 1};
}

/// Names are where the stairs are still low, what the marks mean where they have risen.
std::string legend(const Report& r, double width, double height) {
  constexpr double kLine = 20;
  std::string out;
  for (size_t i = 0; i < r.scenario.variants.size(); ++i) {
    const double y = kTop + 10 + kLine * static_cast<double>(i);
    out += svg::rect("swatch " + css_of(i), kLeft + 12, y, 12, 12);
    out += svg::text(kLeft + 30, y + 10, "start", r.scenario.variants[i].name);
  }
  return out +
         svg::text(width - kRight - 6, height - kBottom - 10, "end", "● from here on it pays   ┊ volumes asked for");
}

std::string line_colours(const std::array<std::string_view, kNumLineStyles>& colours) {
  std::string css;
  for (size_t i = 0; i < colours.size(); ++i) {
    css +=
        fmt::format(".v{0}{{--key:{1}}}.v{0}.stairs{{stroke:{1}}}.v{0}.even,.v{0}.swatch{{fill:{1}}}\n", i, colours[i]);
  }
  return css;
}

}  // namespace

std::string cost_line_style() {
  return fmt::format("{}{}@media(prefers-color-scheme:dark){{\n{}}}\n", kCostLineShapes, line_colours(kLightLines),
                     line_colours(kDarkLines));
}

std::string staircase_picture(const Report& r, double width, double height) {
  return open_svg(width > 500 ? "wide" : "narrow", width, height, "monthly cost against requests a day") +
         stairs_of(r, width, height) + "</svg>";
}

std::string per_million_picture(const Report& r, double width, double height) {
  const double least = r.drawn_up_to / std::pow(10, kDecades);
  const auto [low, high] = per_million_range(r, least);
  const Axis x = log_axis(least, r.drawn_up_to, kLeft, width - kRight), y = log_axis(low, high, height - kBottom, kTop);
  std::string out =
      open_svg(width > 500 ? "wide" : "narrow", width, height, "cost per million requests against requests a day");
  out += log_grid(x, y);
  for (size_t i = 0; i < r.staircases.size(); ++i) {
    out += fmt::format(R"(<path class="stairs {}" d="{}"/>)", css_of(i),
                       falling_path(r.staircases[i], least, r.drawn_up_to, x, y));
  }
  out += svg::text((x.from + x.to) / 2, height - 8, "middle", "requests a day");
  return out + svg::side_text(13, (y.from + y.to) / 2, named(r, "cost per million")) + "</svg>";
}

std::string staircase_file(const Report& r) {
  return open_svg("wide", kFileWidth, kFileHeight, "monthly cost against requests a day") +
         fmt::format("<style>{}{}</style>", kCostFileStyle, cost_line_style()) + stairs_of(r, kFileWidth, kFileHeight) +
         legend(r, kFileWidth, kFileHeight) + "</svg>\n";
}

}  // namespace burnish::cli
