#pragma once
// Bytes of the host, copied to a GPU once and for all.
#include <memory>
#include <span>
#include <vector>

#include "kernels/target.h"

namespace burnish {

struct DeviceCopies {
  std::shared_ptr<void> owner;
  std::vector<const void*> addresses;  ///< Of every range given; equal ranges share their copy.
};

/// Returns when everything is there. Throws kOutOfMemory.
DeviceCopies copy_to_device(std::span<const std::span<const std::byte>> ranges, const Target& target);

}  // namespace burnish
