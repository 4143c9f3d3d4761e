// Every tactic behind an engine: right by the reference, and not to be led out of its packed weights.
#include <gmock/gmock.h>

#include <random>

#include "engine/engine_file.h"
#include "runtime/mend_checksums.h"
#include "runtime/tactic_engines.h"
#include "runtime/test_tactics.h"

namespace burnish {
namespace {

using testing::make_engine;
using testing::OperatorCase;

struct TacticCase {
  OperatorCase op;
  const Tactic* tactic;
  std::string config;
};

std::vector<TacticCase> all_cases() {
  std::vector<TacticCase> cases;
  const Target target = detect_cpu(2);
  for (const OperatorCase& op : testing::operator_cases()) {
    const Problem problem = testing::problem_of(op);
    for (const Tactic* tactic : cpu_tactics()) {
      const auto ops = tactic->ops();
      if (std::find(ops.begin(), ops.end(), op.op) == ops.end() || !tactic->supports(problem, target)) continue;
      for (const std::string& config : tactic->candidates(problem, target)) cases.push_back({op, tactic, config});
    }
  }
  return cases;
}

std::string name_of_case(const ::testing::TestParamInfo<TacticCase>& info) {
  std::string name = info.param.op.name + "_" + std::string(info.param.tactic->name()) + "_" + info.param.config;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
}

void PrintTo(const TacticCase& c, std::ostream* out) {
  *out << c.op.name << " by " << c.tactic->name();
}

std::vector<float> run(const Engine& engine) {
  ExecutionContext context = engine.create_context(2);
  std::vector<Tensor> memory;
  for (const BindingInfo& input : engine.inputs()) {
    memory.push_back(testing::test_weights(Shape(std::span(input.shape))));
    context.set_input(input.name, memory.back().data());
  }
  context.execute();
  return testing::floats_of(context, "out");
}

class EveryTactic : public ::testing::TestWithParam<TacticCase> {
 protected:
  EngineData engine() const { return tactic_engine(GetParam().op, *GetParam().tactic, GetParam().config); }
};

TEST_P(EveryTactic, AgreesWithTheReference) {
  const auto got = run(make_engine(engine()));
  const auto expected = run(make_engine(tactic_engine(GetParam().op, *find_tactic("cpu.reference"), "")));
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-5) << i;
}

TEST_P(EveryTactic, RefusesPackedWeightsOfAnotherSize) {
  const EngineData good = engine();
  for (const int32_t blob : good.plans[0].steps[0].packed) {
    for (const size_t missing : {size_t{4}, good.blobs[static_cast<size_t>(blob)].num_bytes}) {
      EngineData data = good;
      data.blobs[static_cast<size_t>(blob)].num_bytes -= missing;
      EXPECT_THROW(run(make_engine(data)), Exception) << missing << " bytes less";
    }
  }
  if (good.plans[0].steps[0].packed.empty()) return;
  EngineData data = good;
  data.plans[0].steps[0].packed.pop_back();
  EXPECT_THROW(run(make_engine(data)), Exception) << "one blob less";
}

// Meant for the asan preset: whatever is read, written or divided by must stay within bounds.
TEST_P(EveryTactic, SurvivesDamagedPlans) {
  const auto bytes = serialize_engine(engine());
  std::mt19937 random(29);
  size_t plans = 0, num_plans = 0;
  std::memcpy(&plans, bytes.data() + 32 + 32 + 8, 8);
  std::memcpy(&num_plans, bytes.data() + 32 + 32 + 16, 8);
  int ran = 0;
  for (int round = 0; round < 400; ++round) {
    auto damaged = bytes;
    std::byte& byte = damaged[plans + random() % num_plans];
    byte = random() % 2 == 0 ? byte ^ std::byte(1U << (random() % 8)) : std::byte(random() % 256);
    testing::mend_checksums(damaged);
    try {
      const Engine engine = Engine::deserialize(damaged);
      ExecutionContext context = engine.create_context(1);
      std::vector<double> memory(1 << 16);
      bool small = true;
      for (const BindingInfo& input : engine.inputs()) {
        double elements = 1;
        for (const int64_t d : input.shape) elements *= static_cast<double>(d);
        small = small && elements <= 1 << 16;
        context.set_input(input.name, memory.data());
      }
      context.prepare();
      if (!small || context.arena_bytes() > 1 << 20) continue;
      context.execute();
      ++ran;
    } catch (const Exception&) {
    }
  }
  EXPECT_GT(ran, 0);
}

INSTANTIATE_TEST_SUITE_P(All, EveryTactic, ::testing::ValuesIn(all_cases()), name_of_case);

}  // namespace
}  // namespace burnish
