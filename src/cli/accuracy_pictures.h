#pragma once
// The pictures of the accuracy page, as inline SVG. Colours and fonts are classes of the page's style.
#include <string>

#include "cli/accuracy_report.h"

namespace burnish::cli {

/// SQNR in dB of every layer in order of execution; each bar leads to the element "layer<i>" of the page.
std::string noise_picture(const AccuracyReport& report);

/// What a layer's input holds, elements on a logarithmic scale, and which part of it the integers cover. Empty where
/// nothing was observed.
std::string input_picture(const AccuracyLayer& layer);

/// Share of the observed elements beyond the range that integers cover, to a bin's width. Requires both.
double clipped_share(const AccuracyLayer& layer);

}  // namespace burnish::cli
