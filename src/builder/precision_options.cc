#include "builder/precision_options.h"

#include <cmath>

#include "base/error.h"
#include "builder/profiles.h"
#include "quantize/calibrator.h"

namespace burnish {
namespace {

/// Of optimisation: layers are fused from here on.
constexpr int kLowestLevel = 2;

}  // namespace

void check_precision_options(const BuildOptions& options) {
  const PrecisionOptions& o = options.precision;
  check(o.calibrate.empty() || !o.next_samples, ErrorCode::kInvalidArgument,
        "samples are given by paths or from memory, not both");
  check(!(o.bf16 && o.fp16), ErrorCode::kInvalidArgument, "floats can be stored as BF16 or as FP16, not both");
  check(!o.int8 || o.has_samples() || !o.calibration_cache.empty(), ErrorCode::kInvalidArgument,
        "--int8 needs --calibrate DATA: some unlabelled samples of the model's inputs (or a --calibration-cache)");
  check(!o.best || o.has_samples(), ErrorCode::kInvalidArgument,
        "--best needs --calibrate DATA: some unlabelled samples to measure accuracy with");
  check(!o.has_samples() || o.any(), ErrorCode::kInvalidArgument,
        "--calibrate is given, but no precision to use it for: add --int8, --bf16, --fp16 or --best");
  check((o.labels.empty() && o.metric_command.empty()) || o.has_samples(), ErrorCode::kInvalidArgument,
        "labels and metrics need the samples that they judge: add --calibrate DATA");
  check(o.labels.empty() || o.metric_command.empty(), ErrorCode::kInvalidArgument,
        "accuracy is measured by --labels or by --metric, not by both");
  check(!std::isnan(o.accuracy_drop), ErrorCode::kInvalidArgument, "the accuracy drop is not a number");
  check(!o.any() || options.opt_level >= kLowestLevel, ErrorCode::kInvalidArgument,
        "lower precision needs optimised graphs: optimisation level {} or higher, not {}", kLowestLevel,
        options.opt_level);
  parse_calibrator(o.calibrator);
}

void check_sample_shapes(const Samples& samples, const OptimizationProfile& profile) {
  for (const auto& [name, shapes] : profile.inputs) {
    const Shape item = samples.item_shape(name);
    for (int i = 0; i < item.rank() && i + 1 < shapes.min.rank(); ++i) {
      if (shapes.min[i + 1] <= item[i] && item[i] <= shapes.max[i + 1]) continue;
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("the samples of '{}' are {} each, but the first profile is \"{}\"", name, to_string(item),
                              to_string(profile)))
          .with_hint("cut or pad the samples, or give a --profile that they fit");
    }
  }
}

}  // namespace burnish
