#include "ops/attributes.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"
#include "ops/activation.h"

namespace burnish {
namespace {

TEST(Attributes, TypedReading) {
  AttributeMap a;
  a.set("axis", int64_t{-1});
  a.set("pads", std::vector<int64_t>{1, 2});
  EXPECT_EQ(a.get_int("axis", 0), -1);
  EXPECT_EQ(a.get_int("other", 7), 7);
  EXPECT_EQ(a.get_ints("pads"), (std::vector<int64_t>{1, 2}));
  EXPECT_FALSE(a.get_tensor("value").defined());
  EXPECT_THROW(a.get_float("axis", 0), Error);
  a.erase("axis");
  EXPECT_FALSE(a.has("axis"));
}

TEST(Attributes, TextIsDeterministic) {
  AttributeMap a;
  a.set("scales", std::vector<float>{1, 0.5F});
  a.set("mode", std::string("a\"b"));
  a.set("axis", int64_t{1});
  EXPECT_EQ(to_string(a), "axis=1, mode=\"a\\\"b\", scales=[1.0,0.5]");
}

TEST(Attributes, EqualityByContent) {
  AttributeMap a;
  AttributeMap b;
  a.set("value", Tensor::from_ints(std::vector<int64_t>{1, 2}));
  b.set("value", Tensor::from_ints(std::vector<int64_t>{1, 2}));
  EXPECT_TRUE(a == b);
  EXPECT_EQ(to_string(a), to_string(b));
  b.set("value", Tensor::from_ints(std::vector<int64_t>{1, 3}));
  EXPECT_FALSE(a == b);
  EXPECT_NE(to_string(a), to_string(b));
  a.set("value", std::numeric_limits<float>::quiet_NaN());
  EXPECT_TRUE(a == AttributeMap(a));
}

TEST(Activation, NamesAndAttributesRoundTrip) {
  AttributeMap attrs;
  set_activation(attrs, {ActivationKind::kClip, -1, 6});
  const Activation clip = activation_of(attrs);
  EXPECT_EQ(clip.kind, ActivationKind::kClip);
  EXPECT_EQ(apply(clip, 8), 6);
  EXPECT_EQ(apply(clip, -8), -1);
  set_activation(attrs, {});
  EXPECT_TRUE(attrs.values().empty());
  EXPECT_THROW(parse_activation("relu7"), Error);
}

TEST(Activation, Values) {
  const auto at = [](ActivationKind kind, float x, float alpha = 0, float beta = 0) {
    return apply({kind, alpha, beta}, x);
  };
  EXPECT_FLOAT_EQ(at(ActivationKind::kSigmoid, 0), 0.5F);
  EXPECT_FLOAT_EQ(at(ActivationKind::kSigmoid, -200), 0);
  EXPECT_FLOAT_EQ(at(ActivationKind::kSilu, 1), 0.731058579F);
  EXPECT_FLOAT_EQ(at(ActivationKind::kGelu, 1), 0.841344746F);
  EXPECT_FLOAT_EQ(at(ActivationKind::kGeluTanh, 1), 0.841191991F);
  EXPECT_FLOAT_EQ(at(ActivationKind::kHardSwish, 1), 2.0F / 3);
  EXPECT_FLOAT_EQ(at(ActivationKind::kHardSigmoid, 1, 0.2F, 0.5F), 0.7F);
  EXPECT_FLOAT_EQ(at(ActivationKind::kLeakyRelu, -2, 0.1F), -0.2F);
}

}  // namespace
}  // namespace burnish
