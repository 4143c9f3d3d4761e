#pragma once
// The interval of real numbers that the integers of a quantised tensor cover.
#include <algorithm>

namespace burnish {

/// low ≤ high. Ranges that calibrators choose contain 0, so that padding and ReLU's zeros are exact.
struct Range {
  float low = 0;
  float high = 0;
  bool operator==(const Range&) const = default;
  float absmax() const { return std::max(-low, high); }
};

}  // namespace burnish
