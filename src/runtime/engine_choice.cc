#include "runtime/engine_choice.h"

#include "base/error.h"
#include "base/file.h"
#include "engine/engine_bundle.h"
#include "engine/engine_file.h"
#include "kernels/cuda/device.h"

namespace burnish {
namespace {

/// "sm_90" of GPU `device`; empty where there is none.
std::string gpu_here(int device) {
  if (device < 0 || device >= cuda::num_devices()) return "";
  return fmt::format("sm_{}", cuda::Device::get(device).info().sm);
}

const EngineVariant& choose(const std::vector<EngineVariant>& variants, int device) {
  const std::string gpu = gpu_here(device);
  const EngineVariant* chosen = nullptr;
  std::vector<std::string> targets;
  for (const EngineVariant& v : variants) {
    targets.push_back(v.target_kind == "cpu" ? "cpu" : v.target_isa);
    const bool is_for_gpu = v.target_kind == "cuda" && v.target_isa == gpu;
    if (is_for_gpu || (v.target_kind == "cpu" && chosen == nullptr)) chosen = &v;
  }
  if (chosen != nullptr) return *chosen;
  throw Error(ErrorCode::kMismatch, fmt::format("the file holds engines for {}; this machine has {}",
                                                fmt::join(targets, ", "), gpu.empty() ? "no such GPU" : gpu))
      .with_hint(fmt::format("build one for it with `burnish build --target {}`", gpu.empty() ? "cpu" : "cuda"));
}

}  // namespace

EngineData choose_engine(std::span<const std::byte> bytes, const std::shared_ptr<const void>& owner,
                         const std::string& origin, int device) {
  const auto variants = engine_variants(bytes, origin);
  const EngineVariant& variant = variants.size() == 1 ? variants.front() : choose(variants, device);
  return parse_engine(variant.bytes, owner, origin);
}

std::vector<EngineData> read_engines(const std::string& path) {
  const auto file = MappedFile::open(path);
  std::vector<EngineData> engines;
  for (const EngineVariant& v : engine_variants(file->bytes(), path)) {
    engines.push_back(parse_engine(v.bytes, file, path));
  }
  return engines;
}

EngineData choose_engine(const std::string& path, int device) {
  const auto file = MappedFile::open(path);
  return choose_engine(file->bytes(), file, path, device);
}

}  // namespace burnish
