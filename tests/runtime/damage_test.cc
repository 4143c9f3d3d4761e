// Damaged engines whose checksums are right: each is refused, fails with an error, or runs within its memory. Most
// telling under the asan preset.
#include <burnish/engine.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "engine/engine_file.h"
#include "runtime/mend_checksums.h"
#include "runtime/test_engines.h"

namespace burnish {
namespace {

// Damage can make a model huge; only small ones are run to the end.
constexpr size_t kMaxArenaBytes = 1 << 20;
constexpr int64_t kMaxInputElements = 1 << 16;

bool set_inputs(const Engine& engine, ExecutionContext& context, std::vector<std::vector<int64_t>>& memory) {
  for (const BindingInfo& input : engine.inputs()) {
    const std::vector<int64_t> shape = engine.input_range(input.name).min;
    int64_t elements = 1;
    for (const int64_t d : shape) {
      if (d > kMaxInputElements) return false;
      elements *= d;
      if (elements > kMaxInputElements) return false;
    }
    memory.emplace_back(static_cast<size_t>(elements) + 1, 0);
    context.set_input_shape(input.name, shape);
    context.set_input(input.name, memory.back().data());
  }
  return true;
}

enum class Outcome { kRefused, kFailed, kRan };

Outcome load_and_run(std::span<const std::byte> bytes) {
  bool loaded = false;
  try {
    const Engine engine = Engine::deserialize(bytes);
    loaded = true;
    ExecutionContext context = engine.create_context(1);
    std::vector<std::vector<int64_t>> memory;
    if (!set_inputs(engine, context, memory)) return Outcome::kFailed;
    context.prepare();
    if (context.arena_bytes() > kMaxArenaBytes) return Outcome::kFailed;
    context.execute();
    return Outcome::kRan;
  } catch (const Exception&) {
    return loaded ? Outcome::kFailed : Outcome::kRefused;
  }
}

class Damage : public ::testing::TestWithParam<EngineData (*)()> {};

TEST_P(Damage, NeverLeavesTheMemory) {
  const auto bytes = serialize_engine(GetParam()());
  ASSERT_EQ(load_and_run(bytes), Outcome::kRan);
  std::mt19937 random(23);
  int count[3] = {};
  for (int round = 0; round < 5000; ++round) {
    auto damaged = bytes;
    for (unsigned n = 1 + random() % 2; n > 0; --n) {
      std::byte& byte = damaged[168 + random() % (damaged.size() - 168)];
      byte = random() % 2 == 0 ? byte ^ std::byte(1U << (random() % 8)) : std::byte(random() % 256);
    }
    testing::mend_checksums(damaged);
    ++count[static_cast<int>(load_and_run(damaged))];
  }
  EXPECT_GT(count[static_cast<int>(Outcome::kRefused)], 100);
  EXPECT_GT(count[static_cast<int>(Outcome::kFailed)], 10);
  EXPECT_GT(count[static_cast<int>(Outcome::kRan)], 100);
}

INSTANTIATE_TEST_SUITE_P(Engines, Damage, ::testing::Values(&testing::small_engine, &testing::conv_engine));

}  // namespace
}  // namespace burnish
