#pragma once
// What goes through an optimised graph when samples run: its values made visible, and observed.
#include <map>
#include <set>
#include <string>

#include "builder/model_compiler.h"
#include "builder/sample_runner.h"
#include "quantize/observer.h"

namespace burnish {

/// An engine of the graph whose outputs are these values, by their names, besides the graph's own.
EngineData compile_visible(ModelCompiler& compiler, const Graph& graph, const OptimizationProfile& profile,
                           const std::set<std::string>& values);

using Observations = std::map<std::string, Observer>;

/// Runs the samples and observes FLOAT values; axes: each value's channel axis. Reports the stage "calibrate".
Observations observe(ModelCompiler& compiler, const Graph& graph, const OptimizationProfile& profile,
                     const std::map<std::string, int>& axes, const Samples& samples, std::span<const int64_t> indices);

}  // namespace burnish
