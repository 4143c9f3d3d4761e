#include "builder/precision_choice.h"

namespace burnish {
namespace {

void check_options(const PrecisionOptions& o) {
  check(!(o.bf16 && o.fp16), ErrorCode::kInvalidArgument, "floats can be stored as BF16 or as FP16, not both");
  check(!o.int8 || !o.calibrate.empty() || !o.calibration_cache.empty(), ErrorCode::kInvalidArgument,
        "--int8 needs --calibrate DATA: some unlabelled samples of the model's inputs (or a --calibration-cache)");
}

}  // namespace

PrecisionChoice choose_precision(ModelCompiler& compiler, const OptimizationProfile& /*profile*/) {
  const PrecisionOptions& options = compiler.options().precision;
  check_options(options);
  PrecisionChoice choice;
  if (options.bf16) choice.plan.floats = DType::kBFloat16;
  if (options.fp16) choice.plan.floats = DType::kFloat16;
  return choice;
}

}  // namespace burnish
