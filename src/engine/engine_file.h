#pragma once
// The .engine file. Writer and reader stand side by side in engine_file.cc; docs/engine-format.md describes the bytes.
//
// Deterministic: equal EngineData give equal bytes. The reader trusts nothing: every size and index is checked, every
// section carries a checksum, and a foreign version, target kind or ISA is refused with both sides named.
#include <memory>
#include <string>

#include "base/file.h"
#include "engine/engine_data.h"

namespace burnish {

inline constexpr uint32_t kEngineFormatVersion = 1;

std::vector<std::byte> serialize_engine(const EngineData& data);
/// Through AtomicFile, without a second copy of the weights in memory.
void write_engine(const EngineData& data, const std::string& path);
/// Blobs point into bytes, which owner keeps alive. origin names the source in errors.
EngineData parse_engine(std::span<const std::byte> bytes, const std::shared_ptr<const void>& owner,
                        const std::string& origin);
EngineData read_engine(const std::string& path);
/// Target and metadata alone, from the head and the meta section. Nothing else is read or checked.
EngineData parse_engine_target(std::span<const std::byte> bytes, const std::string& origin);

}  // namespace burnish
