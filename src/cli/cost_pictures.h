#pragma once
// The pictures of `burnish cost`, as SVG, drawn for a given width. Variants have the classes v0 to v5, over and over.
#include <string>

#include "cost/report.h"

namespace burnish::cli {

inline constexpr int kNumLineStyles = 6;

/// The style of the variants' lines, as --key what paints their swatches.
std::string cost_line_style();
/// Monthly cost against volume: a staircase for every variant, break-even points, the volumes that were asked for.
std::string staircase_picture(const cost::Report& report, double width, double height);
/// Cost per million requests against volume, both logarithmic.
std::string per_million_picture(const cost::Report& report, double width, double height);
/// Pixels of staircase_file(), wide and high.
inline constexpr double kFileWidth = 860, kFileHeight = 420;
/// The staircases as a file of their own, with its style and a legend.
std::string staircase_file(const cost::Report& report);

}  // namespace burnish::cli
