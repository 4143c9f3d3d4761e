#pragma once
// Everything an engine file holds, in memory: written by compile/, read by runtime/.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/plan.h"

namespace burnish {

/// Bytes with an owner: a vector while building, a mapped file while running. data is aligned to kAlignment.
struct Blob {
  DType dtype = DType::kUndefined;  ///< For constants; kUndefined for packed weights.
  Shape shape;
  std::shared_ptr<const void> owner;
  const std::byte* data = nullptr;
  size_t num_bytes = 0;
  const void* device = nullptr;  ///< Of the same bytes on the GPU that the engine was loaded for; null on CPUs.
};

struct EngineData {
  std::string target_kind;  ///< "cpu", "cuda"
  std::string target_isa;   ///< name_of(Isa), or "sm_90"
  std::string target_fingerprint;
  std::vector<Plan> plans;  ///< One per profile; the first is what the interface is described by.
  std::vector<Blob> blobs;  ///< Shared by all plans, without duplicates.
  /// Build options and provenance: "model.hash", "model.producer", "option.opt_level", "fused.…", …
  std::map<std::string, std::string> metadata;
};

}  // namespace burnish
