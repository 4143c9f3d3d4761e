#pragma once
// Which of the engines in a file this machine runs.
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/engine_data.h"

namespace burnish {

/// The only engine; of several the one for GPU `device`, else the one for the CPU. bytes must be aligned to kAlignment;
/// owner keeps them alive. Throws kMismatch naming the targets in the file when none fits, and what parse_engine()
/// throws.
EngineData choose_engine(std::span<const std::byte> bytes, const std::shared_ptr<const void>& owner,
                         const std::string& origin, int device);
EngineData choose_engine(const std::string& path, int device);
/// All engines in the file, in its order.
std::vector<EngineData> read_engines(const std::string& path);

}  // namespace burnish
