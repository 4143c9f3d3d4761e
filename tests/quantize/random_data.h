#pragma once
// Seeded random tensors with known distributions.
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace burnish {

inline std::vector<float> normal_data(int64_t n, float mean, float deviation, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal(mean, deviation);
  std::vector<float> data(static_cast<size_t>(n));
  for (float& x : data) x = normal(random);
  return data;
}

inline std::vector<float> uniform_data(int64_t n, float low, float high, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<float> uniform(low, high);
  std::vector<float> data(static_cast<size_t>(n));
  for (float& x : data) x = uniform(random);
  return data;
}

inline std::vector<float> laplace_data(int64_t n, float scale, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::exponential_distribution<float> exponential(1 / scale);
  std::vector<float> data(static_cast<size_t>(n));
  for (float& x : data) x = (random() & 1U) != 0 ? exponential(random) : -exponential(random);
  return data;
}

inline std::vector<float> relu(std::vector<float> data) {
  for (float& x : data) x = x > 0 ? x : 0;
  return data;
}

}  // namespace burnish
