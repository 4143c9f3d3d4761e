#include "quantize/output_kind.h"

#include <gtest/gtest.h>

#include <limits>

#include "quantize/random_data.h"

namespace burnish {
namespace {

OutputKind guess(const std::vector<float>& data, const Shape& shape) {
  return guess_output_kind(data.data(), shape);
}

template <typename F>
void for_rows(std::vector<float>& data, int64_t width, const F& f) {
  for (size_t at = 0; at < data.size(); at += static_cast<size_t>(width)) f(data.data() + at);
}

/// Noise, and one class in each row that stands out.
std::vector<float> logits(int64_t rows, int64_t classes, uint64_t seed) {
  std::vector<float> data = normal_data(rows * classes, 0, 2, seed);
  std::mt19937_64 random(seed);
  for_rows(data, classes, [&](float* row) { row[random() % static_cast<uint64_t>(classes)] = 17; });
  return data;
}

void softmax(std::vector<float>& data, int64_t width, bool logarithm) {
  for_rows(data, width, [&](float* row) {
    double sum = 0;
    for (int64_t i = 0; i < width; ++i) sum += std::exp(row[i]);
    for (int64_t i = 0; i < width; ++i) {
      row[i] = logarithm ? static_cast<float>(row[i] - std::log(sum)) : static_cast<float>(std::exp(row[i]) / sum);
    }
  });
}

void scale_rows(std::vector<float>& data, int64_t width, double length) {
  for_rows(data, width, [&](float* row) {
    double sum = 0;
    for (int64_t i = 0; i < width; ++i) sum += static_cast<double>(row[i]) * row[i];
    for (int64_t i = 0; i < width; ++i) row[i] = static_cast<float>(row[i] * length / std::sqrt(sum));
  });
}

TEST(OutputKind, LogitsAreClasses) {
  for (const int64_t classes : {2, 10, 63, 100, 1000, 21841}) {
    for (const int64_t rows : {1, 5, 32}) {
      EXPECT_EQ(guess(logits(rows, classes, 1), Shape{rows, classes}), OutputKind::kClasses) << rows << " " << classes;
    }
  }
}

TEST(OutputKind, TheSameLogitsAgainAndAgainAreClasses) {
  std::vector<float> data = logits(1, 10, 1);
  for (int i = 0; i < 10; ++i) data.push_back(data[static_cast<size_t>(i)]);
  EXPECT_EQ(guess(data, Shape{2, 10}), OutputKind::kClasses);
}

TEST(OutputKind, ProbabilitiesAreClasses) {
  for (const bool logarithm : {false, true}) {
    for (const int64_t classes : {2, 10, 1000}) {
      std::vector<float> data = normal_data(4 * classes, 0, 1, 1);  // undecided, so that only the sums tell
      softmax(data, classes, logarithm);
      EXPECT_EQ(guess(data, Shape{4, classes}), OutputKind::kClasses);
    }
  }
  EXPECT_EQ(guess({1, 0, 0, 0, 0, 1}, Shape{2, 3}), OutputKind::kClasses) << "certain, though of length 1";
}

TEST(OutputKind, EmbeddingsAreNot) {
  std::vector<float> unit = normal_data(9 * 384, 0, 1, 1), same = unit, peaked = unit;
  scale_rows(unit, 384, 1);
  EXPECT_EQ(guess(unit, Shape{9, 384}), OutputKind::kOther);
  scale_rows(same, 384, 19.6);
  EXPECT_EQ(guess(same, Shape{9, 384}), OutputKind::kOther);
  EXPECT_EQ(guess(normal_data(9 * 768, 0, 1, 2), Shape{9, 768}), OutputKind::kOther) << "of any length";
  for_rows(peaked, 384, [](float* row) { row[100] = 15 + row[0]; });
  EXPECT_EQ(guess(peaked, Shape{9, 384}), OutputKind::kOther) << "with an outlier dimension";
  unit.resize(384);
  EXPECT_EQ(guess(unit, Shape{1, 384}), OutputKind::kOther) << "a single row";
  EXPECT_EQ(guess(relu(laplace_data(8 * 2048, 1, 3)), Shape{8, 2048}), OutputKind::kOther) << "pooled features";
  std::vector<float> quaternions = normal_data(40, 0, 1, 4);
  scale_rows(quaternions, 4, 1);
  EXPECT_EQ(guess(quaternions, Shape{10, 4}), OutputKind::kOther);
}

TEST(OutputKind, OtherShapesAreNot) {
  const std::vector<float> data = logits(2, 1000, 1);
  EXPECT_EQ(guess(data, Shape{2000}), OutputKind::kOther);
  EXPECT_EQ(guess(data, Shape{2000, 1}), OutputKind::kOther);
  EXPECT_EQ(guess(data, Shape{2, 10, 100}), OutputKind::kOther);
  EXPECT_EQ(guess(data, Shape{0, 1000}), OutputKind::kOther);
  EXPECT_EQ(guess(std::vector<float>(100001, 0.5F), Shape{1, 100001}), OutputKind::kOther);
}

TEST(OutputKind, NanIsNot) {
  std::vector<float> data = logits(2, 10, 1);
  data[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(guess(data, Shape{2, 10}), OutputKind::kOther);
}

}  // namespace
}  // namespace burnish
