#include "builder/channel_balance.h"

#include <cmath>

#include "builder_case.h"

namespace burnish {
namespace {

constexpr int64_t kRows = 200, kDepth = 24, kColumns = 48;

/// X·W, X between −1 and 1 but for channel 3, which is made wide.
struct Product {
  explicit Product(float width) : x(random_floats({kRows, kDepth}, 1)), w(random_floats({kDepth, kColumns}, 2, 0.1F)) {
    for (int64_t i = 0; i < x.num_elements(); ++i) {
      x.as<float>()[i] = std::tanh(x.as<float>()[i]) * (i % kDepth == 3 ? width : 1);
    }
    observer.observe(x.as<float>(), x.shape(), kRows);
    const ScaleAndZero s = uint8_scale({observer.min(), observer.max()});
    plain = {DType::kUInt8, s.scale, s.zero};
  }

  std::optional<BalancedValue> balanced() const {
    return balance_channels(observer, plain, {&w}, {ChannelLayout::of(w.shape(), 0)});
  }

  /// Squared error of the product of X·factors in the encoding and quantised W/factors.
  double error(const Encoding& encoding, const std::vector<float>& factors) const {
    Tensor scaled = w.clone();
    divide_channels(scaled.as<float>(), ChannelLayout::of(w.shape(), 0), factors);
    const QuantizedWeights q = quantize_weights(scaled.as<float>(), ChannelLayout::of(w.shape(), 1));
    double total = 0;
    for (int64_t r = 0; r < kRows; ++r) {
      for (int64_t n = 0; n < kColumns; ++n) {
        double exact = 0, actual = 0;
        for (int64_t k = 0; k < kDepth; ++k) {
          const float a = x.as<float>()[r * kDepth + k];
          const auto code = quantize(a * factors[static_cast<size_t>(k)], encoding);
          exact += double{a} * w.as<float>()[k * kColumns + n];
          actual += double{encoding.scale} * (code - encoding.zero) * q.codes[static_cast<size_t>(k * kColumns + n)] *
                    q.scales[static_cast<size_t>(n)];
        }
        total += (exact - actual) * (exact - actual);
      }
    }
    return total;
  }

  Tensor x, w;
  Observer observer{1};
  Encoding plain;
};

TEST(ChannelBalance, AnOutlierIsMadeNarrowAndTheProductMoreExact) {
  const Product p(50);
  const auto balanced = p.balanced();
  ASSERT_TRUE(balanced);
  ASSERT_EQ(balanced->factors.size(), static_cast<size_t>(kDepth));
  EXPECT_LT(balanced->factors[3], balanced->factors[2] / 4);
  EXPECT_LT(p.error(balanced->encoding, balanced->factors), p.error(p.plain, std::vector<float>(kDepth, 1.0F)) / 3);
}

TEST(ChannelBalance, EvenChannelsAreLeftAlone) {
  EXPECT_FALSE(Product(1).balanced());
}

TEST(ChannelBalance, WhatDoesNotFitIsLeftAlone) {
  const Product p(50);
  const Tensor other = random_floats({kDepth + 1, 4}, 3);
  EXPECT_FALSE(balance_channels(p.observer, p.plain, {&p.w, &other},
                                {ChannelLayout::of(p.w.shape(), 0), ChannelLayout::of(other.shape(), 0)}));
  EXPECT_FALSE(balance_channels(p.observer, p.plain, {}, {}));
  EXPECT_FALSE(balance_channels(Observer(1), p.plain, {&p.w}, {ChannelLayout::of(p.w.shape(), 0)}));
}

}  // namespace
}  // namespace burnish
