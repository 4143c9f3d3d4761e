#pragma once
// Outlier channels of transformers: activations are scaled down where they are wide and the weights up in return, as
// far as that lowers the expected error of the products.
#include <optional>
#include <vector>

#include "ops/encoding.h"
#include "quantize/equalize.h"
#include "quantize/observer.h"

namespace burnish {

struct BalancedValue {
  Encoding encoding;           ///< Of the value times its factors.
  std::vector<float> factors;  ///< By channel: what the value is multiplied with, and the weights divided by.
};

/// For a value that only matrix products read; by_input: each weight's layout along its input channels. The share that
/// moves (SmoothQuant's α) is the one with the least expected error; nullopt when leaving all as it is is as good.
std::optional<BalancedValue> balance_channels(const Observer& observer, const Encoding& plain,
                                              const std::vector<const Tensor*>& weights,
                                              const std::vector<ChannelLayout>& by_input);

}  // namespace burnish
