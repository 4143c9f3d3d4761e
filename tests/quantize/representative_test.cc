#include "quantize/representative.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"
#include "quantize/calibrator.h"
#include "quantize/random_data.h"

namespace burnish {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kChannels = 16, kSide = 12;
const Shape kImage{1, kChannels, kSide, kSide};

/// An image-like sample: channels and samples have their own brightness and contrast.
std::vector<float> natural_sample(uint64_t seed, float scale = 1, float shift = 0) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> data;
  const float brightness = normal(random) * 0.4F, contrast = std::exp(normal(random) * 0.3F);
  for (int64_t c = 0; c < kChannels; ++c) {
    const float offset = static_cast<float>(c % 5) * 0.3F - 0.6F + brightness;
    for (int64_t i = 0; i < kSide * kSide; ++i) data.push_back((offset + contrast * normal(random)) * scale + shift);
  }
  return data;
}

/// Two tensors, an input and what ReLU makes of it, observed over a calibration and a held-back part.
class Study {
 public:
  template <typename Sample>
  Study& calibrate(int64_t n, const Sample& sample) {
    for (int64_t i = 0; i < n; ++i) see(sample(static_cast<uint64_t>(i)), calibration_);
    return *this;
  }
  template <typename Sample>
  Study& hold_back(int64_t n, const Sample& sample) {
    for (int64_t i = 0; i < n; ++i) see(sample(static_cast<uint64_t>(i + 100000)), held_back_);
    return *this;
  }
  std::vector<Warning> warnings(Calibrator calibrator = Calibrator::kEntropy) const {
    std::vector<TensorEvidence> tensors;
    for (size_t i = 0; i < 2; ++i) {
      const bool held_back = held_back_[i].num_samples() > 0;
      tensors.push_back({i == 0 ? "image" : "relu", choose_range(calibration_[i], {.calibrator = calibrator}),
                         &calibration_[i], held_back ? &held_back_[i] : nullptr, i == 0});
    }
    return check_representative(tensors);
  }

 private:
  static void see(const std::vector<float>& data, std::vector<Observer>& observers) {
    observers[0].observe(data.data(), kImage);
    observers[1].observe(relu(data).data(), kImage);
  }
  std::vector<Observer> calibration_ = std::vector<Observer>(2, Observer(1));
  std::vector<Observer> held_back_ = std::vector<Observer>(2, Observer(1));
};

std::vector<WarningKind> kinds(const std::vector<Warning>& warnings) {
  std::vector<WarningKind> kinds;
  for (const Warning& w : warnings) kinds.push_back(w.kind);
  return kinds;
}

std::string all_texts(const std::vector<Warning>& warnings) {
  std::string text;
  for (const Warning& w : warnings) text += w.text + "\n";
  return text;
}

std::vector<float> natural(uint64_t seed) {
  return natural_sample(seed);
}

TEST(Representative, AGoodSetIsQuiet) {
  for (uint64_t set = 0; set < 40; ++set) {
    const auto sample = [&](uint64_t seed) { return natural_sample(seed + set * 1000000); };
    const int64_t held_back = static_cast<int64_t>(set % 8) + 1;
    for (const Calibrator c : {Calibrator::kMinMax, Calibrator::kPercentile, Calibrator::kEntropy, Calibrator::kMse}) {
      const auto warnings = Study().calibrate(36, sample).hold_back(held_back, sample).warnings(c);
      EXPECT_THAT(kinds(warnings), IsEmpty()) << name_of(c) << " set " << set << "\n" << all_texts(warnings);
    }
  }
}

TEST(Representative, FewSamples) {
  const auto warnings = Study().calibrate(5, natural).warnings();
  ASSERT_THAT(kinds(warnings), ElementsAre(WarningKind::kFewSamples));
  EXPECT_EQ(warnings[0].figure, 5);
  EXPECT_EQ(warnings[0].tensor, "");
}

