#pragma once
// Measured steps as text and as JSON.
#include <burnish/engine.h>

#include <vector>

#include "cli/command.h"

namespace burnish::cli {

Json steps_to_json(const std::vector<StepTiming>& steps);
/// Every step in order, then the sums by operator and tactic, the slowest first.
void print_steps(const std::vector<StepTiming>& steps);

/// At most `width` characters, the middle left out.
std::string shorten(const std::string& text, size_t width);

}  // namespace burnish::cli
