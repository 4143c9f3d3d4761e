#pragma once
// Measured steps as text and as JSON.
#include <burnish/engine.h>

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace burnish::cli {

nlohmann::ordered_json steps_to_json(const std::vector<StepTiming>& steps);
/// Every step in order, then the sums by operator and tactic, the slowest first.
void print_steps(const std::vector<StepTiming>& steps);

/// At most `width` characters, the middle left out.
std::string shorten(const std::string& text, size_t width);

}  // namespace burnish::cli
