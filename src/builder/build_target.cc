#include "builder/build_target.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/error.h"
#include "base/thread_pool.h"
#include "kernels/cuda/nvrtc.h"

namespace burnish {
namespace {

constexpr std::string_view kCuda = "cuda";
constexpr int kFirstSmWithTf32 = 80;

/// N of "cuda:N", 0 of "cuda".
int device_of(std::string_view text) {
  if (text == kCuda) return 0;
  int device = -1;
  if (text.starts_with("cuda:")) {
    const auto [end, error] = std::from_chars(text.data() + kCuda.size() + 1, text.data() + text.size(), device);
    if (error != std::errc() || end != text.data() + text.size()) device = -1;
  }
  if (device >= 0) return device;
  throw Error(ErrorCode::kInvalidArgument, fmt::format("there is no target '{}'", text))
      .with_hint("targets are cpu, cuda (the first GPU), cuda:N and sm_80, sm_90, … (a GPU that is not at hand)");
}

/// 90 of "sm_90"; 0 for anything else.
int capability_of(std::string_view text) {
  constexpr std::string_view kPrefix = "sm_";
  int sm = 0;
  if (!text.starts_with(kPrefix)) return 0;
  const auto [end, error] = std::from_chars(text.data() + kPrefix.size(), text.data() + text.size(), sm);
  return error == std::errc() && end == text.data() + text.size() ? sm : 0;
}

Target target_of(const std::string& text, int num_threads) {
  if (text == "cpu") return detect_cpu(num_threads);
  const int sm = capability_of(text);
  return sm > 0 ? absent_gpu(sm, num_threads) : detect_cuda(device_of(text), num_threads);
}

void check_gpu_options(const BuildOptions& options) {
  if (!cuda::nvrtc_available()) cuda::compile_cubin("", "sm_90", "nothing");  // says what is missing
  const PrecisionOptions& o = options.precision;
  const bool absent = capability_of(options.target) > 0;
  check(!absent || !o.has_samples(), ErrorCode::kUnsupported,
        "accuracy cannot be measured for {}, which is not at hand: leave out --calibrate and --best", options.target);
  check(!o.int8, ErrorCode::kUnsupported, "engines for GPUs cannot compute on INT8 yet: leave out --int8");
}

}  // namespace

int gpu_of(std::string_view targets) {
  for (const std::string& target : split_targets(targets)) {
    if (target.starts_with(kCuda)) return device_of(target);
  }
  return 0;
}

std::vector<std::string> split_targets(std::string_view text) {
  std::vector<std::string> targets;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    targets.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  std::set<std::string> distinct(targets.begin(), targets.end());
  check(distinct.size() == targets.size(), ErrorCode::kInvalidArgument, "the targets '{}' name one twice", text);
  return targets;
}

bool has_tf32(const Target& target) {
  return target.is_cuda() && target.sm >= kFirstSmWithTf32;
}

bool has_tf32(std::string_view targets) {
  return std::ranges::any_of(split_targets(targets), [](const std::string& t) { return has_tf32(target_of(t, 1)); });
}

Target build_target(const BuildOptions& options) {
  Target target = target_of(options.target, options.num_threads > 0 ? options.num_threads : num_available_cores());
  if (target.is_cuda()) check_gpu_options(options);
  return target;
}

}  // namespace burnish