TEST(Representative, ConstantImages) {
  const auto grey = [](uint64_t seed) {
    return std::vector<float>(static_cast<size_t>(kImage.num_elements()), normal_data(1, 0, 1, seed)[0]);
  };
  const auto coloured = [](uint64_t seed) {
    std::vector<float> data;
    for (const float level : normal_data(kChannels, 0, 1, seed)) data.insert(data.end(), kSide * kSide, level);
    return data;
  };
  for (const auto& warnings : {Study().calibrate(40, grey).hold_back(4, grey).warnings(),
                               Study().calibrate(40, coloured).hold_back(4, coloured).warnings()}) {
    EXPECT_THAT(kinds(warnings), Contains(WarningKind::kConstantSamples));
    EXPECT_EQ(warnings[0].tensor, "image");
  }
}

TEST(Representative, TheSameImageAgainAndAgain) {
  const auto same = [](uint64_t) { return natural_sample(7); };
  const auto warnings = Study().calibrate(40, same).hold_back(4, same).warnings();
  EXPECT_THAT(kinds(warnings), ElementsAre(WarningKind::kSameSamples, WarningKind::kSameSamples));
}

TEST(Representative, BlackImages) {
  const auto black = [](uint64_t) { return std::vector<float>(static_cast<size_t>(kImage.num_elements())); };
  EXPECT_THAT(kinds(Study().calibrate(40, black).warnings()), ElementsAre(WarningKind::kDead, WarningKind::kDead));
}

TEST(Representative, HeldBackSamplesOfAnotherScale) {
  const auto large = [](uint64_t seed) { return natural_sample(seed, 3); };
  const auto warnings = Study().calibrate(40, natural).hold_back(4, large).warnings(Calibrator::kMinMax);
  EXPECT_THAT(kinds(warnings), Contains(WarningKind::kOutsideRange)) << all_texts(warnings);
  EXPECT_GT(warnings[0].figure, 1e-3);
  EXPECT_THAT(warnings[0].text, testing::HasSubstr("'image': "));
}

TEST(Representative, ClippingByLessThanAStepIsNone) {
  const auto clamped_to = [](float top) {
    return [top](uint64_t seed) {
      std::vector<float> data = natural_sample(seed);
      for (float& x : data) x = std::clamp(x, -2.0F, top);
      return data;
    };
  };
  const auto warnings = [&](float top) {
    return Study().calibrate(40, clamped_to(2)).hold_back(4, clamped_to(top)).warnings(Calibrator::kMinMax);
  };
  EXPECT_THAT(kinds(warnings(2.003F)), testing::Not(Contains(WarningKind::kOutsideRange)));
  EXPECT_THAT(kinds(warnings(2.2F)), Contains(WarningKind::kOutsideRange));
}

TEST(Representative, CalibrationThatForgotToNormalise) {
  const auto bytes = [](uint64_t seed) { return natural_sample(seed, 60, 120); };
  const auto warnings = Study().calibrate(40, bytes).hold_back(4, natural).warnings();
  EXPECT_THAT(kinds(warnings), Contains(WarningKind::kOtherDistribution));
  EXPECT_THAT(kinds(Study().calibrate(40, natural).hold_back(4, bytes).warnings()),
              testing::IsSupersetOf({WarningKind::kOtherDistribution, WarningKind::kOutsideRange}));
}

TEST(Representative, NoiseInsteadOfImages) {
  const auto noise = [](uint64_t seed) { return uniform_data(kImage.num_elements(), 0, 1, seed); };
  EXPECT_THAT(kinds(Study().calibrate(40, noise).hold_back(4, natural).warnings()),
              Contains(WarningKind::kOtherDistribution));
}

TEST(Representative, ALayerThatOneSampleExercises) {
  const auto dim = [](uint64_t seed) { return natural_sample(seed, seed == 17 ? 1 : 1e-3F); };
  const auto warnings = Study().calibrate(40, dim).warnings();
  EXPECT_THAT(kinds(warnings), Contains(WarningKind::kRarelyExercised));
  EXPECT_DOUBLE_EQ(warnings[0].figure, 1.0 / 40);
}

