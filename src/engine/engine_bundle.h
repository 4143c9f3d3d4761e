#pragma once
// Several engines of one model in one file, each for another target. docs/engine-format.md describes the bytes.
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/engine_data.h"

namespace burnish {

inline constexpr uint32_t kBundleFormatVersion = 1;

/// At least two engines, each as in a file of its own, in this order.
std::vector<std::byte> serialize_bundle(std::span<const EngineData> engines);

/// What an engine in a file is for, and its bytes: those that parse_engine() takes.
struct EngineVariant {
  std::string target_kind, target_isa, target_fingerprint;
  std::span<const std::byte> bytes;
};
/// The engines of a bundle, or the one that the file is. Only heads and targets are read and checked. bytes must be
/// aligned to kAlignment. origin names the source in errors. Throws kCorrupt and kMismatch.
std::vector<EngineVariant> engine_variants(std::span<const std::byte> bytes, const std::string& origin);

}  // namespace burnish