TEST(Representative, ChannelsThatOnlyHeldBackSamplesMove) {
  const auto half = [](uint64_t seed) {
    std::vector<float> data = natural_sample(seed);
    std::fill(data.begin() + static_cast<int64_t>(data.size()) / 2, data.end(), 0.0F);
    return data;
  };
  EXPECT_THAT(kinds(Study().calibrate(40, half).hold_back(4, natural).warnings()),
              Contains(WarningKind::kDeadChannels));
  EXPECT_THAT(kinds(Study().calibrate(40, half).hold_back(4, half).warnings()), IsEmpty());
}

TEST(Representative, NanIsReported) {
  const auto broken = [](uint64_t seed) {
    std::vector<float> data = natural_sample(seed);
    if (seed == 3) data[9] = std::numeric_limits<float>::quiet_NaN();
    return data;
  };
  const auto warnings = Study().calibrate(40, broken).warnings();
  ASSERT_THAT(kinds(warnings), ElementsAre(WarningKind::kNotFinite)) << "ReLU made 0 of it";
  EXPECT_EQ(warnings[0].figure, 1);
}

TEST(Representative, KolmogorovSmirnov) {
  const auto histogram = [](const std::vector<float>& data) {
    Observer observer;
    observer.observe(data.data(), Shape{static_cast<int64_t>(data.size())});
    return observer.histogram();
  };
  const Histogram a = histogram(uniform_data(200000, 0, 1, 1));
  EXPECT_EQ(kolmogorov_smirnov(a, a), 0);
  EXPECT_NEAR(kolmogorov_smirnov(a, histogram(uniform_data(200000, 0.25F, 1.25F, 2))), 0.25, 0.01);
  EXPECT_NEAR(kolmogorov_smirnov(histogram(uniform_data(200000, 0, 4, 3)), a), 0.75, 0.01);
  EXPECT_NEAR(kolmogorov_smirnov(a, histogram(uniform_data(200000, 0, 1e6F, 4))), 1, 0.01);
  const Histogram zeros = histogram(std::vector<float>(9));
  EXPECT_EQ(kolmogorov_smirnov(zeros, zeros), 0);
  EXPECT_NEAR(kolmogorov_smirnov(a, zeros), 1, 0.01);
  EXPECT_NEAR(kolmogorov_smirnov(zeros, histogram(uniform_data(1000, -1e-5F, 0, 5))), 1, 0.01);
  EXPECT_NEAR(kolmogorov_smirnov(histogram({0, 0, 0, 1}), histogram({0, 1, 1, 1})), 0.5, 1e-9);
  EXPECT_EQ(kolmogorov_smirnov(a, Histogram()), 0);
}

TEST(Representative, SplitsAreEvenAndTheSameEveryTime) {
  const SampleSplit split = split_samples(10, 0.2);
  EXPECT_THAT(split.held_back, ElementsAre(4, 9));
  EXPECT_EQ(split.calibration.size(), 8U);
  EXPECT_THAT(split_samples(5, 0).held_back, IsEmpty());
  EXPECT_THAT(split_samples(0, 0.5).calibration, IsEmpty());
  EXPECT_THAT(split_samples(1, 0.99).calibration, ElementsAre(0));
  for (const double fraction : {0.1, 0.25, 1.0 / 3, 0.7, 0.95}) {
    for (int64_t n = 1; n < 200; ++n) {
      const SampleSplit s = split_samples(n, fraction);
      EXPECT_EQ(static_cast<int64_t>(s.held_back.size()), static_cast<int64_t>(static_cast<double>(n) * fraction));
      EXPECT_EQ(static_cast<int64_t>(s.held_back.size() + s.calibration.size()), n);
      EXPECT_FALSE(s.calibration.empty());
    }
  }
  EXPECT_THROW(split_samples(10, 1), Error);
  EXPECT_THROW(split_samples(10, -0.1), Error);
  EXPECT_THROW(split_samples(10, std::nan("")), Error);
}

}  // namespace
}  // namespace burnish
